"""The account as its stream has told of it: folded before anybody finds the records in a queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.engine.plan import Plan
from futures_stream.errors import FuturesStreamError
from futures_stream.records import ChannelLost, Closed, Execution, Live, Order, Record
from futures_stream.trackers import AccountTracker, Balances, Orders, OrderTracker, Positions

__all__ = ["Views"]


class Views:
    """
    Orders, positions and balances of a stream's account; a queue that overflows takes nothing from them.

    It is attached to the delivery in front of the queues: who has a record in hand finds the views as new as that.
    A channel that is given up takes the trust in what it carried along, which the queue needs no notice of.

    Args:
        plan: Whose account.
        lifecycle: Which channels are listened to.
        tracker: Follows the orders.
        mixed: Whether monitors of the user's may add records, of which some may be about other accounts.

    Threads:
        The I/O thread fills it; everything else is callable from any thread, and waits for nobody.
    """

    def __init__(self, plan: Plan, lifecycle: Lifecycle, tracker: OrderTracker, *, mixed: bool = False) -> None:
        self._exchange, self._name = plan.dialect.name, plan.account
        self._mixed = mixed
        self._lifecycle = lifecycle
        self._channels = lifecycle.status.channels
        self._account = AccountTracker(plan.dialect.name, plan.account, plan.symbols, orders=tracker)

    # -- the I/O thread's side --------------------------------------------------------------------------------------

    def deliver(self, records: Sequence[Record]) -> None:
        """Fold what is about to be delivered."""
        if self._lifecycle.status.channels is not self._channels:
            self._note_channels(self._lifecycle.status.channels)
        if self._mixed:
            records = [each for each in records if (each.exchange, each.account) == (self._exchange, self._name)]
        self._account.fold(records)

    def end(self, notice: Closed) -> None:
        """Nothing more comes; what is known stays, and is not to be trusted any more."""
        self._account.fold([notice])

    def _note_channels(self, channels: tuple[str, ...]) -> None:
        """What a channel carried is not to be believed when it is given up, nor, when it is back, before a full set."""
        who: dict[str, Any] = {"exchange": self._exchange, "account": self._name}
        for channel in set(self._channels) - set(channels):
            self._account.fold([ChannelLost(**who, channel=channel, error=FuturesStreamError("given up"))])
        if self._lifecycle.status.blind_since is None:  # else the end of the gap says so
            self._account.fold([Live(**who, channels=tuple(set(channels) - set(self._channels)))])
        self._channels = channels

    # -- everybody's side -------------------------------------------------------------------------------------------

    @property
    def orders(self) -> Orders:
        """The orders."""
        orders = self._account.orders
        return orders if self._hears("orders") else orders.doubted()

    @property
    def positions(self) -> Positions:
        """The open positions."""
        positions = self._account.positions
        return positions if self._hears("positions") else positions.doubted()

    @property
    def balances(self) -> Balances:
        """The balances."""
        balances = self._account.balances
        return balances if self._hears("account") else balances.doubted()

    def order(self, order_id: str | None, client_order_id: str | None) -> Order | None:
        """Return an order as it stands, by one of its ids."""
        return self._account.order_tracker.find(order_id=order_id, client_order_id=client_order_id)

    def has_vanished(self, order: Order) -> bool:
        """Tell whether an order is open no more, without a word on how it ended."""
        return self._account.order_tracker.has_vanished(order.order_id or "")

    def executions(self, order_id: str) -> tuple[Execution, ...]:
        """Return the executions of an order."""
        return self._account.order_tracker.executions(order_id)

    def _hears(self, channel: str) -> bool:
        return channel in self._lifecycle.status.channels
