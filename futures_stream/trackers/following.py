"""All of an account at once: one fold over a stream's records."""

from __future__ import annotations

from collections.abc import Collection

from futures_stream.records import PositionChange, Record
from futures_stream.trackers.balances import Balances, BalanceTracker
from futures_stream.trackers.derived import position_changes
from futures_stream.trackers.order_views import Orders
from futures_stream.trackers.orders import OrderTracker
from futures_stream.trackers.position_views import Positions
from futures_stream.trackers.positions import PositionTracker

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

    def apply(self, record: Record) -> list[PositionChange]:
        """
        Fold a record; return what became of positions because of it.

        Raises:
            ConfigError: It is a record of another account.
        """
        self.order_tracker.apply(record)
        self.balance_tracker.apply(record)
        return position_changes(self.position_tracker.apply(record))

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
