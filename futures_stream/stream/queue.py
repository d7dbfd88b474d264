"""A queue that knows its end, its bound, and what it had to leave out."""

from __future__ import annotations

import queue
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from futures_stream.clock import SYSTEM_CLOCK, Deadline
from futures_stream.errors import ConfigError
from futures_stream.records import Balance, Closed, Overflow, Position, Record
from futures_stream.stream.forking import forked_error, tell_after_fork

__all__ = ["ShutDown", "StreamQueue"]

if hasattr(queue, "ShutDown"):  # Python 3.13's own, so that code written for it catches ours
    ShutDown: type[Exception] = queue.ShutDown
else:

    class _ShutDown(Exception):
        """Everything that this queue will ever hold has been taken."""

    _ShutDown.__name__ = _ShutDown.__qualname__ = "ShutDown"
    ShutDown = _ShutDown

SLICE = 1.0
"""
Seconds that a wait lasts at most before it is begun again. A signal that comes a moment before a lock is waited for
does not interrupt the wait, and on Windows none does; its handler runs after the slice.
"""

_REPEATING = (Balance, Position)
"""Records that repeat: what is missed now comes again, so they give way first."""


class _Hole:
    """A place in the queue where records are missing; what it stands for is counted until somebody comes by."""

    __slots__ = ("missed",)

    def __init__(self) -> None:
        self.missed: dict[tuple[str, str], tuple[Record, Counter[str]]] = {}

    def count(self, record: Record) -> None:
        """Count one more that found no room."""
        _first, classes = self.missed.setdefault((record.exchange, record.account), (record, Counter()))
        classes[type(record).__name__] += 1

    def take(self) -> Overflow:
        """Return what is missing of one stream."""
        first, classes = self.missed.pop(next(iter(self.missed)))
        return Overflow(
            exchange=first.exchange,
            account=first.account,
            timestamp=first.timestamp,
            received_ns=first.received_ns,
            seq=first.seq,
            missed=sum(classes.values()),
            classes=dict(classes),
        )


