"""Channels that the exchange took away from a stream that was live: when to ask for each of them again."""

from __future__ import annotations

from collections.abc import Container, Iterable
from random import Random

from attrs import define

from futures_stream.clock import Clock

__all__ = ["LostChannels"]

_FIRST, _LONGEST = 15.0, 600.0  # seconds until it is asked for again, doubled each time it is refused, and at most


@define
class _Lost:
    """
    One that is lost.

    Attributes:
        since: When it was, in ms.
        pause: Seconds before the next time that it is asked for.
        due: When that is, in monotonic seconds; None while an answer is awaited.
    """

    since: int
    pause: float
    due: float | None


class LostChannels:
    """
    Knows what was lost, since when, and when to ask for it again.

    Args:
        clock: Measures the pauses.
        random: Where jitter comes from: what one account has lost, all may have.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._lost: dict[str, _Lost] = {}

    def __contains__(self, channel: str) -> bool:
        return channel in self._lost

    @property
    def deadline(self) -> float | None:
        """When to ask for one again, in monotonic seconds; None if none is lost, or all have been asked for."""
        return min((lost.due for lost in self._lost.values() if lost.due is not None), default=None)

    def refused(self, channel: str) -> None:
        """The exchange does not serve it, or not yet."""
        lost = self._lost.get(channel)
        if lost is None:
            lost = self._lost[channel] = _Lost(self._clock.unix_ms(), _FIRST, None)
        else:
            lost.pause = min(2 * lost.pause, _LONGEST)
        self._plan(lost)

    def take_due(self) -> tuple[str, ...]:
        """Return those that are to be asked for now."""
        now = self._clock.monotonic()
        due = tuple(channel for channel, lost in self._lost.items() if lost.due is not None and now >= lost.due)
        for channel in due:
            self._lost[channel].due = None
        return due

    def take_unanswered(self) -> tuple[str, ...]:
        """The connection is gone: return those that were asked for in vain, to be asked for again on the next one."""
        unanswered = tuple(channel for channel, lost in self._lost.items() if lost.due is None)
        for channel in unanswered:
            self._plan(self._lost[channel])
        return unanswered

    def found(self, served: Container[str]) -> tuple[tuple[str, ...], int] | None:
        """Return those of the lost that are served again, and since when (ms) they were not; None if none is."""
        back = tuple(channel for channel in self._lost if channel in served)
        return (back, min(self._lost[channel].since for channel in back)) if back else None

    def forget(self, channels: Iterable[str]) -> None:
        """They are served again, or nobody wants them any more."""
        for channel in channels:
            self._lost.pop(channel, None)

    def _plan(self, lost: _Lost) -> None:
        lost.due = self._clock.monotonic() + lost.pause * self._random.uniform(0.5, 1.0)
