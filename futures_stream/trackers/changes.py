"""What a record changed, as a value."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from attrs import evolve, frozen

from futures_stream.records import Record
from futures_stream.vocabulary import Mark

__all__ = ["Change", "ChangeKind", "Counts", "Verdict", "marked"]

RecordT = TypeVar("RecordT", bound=Record)


class ChangeKind(str, Enum):
    """
    What kind of change it was.

    ``FOUND``: it was there before we began to look. ``UPDATED``: other figures, and nothing that has a word of its own.
    ``ENDED``: an order reached a final status. ``VANISHED``: an order is not among the open ones any more, and how it
    ended was not told. ``EXECUTED``: one match of an order. ``SWEPT``: a full set came, and took several with it; each
    is among the parts.
    """

    FOUND = "found"
    OPENED = "opened"
    INCREASED = "increased"
    REDUCED = "reduced"
    FLIPPED = "flipped"
    CLOSED = "closed"
    LIQUIDATED = "liquidated"
    UPDATED = "updated"
    PLACED = "placed"
    FILLED = "filled"
    ENDED = "ended"
    VANISHED = "vanished"
    EXECUTED = "executed"
    SWEPT = "swept"

    def __str__(self) -> str:
        return self.value


class Change(NamedTuple):
    """
    What a record changed.

    Attributes:
        kind: What kind of change.
        before: What was known before; None if nothing was.
        after: What is known now; None if it is gone.
        cause: The record that told it.
        certain: Whether what was before is known from a full set, and not just never told.
        parts: The single changes of a full set that took several with it.
    """

    kind: ChangeKind
    before: Record | None
    after: Record | None
    cause: Record
    certain: bool = True
    parts: tuple[Any, ...] = ()  # Changes: a recursive NamedTuple cannot say so to every type checker

    def each(self) -> Iterator[Change]:
        """Yield the single changes: the parts, or itself where there are none."""
        if self.parts:
            yield from self.parts
        else:
            yield self


class Verdict(Enum):
    """
    What a tracker made of the last record that was for it.

    ``NEWS``: it was applied. ``REPEATED``: it said what was known. ``LATE``: it is older than what is known.
    ``CONFLICT``: it contradicts what is known. ``UNIDENTIFIED``: it does not say what it is about.
    """

    __hash__ = object.__hash__  # a member is one object, and counted for every record

    NEWS = "news"
    REPEATED = "repeated"
    LATE = "late"
    CONFLICT = "conflict"
    UNIDENTIFIED = "unidentified"


_MARKS = {Verdict.LATE: Mark.LATE, Verdict.REPEATED: Mark.REPEATED, Verdict.CONFLICT: Mark.CONFLICT}


def marked(record: RecordT, verdict: Verdict | None) -> RecordT:
    """
    Return a record with the mark that a tracker's verdict deserves; the same record if it deserves none.

    Args:
        record: The record that was folded.
        verdict: The tracker's :attr:`verdict` behind it.
    """
    mark = None if verdict is None else _MARKS.get(verdict)
    return record if mark is None or mark in record.marks else evolve(record, marks=record.marks | {mark})


@frozen(kw_only=True)
class Counts:
    """
    How many records of a tracker's kind were what.

    Attributes:
        news: Applied.
        repeated: Said what was known.
        late: Older than what was known.
        conflict: Contradicted what was known, such as two different ends of one order.
        unidentified: Did not say what they are about (no order id, no symbol, no side).
    """

    news: int = 0
    repeated: int = 0
    late: int = 0
    conflict: int = 0
    unidentified: int = 0
