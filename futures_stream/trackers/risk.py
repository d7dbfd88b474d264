"""Whether a limit is crossed: a monitor that puts alerts right behind the records that show it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from attrs import evolve

from futures_stream.dialects import DIALECTS
from futures_stream.dialects.figures import Figures
from futures_stream.errors import ConfigError
from futures_stream.records import (
    Balance,
    ChannelLost,
    Closed,
    Gap,
    LiquidationWarning,
    Live,
    Notice,
    Position,
    Record,
    Resynced,
    RiskRecord,
)
from futures_stream.trackers.alarms import Alarm, Alarms
from futures_stream.trackers.balances import BalanceTracker
from futures_stream.trackers.changes import Change, ChangeKind
from futures_stream.trackers.limits import Limits
from futures_stream.trackers.measures import MEASURED, Measure, Subject, measures_of_account, measures_of_position
from futures_stream.trackers.metrics import Figure, account_metrics
from futures_stream.trackers.positions import PositionTracker
from futures_stream.vocabulary import Severity

__all__ = ["RiskMonitor"]

_ENDS = frozenset({ChangeKind.CLOSED, ChangeKind.LIQUIDATED})
_CRITICAL_LEVEL = 2  # of a warning; Bitget's document shows this one at a margin ratio of 0.95
_STREAM = Subject()


class RiskMonitor:
    """
    Watches an account's records for limits that are crossed.

    It is a monitor: hand it to ``open_stream(monitors=[RiskMonitor()])``, and a
    :class:`~futures_stream.records.RiskAlert` stands right behind the record that showed it. Each alert is told once,
    and taken back by a :class:`~futures_stream.records.RiskCleared` when the figure is well within the limit, or the
    position is closed. A limit that is crossed again and again is told at most once in ``limits.quiet`` seconds; the
    next alert says how often it was not. What cannot be judged at an exchange is told once by a
    :class:`~futures_stream.records.RiskUnknown`; it is unknown then, not zero.

    It runs over records of your own as well::

        monitor = RiskMonitor({"unrealized_pnl": -500, "symbols": {"BTCUSDT": {"unrealized_pnl": -5000}}})
        for record in records:
            for alert in monitor.apply(record):
                print(type(alert).__name__, alert.symbol or alert.asset, alert.value, alert.reason)

    Args:
        limits: :class:`Limits`, or a mapping from their names; None for the defaults.
        figures: What the exchange's figures mean, for a dialect of your own; None for what the registry says.
        on_alert: Called with each alert, and with what takes it back, by a stream that has this monitor: on a thread
            of its own, never on the stream's, so it may take its time. What it raises is told by a
            :class:`~futures_stream.records.MonitorFailed`, and so is it if a thousand alerts wait for it and more
            are left out (they are on the queue all the same). The ``seq`` of what it is given is that of the record
            that showed it.

    Raises:
        ConfigError: A limit that makes no sense, or that there is none of.

    Threads:
        One thread folds; :attr:`readings` is callable from any.
    """

    def __init__(
        self,
        limits: Limits | Mapping[str, Any] | None = None,
        *,
        figures: Figures | None = None,
        on_alert: Callable[[RiskRecord], object] | None = None,
    ) -> None:
        if on_alert is not None and not callable(on_alert):
            raise ConfigError("on_alert is a function that takes an alert")
        self.limits = Limits.read(limits)
        self.on_alert = on_alert
        self._figures = figures
        self._positions = PositionTracker()
        self._balances = BalanceTracker()
        self._alarms = Alarms(self.limits)
        self._watched: dict[Hashable, tuple[Alarm, ...]] = {}  # the alarms of each open position
        self._computed: dict[Hashable, Balance] = {}  # those whose margin ratio is not told
        self._blind_since: int | None = None
        self._now_ms = 0
        self._who: Record | None = None

    @property
    def follows(self) -> tuple[str, str] | None:
        """Exchange and account of what it watches; None before the first record."""
        return None if self._who is None else (self._who.exchange, self._who.account)

    @property
    def readings(self) -> tuple[Measure, ...]:
        """What was measured last of each limit; the value of a figure is None where it is not known."""
        return tuple(alarm.latest for alarm in self._alarms.all)

    @property
    def raised(self) -> tuple[Measure, ...]:
        """What is alerted now."""
        return tuple(alarm.latest for alarm in self._alarms.all if alarm.raised_at is not None)

    def apply(self, record: Record) -> list[RiskRecord]:
        """
        Fold a record; return the alerts that belong right behind it.

        Raises:
            ConfigError: It is a record of another account.
        """
        received = record.received_ns // 1_000_000 or record.timestamp or 0
        self._now_ms = max(self._now_ms, received)
        self._who = record if self._who is None else self._who
        if isinstance(record, Position):
            return list(self._judge_positions(self._positions.apply(record)))
        if isinstance(record, Balance):
            return list(self._judge_account(self._balances.apply(record)))
        if isinstance(record, LiquidationWarning):
            self._positions.apply(record)  # it changes none, and is refused if it is another account's
            return list(self._warned(record))
        return list(self._hear(record)) if isinstance(record, Notice) else []

    def due(self, now_ms: int) -> list[RiskRecord]:
        """Look at the time: blindness, warnings that are over, and what was held back."""
        self._now_ms = max(self._now_ms, now_ms)
        if self._who is None:
            return []
        who = self._who
        cause = Record(exchange=who.exchange, account=who.account, timestamp=now_ms, received_ns=now_ms * 1_000_000)
        return [*self._judge_blindness(cause), *self._alarms.look_at_time(cause, self._now_ms)]

    # -- positions and balances -------------------------------------------------------------------------------------

    def _judge_positions(self, change: Change | None) -> Iterator[RiskRecord]:
        if change is None:
            return
        for each in change.each():
            if each.kind in _ENDS or each.kind is ChangeKind.FLIPPED:
                yield from self._end_position(each)
            if isinstance(each.after, Position) and each.kind not in _ENDS:
                yield from self._measure_position(each.after, each.cause)
        for balance in tuple(self._computed.values()):
            yield from self._measure_account(balance, change.cause)

    def _measure_position(self, position: Position, cause: Record) -> Iterator[RiskRecord]:
        meaning = self._meaning(cause)
        key = (position.product, position.symbol, position.side, position.margin_mode)
        watched = self._watched.get(key)
        if watched is None:
            measures = list(measures_of_position(position, self.limits, meaning))
            for measure in measures:
                yield from self._take(measure, cause)
            self._watched[key] = tuple(alarm for measure in measures if (alarm := self._alarms.of(measure)) is not None)
            return
        for alarm in watched:
            figure = MEASURED[alarm.measure.limit](position, meaning)
            if not alarm.is_calm(figure):
                yield from self._take(evolve(alarm.measure, figure=figure), cause)

    def _end_position(self, change: Change) -> Iterator[RiskRecord]:
        """A position that is gone crosses no limit."""
        if isinstance(change.before, Position):
            subject = _subject(change.before)
            self._watched.pop((subject.product, subject.symbol, subject.side, subject.margin_mode), None)
            yield from self._alarms.end(subject, change.cause, self._now_ms, "the position is closed")

    def _judge_account(self, change: Change | None) -> Iterator[RiskRecord]:
        for each in () if change is None else change.each():
            if isinstance(each.after, Balance):
                if each.after.margin_ratio is None:
                    self._computed[each.after.product, each.after.asset] = each.after
                else:
                    self._computed.pop((each.after.product, each.after.asset), None)
                yield from self._measure_account(each.after, each.cause)
            elif isinstance(each.before, Balance):
                self._computed.pop((each.before.product, each.before.asset), None)
                subject = Subject(product=each.before.product, asset=each.before.asset)
                yield from self._alarms.end(subject, each.cause, self._now_ms, "the asset is not held any more")

    def _measure_account(self, balance: Balance, cause: Record) -> Iterator[RiskRecord]:
        meaning = self._meaning(cause)
        positions = self._positions_in(balance.asset) if balance.margin_ratio is None else None
        metrics = account_metrics(balance, positions, meaning)
        for measure in measures_of_account(metrics, balance.product, self.limits, meaning):
            yield from self._take(measure, cause)

    def _positions_in(self, asset: str | None) -> list[Position] | None:
        """Return the positions with their margin in an asset; None if that is not known of all of them."""
        positions = self._positions.view
        if not positions.trusted:
            return None
        is_only_one = len(self._balances.view) == 1
        if any(each.margin_asset is None for each in positions.values()) and not is_only_one:
            return None
        return [each for each in positions.values() if each.margin_asset in (None, asset)]

    # -- what the exchange and the stream say -----------------------------------------------------------------------

    def _warned(self, warning: LiquidationWarning) -> Iterator[RiskRecord]:
        if not self.limits.exchange_warnings:
            return
        is_mild = warning.level is not None and warning.level < _CRITICAL_LEVEL
        meaning = "the exchange warns of liquidation"
        measure = Measure(
            limit="exchange_warning",
            subject=Subject(warning.product, warning.symbol, warning.side, warning.margin_mode),
            threshold=None,
            figure=Figure(warning.margin_ratio),
            meaning=meaning if warning.level is None else f"{meaning}, level {warning.level}",
            severity=Severity.WARNING if is_mild else Severity.CRITICAL,
        )
        yield from self._alarms.take(measure, warning, self._now_ms)

    def _hear(self, notice: Notice) -> Iterator[RiskRecord]:
        yield from self._judge_positions(self._positions.apply(notice))
        yield from self._judge_account(self._balances.apply(notice))
        if isinstance(notice, Gap):
            self._blind_since = notice.since if self._blind_since is None else self._blind_since
        elif isinstance(notice, Closed) or (isinstance(notice, ChannelLost) and notice.channel == "positions"):
            self._blind_since = self._now_ms if self._blind_since is None else self._blind_since
        elif isinstance(notice, Live | Resynced):
            self._blind_since = None
            yield from self._alarms.end(_STREAM, notice, self._now_ms, "the stream is live again")
        yield from self._judge_blindness(notice)

    def _judge_blindness(self, cause: Record) -> Iterator[RiskRecord]:
        limit = self.limits.blind_after
        if limit is not None and self._blind_since is not None and len(self._positions.view):
            seconds = Decimal(self._now_ms - self._blind_since) / 1000
            figure = Figure(max(seconds, Decimal(0)), derived=True)
            yield from self._take(Measure(limit="blind", subject=_STREAM, threshold=limit, figure=figure), cause)

    def _take(self, measure: Measure, cause: Record) -> Iterator[RiskRecord]:
        why = None
        if measure.figure.value is None:
            why = "the exchange does not say it, and it cannot be computed"
        elif "margin_ratio" in measure.limit:
            most = self._meaning(cause).liquidated_at
            if most is not None and measure.threshold is not None and measure.threshold >= most:
                why = f"a limit of {measure.threshold} is never crossed: at {most} the exchange takes over"
        if why is not None:
            yield from self._alarms.cannot(measure, cause, why)
        yield from self._alarms.take(measure, cause, self._now_ms)

    def _meaning(self, record: Record) -> Figures:
        if self._figures is None:
            dialect = DIALECTS.get(record.exchange)
            self._figures = Figures() if dialect is None else dialect.figures
        return self._figures


def _subject(position: Position) -> Subject:
    return Subject(position.product, position.symbol, position.side, position.margin_mode)
