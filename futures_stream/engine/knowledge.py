"""What a stream has told of the account so far: as much as it takes to see whether something is missing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Sequence

from attrs import field, frozen

from futures_stream.dialects.identity import Key, keyed
from futures_stream.records import Order, Position, Record
from futures_stream.vocabulary import PositionStatus

__all__ = ["Knowledge", "Picture"]

_MOST_ORDERS = 10_000  # of which the newest are kept; an order that is open is never forgotten
_MOST_TRADES = 100_000


@frozen(kw_only=True)
class Picture:
    """
    The account at one moment, as far as it was told.

    Attributes:
        orders: Open orders by id.
        positions: Open positions by key.
    """

    orders: dict[str, Order] = field(factory=dict)
    positions: dict[Key, Position] = field(factory=dict)


class Knowledge:
    """
    Follows what is delivered.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self) -> None:
        self._orders: OrderedDict[str, Order] = OrderedDict()
        self._positions: dict[Key, Position] = {}
        self._trades: OrderedDict[Key, None] = OrderedDict()
        self._symbols: dict[str, None] = {}
        self._touched: set[tuple[str, Key]] | None = None

    def follow(self, records: Sequence[Record]) -> None:
        """Take note of what is delivered."""
        for record in records:
            found = keyed(record)
            if found is None:
                continue
            kind, key = found
            if self._touched is not None:
                self._touched.add(found)
            if record.symbol is not None:
                self._symbols[record.symbol] = None
            if kind == "orders":
                self._note_order(record)
            elif kind == "positions":
                self._note_position(key, record)
            elif kind == "executions":
                self._note_trade(key)

    def watch(self) -> set[tuple[str, Key]]:
        """Return a set into which goes what is told from now on."""
        self._touched = set()
        return self._touched

    def look_away(self) -> None:
        """Stop filling the set that :meth:`watch` gave."""
        self._touched = None

    def knows_trade(self, key: Key) -> bool:
        """Tell whether an execution has been delivered."""
        return key in self._trades

    @property
    def symbols(self) -> tuple[str, ...]:
        """The contracts that the stream has told of."""
        return tuple(self._symbols)

    def picture(self) -> Picture:
        """Return what is open now."""
        return Picture(
            orders={order_id: order for order_id, order in self._orders.items() if not order.status.final},
            positions=dict(self._positions),
        )

    def is_open(self, kind: str, key: Key) -> bool:
        """Tell whether, for all that was told, this is open; a balance always is."""
        if kind == "positions":
            return key in self._positions
        if kind == "orders":
            order = self._orders.get(str(key[0]))
            return order is not None and not order.status.final
        return True

    def keep_only(self, kind: str, symbol: str | None, keys: Container[Key]) -> None:
        """Forget what is open and not among *keys*, which are all there are (of one symbol, if one is given)."""
        if kind == "positions":
            for key, position in tuple(self._positions.items()):
                if key not in keys and symbol in (None, position.symbol):
                    del self._positions[key]
        elif kind == "orders":
            for order_id, order in tuple(self._orders.items()):
                if not order.status.final and (order_id,) not in keys and symbol in (None, order.symbol):
                    del self._orders[order_id]

    def order(self, order_id: str) -> Order | None:
        """Return the last that was told of an order."""
        return self._orders.get(order_id)

    def _note_order(self, record: Record) -> None:
        assert isinstance(record, Order)
        if record.order_id is not None:
            self._orders[record.order_id] = record
            self._orders.move_to_end(record.order_id)
            if len(self._orders) > _MOST_ORDERS:
                ended = next((id_ for id_, order in self._orders.items() if order.status.final), None)
                if ended is not None:
                    del self._orders[ended]

    def _note_position(self, key: Key, record: Record) -> None:
        assert isinstance(record, Position)
        if record.size == 0 or record.status not in (PositionStatus.OPEN, PositionStatus.UNKNOWN):
            self._positions.pop(key, None)
        else:
            self._positions[key] = record

    def _note_trade(self, key: Key) -> None:
        self._trades[key] = None
        if len(self._trades) > _MOST_TRADES:
            self._trades.popitem(last=False)
