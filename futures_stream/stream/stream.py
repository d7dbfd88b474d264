"""One account's stream, as its consumer holds it."""

from __future__ import annotations

import contextlib
import queue
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from attrs import field, frozen

from futures_stream.clock import SYSTEM_CLOCK, Clock, Deadline
from futures_stream.dialects import Credentials
from futures_stream.engine.crew import Crew
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.feed import Feed
from futures_stream.engine.lifecycle import Lifecycle, Status
from futures_stream.engine.plan import Plan
from futures_stream.errors import (
    ConfigError,
    FuturesStreamError,
    OrderEnded,
    ShutdownTimeout,
    StreamFailed,
)
from futures_stream.records import Closed, Order, Record, Tick
from futures_stream.stream.forking import forked_error, tell_after_fork
from futures_stream.stream.interrupted import interrupts_us
from futures_stream.stream.queue import ShutDown, StreamQueue
from futures_stream.stream.selection import Selection
from futures_stream.stream.waiting import LatestOrders
from futures_stream.vocabulary import OrderStatus, State

__all__ = ["Stats", "Stream"]


@frozen(kw_only=True)
class Stats:
    """
    What a stream has done so far.

    Attributes:
        records: How many records and notices it delivered.
        connects: How many connections it made.
        queued: How many records wait in its queue.
        missed: How many found no room in its queue.
        unknown_words: Words of the exchange that the dialect does not know, counted.
    """

    records: int
    connects: int
    queued: int
    missed: int
    unknown_words: dict[str, int] = field(factory=dict)


