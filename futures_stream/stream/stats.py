"""What a stream has done so far, in numbers."""

from __future__ import annotations

from attrs import field, frozen

__all__ = ["Stats"]


@frozen(kw_only=True)
class Stats:
    """
    What a stream has done so far.

    Attributes:
        records: How many records and notices it delivered.
        connects: How many connections it made.
        queued: How many records wait in its queue.
        missed: How many found no room in its queue.
        lag: Seconds since the oldest record that waits in its queue was received; 0 if none does.
        unknown_words: Words of the exchange that the dialect does not know, counted.
    """

    records: int
    connects: int
    queued: int
    missed: int
    lag: float = 0.0
    unknown_words: dict[str, int] = field(factory=dict)
