"""The orders of an account at one moment."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from attrs import evolve, frozen

from futures_stream.markup import html_table
from futures_stream.records import Execution, Order
from futures_stream.trackers.arithmetic import divided
from futures_stream.trackers.table import Table
from futures_stream.trackers.trust import Trust

__all__ = ["NOTHING", "Executed", "Kept", "OrderEntry", "OrderState", "Orders", "entry_of", "step", "whole"]


class Executed(NamedTuple):
    """
    The executions of one order, and what they add up to.

    Attributes:
        told: All that were told, to which more may be appended later.
        length: How many of them belong to this.
        size: The sum of their sizes; None if one does not say it.
        cost: The sum of prices times sizes; None if it cannot be known.
    """

    told: list[Execution]
    length: int
    size: Decimal | None
    cost: Decimal | None


NOTHING = Executed([], 0, Decimal(0), Decimal(0))


class OrderEntry(NamedTuple):
    """
    What is known of one order.

    Attributes:
        row: The newest row, as it was told; None while only executions were told.
        order: The order as it stands: the row, what it leaves out, and the most that was filled.
        executed: Its executions.
        gone: Whether it was missing in a full set of open orders.
    """

    row: Any  # an Order, or None
    order: Any  # an Order; None while only executions were told
    executed: Executed
    gone: bool


Kept = Order | OrderEntry
"""An entry, or an order of which there is no more to say than its row."""


def entry_of(kept: Any) -> OrderEntry:
    """Return what was kept of an order as an entry."""
    return kept if type(kept) is OrderEntry else OrderEntry(kept, kept, NOTHING, False)


class Numbered(NamedTuple):
    """An entry, and a number that rises in the order in which orders were told of first."""

    number: int
    entry: OrderEntry


@frozen
class OrderState:
    """What readers see: all orders that are remembered, the open ones, ids by client's id, and what can be believed."""

    trust: Trust
    execution_trust: Trust
    entries: Table[Numbered] = Table()
    open: Table[Numbered] = Table()
    clients: Table[str] = Table()
    told: int = 0
    latest: int = 0


def step(state: OrderState, key: Hashable, kept: Any) -> OrderState:
    """Return the state after an entry was written, or dropped; a key of None is what can be believed."""
    if key is None:
        trust, execution_trust = kept
        return evolve(state, trust=trust, execution_trust=execution_trust)
    known = state.entries.get(key)
    entries, open_, clients, told, latest = state.entries, state.open, state.clients, state.told, state.latest
    told -= known is not None and known.entry.order is not None
    if kept is None:
        entries, open_ = entries.lacking(key), open_.lacking(key)
        order = None if known is None else known.entry.order
        if order is not None and clients.get(order.client_order_id) == key:
            clients = clients.lacking(order.client_order_id)
        return OrderState(state.trust, state.execution_trust, entries, open_, clients, told, latest)
    entry = entry_of(kept)
    latest += known is None
    numbered = Numbered(latest if known is None else known.number, entry)
    entries = entries.having(key, numbered)
    order = entry.order
    if order is not None:
        told += 1
        open_ = open_.lacking(key) if entry.gone or order.status.final else open_.having(key, numbered)
        if order.client_order_id is not None and clients.get(order.client_order_id) != key:
            clients = clients.having(order.client_order_id, str(key))
    return OrderState(state.trust, state.execution_trust, entries, open_, clients, told, latest)


def whole(state: OrderState, entries: Mapping[Any, Kept]) -> OrderState:
    """Return the state with all these entries at once, which are in the order in which they were told of first."""
    everything = {key: Numbered(number, entry_of(kept)) for number, (key, kept) in enumerate(entries.items(), 1)}
    told = {key: each for key, each in everything.items() if each.entry.order is not None}
    ids = {client_id: key for key, each in told.items() if (client_id := each.entry.order.client_order_id) is not None}
    is_open = {key: each for key, each in told.items() if not (each.entry.gone or each.entry.order.status.final)}
    return OrderState(
        state.trust,
        state.execution_trust,
        entries=Table.of(everything),
        open=Table.of(is_open),
        clients=Table.of(ids),
        told=len(told),
        latest=len(everything),
    )