class Stream:
    """
    One account's private stream; :func:`~futures_stream.open_stream` makes it.

    Iterating it blocks and yields records and notices; it ends quietly after :meth:`close`, and raises
    :exc:`~futures_stream.errors.StreamFailed` when the stream cannot go on.

    Attributes:
        queue: Where everything arrives.

    Threads:
        Every method is callable from any thread but the stream's own. :meth:`stop` and :meth:`close` also from a
        signal handler.

    Processes:
        A stream belongs to the process that opened it, which a fork does not disturb. In a child that was forked its
        descriptors are closed and every call raises :exc:`~futures_stream.errors.ForkedError`; open another one there.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        feed: Feed,
        delivery: Delivery,
        lifecycle: Lifecycle,
        queue: StreamQueue,
        shared: bool,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.queue = queue
        self._plan = plan
        self._feed = feed
        self._delivery = delivery
        self._lifecycle = lifecycle
        self._shared = shared
        self._clock = clock
        self._crew = Crew(plan.name, clock)
        self._forked = False
        self._started = False
        # Who takes the one thing in it runs the stream (the I/O thread), or ends it without its ever having run (who
        # closes it). A deque's pop is atomic, where a lock could be held by whom a signal handler has interrupted.
        self._unrun = deque([True])
        self._orders = LatestOrders()
        queue.open()
        delivery.attach(queue)
        delivery.attach(self._orders)
        tell_after_fork(self)

    # -- consuming --------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Record]:
        return self._iterate(None)

    def records(self, tick: float | None = 1.0) -> Iterator[Record]:
        """
        Yield what comes, and a :class:`~futures_stream.records.Tick` whenever nothing came for *tick* seconds.

        For loops that have other things to do. Ends as iterating the stream does.
        """
        return self._iterate(tick)

    def get(self, timeout: float | None = None) -> Record:
        """
        Take the next record from the stream's queue.

        Args:
            timeout: Longest wait, in seconds; None for as long as it takes.

        Raises:
            queue.Empty: Nothing came in time.
            ShutDown: The stream has ended and all has been taken.
            ForkedError: It is another process's stream.
        """
        self._check_process()
        record: Record = self.queue.get(timeout=timeout)
        return record

    def subscribe(
        self,
        *classes: type[Record],
        symbol: str | None = None,
        maxsize: int = StreamQueue.default_maxsize,
    ) -> StreamQueue:
        """
        Return a queue of its own for some of the records, from now on; notices always come along.

        Args:
            classes: Classes of record that are wanted; none means all.
            symbol: Only records of this contract, and those that have none.
            maxsize: The bound of the queue; 0 for none.

        Raises:
            ConfigError: Something that is not a class of record was given.
        """
        self._check_process()
        for wanted in classes:
            if not (isinstance(wanted, type) and issubclass(wanted, Record)):
                raise ConfigError(f"subscribe() takes classes of record such as Order, not {wanted!r}")
        chosen = StreamQueue(maxsize)
        chosen.open()
        self._delivery.attach(Selection(chosen, classes, symbol))
        return chosen

    def wait_for(self, predicate: Callable[[Record], object], timeout: float | None = None) -> Record:
        """
        Wait for a record that is delivered from now on, and return it; it stays on every queue.

        Args:
            predicate: Called with each record, in the calling thread; true for the one that is wanted.
            timeout: Longest wait, in seconds.

        Raises:
            TimeoutError: None came in time.
            StreamFailed: The stream ended first.
        """
        with self._overhearing() as heard:
            return self._wait_in(heard, predicate, Deadline(self._clock, timeout), timeout)

    def wait_order(
        self,
        *,
        order_id: str | None = None,
        client_order_id: str | None = None,
        until: OrderStatus | str = OrderStatus.FILLED,
        timeout: float | None = None,
    ) -> Order:
        """
        Wait until an order has a status, and return it; what came before the call counts.

        Args:
            order_id: The exchange's id of the order, or
            client_order_id: the caller's own.
            until: The status; ``"partially_filled"`` is reached by a filled order, too.
            timeout: Longest wait, in seconds.

        Raises:
            OrderEnded: The order ended otherwise; the exception has it.
            TimeoutError: It did not get there in time.
            StreamFailed: The stream ended first.
            ConfigError: Not exactly one id, or no such status.
        """
        if (order_id is None) == (client_order_id is None):
            raise ConfigError("wait_order() needs either order_id or client_order_id")
        try:
            wanted = OrderStatus(until)
        except ValueError:
            raise ConfigError(f"no order status {until!r}; there are {', '.join(OrderStatus)}") from None

        def is_there(record: Record) -> bool:
            if type(record) is not Order:
                return False
            mine = record.order_id == order_id if order_id is not None else record.client_order_id == client_order_id
            return mine and _reached(record, wanted)

        with self._overhearing() as heard:
            known = self._orders.find(order_id, client_order_id)
            if known is not None and is_there(known):
                found: Record = known
            else:
                found = self._wait_in(heard, is_there, Deadline(self._clock, timeout), timeout)
        assert isinstance(found, Order)
        if found.status.final and not _satisfies(found.status, wanted):
            raise OrderEnded(f"the order ended as {found.status}, not {wanted}", order=found)
        return found

    def wait_state(self, state: State | str, timeout: float | None = None) -> Status:
        """
        Wait until the stream is in a state, and return its status then.

        Raises:
            TimeoutError: It did not get there in time.
            StreamFailed: It ended in another state first.
            ConfigError: There is no such state.
        """
        try:
            wanted = State(state)
        except ValueError:
            raise ConfigError(f"no state {state!r}; there are {', '.join(State)}") from None
        self._check_process()
        status = self._lifecycle.wait(lambda now: now.state is wanted or now.state.ended, timeout)
        if status is None:
            raise TimeoutError(f"not {wanted} within {timeout:g} s; {self!r}")
        if status.state is not wanted:
            raise StreamFailed(f"the stream is {status.state}, and will never be {wanted}") from status.error
        return status

    # -- steering ---------------------------------------------------------------------------------------------------

    def add_channels(self, *channels: str, timeout: float = 10.0) -> None:
        """
        Listen to more channels; returns when the exchange has confirmed them.

        Raises:
            ConfigError: There is no such channel.
            SubscriptionRejected: The exchange refuses one.
            TimeoutError: It has not answered in time; it stays asked for, after a reconnect too.
        """
        self._check_process()
        wanted = self._plan.dialect.resolve_channels(channels)
        if not self._feed.add_channels(wanted).wait(timeout):
            raise TimeoutError(f"{', '.join(wanted)} not confirmed within {timeout:g} s; {self!r}")

    def remove_channels(self, *channels: str) -> None:
        """
        Give up channels, at the exchange too.

        Raises:
            ConfigError: There is no such channel, or none would be left.
        """
        self._check_process()
        unwanted = self._plan.dialect.resolve_channels(channels)
        if not set(self.status.channels) - set(unwanted):
            raise ConfigError("no channel would be left; use close() to end the stream")
        self._feed.remove_channels(unwanted)

    def refresh(self, timeout: float = 30.0) -> None:
        """
        Ask the exchange how the account stands, and return when its answers are in the queue.

        They are records with ``origin=SNAPSHOT``, each full set followed by a
        :class:`~futures_stream.records.Snapshot`. While the stream is not live this waits until it is, since it
        asks by itself then.

        Raises:
            ConfigError: This exchange cannot be asked.
            TimeoutError: It has not all been answered in time.
            StreamFailed: The stream has ended.
        """
        self._check_process()
        if not self._plan.dialect.queryable:
            raise ConfigError(f"{self._plan.dialect.title} cannot be asked: this API has no REST for it")
        if not self._feed.refresh().wait(timeout):
            raise TimeoutError(f"not answered within {timeout:g} s; {self!r}")

    def stop(self) -> None:
        """
        Ask the stream to end, and return at once; safe in a signal handler.

        Raises:
            ForkedError: It is another process's stream.
        """
        self._check_process()
        self._feed.stop()

    def close(self, timeout: float = 5.0) -> None:
        """
        Stop every thread of this stream and wait until they are gone.

        Records already on the queue stay there; :class:`~futures_stream.records.Closed` follows them. Calling it again
        does nothing.

        In a signal handler that has interrupted a call of this library, such as ``get()``, nothing can be waited for:
        what is interrupted goes on only when the handler returns, and may hold a lock that the stream needs in order
        to end. There this is the same as :meth:`stop`; the interrupted call ends by itself.

        Args:
            timeout: Longest wait, in seconds.

        Raises:
            ShutdownTimeout: Some threads are still running, or hang in a system call; the message names them.
            RuntimeError: Called from one of the stream's own threads.
            ForkedError: It is another process's stream.
        """
        self.stop()
        if not self._crew.has_me and interrupts_us():
            return
        deadline = Deadline(self._clock, timeout)
        if self._may_run():
            self._feed._conclude(None)
        self._crew.join(deadline.remaining or 0.0)
        self._lifecycle.wait(lambda now: now.state.ended, deadline.remaining)  # another thread may be ending it
        left, self._feed.abandoned = self._feed.abandoned, ()
        if left:
            raise ShutdownTimeout(f"hanging in a system call, abandoned: {', '.join(left)}", threads=left)

    # -- looking ----------------------------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        """Where the stream stands now, frozen."""
        return self._lifecycle.status

    def stats(self) -> Stats:
        """Return what the stream has done so far, frozen."""
        return Stats(
            records=self._delivery.next_seq - 1,
            connects=self.status.connects,
            queued=self.queue.qsize(),
            missed=self.queue.missed,
            unknown_words=self._feed.unknown_words,
        )

    @property
    def exchange(self) -> str:
        """The exchange's name."""
        return self._plan.dialect.name

    @property
    def account(self) -> str:
        """The account's label."""
        return self._plan.account

    @property
    def credentials(self) -> Credentials:
        """Who asks; nothing in it is ever shown."""
        return self._plan.credentials

    def __repr__(self) -> str:
        status = self.status
        told = [f"{status.state}"]
        if status.blind_since is not None:
            told.append(f"blind since {status.blind_since}")
        if status.error is not None:
            told.append(f"last error: {type(status.error).__name__}: {status.error}")
        told.append(f"{self._delivery.next_seq - 1} records, {self.queue.qsize()} queued, {self.queue.missed} missed")
        return f"<Stream {self.exchange}/{self.account}: {'; '.join(told)}>"

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._forked:  # a child that leaves the block it was forked in has nothing to close
            self.close()

    # -- inside -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """
        Start the I/O thread; :func:`~futures_stream.open_stream` does.

        Raises:
            StreamFailed: It was started, or closed, before.
            ConnectFailed: The system gives us no thread now; close the stream.
        """
        self._check_process()
        if self._started or self.status.state.ended:
            raise StreamFailed("a stream is started once; open a new one", exchange=self.exchange)
        self._crew.start("io", self._run, self._feed.stop)
        self._started = True

    def wait_open(self, timeout: float) -> Status | None:
        """Wait until the stream is live or has ended; None if neither in time."""
        return self._lifecycle.wait(lambda now: now.state is State.LIVE or now.state.ended, timeout)

    def after_fork(self) -> None:
        """In a child that was forked: close the descriptors, and be of no use, unless it had ended before."""
        self._forked = self._lifecycle.after_fork(forked_error())
        self._feed.after_fork()
        self._delivery.after_fork()
        self._orders.after_fork()

    def _run(self) -> None:
        """Be the I/O thread, unless somebody has closed the stream before this thread had begun."""
        if self._may_run():
            self._feed.run()

    def _may_run(self) -> bool:
        """Tell whether nobody has run it, or ended it without: true for one caller only."""
        with contextlib.suppress(IndexError):
            return self._unrun.pop()
        return False

    def _check_process(self) -> None:
        if self._forked:
            raise forked_error()

    def _iterate(self, tick: float | None) -> Iterator[Record]:
        if self._shared:
            raise ConfigError("this stream shares its queue with others: iterate the queue")
        return self._until_closed(tick)

    def _until_closed(self, tick: float | None) -> Iterator[Record]:
        while True:
            try:
                record = self.get(tick)
            except queue.Empty:
                yield self._tick()
            except ShutDown:
                return self._raise_failure(self.status.error)
            else:
                match record:  # no call here, behind which Ctrl-C could take the record along
                    case Closed(error=error):
                        return self._raise_failure(error)
                    case _:
                        yield record

    def _raise_failure(self, error: FuturesStreamError | None) -> None:
        if error is not None:
            raise StreamFailed(f"the stream ended: {error}", exchange=self.exchange, code=error.code) from error

    def _tick(self) -> Tick:
        now = self._clock.unix_ns()
        return Tick(
            exchange=self.exchange,
            account=self.account,
            timestamp=now // 1_000_000,
            received_ns=now,
            seq=self._delivery.next_seq - 1,
        )

    def _overhearing(self) -> Selection:
        self._check_process()
        heard = StreamQueue(0)
        heard.open()
        selection = Selection(heard, (), None, self._delivery.detach)
        self._delivery.attach(selection)
        return selection

    def _wait_in(
        self,
        heard: Any,
        predicate: Callable[[Record], object],
        deadline: Deadline,
        timeout: float | None,
    ) -> Record:
        while True:
            try:
                record: Record = heard.get(timeout=deadline.remaining)
            except queue.Empty:
                raise TimeoutError(f"it did not come within {timeout:g} s; {self!r}") from None
            except ShutDown:
                raise StreamFailed("the stream has ended", exchange=self.exchange) from self.status.error
            if predicate(record):
                return record
            if isinstance(record, Closed):
                raise StreamFailed("the stream ended first", exchange=self.exchange) from record.error


def _satisfies(status: OrderStatus, wanted: OrderStatus) -> bool:
    """Tell whether an order of this status has been through the wanted one."""
    if wanted is OrderStatus.PARTIALLY_FILLED:
        return status in (OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED)
    return wanted is OrderStatus.NEW or status is wanted


def _reached(order: Order, wanted: OrderStatus) -> bool:
    return order.status.final or _satisfies(order.status, wanted)
