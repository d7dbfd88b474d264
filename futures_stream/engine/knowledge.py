"""What a stream has told of the account so far: as much as it takes to see whether something is missing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container, Iterator, Sequence
from itertools import islice
from typing import Any

from attrs import evolve

from futures_stream.dialects.identity import Key, is_open, keyed
from futures_stream.dialects.ordering import Precedence, by_time, of_orders
from futures_stream.engine.picture import Collected, Picture
from futures_stream.records import Balance, Execution, Order, Position, PositionResult, Record, Snapshot, TriggerOrder
from futures_stream.vocabulary import Mark, OrderStatus, Origin

__all__ = ["Knowledge", "set_mark"]

_MOST_NAMES = 10_000  # contracts and assets: far more than any exchange lists
_AT_ONCE = 64  # as many go at once as a part of those that are remembered
_OPEN_AT_MOST = 10  # times as many orders as are remembered may be open: no exchange allows a hundredth of that
_OLDER = Precedence.OLDER
_PUSH = Origin.PUSH  # an enum's attributes are slow to look up
_ENDS = frozenset(status for status in OrderStatus if status.final)
_LATE = frozenset({Mark.LATE})
_CONFLICT = frozenset({Mark.CONFLICT})
_CLASSES: dict[str, type[Record]] = {"orders": Order, "positions": Position, "balances": Balance}


class Knowledge:
    """
    Follows what is delivered, on its way there.

    An execution, or what came of a position, that was told already is not told again. What is older than what was told
    of the same thing, or has the id of another execution, is told and marked, and what is known stays as it is.

    Args:
        most_orders: How many are remembered; one that is open is not forgotten before all that have ended, and not
            before ten times as many are open. Then a tenth of *most_orders* are, those that were told of first.
        most_trades: How many executions are remembered, by their ids.

    Attributes:
        repeated: How many of those were not told again.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, most_orders: int = 10_000, most_trades: int = 100_000) -> None:
        self.repeated = 0
        self._most_orders = most_orders
        self._most_trades = most_trades
        self._orders: dict[str, Order] = {}
        self._ended: dict[str, None] = {}  # those of the orders that have, the oldest first
        self._positions: dict[Key, Position] = {}
        self._balances: dict[Key, Balance] = {}
        self._triggers: OrderedDict[str, TriggerOrder] = OrderedDict()
        self._times: OrderedDict[tuple[str, Key], int] = OrderedDict()  # of the newest push about each
        self._trades: OrderedDict[Key, int] = OrderedDict()
        self._symbols: dict[str, None] = {}
        self._touched: set[tuple[str, Key]] | None = None
        self._results: OrderedDict[Key, None] = OrderedDict()
        self._collected: Collected | None = None
        self._pushed: dict[type[Record], Record] = {}  # the last of each class
        self._notes: dict[type[Record], Callable[[Any], Record | None]] = {
            Order: self._note_order,
            Position: self._note_position,
            Execution: self._note_trade,
            Balance: self._note_balance,
            Snapshot: self._note_set,
            TriggerOrder: self._note_trigger,
            PositionResult: self._note_result,
        }

    def admit(self, records: list[Record]) -> list[Record]:
        """Take note of what is about to be delivered, and return what is to be: the same list if it is all as usual."""
        notes, orders, ended = self._notes, self._orders, self._ended
        news = () if self._touched is not None else self._symbols  # where a new order is nothing but a new order
        admitted: list[Record] | None = None
        told: Record | None
        for place, record in enumerate(records):
            if type(record) is Order and record.symbol in news and (key := record.order_id) and key not in orders:
                orders[key] = told = record
                if record.status in _ENDS:
                    ended[key] = None
            else:
                note = notes.get(type(record))
                told = record if note is None else note(record)
            if told is not record and admitted is None:
                admitted = records[:place]
            if admitted is not None and told is not None:
                admitted.append(told)
        if len(orders) > self._most_orders:
            self._make_room()
        self._pushed.update({type(record): record for record in records if record.origin is _PUSH})
        return records if admitted is None else admitted

    def pushed_at(self, kind: str) -> int:
        """Return when a kind of state was last pushed, in ms since 1970 by this machine's clock; 0 if it never was."""
        last = self._pushed.get(_CLASSES[kind]) if kind in _CLASSES else None
        return 0 if last is None else last.received_ns // 1_000_000

    @property
    def said_at(self) -> int | None:
        """The latest time, by the exchange's clock, that the last pushes of each kind tell of; None if none does."""
        return max((last.timestamp for last in self._pushed.values() if last.timestamp is not None), default=None)

    def watch(self) -> set[tuple[str, Key]]:
        """Return a set into which goes what is told from now on."""
        self._touched = set()
        return self._touched

    def look_away(self) -> None:
        """Stop filling the set that :meth:`watch` gave."""
        self._touched = None

    def collect(self) -> Collected:
        """Return what every event is added to that is told from now on, until :meth:`collect_no_more`."""
        self._collected = Collected()
        return self._collected

    def collect_no_more(self) -> None:
        """Stop filling what :meth:`collect` gave."""
        self._collected = None

    def knows_event(self, kind: str, key: Key) -> bool:
        """Tell whether an event has been delivered."""
        return key in (self._trades if kind == "executions" else self._results)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The contracts that the stream has told of."""
        return tuple(self._symbols)

    def picture(self) -> Picture:
        """Return what is open now."""
        return Picture(
            orders={order_id: order for order_id, order in self._orders.items() if not order.status.final},
            positions=dict(self._positions),
            balances=dict(self._balances),
        )

    def is_open(self, kind: str, key: Key) -> bool:
        """Tell whether, for all that was told, this is open; a balance always is."""
        if kind == "positions":
            return key in self._positions
        if kind == "orders":
            order = self._orders.get(str(key[0]))
            return order is not None and not order.status.final
        if kind == "trigger_orders":
            trigger = self._triggers.get(str(key[0]))
            return trigger is not None and not trigger.status.final
        return True

    def missing_from(self, kind: str, scope: Sequence[str | None], keys: Container[Key]) -> dict[Key, Record]:
        """
        Return what is open and not among *keys*, although these are all there are.

        Args:
            kind: The kind of state.
            scope: What they are all of: (product, symbol), with None for any.
            keys: The keys of a full set.
        """
        product, symbol = (*scope, None, None)[:2]
        return {
            key: record
            for key, record in self._open_of(kind)
            if key not in keys and product in (None, record.product) and symbol in (None, record.symbol)
        }

    def _open_of(self, kind: str) -> Iterator[tuple[Key, Record]]:
        if kind == "positions":
            yield from self._positions.items()
        elif kind == "orders":
            yield from (((order_id,), order) for order_id, order in self._orders.items() if not order.status.final)

    def keep_only(self, kind: str, scope: Sequence[str | None], keys: Container[Key]) -> None:
        """Forget what is missing from a full set, see :meth:`missing_from`."""
        for key in self.missing_from(kind, scope, keys):
            self._touch(kind, key, None)
            if kind == "positions":
                del self._positions[key]
            else:
                del self._orders[str(key[0])]

    def order(self, order_id: str) -> Order | None:
        """Return the last that was told of an order."""
        return self._orders.get(order_id)

    def _note_order(self, order: Order) -> Record:
        order_id = order.order_id
        if order_id is None:
            return order
        if self._touched is not None or order.symbol not in self._symbols:
            self._touch("orders", (order_id,), order.symbol)
        orders = self._orders
        last = orders.get(order_id)
        if last is not None:
            if order.origin is last.origin is _PUSH and of_orders(last, order) is _OLDER:
                return evolve(order, marks=order.marks | _LATE)
            if last.status in _ENDS and order.status not in _ENDS:
                self._ended.pop(order_id, None)
        orders[order_id] = order
        if order.status in _ENDS:
            self._ended[order_id] = None
        return order

    def _make_room(self) -> None:
        if self._ended:
            # The first of a dict take the longer to find, the more were in front of them and are not any more.
            many = len(self._orders) - self._most_orders + self._most_orders // _AT_ONCE
            for order_id in list(islice(self._ended, many)):
                del self._ended[order_id], self._orders[order_id]
        elif len(self._orders) > self._most_orders * _OPEN_AT_MOST:  # the tenth that was told of first
            for order_id in list(islice(self._orders, self._most_orders // 10 + 1)):
                del self._orders[order_id]

    def _note_position(self, position: Position) -> Record:
        if position.symbol is None:
            return position
        key = (position.symbol, position.side, position.margin_mode)
        self._touch("positions", key, position.symbol)
        if self._is_late("positions", key, position):
            return evolve(position, marks=position.marks | _LATE)
        if is_open(position):
            self._positions[key] = position
            if len(self._positions) > _MOST_NAMES:
                del self._positions[next(iter(self._positions))]
        else:
            self._positions.pop(key, None)
        return position

    def _note_balance(self, balance: Balance) -> Record:
        if balance.asset is None:
            return balance
        key = (balance.asset,)
        self._touch("balances", key, None)
        if self._is_late("balances", key, balance):
            return evolve(balance, marks=balance.marks | _LATE)
        self._balances[key] = balance
        if len(self._balances) > _MOST_NAMES:
            del self._balances[next(iter(self._balances))]
        return balance

    def _note_trigger(self, trigger: TriggerOrder) -> Record:
        if trigger.order_id is None:
            return trigger
        self._touch("trigger_orders", (trigger.order_id,), trigger.symbol)
        self._triggers[trigger.order_id] = trigger
        self._triggers.move_to_end(trigger.order_id)
        if len(self._triggers) > self._most_orders:
            self._triggers.popitem(last=False)
        return trigger

    def _note_trade(self, execution: Execution) -> Record | None:
        if execution.trade_id is None:
            return execution
        key = (execution.symbol, execution.trade_id)
        self._touch("executions", key, execution.symbol)
        facts = hash((execution.order_id, execution.side, execution.price, execution.size))
        known = self._trades.get(key)
        if known is None:
            self._trades[key] = facts
            if self._collected is not None:
                self._collected.executions.append(execution)
            if len(self._trades) > self._most_trades:
                self._trades.popitem(last=False)
            return execution
        if known == facts or execution.origin is not Origin.PUSH:  # REST may leave out what a push says
            self.repeated += 1
            return None
        return evolve(execution, marks=execution.marks | _CONFLICT)

    def _note_result(self, result: PositionResult) -> Record | None:
        found = keyed(result)
        if found is not None:
            if found[1] in self._results:
                self.repeated += 1
                return None
            self._results[found[1]] = None
            if len(self._results) > self._most_orders:
                self._results.popitem(last=False)
        if self._collected is not None:
            self._collected.results.append(result)
        return result

    def _note_set(self, snapshot: Snapshot) -> Record:
        """The rows before it were all there are: what is not among them is gone."""
        self._touch(*set_mark(snapshot.of, snapshot.scope), None)
        self.keep_only(snapshot.of, snapshot.scope, frozenset(snapshot.keys))
        return snapshot

    def _touch(self, kind: str, key: Key, symbol: str | None) -> None:
        if self._touched is not None:
            self._touched.add((kind, key))
        if symbol is not None and len(self._symbols) < _MOST_NAMES:
            self._symbols[symbol] = None

    def _is_late(self, kind: str, key: Key, record: Record) -> bool:
        """Tell whether a push is older than another one about the same; rows of REST have times of their own."""
        if record.timestamp is None or record.origin is not Origin.PUSH:
            return False
        times, about = self._times, (kind, key)
        newest = times.get(about)
        if by_time(newest, record.timestamp) is _OLDER:
            return True
        times[about] = record.timestamp
        if newest is None and len(times) > _MOST_NAMES:
            times.popitem(last=False)
        return False


def set_mark(kind: str, scope: Sequence[str | None]) -> tuple[str, Key]:
    """Return what stands among what was touched for a full set that was told."""
    product, symbol = (*scope, None, None)[:2]
    return f"set of {kind}", (product, symbol)
