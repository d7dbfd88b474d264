"""The one gap that may be open: told when it is noticed, closed once, and counted against the limit of blindness."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from futures_stream.clock import Age, Clock
from futures_stream.engine.clock_steps import ClockStep
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.engine.repair import Outcome
from futures_stream.errors import Blind
from futures_stream.records import Gap, Resynced

__all__ = ["Gaps"]


@frozen
class _Times:
    """Times of this machine's clock, in ms since 1970."""

    earliest: int
    latest: int


class Gaps:
    """
    Tells the consumer when events may have been missed, and when that is over.

    Args:
        delivery: Takes the notices.
        lifecycle: Shows since when the stream is blind.
        mark: Called when a gap begins, before it is told.
        limit: Seconds that a gap may last; None for no limit.
        clock: Measures it.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(
        self,
        *,
        delivery: Delivery,
        lifecycle: Lifecycle,
        mark: Callable[[], None],
        limit: float | None,
        clock: Clock,
    ) -> None:
        self._delivery = delivery
        self._lifecycle = lifecycle
        self._mark = mark
        self._limit = limit
        self._clock = clock
        self._give_up_at: float | None = None
        self._open: Gap | None = None
        self._latest = 0  # the latest time of this machine's clock when the gap was noticed, in ms
        self._age = Age(clock)  # of the gap since then
        self._set_back: _Times | None = None  # what it has shown twice

    @property
    def since(self) -> int | None:
        """When the open gap began, in ms; None if none is open."""
        return None if self._open is None else self._open.since

    @property
    def earliest(self) -> int | None:
        """The earliest time that the clock has shown in the open gap, in ms; None if none is open."""
        return None if self._open is None else self._shown_since(self._open.since).earliest

    def begin(self, reason: str, since: int, channels: tuple[str, ...]) -> None:
        """From *since* on something may be missing. A gap that is open already stays as it is: it is one gap."""
        if self._open is not None:
            return
        self._mark()
        now, shown = self._clock.unix_ms(), self._shown_since(since)
        self._latest, self._age = max(shown.latest, now), Age(self._clock)
        since = min(shown.earliest, now)
        self._open = self._delivery.notice(Gap, reason=reason, since=since, channels=channels)
        self._lifecycle.note(blind_since=since)
        if self._limit is not None:
            self._give_up_at = self._clock.monotonic() + self._limit

    def clock_set_back(self, step: ClockStep) -> None:
        """The clock shows an earlier time than it did: a gap noticed later may have begun before."""
        earliest, latest = step.earliest, step.latest
        before = self._set_back
        if before is not None and before.latest >= earliest:  # it was not yet as late again as it had been
            earliest, latest = min(before.earliest, earliest), max(before.latest, latest)
        self._set_back = _Times(earliest, latest)
        self._latest = max(self._latest, latest)

    def _shown_since(self, since: int) -> _Times:
        """
        Return the times that the clock may have shown since it showed *since*, when it was set back.

        Nobody knows whether a time that it has shown twice is the one of before.
        """
        twice = self._set_back
        if twice is None or since > twice.latest:
            return _Times(since, since)
        return _Times(min(since, twice.earliest), twice.latest)

    def end(self, outcome: Outcome) -> None:
        """Messages flow again, and this is what is known of the time between."""
        if self._open is None:
            return
        # The clock may have been set back: what happened before that has a later time than now, and lies in the gap.
        until = max(self._clock.unix_ms(), self._latest + int(self._age.seconds * 1000))
        self._delivery.notice(
            Resynced,
            since=self._open.since,
            until=until,
            recovered=outcome.recovered,
            proven=outcome.proven,
            unproven=outcome.unproven,
            unexplained=outcome.unexplained,
        )
        self._open = self._give_up_at = None
        self._lifecycle.note(blind_since=None)

    @property
    def deadline(self) -> float | None:
        """When the gap has lasted too long, in monotonic seconds; None if it may last."""
        return self._give_up_at

    def look_at_time(self) -> None:
        """
        Make sure that the gap has not lasted too long.

        Raises:
            Blind: It has.
        """
        if self._give_up_at is not None and self._clock.monotonic() >= self._give_up_at:
            raise Blind(
                f"not live for {self._limit:g} s, which is the limit that max_blind sets; "
                f"last: {self._lifecycle.status.error}"
            )
