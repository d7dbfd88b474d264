"""Alarms that ring once: raised when a limit is crossed, taken back when it is well clear, and never in a flood."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from typing import Any

from attrs import define, evolve

from futures_stream.records import Record, RiskAlert, RiskCleared, RiskRecord, RiskUnknown
from futures_stream.trackers.limits import Limits
from futures_stream.trackers.measures import Measure, Subject
from futures_stream.trackers.metrics import Figure

__all__ = ["Alarm", "Alarms", "Ring"]

_MOST_UNKNOWN = 10_000  # limits of which it was told that they cannot be watched


class Ring(Enum):
    """What an alarm has to say."""

    RAISED = "raised"
    CLEARED = "cleared"


@define
class Alarm:
    """
    One limit of one position, asset or stream.

    Attributes:
        measure: What was measured last.
        raised_at: When it was raised, in ms; None while it is not.
        told_at: When it was told last, in ms; None if it never was.
        held: Whether the limit is crossed and that was not told, since it was told a moment ago.
        suppressed: How often it was not told since it was told last.
        heard_at: When the limit was last seen to be crossed, in ms.
        over: Whether what it is about is gone.
        calm: The figure of a later measurement than *measure*, which was within the limit.
    """

    measure: Measure
    raised_at: int | None = None
    told_at: int | None = None
    held: bool = False
    suppressed: int = 0
    heard_at: int | None = None
    over: bool = False
    calm: Figure | None = None

    def hear(self, measure: Measure, now_ms: int, hysteresis: Decimal, quiet_ms: int) -> Ring | None:
        """
        Take a measurement; return what there is to say about it.

        What is not known changes nothing: it is no recovery.

        Args:
            measure: The measurement.
            now_ms: The time.
            hysteresis: How far a value must come back, as a share of the limit.
            quiet_ms: How long after it was told it is not told again.
        """
        escalates = self.raised_at is not None and _urgency(measure) > _urgency(self.measure)
        self.measure, self.calm, self.over = measure, None, False
        if measure.crossed:
            self.heard_at = now_ms
            if self.raised_at is not None and not escalates:
                return None
            if not escalates and self._is_quiet(now_ms, quiet_ms):
                self.suppressed += not self.held
                self.held = True
                return None
            self.raised_at = self.told_at = now_ms
            self.held = False
            return Ring.RAISED
        if measure.recovered(hysteresis):
            return self.end()
        return None

    def is_calm(self, figure: Figure) -> bool:
        """Take a figure that is within its limit while nothing has been said; False if it has to be looked at."""
        if self.raised_at is not None or self.held or self.over:
            return False
        if self.measure.is_crossed_by(figure.value) is not False:
            return False
        self.calm = figure
        return True

    @property
    def latest(self) -> Measure:
        """What was measured last."""
        return self.measure if self.calm is None else evolve(self.measure, figure=self.calm)

    def look_at_time(self, now_ms: int, quiet_ms: int) -> Ring | None:
        """Say what was held back, if it still holds and the quiet is over."""
        if not self.held or self._is_quiet(now_ms, quiet_ms):
            return None
        self.raised_at = self.told_at = now_ms
        self.held = False
        return Ring.RAISED

    def end(self) -> Ring | None:
        """It is over, whatever was measured last."""
        self.held = False
        if self.raised_at is None:
            return None
        return Ring.CLEARED

    def is_idle(self, now_ms: int, quiet_ms: int) -> bool:
        """Tell whether nothing would be lost by forgetting it."""
        return self.over and self.raised_at is None and not self._is_quiet(now_ms, quiet_ms)

    def _is_quiet(self, now_ms: int, quiet_ms: int) -> bool:
        return self.told_at is not None and 0 <= now_ms - self.told_at < quiet_ms


def _urgency(measure: Measure) -> int:
    return 1 if measure.severity == "critical" else 0


class Alarms:
    """
    The alarms of one account, and what they say as records.

    Args:
        limits: When they ring, and how often.
    """

    def __init__(self, limits: Limits) -> None:
        self._hysteresis = limits.hysteresis
        self._quiet_ms = int(limits.quiet * 1000)
        self._warning_ms = int(limits.warning_lasts * 1000)
        self._alarms: dict[tuple[str, Subject], Alarm] = {}
        self._unknown: dict[tuple[str, Subject], None] = {}

    @property
    def all(self) -> tuple[Alarm, ...]:
        """All alarms, of what is still there; callable from any thread."""
        return tuple(alarm for alarm in list(self._alarms.values()) if not alarm.over)

    def take(self, measure: Measure, cause: Record, now_ms: int) -> Iterator[RiskRecord]:
        """Take a measurement; yield what there is to say about it."""
        key = (measure.limit, measure.subject)
        alarm = self._alarms.get(key)
        if alarm is None:
            alarm = self._alarms[key] = Alarm(measure)
        yield from _said(alarm, alarm.hear(measure, now_ms, self._hysteresis, self._quiet_ms), cause)

    def of(self, measure: Measure) -> Alarm | None:
        """Return the alarm of a measurement, if there is one."""
        return self._alarms.get((measure.limit, measure.subject))

    def end(self, subject: Subject, cause: Record, now_ms: int, reason: str) -> Iterator[RiskRecord]:
        """Take back what was said about something that is gone, or over."""
        for key, alarm in tuple(self._alarms.items()):
            if key[1] == subject:
                alarm.measure, alarm.calm = evolve(alarm.measure, figure=Figure(None)), None
                alarm.over = True
                yield from _said(alarm, alarm.end(), cause, reason)
                if alarm.is_idle(now_ms, self._quiet_ms):
                    del self._alarms[key]

    def look_at_time(self, cause: Record, now_ms: int) -> Iterator[RiskRecord]:
        """Say what was held back, take back warnings that were not repeated, and forget what is over."""
        for key, alarm in tuple(self._alarms.items()):
            yield from _said(alarm, alarm.look_at_time(now_ms, self._quiet_ms), cause)
            is_warning = alarm.measure.threshold is None and alarm.heard_at is not None
            if is_warning and now_ms - (alarm.heard_at or 0) > self._warning_ms:
                alarm.over = True
                yield from _said(alarm, alarm.end(), cause, "the exchange has not warned again")
            if alarm.is_idle(now_ms, self._quiet_ms):
                del self._alarms[key]

    def cannot(self, measure: Measure, cause: Record, why: str) -> Iterator[RiskRecord]:
        """Tell once that a limit cannot be watched."""
        key = (measure.limit, evolve(measure.subject, side=None, margin_mode=None))
        if key not in self._unknown and len(self._unknown) < _MOST_UNKNOWN:
            self._unknown[key] = None
            yield RiskUnknown(**_facts(measure, cause), reason=why)


def _said(alarm: Alarm, ring: Ring | None, cause: Record, reason: str | None = None) -> Iterator[RiskRecord]:
    if ring is None:
        return
    measure = alarm.measure
    facts = _facts(measure, cause)
    if ring is Ring.RAISED:
        yield RiskAlert(**facts, reason=measure.reason, severity=measure.severity, suppressed=alarm.suppressed)
        alarm.suppressed = 0
    else:
        why = reason or "it is well within the limit again"
        yield RiskCleared(**facts, reason=why, raised_at=alarm.raised_at)
        alarm.raised_at = None


def _facts(measure: Measure, cause: Record) -> dict[str, Any]:
    subject = measure.subject
    return {
        "exchange": cause.exchange,
        "account": cause.account,
        "product": subject.product,
        "symbol": subject.symbol,
        "timestamp": cause.timestamp,
        "received_ns": cause.received_ns,
        "seq": cause.seq,
        "limit": measure.limit,
        "asset": subject.asset,
        "side": subject.side,
        "margin_mode": subject.margin_mode,
        "threshold": measure.threshold,
        "value": measure.figure.value,
        "derived": measure.figure.derived,
    }
