"""The newest row of something whose figures go up and down."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from attrs import fields

from futures_stream.records import Record

__all__ = ["Rows"]

_OURS = frozenset({"received_ns", "seq", "origin", "marks", "_info"})
_KEPT = 16  # rows of one millisecond; an exchange whose clock stands still must not cost memory


class Rows:
    """
    The newest row, and those of the same time that came before it.

    Where a figure may go up and down, nothing but its time tells an older row from a newer one, and several may have
    the same time. One of those that is told once more is known by being equal.

    Attributes:
        number: Rises in the order in which such things were told of first.
        row: The newest row, as it was told.
        shown: The row with what it leaves out.
    """

    __slots__ = ("_same_time", "number", "row", "shown")

    def __init__(self, number: int, row: Any, shown: Any) -> None:
        self.number = number
        self.row = row
        self.shown = shown
        self._same_time: tuple[Any, ...] = ()

    def followed_by(self, row: Any, shown: Any, number: int | None = None) -> Rows:
        """Return this with a newer row."""
        rows = Rows(self.number if number is None else number, row, shown)
        if row.timestamp is not None and row.timestamp == self.row.timestamp:
            rows._same_time = (*self._same_time[1 - _KEPT :], self.row)
        return rows

    def holds(self, row: Record) -> bool:
        """Tell whether one of these rows says all that *row* does."""
        facts = _facts(type(row))
        said = facts(row)
        return facts(self.row) == said or any(facts(other) == said for other in self._same_time)

    def differs(self, row: Record) -> bool:
        """Tell whether a row says something else than the newest does, besides its time."""
        facts = _facts(type(row), "timestamp")
        return bool(facts(row) != facts(self.row))


_READERS: dict[Any, Any] = {}


def _facts(kind: Any, *left_out: str) -> Any:
    """Return a reader of all that the exchange says in a row of that class."""
    reader = _READERS.get((kind, left_out))
    if reader is None:
        names = [each.name for each in fields(kind) if each.name not in _OURS and each.name not in left_out]
        reader = _READERS[kind, left_out] = attrgetter(*names)
    return reader
