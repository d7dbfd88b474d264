"""What a stream tells from some moment on, beside the queues of its consumers."""

from __future__ import annotations

import queue
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from futures_stream.clock import Deadline
from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.errors import StreamFailed
from futures_stream.records import Closed, Record
from futures_stream.stream.queue import ShutDown, StreamQueue
from futures_stream.stream.selection import Selection

if TYPE_CHECKING:  # see stream.py
    from futures_stream.engine.delivery import Delivery

__all__ = ["Overhearing"]


class Overhearing:
    """
    Hears everything that is delivered inside of a ``with`` block, and takes it from nobody.

    Args:
        delivery: What is overheard.
        lifecycle: Says why there is nothing more to hear.

    Threads:
        Belongs to the thread that waits.
    """

    def __init__(self, delivery: Delivery, lifecycle: Lifecycle) -> None:
        self._delivery = delivery
        self._lifecycle = lifecycle
        self._heard = StreamQueue(0)
        self._heard.open()
        self._selection = Selection(self._heard, detach=delivery.detach)

    def __enter__(self) -> Overhearing:
        self._delivery.attach(self._selection)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._delivery.detach(self._selection)

    def first(self, predicate: Callable[[Record], object], deadline: Deadline) -> Record | None:
        """
        Return the next record that *predicate* is true for; None if none came in time.

        Raises:
            StreamFailed: The stream ended first.
        """
        while True:
            try:
                record: Record = self._heard.get(timeout=deadline.remaining)
            except queue.Empty:
                return None
            except ShutDown:
                raise StreamFailed("the stream has ended") from self._lifecycle.status.error
            if predicate(record):
                return record
            if isinstance(record, Closed):
                raise StreamFailed("the stream ended first", exchange=record.exchange) from record.error
