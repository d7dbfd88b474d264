"""Calling a user's function with each alert: on a thread of its own, which no record ever waits for."""

from __future__ import annotations

import logging
import queue
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from futures_stream.clock import Clock, Deadline
from futures_stream.engine.monitors import Monitor
from futures_stream.records import Closed, MonitorFailed, Record, RiskAlert, RiskCleared, RiskRecord
from futures_stream.stream.interruptible import InterruptibleQueue, ShutDown
from futures_stream.trackers import RiskMonitor

__all__ = ["Alerting"]

log = logging.getLogger("futures_stream.stream")

_MOST_WAITING = 1_000  # alerts that the functions have not been called with yet
_MOST_UNTOLD = 100  # failures that wait for the next look of the monitors, a second at most
_FAREWELL = 2.0  # seconds after the end of the stream in which alerts that wait are still handed over


class Alerting:
    """
    The ``on_alert`` functions of a stream's monitors, and the thread that calls them.

    The box between them is bounded: a function that takes too long misses alerts, which are on the queue all the same,
    and is told so. What a function raises becomes a :class:`~futures_stream.records.MonitorFailed` behind the next
    record, at the latest a second later; it is called with the next alert all the same.

    Args:
        monitors: What the user handed over.
        clock: Measures the patience at the end.

    Attributes:
        monitors: What the stream is to run in their place.
        wanted: Whether there is any function to call.

    Threads:
        :meth:`run` is the thread's whole life; :meth:`wake` is callable from any; the rest is the I/O thread's.
    """

    def __init__(self, monitors: Iterable[Monitor], clock: Clock) -> None:
        self._clock = clock
        self._box = InterruptibleQueue(_MOST_WAITING)
        self.monitors: tuple[Monitor, ...] = tuple(
            _Overheard(each, self._box) if isinstance(each, RiskMonitor) and each.on_alert is not None else each
            for each in monitors
        )
        self.wanted = any(isinstance(each, _Overheard) for each in self.monitors)

    def run(self) -> None:
        """Call the functions until the stream has ended and all has been handed over."""
        farewell: Deadline | None = None
        while True:
            try:
                overheard, alert = self._box.get()
            except ShutDown:
                return
            if self._box.is_shutdown and farewell is None:
                farewell = Deadline(self._clock, _FAREWELL)
            if farewell is not None and farewell.expired:
                log.warning("%d alerts were not handed over: the stream has ended", self._box.qsize() + 1)
                return
            overheard.call(alert)

    def wake(self) -> None:
        """End the thread when all has been handed over."""
        self._box.shutdown()

    def deliver(self, records: Sequence[Record]) -> None:
        """Take nothing from the delivery: alerts come from the monitors."""

    def end(self, notice: Closed) -> None:
        """Take note that the stream has ended."""
        self._box.shutdown()


class _Overheard:
    """A risk monitor whose alerts are also put into a box; what its function raises is said among them."""

    def __init__(self, monitor: RiskMonitor, box: InterruptibleQueue) -> None:
        self.name = type(monitor).__name__
        self._monitor = monitor
        self._box = box
        self._missed = 0
        self._failures: deque[str] = deque(maxlen=_MOST_UNTOLD)

    def apply(self, record: Record) -> list[Record]:
        return self._told(self._monitor.apply(record), record)

    def due(self, now_ms: int) -> list[Record]:
        return self._told(self._monitor.due(now_ms), None)

    def call(self, alert: RiskRecord) -> None:
        """Hand an alert over; on the thread for that."""
        on_alert: Callable[[RiskRecord], object] | None = self._monitor.on_alert
        try:
            if on_alert is not None:
                on_alert(alert)
        except BaseException as error:  # SystemExit, too: it would end a thread of ours
            log.error("on_alert raised %s", type(error).__name__)
            self._failures.append(f"on_alert raised {type(error).__name__}: {error}")

    def _told(self, said: Iterable[RiskRecord], cause: Record | None) -> list[Record]:
        alerts = list(said)
        for alert in alerts:
            if isinstance(alert, RiskAlert | RiskCleared):
                self._put(alert)
        return [*alerts, *self._failed(cause)] if self._failures else list(alerts)

    def _put(self, alert: RiskRecord) -> None:
        try:
            self._box.put((self, alert), block=False)
        except queue.Full:
            self._missed += 1
            if self._missed == 1:
                self._failures.append("on_alert takes too long: it is not called with what finds no room")
        except ShutDown:
            pass  # the stream is ending
        else:
            if self._missed:
                self._failures.append(f"on_alert was not called with {self._missed} alerts")
                self._missed = 0

    def _failed(self, cause: Record | None) -> Iterable[Record]:
        who = self._monitor.follows if cause is None else (cause.exchange, cause.account)
        while who is not None and self._failures:
            error = self._failures.popleft()
            received_ns = 0 if cause is None else cause.received_ns
            yield MonitorFailed(
                exchange=who[0], account=who[1], received_ns=received_ns, monitor=self.name, error=error
            )
