"""All of an account at once: one fold over a stream's records."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from futures_stream.records import Balance, Execution, Order, Position, PositionChange, Record
from futures_stream.trackers.balances import Balances, BalanceTracker
from futures_stream.trackers.derived import position_changes
from futures_stream.trackers.order_views import Orders
from futures_stream.trackers.orders import OrderTracker
from futures_stream.trackers.position_views import Positions
from futures_stream.trackers.positions import PositionTracker
from futures_stream.trackers.tracker import Tracker

__all__ = ["AccountTracker"]


class AccountTracker:
    """
    Follows orders, positions and balances of one account.

    :meth:`apply` returns what became of positions, as records that belong right behind the one that was folded; so it
    can be handed to ``open_stream(monitors=[…])`` as it is, or run over records of your own::

        account = AccountTracker()
        for record in records:
            for news in account.apply(record):
                print(kind_of(news), news.symbol, news.change)
        print(account.positions, account.orders.open, account.balances["USDT"].free)

    Args:
        exchange: Whose records it takes; None for whose come first.
        account: Of which account; None for which comes first.
        symbols: The contracts that the stream listens to; None for all.
        orders: An order tracker with bounds of its own.

    Threads:
        One thread folds; the views are callable from any.
    """

    def __init__(
        self,
        exchange: str | None = None,
        account: str | None = None,
        symbols: Collection[str] | None = None,
        *,
        orders: OrderTracker | None = None,
    ) -> None:
        self.order_tracker = OrderTracker(exchange, account, symbols) if orders is None else orders
        self.position_tracker = PositionTracker(exchange, account, symbols)
        self.balance_tracker = BalanceTracker(exchange, account)
        trackers: tuple[Tracker, ...] = (self.order_tracker, self.position_tracker, self.balance_tracker)
        self._trackers = trackers
        self._others = {one: tuple(other for other in trackers if other is not one) for one in trackers}
        self._concerned: dict[type[Record], Tracker] = {}

    def apply(self, record: Record) -> list[PositionChange]:
        """
        Fold a record; return what became of positions because of it.

        Raises:
            ConfigError: It is a record of another account.
        """
        concerned = self._concerned.get(type(record))
        if concerned is None:
            return self._tell_all(record)
        change = concerned.apply(record)
        for tracker in self._others[concerned]:
            tracker.come_to(record.received_ns)
        return position_changes(change) if concerned is self.position_tracker else []

    def fold(self, records: Sequence[Record]) -> None:
        """
        Fold records that came together, without a word on what they changed: as :meth:`apply` of each, in less time.

        What is usual among them is not counted in the trackers' ``counts``, and a finished order counts its age from
        the last of them.

        Raises:
            ConfigError: One of them is a record of another account.
        """
        if not records:
            return
        at, end = 0, len(records)
        if not self._concerned:
            self.apply(records[0])
            at = 1
        for tracker in self._trackers:
            tracker.come_to(records[-1].received_ns)
        concerned = self._concerned
        while at < end:
            about = concerned.get(type(records[at]))
            next_at = at if about is None else about.hurry(records, at)
            if next_at == at:
                self.apply(records[at])
                next_at += 1
            at = next_at

    def _tell_all(self, record: Record) -> list[PositionChange]:
        """Fold a record with all trackers: a notice, or the first of all, by which they learn whom they follow."""
        self.order_tracker.apply(record)
        self.balance_tracker.apply(record)
        news = position_changes(self.position_tracker.apply(record))
        if not self._concerned:
            self._concerned = {
                Order: self.order_tracker,
                Execution: self.order_tracker,
                Position: self.position_tracker,
                Balance: self.balance_tracker,
            }
        return news

    def due(self, now_ms: int) -> list[PositionChange]:
        """Look at the time: nothing becomes of a position by that alone."""
        return []

    @property
    def orders(self) -> Orders:
        """The orders as they stand now, frozen."""
        return self.order_tracker.view

    @property
    def positions(self) -> Positions:
        """The open positions as they stand now, frozen."""
        return self.position_tracker.view

    @property
    def balances(self) -> Balances:
        """The balances as they stand now, frozen."""
        return self.balance_tracker.view

    def __repr__(self) -> str:
        return f"<AccountTracker: {self.orders!r}, {self.positions!r}, {self.balances!r}>"

    def _repr_html_(self) -> str:
        """Show the three views as tables in a notebook."""
        return self.positions._repr_html_() + self.orders._repr_html_() + self.balances._repr_html_()
