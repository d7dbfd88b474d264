"""A queue that knows its end, its bound, and what it had to leave out."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from futures_stream.errors import ConfigError
from futures_stream.records import Closed, Record
from futures_stream.stream.backlog import Backlog
from futures_stream.stream.forking import forked_error, tell_after_fork
from futures_stream.stream.interruptible import InterruptibleQueue, ShutDown
from futures_stream.stream.room import Hole, Room

__all__ = ["ShutDown", "StreamQueue"]


class StreamQueue(InterruptibleQueue):
    """
    A :class:`queue.Queue` of records, filled by one stream or several.

    ``get()`` gives records, then each stream's :class:`~futures_stream.records.Closed`; when the last stream that
    fills it has ended and all has been taken it raises :exc:`ShutDown`, in every thread that waits. Iterating yields
    the same and ends there.

    It never makes a stream wait. When it is full, what finds no room is counted, and an
    :class:`~futures_stream.records.Overflow` stands at that place. A tenth of the room is kept for executions,
    orders, warnings and notices: balances and positions repeat, and give way first. A consumer that falls behind is
    warned of in the log, at ten thousand records that wait, a hundred thousand, and so on.

    Ctrl-C in ``get()`` loses nothing: what is not returned stays in its place. (But on CPython 3.10, which looks at
    signals once more when a call returns, the one record that was about to be returned can be lost with the call.)

    Args:
        maxsize: How many records it holds at most; 0 for no bound.

    Threads:
        Every method is callable from any thread. Several consumers of one queue share its records: each record goes
        to exactly one of them.

    Processes:
        In a child that was forked, ``get()`` raises :exc:`~futures_stream.errors.ForkedError` if streams of the
        parent's fill the queue.
    """

    default_maxsize: ClassVar[int] = 100_000

    def __init__(self, maxsize: int = default_maxsize) -> None:
        if not isinstance(maxsize, int) or isinstance(maxsize, bool) or maxsize < 0:
            raise ConfigError(f"maxsize must be a whole number, 0 for no bound, not {maxsize!r}")
        super().__init__(maxsize)
        self._room = Room(maxsize)
        self._backlog = Backlog()
        self._writers = 0
        self._forked = False
        tell_after_fork(self)

    @property
    def missed(self) -> int:
        """How many records have found no room so far."""
        return self._room.missed

    @property
    def oldest(self) -> Record | None:
        """The record that has waited longest; None if none waits. It stays where it is."""
        with contextlib.suppress(IndexError):  # it is being taken
            first = self.queue[0]
            return first if isinstance(first, Record) else None
        return None

    # -- the consumer's side ----------------------------------------------------------------------------------------

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
        super().shutdown(immediate)

    def _get(self) -> Any:
        first = self.queue[0]
        if type(first) is not Hole:
            del self.queue[0]  # see InterruptibleQueue._get
            return first
        if first.streams > 1:
            self.unfinished_tasks += 1  # what is left of it is one item more
            self._takers.ring(1)
        return first.take_from(self.queue)

    def _ended(self) -> Exception:
        return forked_error() if self._forked else ShutDown()

    # -- the streams' side ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """
        Take one more stream that fills this queue.

        Raises:
            ConfigError: The queue has been ended.
        """
        with self.mutex:
            ended = self.is_shutdown
            self._writers += not ended
        if ended:
            raise ConfigError("this queue has ended; make a new StreamQueue for a new stream")

    def deliver(self, records: Sequence[Record]) -> None:
        """Take records in order, without ever waiting; count what finds no room."""
        with self.mutex:
            if self.is_shutdown:
                return
            before = len(self.queue)
            self._room.take(self.queue, records)
            arrived = len(self.queue) - before
            self.unfinished_tasks += arrived
            self._takers.ring(arrived)
        if records:
            self._backlog.look(before + arrived, records[-1])

    def end(self, notice: Closed) -> None:
        """Take a stream's last notice; the last stream's is the end of the queue."""
        with self.mutex:
            if not self.is_shutdown:
                self.queue.append(notice)
                self.unfinished_tasks += 1
            self._writers -= 1
            if self._writers <= 0:
                self.is_shutdown = True
            self._takers.ring()
            self._putters.ring()

    def after_fork(self) -> None:
        """In a child that was forked: lock as if it were new; end, if the streams that fill it are the parent's."""
        super().after_fork()
        if self._writers > 0:
            self.queue = deque()  # what is in it is the parent's to take
            self.unfinished_tasks = 0
            self._forked = self.is_shutdown = True
