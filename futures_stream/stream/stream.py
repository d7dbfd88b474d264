"""One account's stream, as its consumer holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from futures_stream.clock import SYSTEM_CLOCK, Clock
from futures_stream.errors import ConfigError
from futures_stream.markup import html_facts, moment
from futures_stream.records import Order, Record, Tick
from futures_stream.stream.forking import tell_after_fork
from futures_stream.stream.queue import StreamQueue
from futures_stream.stream.reading import read
from futures_stream.stream.run import Run
from futures_stream.stream.selection import Selection
from futures_stream.stream.stats import Stats
from futures_stream.stream.waiting import Waiting
from futures_stream.stream.watching import ExpectedOrder
from futures_stream.vocabulary import OrderStatus, State

if TYPE_CHECKING:  # the engine and the trackers: what only an open stream needs, and making it brings along
    from futures_stream.dialects import Credentials
    from futures_stream.engine.delivery import Delivery
    from futures_stream.engine.feed import Feed
    from futures_stream.engine.lifecycle import Lifecycle, Status
    from futures_stream.engine.plan import Plan
    from futures_stream.stream.alerting import Alerting
    from futures_stream.stream.views import Views
    from futures_stream.trackers import Balances, Orders, Positions

__all__ = ["Stream"]

FoundT = TypeVar("FoundT")


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
        views: Views,
        alerting: Alerting,
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
        self._run = Run(plan, feed, lifecycle, clock, alerting)
        self._views = views
        self._waiting = Waiting(delivery, lifecycle, views)
        queue.open()
        delivery.attach(views, in_front=True)  # who has a record in hand finds the views as new as that
        delivery.attach(queue)
        if alerting.wanted:
            delivery.attach(alerting)
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
        self._run.check_process()
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
        self._run.check_process()
        for wanted in classes:
            if not (isinstance(wanted, type) and issubclass(wanted, Record)):
                raise ConfigError(f"subscribe() takes classes of record such as Order, not {wanted!r}")
        chosen = StreamQueue(maxsize)
        chosen.open()
        self._delivery.attach(Selection(chosen, classes, symbol, self._delivery.detach))
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
        self._run.check_process()
        return self._in_time(self._waiting.for_record(predicate, timeout), "it did not come", timeout)

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
        self._run.check_process()
        found = self._waiting.for_order(order_id, client_order_id, until, timeout)
        return self._in_time(found, "it did not come", timeout)

    def expect(self, *, client_order_id: str | None = None, order_id: str | None = None) -> ExpectedOrder:
        """
        Follow an order from before it is placed: a fill may come before the call that places it returns.

        Use it as a block::

            with stream.expect(client_order_id="mine-1") as order:
                place_my_order(client_order_id="mine-1")
                order.wait("filled", timeout=10)

        An order of the same client's id that had ended before the block is another one.

        Args:
            client_order_id: The caller's own id of the order, or
            order_id: the exchange's.

        Raises:
            ConfigError: Not exactly one id.
        """
        self._run.check_process()
        return self._waiting.expect(order_id, client_order_id)

    def wait_until(self, fact: Callable[[], FoundT], timeout: float | None = None) -> FoundT:
        """
        Wait until something is true, and return it; at once if it is.

        It is looked at again whenever the stream has told something, after the views took it in::

            stream.wait_until(lambda: not stream.positions.of("BTCUSDT"), timeout=30)

        Args:
            fact: Called in the calling thread; true when there is no need to wait any longer.
            timeout: Longest wait, in seconds.

        Raises:
            TimeoutError: It did not become true in time.
            StreamFailed: The stream ended first.
        """
        self._run.check_process()
        return self._in_time(self._waiting.for_fact(fact, timeout), "it did not become true", timeout)

    def wait_state(self, state: State | str, timeout: float | None = None) -> Status:
        """
        Wait until the stream is in a state, and return its status then.

        Raises:
            TimeoutError: It did not get there in time.
            StreamFailed: It ended in another state first.
            ConfigError: There is no such state.
        """
        self._run.check_process()
        return self._in_time(self._waiting.for_state(state, timeout), f"not {state}", timeout)

    # -- steering ---------------------------------------------------------------------------------------------------

    def add_channels(self, *channels: str, timeout: float = 10.0) -> None:
        """
        Listen to more channels; returns when the exchange has confirmed them.

        Raises:
            ConfigError: There is no such channel.
            SubscriptionRejected: The exchange refuses one.
            TimeoutError: It has not answered in time; it stays asked for, after a reconnect too.
        """
        self._run.check_process()
        wanted = self._plan.dialect.resolve_channels(channels)
        done = self._feed.add_channels(wanted).wait(timeout)
        self._in_time(done or None, f"{', '.join(wanted)} not confirmed", timeout)

    def remove_channels(self, *channels: str) -> None:
        """
        Give up channels, at the exchange too.

        Raises:
            ConfigError: There is no such channel, or none would be left.
        """
        self._run.check_process()
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
            FuturesStreamError: It could not be asked for everything; what it did answer is in the queue.
            TimeoutError: It has not all been answered in time.
            StreamFailed: The stream has ended.
        """
        self._run.check_process()
        if not self._plan.dialect.queryable:
            raise ConfigError(f"{self._plan.dialect.title} cannot be asked: this API has no REST for it")
        self._in_time(self._feed.refresh().wait(timeout) or None, "not answered", timeout)

    def stop(self) -> None:
        """
        Ask the stream to end, and return at once; safe in a signal handler.

        Raises:
            ForkedError: It is another process's stream.
        """
        self._run.stop()

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
        self._run.close(timeout)

    # -- looking ----------------------------------------------------------------------------------------------------

    @property
    def orders(self) -> Orders:
        """
        The orders as they stand, by order id: all that are open, and those that ended in the last hour; frozen.

        It is as new as any record that anybody got from a queue, whether or not someone reads one, and a queue that
        overflows takes nothing from it. ``trusted`` says whether these are all open orders. (``Options(keep_orders=,
        most_orders=)`` bounds those that ended.)

        Raises:
            ForkedError: It is another process's stream.
        """
        self._run.check_process()
        return self._views.orders

    @property
    def positions(self) -> Positions:
        """The open positions as they stand, frozen; as new as any record, see :attr:`orders`."""
        self._run.check_process()
        return self._views.positions

    @property
    def balances(self) -> Balances:
        """The balances as they stand, by asset, frozen; as new as any record, see :attr:`orders`."""
        self._run.check_process()
        return self._views.balances

    @property
    def status(self) -> Status:
        """Where the stream stands now, frozen."""
        return self._lifecycle.status

    def stats(self) -> Stats:
        """Return what the stream has done so far, frozen."""
        oldest = self.queue.oldest
        return Stats(
            records=self._delivery.next_seq - 1,
            connects=self.status.connects,
            queued=self.queue.qsize(),
            missed=self.queue.missed,
            lag=0.0 if oldest is None else max(0.0, (self._clock.unix_ns() - oldest.received_ns) / 1e9),
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

    def _repr_html_(self) -> str:
        """Show where the stream stands, and the account, as tables in a notebook; all of it escaped."""
        status, stats = self.status, self.stats()
        facts = {
            "state": status.state,
            "blind since": moment(status.blind_since),
            "last error": None if status.error is None else f"{type(status.error).__name__}: {status.error}",
            "channels": status.channels,
            "records": stats.records,
            "queued": stats.queued,
            "missed": stats.missed,
        }
        told = {name: value for name, value in facts.items() if value is not None}
        about = html_facts(f"Stream {self.exchange}/{self.account}", told)
        if self._run.forked:  # nobody follows the account here
            return about
        return about + "".join(view._repr_html_() for view in (self.positions, self.orders, self.balances))

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._run.forked:  # a child that leaves the block it was forked in has nothing to close
            self.close()

    # -- inside -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """
        Start the I/O thread; :func:`~futures_stream.open_stream` does.

        Raises:
            StreamFailed: It was started, or closed, before.
            ConnectFailed: The system gives us no thread now; close the stream.
        """
        self._run.start()

    def wait_open(self, timeout: float) -> Status | None:
        """Wait until the stream is live or has ended; None if neither in time."""
        return self._lifecycle.wait(lambda now: now.state is State.LIVE or now.state.ended, timeout)

    def after_fork(self) -> None:
        """In a child that was forked: close the descriptors, and be of no use, unless it had ended before."""
        self._run.after_fork()
        self._delivery.after_fork()

    def _iterate(self, tick: float | None) -> Iterator[Record]:
        if self._shared:
            raise ConfigError("this stream shares its queue with others: iterate the queue")
        return read(self.queue, self._lifecycle, tick, self._tick)

    def _tick(self) -> Tick:
        now = self._clock.unix_ns()
        return Tick(
            exchange=self.exchange,
            account=self.account,
            timestamp=now // 1_000_000,
            received_ns=now,
            seq=self._delivery.next_seq - 1,
        )

    def _in_time(self, found: FoundT | None, failing: str, timeout: float | None) -> FoundT:
        if found is None:
            raise TimeoutError(f"{failing} within {timeout:g} s; {self!r}")
        return found
