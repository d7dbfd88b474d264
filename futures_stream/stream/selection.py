"""A part of a stream's records for one queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from weakref import ref

from futures_stream.engine.ports import Sink
from futures_stream.records import Closed, Notice, Record

__all__ = ["Selection"]


class Selection:
    """
    Lets through some classes and one symbol, and notices always.

    It does not keep the queue alive: what nobody can read any more (the one who wanted to was interrupted, or has
    forgotten it) is not filled for ever.

    Args:
        queue: Where they go.
        classes: Classes that are wanted; none means all.
        symbol: The contract that is wanted; None for all. Records without a symbol pass.
        detach: Called with this when the queue is no more.

    Threads:
        The I/O thread fills it.
    """

    def __init__(
        self,
        queue: Sink,
        classes: Sequence[type[Record]] = (),
        symbol: str | None = None,
        detach: Callable[[Selection], None] = lambda selection: None,
    ) -> None:
        self._queue = ref(queue)
        self._classes = (*classes, Notice) if classes else (Record,)
        self._symbol = symbol
        self._detach = detach

    def deliver(self, records: Sequence[Record]) -> None:
        """Hand on what is wanted."""
        queue = self._queue()
        if queue is None:
            self._detach(self)
        elif wanted := [record for record in records if self._wants(record)]:
            queue.deliver(wanted)

    def end(self, notice: Closed) -> None:
        """Hand on the end."""
        if (queue := self._queue()) is not None:
            queue.end(notice)

    def _wants(self, record: Record) -> bool:
        if not isinstance(record, self._classes):
            return False
        return self._symbol is None or record.symbol in (None, self._symbol) or isinstance(record, Notice)