class StreamQueue(queue.Queue[Any]):
    """
    A :class:`queue.Queue` of records, filled by one stream or several.

    ``get()`` gives records, then each stream's :class:`~futures_stream.records.Closed`; when the last stream that
    fills it has ended and all has been taken it raises :exc:`ShutDown`, in every thread that waits. Iterating yields
    the same and ends there.

    It never makes a stream wait. When it is full, what finds no room is counted, and an
    :class:`~futures_stream.records.Overflow` stands at that place. A tenth of the room is kept for executions,
    orders, warnings and notices: balances and positions repeat, and give way first.

    Args:
        maxsize: How many records it holds at most; 0 for no bound.

    Threads:
        Every method is callable from any thread. Several consumers of one queue share its records: each record goes
        to exactly one of them.
    """

    default_maxsize: ClassVar[int] = 100_000

    def __init__(self, maxsize: int = default_maxsize) -> None:
        if not isinstance(maxsize, int) or isinstance(maxsize, bool) or maxsize < 0:
            raise ConfigError(f"maxsize must be a whole number, 0 for no bound, not {maxsize!r}")
        super().__init__(maxsize)
        self._reserve = maxsize - maxsize // 10 if maxsize >= 10 else maxsize
        self._writers = 0
        self._ever_written = False
        self.is_shutdown = False
        self._forked = False
        self._missed = 0
        self._waiting: deque[threading.Lock] = deque()  # a bell for each consumer that waits
        tell_after_fork(self)

    @property
    def missed(self) -> int:
        """How many records have found no room so far."""
        return self._missed

    # -- the consumer's side ----------------------------------------------------------------------------------------

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """
        Take the next record.

        Args:
            block: Whether to wait for one.
            timeout: Longest wait, in seconds; None for as long as it takes.

        Raises:
            queue.Empty: Nothing came in time.
            ShutDown: Nothing will ever come any more.
            ForkedError: A process that forked this one has the streams that fill it.
            ValueError: A negative timeout.
        """
        if timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        deadline = Deadline(SYSTEM_CLOCK, timeout if block else 0.0)
        # No condition is waited for: its Python code, interrupted by Ctrl-C in the wrong place, leaves the lock held
        # for ever, or releases it in the I/O thread's hands. The lock itself is taken and given back in one step, and
        # a consumer that waits holds nothing but a lock of its own.
        while True:
            with self.mutex:
                if self._qsize():
                    item = self._get()
                    self.not_full.notify()
                    return item
                if self.is_shutdown:
                    raise forked_error() if self._forked else ShutDown
                if deadline.expired:
                    raise queue.Empty
                bell = threading.Lock()
                bell.acquire()
                self._waiting.append(bell)
            try:
                bell.acquire(timeout=SLICE if (left := deadline.remaining) is None else min(left, SLICE))
            except BaseException:
                if not self._leave(bell):
                    self._ring(1)  # it rang for us, and we shall not look: for somebody else, then
                raise
            self._leave(bell)

    def _leave(self, bell: threading.Lock) -> bool:
        """Wait no more; tell whether nobody had rung."""
        try:
            self._waiting.remove(bell)
        except ValueError:
            return False
        return True

    def _ring(self, most: int) -> None:
        """Wake that many of those who wait, or all there are."""
        while most > 0:
            try:
                bell = self._waiting.popleft()
            except IndexError:
                return
            bell.release()
            most -= 1

    def _put(self, item: Any) -> None:
        # For a put() of the program's own; streams deliver.
        self.queue.append(item)
        self._ring(1)

    def __iter__(self) -> Iterator[Record]:
        """Yield records until the last stream that fills it has ended and all has been taken."""
        while True:
            try:
                yield self.get()
            except ShutDown:
                return

    def shutdown(self, immediate: bool = False) -> None:
        """
        End the queue: consumers get what is left (nothing, if *immediate*), then :exc:`ShutDown`.

        Streams that fill it go on, but what they deliver from now on is thrown away; close them first.
        """
        with self.mutex:
            self.is_shutdown = True
            if immediate:
                self.queue.clear()
                self.unfinished_tasks = 0
                self.all_tasks_done.notify_all()
            self._ring(len(self._waiting))
            self.not_full.notify_all()

    def _get(self) -> Any:
        item = self.queue.popleft()
        if type(item) is _Hole:
            overflow = item.take()
            if item.missed:
                self.queue.appendleft(item)
                self.unfinished_tasks += 1
                self._ring(1)  # what is left of it is one item more
            return overflow
        return item

    # -- the streams' side ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """
        Take one more stream that fills this queue.

        Raises:
            ConfigError: The queue has been ended.
        """
        with self.mutex:
            if self.is_shutdown:
                raise ConfigError("this queue has ended; make a new StreamQueue for a new stream")
            self._writers += 1
            self._ever_written = True

    def deliver(self, records: Sequence[Record]) -> None:
        """Take records in order, without ever waiting; count what finds no room."""
        with self.mutex:
            if self.is_shutdown:
                return
            before = len(self.queue)
            if not self.maxsize or before + len(records) <= self._reserve:
                self.queue.extend(records)
            else:
                for record in records:
                    self._squeeze(record)
            arrived = len(self.queue) - before
            self.unfinished_tasks += arrived
            self._ring(arrived)

    def end(self, notice: Closed) -> None:
        """Take a stream's last notice; the last stream's is the end of the queue."""
        with self.mutex:
            if not self.is_shutdown:
                self.queue.append(notice)
                self.unfinished_tasks += 1
            self._writers -= 1
            if self._writers <= 0:
                self.is_shutdown = True
            self._ring(len(self._waiting))
            self.not_full.notify_all()

    def after_fork(self) -> None:
        """In a child that was forked: lock as if it were new; end, if the streams that fill it are the parent's."""
        self.mutex = threading.Lock()
        self._waiting = deque()
        self.not_empty = threading.Condition(self.mutex)
        self.not_full = threading.Condition(self.mutex)
        self.all_tasks_done = threading.Condition(self.mutex)
        if self._writers > 0:
            self.queue = deque()  # what is in it is the parent's to take
            self.unfinished_tasks = 0
            self._forked = self.is_shutdown = True

    def _squeeze(self, record: Record) -> None:
        """Put one record where little room is left, or count it at this place."""
        waiting: deque[Any] = self.queue
        if len(waiting) < (self._reserve if isinstance(record, _REPEATING) else self.maxsize):
            waiting.append(record)
            return
        self._missed += 1
        if not waiting or type(waiting[-1]) is not _Hole:
            # The one thing that may stand beyond the bound, and only once in a row: the place must be known.
            waiting.append(_Hole())
        waiting[-1].count(record)
