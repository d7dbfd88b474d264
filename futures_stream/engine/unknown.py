"""What a live stream does not know although the exchange could tell it, and when to ask for that."""

from __future__ import annotations

import math

from futures_stream.clock import Clock
from futures_stream.errors import FuturesStreamError, TransientError

__all__ = ["Unknown"]

_PAUSE = 60.0  # seconds between two rounds of questions
_AT_FIRST = 5.0  # seconds before the first one when the exchange did not answer: it may have stumbled


class Unknown:
    """
    Knows whether something may have been missed that a round of questions would tell.

    Args:
        clock: Measures the pauses.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._unread = False  # whether something could not be read since the exchange was asked last
        self._unanswered_at: float | None = None  # when the stream went live, if nobody has told how the account stands
        self._asked_at = -math.inf

    @property
    def deadline(self) -> float | None:
        """When to ask, in monotonic seconds; None if nothing is unknown."""
        if self._unread:
            return self._asked_at + _PAUSE
        if self._unanswered_at is not None:
            return max(self._asked_at + _PAUSE, self._unanswered_at + _AT_FIRST)
        return None

    def take(self) -> bool:
        """Tell whether it is time to ask, which is done then."""
        due = self.deadline is not None and self._clock.monotonic() >= self.deadline
        if due:
            self._asked_at = self._clock.monotonic()
        return due

    def misunderstood(self) -> None:
        """A message could not be read, which may have been about the account."""
        self._unread = True

    def asking(self) -> None:
        """A round of questions begins, for whatever reason."""
        self._unread = False

    def went_live(self, error: FuturesStreamError | None) -> None:
        """
        The stream goes live; *error* is why the exchange did not tell how the account stands, if it did not.

        What is pushed is worth having, so a stream goes live without an answer; and what was refused would be again.
        """
        self._unanswered_at = self._clock.monotonic() if isinstance(error, TransientError) else None

    def answered(self) -> None:
        """The exchange has told how the account stands."""
        self._unanswered_at = None
