"""Taking what comes from a queue, until it is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty

from futures_stream.clock import SYSTEM_CLOCK, Deadline
from futures_stream.records import Record
from futures_stream.stream import ShutDown, StreamQueue

__all__ = ["taken"]

_FAREWELL = 5.0  # seconds that streams may take to end; none takes longer


def taken(queue: StreamQueue, deadline: Deadline, stop: Callable[[], None]) -> Iterator[Record]:
    """
    Yield what comes until the queue ends; at the deadline, stop what fills it and yield what is left.

    Args:
        queue: Where to take from.
        deadline: When it is enough.
        stop: Asks the streams that fill the queue to end.
    """
    yield from _until(queue, deadline)
    stop()
    yield from _until(queue, Deadline(SYSTEM_CLOCK, _FAREWELL))


def _until(queue: StreamQueue, deadline: Deadline) -> Iterator[Record]:
    while not deadline.expired:
        try:
            record: Record = queue.get(timeout=deadline.remaining)
        except (Empty, ShutDown):
            return
        yield record
