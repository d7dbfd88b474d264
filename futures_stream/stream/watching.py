"""Following records, one order, or any fact, from some moment on, and missing nothing between two looks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from futures_stream.clock import SYSTEM_CLOCK, Bells, Deadline
from futures_stream.errors import ConfigError, OrderEnded, StreamFailed
from futures_stream.records import Closed, Execution, Order, Record
from futures_stream.stream.selection import Selection
from futures_stream.vocabulary import OrderStatus

if TYPE_CHECKING:  # see stream.py
    from futures_stream.engine.delivery import Delivery
    from futures_stream.stream.views import Views

__all__ = ["ExpectedOrder", "OrderWatch", "RecordWatch", "Watch", "status_called"]

_MOST_UPDATES = 10_000  # of one order that nobody has looked at yet

FoundT = TypeVar("FoundT")
RecordT = TypeVar("RecordT", bound=Record)
WatchT = TypeVar("WatchT", bound="Watch")


class Watch:
    """
    Looks at something again whenever the stream has told something; use it as a block.

    It hears what is delivered inside of the block, and takes it from nobody.

    Args:
        delivery: What the stream tells.
        classes: The classes of record that can change what is looked at; none for all. Notices always may.

    Threads:
        Filled by the I/O thread; the rest is callable from any thread but that one.
    """

    def __init__(self, delivery: Delivery, classes: Sequence[type[Record]] = ()) -> None:
        self._delivery = delivery
        self._bells = Bells()
        self._over: Closed | None = None
        self._selection = Selection(self, classes, detach=delivery.detach)

    def __enter__(self: WatchT) -> WatchT:
        self._delivery.attach(self._selection)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._delivery.detach(self._selection)

    def deliver(self, records: Sequence[Record]) -> None:
        """Take note that something was told."""
        self._bells.ring()

    def end(self, notice: Closed) -> None:
        """Take note that nothing more will be."""
        self._over = notice
        self._bells.ring()

    def until(self, look: Callable[[], FoundT | None], timeout: float | None) -> FoundT | None:
        """
        Look at once, and again whenever something was told, until there is something to see; None if not in time.

        Raises:
            StreamFailed: The stream ended first.
        """
        deadline = Deadline(SYSTEM_CLOCK, timeout)  # as a queue's get(): the one who waits is a thread of the caller's
        while True:
            bell = self._bells.hang()  # first: what comes while we look rings it
            try:
                over = self._over
                found = look()
                if found is not None or deadline.expired:
                    return found
                if over is not None:
                    raise StreamFailed("the stream ended first", exchange=over.exchange) from over.error
                self._bells.wait(bell, deadline.remaining)
            finally:
                self._bells.take_down(bell)


class RecordWatch(Watch):
    """
    Looks at each record, in its turn.

    Args:
        delivery: What the stream tells.
    """

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(delivery)
        self._heard: deque[Record] = deque()

    def deliver(self, records: Sequence[Record]) -> None:
        """Take note of what was told."""
        self._heard.extend(records)
        super().deliver(records)

    def end(self, notice: Closed) -> None:
        """Take note of the last of all."""
        self._heard.append(notice)
        super().end(notice)

    def first(self, predicate: Callable[[Record], object], timeout: float | None) -> Record | None:
        """
        Return the next record that *predicate* is true for; None if none came in time.

        Raises:
            StreamFailed: The stream ended first.
        """
        return self.until(lambda: _first(self._heard, predicate), timeout)


class OrderWatch(Watch):
    """
    Follows one order.

    Args:
        delivery: What the stream tells.
        views: What is known of it.
        order_id: The exchange's id, or
        client_order_id: the caller's own.
        fresh: Whether an order of this id that had ended before is another one.

    Attributes:
        order_id: The exchange's id; None before it was told.

    Raises:
        ConfigError: Not exactly one id.
    """

    def __init__(
        self,
        delivery: Delivery,
        views: Views,
        order_id: str | None,
        client_order_id: str | None,
        *,
        fresh: bool = False,
    ) -> None:
        if (order_id is None) == (client_order_id is None):
            raise ConfigError("give either order_id or client_order_id")
        super().__init__(delivery, (Order,))
        self._views = views
        self._by_client = client_order_id
        self.order_id = order_id
        self._updates: deque[Order] = deque(maxlen=_MOST_UPDATES)
        self._been: set[OrderStatus] = set()
        before = views.order(order_id, client_order_id) if fresh else None
        self._other = before.order_id if before is not None and before.status.final else None

    def deliver(self, records: Sequence[Record]) -> None:
        """Take note of what was told of the order."""
        for record in records:
            if type(record) is Order and self._is_about(record):
                self._been.add(record.status)
                self._updates.append(record)
        super().deliver(records)

    @property
    def latest(self) -> Order | None:
        """The order as it stands now; None if nothing was told of it."""
        order = self._views.order(self.order_id, None if self.order_id else self._by_client)
        if order is None or (self._by_client is not None and order.order_id == self._other):
            return None
        self.order_id = order.order_id
        return order

    def reach(self, wanted: OrderStatus, timeout: float | None) -> Order | None:
        """
        Wait until the order has, or had, a status; return it as it stands then, None if it did not get there in time.

        Raises:
            OrderEnded: It ended otherwise.
            StreamFailed: The stream ended first.
        """
        return self.until(lambda: self._at(wanted), timeout)

    def next_update(self, predicate: Callable[[Order], object], timeout: float | None) -> Order | None:
        """Return the next row of the order that *predicate* is true for, of those that no call has looked at yet."""
        return self.until(lambda: _first(self._updates, predicate), timeout)

    def _at(self, wanted: OrderStatus) -> Order | None:
        order = self.latest
        if order is None:
            return None
        if satisfies(order.status, wanted) or wanted in self._been:
            return order
        if order.status.final:
            raise OrderEnded(f"the order ended as {order.status}, not {wanted}", order=order)
        if self._views.has_vanished(order):
            raise OrderEnded("the order is open no more, and how it ended was not told", order=order)
        return None

    def _is_about(self, order: Order) -> bool:
        if order.order_id is not None and order.order_id == self.order_id:
            return True
        if self._by_client is None or order.client_order_id != self._by_client or order.order_id == self._other:
            return False
        self.order_id = order.order_id
        return True


class ExpectedOrder:
    """
    One order from before it is placed; :meth:`Stream.expect` makes it, and it is used as a block.

    Nothing that comes inside of the block is missed, however late it is asked for::

        with stream.expect(client_order_id="mine-1") as order:
            place_my_order(client_order_id="mine-1")        # it may be filled before this returns
            print(order.wait("filled", timeout=10).average_price)

    Threads:
        Callable from any thread but the stream's own.
    """

    def __init__(self, watch: OrderWatch, views: Views) -> None:
        self._watch = watch
        self._views = views
        self._is_open = False

    def __enter__(self) -> ExpectedOrder:
        self._watch.__enter__()
        self._is_open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_open = False
        self._watch.__exit__(kind, error, traceback)

    @property
    def latest(self) -> Order | None:
        """The order as it stands now; None if nothing was told of it yet."""
        return self._watch.latest

    @property
    def order_id(self) -> str | None:
        """The exchange's id of the order; None before it was told."""
        latest = self._watch.latest
        return self._watch.order_id if latest is None else latest.order_id

    @property
    def executions(self) -> tuple[Execution, ...]:
        """The order's executions, the oldest first."""
        order_id = self.order_id
        return () if order_id is None else self._views.executions(order_id)

    def wait(self, until: OrderStatus | str = OrderStatus.FILLED, timeout: float | None = None) -> Order:
        """
        Wait until the order has a status, and return it; at once if it had that already.

        Args:
            until: The status; ``"partially_filled"`` is reached by a filled order, too.
            timeout: Longest wait, in seconds.

        Raises:
            OrderEnded: The order ended otherwise; the exception has it.
            TimeoutError: It did not get there in time.
            StreamFailed: The stream ended first.
            ConfigError: There is no such status, or the block has not begun or is over.
        """
        wanted = status_called(until)
        self._check_open()
        return self._in_time(self._watch.reach(wanted, timeout), timeout)

    def wait_for(self, predicate: Callable[[Order], object], timeout: float | None = None) -> Order:
        """
        Return the next row of the order that is wanted, as it was told; each is looked at by one call only.

        What came between two calls is looked at first, so that none is missed (of the newest 10,000).

        Args:
            predicate: Called with each row, in the calling thread; true for the one that is wanted.
            timeout: Longest wait, in seconds.

        Raises:
            TimeoutError: None came in time.
            StreamFailed: The stream ended first.
            ConfigError: The block has not begun, or is over.
        """
        self._check_open()
        return self._in_time(self._watch.next_update(predicate, timeout), timeout)

    def __repr__(self) -> str:
        latest = self.latest
        return f"<ExpectedOrder: {'nothing was told of it' if latest is None else latest}>"

    def _check_open(self) -> None:
        if not self._is_open:
            raise ConfigError("an expected order is waited for inside of its block: with stream.expect(…) as order: …")

    def _in_time(self, found: Order | None, timeout: float | None) -> Order:
        if found is None:
            latest = self.latest
            stands = "nothing was told of it" if latest is None else f"it is {latest.status}"
            raise TimeoutError(f"the order did not get there within {timeout:g} s; {stands}")
        return found


def status_called(until: OrderStatus | str) -> OrderStatus:
    """
    Return the status of a name.

    Raises:
        ConfigError: There is none.
    """
    try:
        return OrderStatus(until)
    except ValueError:
        raise ConfigError(f"no order status {until!r}; there are {', '.join(OrderStatus)}") from None


def satisfies(status: OrderStatus, wanted: OrderStatus) -> bool:
    """Tell whether an order of this status has been through the wanted one."""
    if wanted is OrderStatus.PARTIALLY_FILLED:
        return status in (OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED)
    return wanted is OrderStatus.NEW or status is wanted


def _first(told: deque[RecordT], predicate: Callable[[RecordT], object]) -> RecordT | None:
    """Take what was told, up to the first that *predicate* is true for, and return that."""
    while told:
        record = told.popleft()
        if predicate(record):
            return record
    return None
