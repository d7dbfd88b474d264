"""A part of a stream's records for one queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

from futures_stream.records import Closed, Notice, Record
from futures_stream.stream.queue import StreamQueue

__all__ = ["Selection"]


class Selection:
    """
    Lets through some classes and one symbol, and notices always.

    Args:
        queue: Where they go.
        classes: Classes that are wanted; none means all.
        symbol: The contract that is wanted; None for all. Records without a symbol pass.
        detach: Called at the end of a ``with`` block, to hear nothing more.

    Threads:
        The I/O thread fills it.
    """

    def __init__(
        self,
        queue: StreamQueue,
        classes: Sequence[type[Record]],
        symbol: str | None,
        detach: Callable[[Selection], None] | None = None,
    ) -> None:
        self.queue = queue
        self._classes = (*classes, Notice) if classes else (Record,)
        self._symbol = symbol
        self._detach = detach

    def deliver(self, records: Sequence[Record]) -> None:
        """Hand on what is wanted."""
        wanted = [record for record in records if self._wants(record)]
        if wanted:
            self.queue.deliver(wanted)

    def end(self, notice: Closed) -> None:
        """Hand on the end."""
        self.queue.end(notice)

    def _wants(self, record: Record) -> bool:
        if not isinstance(record, self._classes):
            return False
        return self._symbol is None or record.symbol in (None, self._symbol) or isinstance(record, Notice)

    def __enter__(self) -> StreamQueue:
        return self.queue

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._detach is not None:
            self._detach(self)