class Orders(Mapping[str, Order]):
    """
    The orders of an account at one moment, by order id, in the order in which they were told of first.

    An order's fields are what the exchange said last, and what it said before where a row leaves something out. One
    that vanished (see :class:`OrderTracker`) has the status ``UNKNOWN``.

    Attributes:
        as_of: When the last record that was folded was received, in ms since 1970.

    Threads:
        Nothing in it changes: callable from any thread.
    """

    __slots__ = ("_products", "_state", "_symbols", "as_of")

    def __init__(
        self,
        state: OrderState,
        as_of: int | None,
        products: Collection[str | None],
        symbols: Collection[str] | None,
    ) -> None:
        self.as_of = as_of
        self._state = state
        self._products = products
        self._symbols = symbols

    def __getitem__(self, order_id: str) -> Order:
        entry = self._entry(order_id)
        order: Order | None = None if entry is None else entry.order
        if order is None:
            raise KeyError(order_id)
        return order

    def _entry(self, order_id: str) -> OrderEntry | None:
        found = self._state.entries.get(order_id)
        return None if found is None else found.entry

    def __iter__(self) -> Iterator[str]:
        return iter(_in_order(self._state.entries))

    def __len__(self) -> int:
        return self._state.told

    @property
    def open(self) -> tuple[Order, ...]:
        """The orders that are open."""
        told = sorted((each for _, each in self._state.open.items()), key=lambda each: each.number)
        return tuple(each.entry.order for each in told)

    def with_client_id(self, client_order_id: str) -> Order | None:
        """Return the order with an id of the caller's own; None if none is known. The latest, if it was used again."""
        order_id = self._state.clients.get(client_order_id)
        return None if order_id is None else self.get(order_id)

    def executions(self, order_id: str) -> tuple[Execution, ...]:
        """Return the executions of an order, the oldest first; also of one whose own rows were not told."""
        entry = self._entry(order_id)
        return () if entry is None else tuple(entry.executed.told[: entry.executed.length])

    def executed(self, order_id: str) -> Decimal | None:
        """Return how much of an order its executions add up to; None if one of them does not say its size."""
        entry = self._entry(order_id)
        return Decimal(0) if entry is None else entry.executed.size

    def average_price(self, order_id: str) -> Decimal | None:
        """
        Return the average price of what was filled: the exchange's, where it gives one, else out of the executions.

        None if it cannot be known: nothing is filled, or the executions do not add up to what is filled.
        """
        entry = self._entry(order_id)
        if entry is None:
            return None
        executed = entry.executed
        order: Order | None = entry.order
        if order is not None and order.average_price:
            return order.average_price
        if order is not None and order.filled is not None and order.filled != executed.size:
            return None
        return divided(executed.cost, executed.size)

    @property
    def trusted(self) -> bool:
        """
        Whether these are all open orders, and as they stand.

        False before the first full set, in a gap, and after one that stayed unproven until a full set has come.
        """
        return self._state.trust.is_whole(self._products, self._symbols)

    def doubted(self) -> Orders:
        """Return the same, not to be trusted."""
        state = evolve(self._state, trust=evolve(self._state.trust, blind=True))
        return Orders(state, self.as_of, self._products, self._symbols)

    @property
    def unproven(self) -> tuple[str, ...]:
        """The kinds (orders, executions) of which it cannot be said that nothing is missing."""
        kinds = () if self.trusted else ("orders",)
        return (*kinds, "executions") if self._state.execution_trust.doubtful else kinds

    def __repr__(self) -> str:
        return f"<Orders: {len(self)}, {len(self._state.open)} open, {'trusted' if self.trusted else 'not trusted'}>"

    def _repr_html_(self) -> str:
        """Show the orders as a table in a notebook, the open ones first; all of it escaped."""
        names = ("order_id", "symbol", "side", "effect", "type", "price", "size", "filled", "status")
        orders = sorted(self.values(), key=lambda order: order.status.final)
        rows = ([getattr(order, name) for name in names] for order in orders)
        return html_table(repr(self).strip("<>"), names, rows, len(self))


def _in_order(table: Table[Numbered]) -> list[str]:
    told = [(each.number, order_id) for order_id, each in table.items() if each.entry.order is not None]
    return [order_id for _, order_id in sorted(told)]
