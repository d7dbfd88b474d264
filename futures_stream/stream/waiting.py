"""Waiting for records, orders and states; nothing is taken from a consumer's queue."""

from __future__ import annotations

from collections.abc import Callable

from futures_stream.clock import Clock, Deadline
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.lifecycle import Lifecycle, Status
from futures_stream.errors import ConfigError, OrderEnded, StreamFailed
from futures_stream.records import Order, Record
from futures_stream.stream.latest_orders import LatestOrders
from futures_stream.stream.overhearing import Overhearing
from futures_stream.vocabulary import OrderStatus, State

__all__ = ["Waiting"]


class Waiting:
    """
    Waits for what a stream tells; each method is one of the stream's, and returns None where that says TimeoutError.

    Args:
        delivery: The stream's records.
        lifecycle: Where the stream stands.
        clock: Measures the waits.

    Threads:
        Every method is callable from any thread but the stream's own.
    """

    def __init__(self, delivery: Delivery, lifecycle: Lifecycle, clock: Clock) -> None:
        self._delivery = delivery
        self._lifecycle = lifecycle
        self._clock = clock
        self._orders = LatestOrders()
        delivery.attach(self._orders, in_front=True)

    def after_fork(self) -> None:
        """In a child that was forked: lock as if it were new."""
        self._orders.after_fork()

    def for_record(self, predicate: Callable[[Record], object], timeout: float | None) -> Record | None:
        """Wait for a record that is delivered from now on."""
        deadline = Deadline(self._clock, timeout)
        with Overhearing(self._delivery, self._lifecycle) as heard:
            return heard.first(predicate, deadline)

    def for_order(
        self,
        order_id: str | None,
        client_order_id: str | None,
        until: OrderStatus | str,
        timeout: float | None,
    ) -> Order | None:
        """Wait until an order has a status; what came before counts."""
        if (order_id is None) == (client_order_id is None):
            raise ConfigError("wait_order() needs either order_id or client_order_id")
        try:
            wanted = OrderStatus(until)
        except ValueError:
            raise ConfigError(f"no order status {until!r}; there are {', '.join(OrderStatus)}") from None

        def is_there(record: Record | None) -> bool:
            if type(record) is not Order:
                return False
            mine = record.order_id == order_id if order_id is not None else record.client_order_id == client_order_id
            return mine and (record.status.final or _satisfies(record.status, wanted))

        deadline = Deadline(self._clock, timeout)
        with Overhearing(self._delivery, self._lifecycle) as heard:  # first, so that nothing comes in between
            known: Record | None = self._orders.find(order_id, client_order_id)
            found = known if is_there(known) else heard.first(is_there, deadline)
        if found is None:
            return None
        assert isinstance(found, Order)
        if found.status.final and not _satisfies(found.status, wanted):
            raise OrderEnded(f"the order ended as {found.status}, not {wanted}", order=found)
        return found

    def for_state(self, state: State | str, timeout: float | None) -> Status | None:
        """Wait until the stream is in a state."""
        try:
            wanted = State(state)
        except ValueError:
            raise ConfigError(f"no state {state!r}; there are {', '.join(State)}") from None
        status = self._lifecycle.wait(lambda now: now.state is wanted or now.state.ended, timeout)
        if status is not None and status.state is not wanted:
            raise StreamFailed(f"the stream is {status.state}, and will never be {wanted}") from status.error
        return status


def _satisfies(status: OrderStatus, wanted: OrderStatus) -> bool:
    """Tell whether an order of this status has been through the wanted one."""
    if wanted is OrderStatus.PARTIALLY_FILLED:
        return status in (OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED)
    return wanted is OrderStatus.NEW or status is wanted
