"""Two connections of one account for a moment: what both of them say is delivered once, and in one order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from attrs import fields

from futures_stream.records import Notice, Record
from futures_stream.vocabulary import Origin

__all__ = ["Overlap"]

_OURS = frozenset({"received_ns", "seq", "marks", "_info"})


class Overlap:
    """
    Which rows are delivered while a new connection takes over from an old one.

    Both say the same, each in its own time. The old one's rows are delivered as they come; the new one's are held
    until the old one has ended, and then those are delivered that it had not brought: so nothing is missing, nothing
    is doubled, and nothing overtakes what happened before it.

    The sets that a fresh subscription begins with are left out: they may be older than what the old connection has
    pushed since, and the account was never out of sight.

    Attributes:
        dropped: How many rows were not delivered again.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._said: Counter[Hashable] = Counter()
        self._held: list[Record] | None = []

    def old_says(self, records: list[Record]) -> list[Record]:
        """Return what to deliver of the old connection's records: all of them."""
        self._said.update(fingerprint(record) for record in records)
        return records

    def new_says(self, records: list[Record]) -> list[Record]:
        """Return what to deliver of the new connection's records."""
        if self._held is None:
            return self._unsaid(records)
        self._held += records
        return []

    def release(self) -> list[Record]:
        """Return what was held and is to be delivered, now that the old connection says nothing more."""
        held, self._held = self._held or [], None
        return self._unsaid([record for record in held if record.origin is not Origin.SNAPSHOT])

    def _unsaid(self, records: list[Record]) -> list[Record]:
        return [record for record in records if self._is_news(record)]

    def _is_news(self, record: Record) -> bool:
        told = fingerprint(record)
        if isinstance(record, Notice) or not self._said[told]:
            return True
        self._said[told] -= 1
        self.dropped += 1
        return False


def fingerprint(record: Record) -> Hashable:
    """Return what makes two rows the same: all that the exchange said, and nothing that we added."""
    kind = type(record)
    names = (attribute.name for attribute in fields(kind) if attribute.name not in _OURS)
    return (kind, *(getattr(record, name) for name in names))
