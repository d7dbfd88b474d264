"""Waiting for records, orders and states; nothing is taken from a consumer's queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from futures_stream.engine.lifecycle import Lifecycle, Status
from futures_stream.errors import ConfigError, StreamFailed
from futures_stream.records import Order, Record
from futures_stream.stream.watching import ExpectedOrder, OrderWatch, RecordWatch, Watch, status_called
from futures_stream.vocabulary import OrderStatus, State

if TYPE_CHECKING:  # see stream.py
    from futures_stream.engine.delivery import Delivery
    from futures_stream.stream.views import Views

__all__ = ["Waiting"]

FactT = TypeVar("FactT")


class Waiting:
    """
    Waits for what a stream tells; each method is one of the stream's, and returns None where that says TimeoutError.

    Args:
        delivery: The stream's records.
        lifecycle: Where the stream stands.
        views: What is known of the account.

    Threads:
        Every method is callable from any thread but the stream's own.
    """

    def __init__(self, delivery: Delivery, lifecycle: Lifecycle, views: Views) -> None:
        self._delivery = delivery
        self._lifecycle = lifecycle
        self._views = views

    def for_record(self, predicate: Callable[[Record], object], timeout: float | None) -> Record | None:
        """Wait for a record that is delivered from now on."""
        with RecordWatch(self._delivery) as watch:
            return watch.first(predicate, timeout)

    def for_order(
        self,
        order_id: str | None,
        client_order_id: str | None,
        until: OrderStatus | str,
        timeout: float | None,
    ) -> Order | None:
        """Wait until an order has a status; what came before counts."""
        wanted = status_called(until)
        watch = OrderWatch(self._delivery, self._views, order_id, client_order_id)
        with watch:
            return watch.reach(wanted, timeout)

    def for_fact(self, fact: Callable[[], FactT], timeout: float | None) -> FactT | None:
        """Wait until something is true of the views, or of anything else that changes with what is told."""
        with Watch(self._delivery) as watch:
            found = watch.until(lambda: (told,) if (told := fact()) else None, timeout)
        return None if found is None else found[0]

    def expect(self, order_id: str | None, client_order_id: str | None) -> ExpectedOrder:
        """Return what follows an order that is about to be placed."""
        watch = OrderWatch(self._delivery, self._views, order_id, client_order_id, fresh=True)
        return ExpectedOrder(watch, self._views)

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
