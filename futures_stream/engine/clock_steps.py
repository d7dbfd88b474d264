"""Steps of the wall clock: somebody or something has set it, or the machine has slept."""

from __future__ import annotations

from attrs import frozen

from futures_stream.clock import CLOCK_JUMP, Clock

__all__ = ["ClockStep", "ClockSteps"]

_SET_BACK = 0.01  # seconds: less than that a clock is slowed down by between two looks, which nobody has set back


@frozen
class ClockStep:
    """
    The wall clock shows something else than it would have if nobody had touched it.

    Attributes:
        by: Seconds that it is ahead of that; negative if it was set back.
        jumped: Whether that is so much that a listen key or a connection may be older than monotonic time says.
        set_back: Whether times from before may be later than times from now on.
        latest: The latest time that may have been shown before, in ms since 1970.
        earliest: The earliest time that may have been shown since, in ms since 1970.
    """

    by: float
    jumped: bool
    set_back: bool
    latest: int
    earliest: int


class ClockSteps:
    """
    Compares wall and monotonic time, each time that it is asked.

    Small steps back are told as well, since every one of them can make a beginning later than what followed it. Who
    looks may lose the processor between the two clocks, and then takes that pause for a step the next time: it is no
    larger than the pause, and what is done about it can be done in vain.

    Args:
        clock: Has both.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._looked_at = clock.monotonic()
        self._ahead = self._jumped_to = clock.unix_ns() / 1e9 - self._looked_at  # wall minus monotonic time, in seconds

    def look(self) -> ClockStep | None:
        """Return what happened since the last look, if anything did."""
        now = self._clock.monotonic()
        ahead = self._clock.unix_ns() / 1e9 - now
        before, looked_at = self._ahead, self._looked_at
        self._ahead, self._looked_at = ahead, now
        by = ahead - self._jumped_to  # slow ones add up
        jumped = abs(by) > CLOCK_JUMP
        set_back = before - ahead > _SET_BACK
        if not (jumped or set_back):
            return None
        if jumped:
            self._jumped_to = ahead
        return ClockStep(
            by=by if jumped else ahead - before,
            jumped=jumped,
            set_back=set_back,
            latest=int((now + before) * 1000),
            earliest=int((looked_at + ahead) * 1000),
        )
