"""Where records go when little room is left: what repeats gives way, and what is missing is counted at its place."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from futures_stream.records import Balance, Overflow, Position, Record

__all__ = ["Hole", "Room"]

_REPEATING = (Balance, Position)
"""Records that repeat: what is missed now comes again, so they give way first."""


class Hole:
    """A place in a queue where records are missing; what it stands for is counted until somebody comes by."""

    __slots__ = ("_missed",)

    def __init__(self) -> None:
        self._missed: dict[tuple[str, str], tuple[Record, Counter[str]]] = {}

    def count(self, record: Record) -> None:
        """Count one more that found no room."""
        _first, classes = self._missed.setdefault((record.exchange, record.account), (record, Counter()))
        classes[type(record).__name__] += 1

    def take_from(self, waiting: deque[Any]) -> Overflow:
        """Take what is missing of one stream; this hole leaves its place, the first, with the last of them."""
        who, (first, classes) = next(iter(self._missed.items()))
        overflow = Overflow(
            exchange=first.exchange,
            account=first.account,
            timestamp=first.timestamp,
            received_ns=first.received_ns,
            seq=first.seq,
            missed=sum(classes.values()),
            classes=dict(classes),
        )
        del self._missed[who]
        if not self._missed:
            del waiting[0]
        return overflow

    @property
    def streams(self) -> int:
        """How many streams miss something here."""
        return len(self._missed)


class Room:
    """
    The bound of a queue: a tenth of it is kept for what does not repeat.

    Args:
        size: How many records find room at most; 0 for no bound.

    Attributes:
        missed: How many records have found none.

    Threads:
        Belongs to whoever holds the queue's lock.
    """

    __slots__ = ("_reserve", "_size", "missed")

    def __init__(self, size: int) -> None:
        self._size = size
        self._reserve = size - size // 10 if size >= 10 else size
        self.missed = 0

    def take(self, waiting: deque[Any], records: Sequence[Record]) -> None:
        """Append the records to those that wait, as far as there is room."""
        if not self._size or len(waiting) + len(records) <= self._reserve:
            waiting.extend(records)
        else:
            for record in records:
                self._squeeze(waiting, record)

    def _squeeze(self, waiting: deque[Any], record: Record) -> None:
        if len(waiting) < (self._reserve if isinstance(record, _REPEATING) else self._size):
            waiting.append(record)
            return
        self.missed += 1
        if not waiting or type(waiting[-1]) is not Hole:
            # The one thing that may stand beyond the bound, and only once in a row: the place must be known.
            waiting.append(Hole())
        waiting[-1].count(record)
