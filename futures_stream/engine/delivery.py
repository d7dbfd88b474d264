"""The last step on our side: every record gets its place in the stream's one order, then goes to every queue."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

from futures_stream.clock import Clock
from futures_stream.engine.defects import defects
from futures_stream.engine.knowledge import Knowledge
from futures_stream.engine.monitors import Monitor, Monitors, renumbered
from futures_stream.engine.ports import Sink
from futures_stream.errors import FuturesStreamError
from futures_stream.records import Closed, Notice, Record

__all__ = ["Delivery"]

_LOOK_EVERY = 1.0  # seconds between two looks of the monitors at the time

NoticeT = TypeVar("NoticeT", bound=Notice)


class Delivery:
    """
    Hands the records of one stream to its queues.

    What a turn of the loop brings is collected and handed over at once: one lock and one wake-up for many records.

    Args:
        exchange: On every notice.
        account: On every notice.
        clock: Stamps notices.
        monitors: Folds that may add records.
        knowledge: What follows what is delivered, with bounds of its own.

    Attributes:
        next_seq: The ``seq`` of the next record.
        knowledge: What has been delivered so far.

    Threads:
        :meth:`attach` and :meth:`detach` are callable from any thread; the rest belongs to the I/O thread.
    """

    def __init__(
        self,
        exchange: str,
        account: str,
        clock: Clock,
        monitors: Sequence[Monitor] = (),
        knowledge: Knowledge | None = None,
    ) -> None:
        self.next_seq = 1
        self.knowledge = Knowledge() if knowledge is None else knowledge
        self._exchange = exchange
        self._account = account
        self._clock = clock
        self._monitors = Monitors(monitors)
        self._monitors_due = clock.monotonic()
        self._pending: list[Record] = []
        self._lock = threading.Lock()  # guards the tuple of sinks and the end, never held while a sink is called
        self._in_front: tuple[Sink, ...] = ()
        self._sinks: tuple[Sink, ...] = ()
        self._closed: Closed | None = None

    def add(self, records: list[Record]) -> None:
        """Take records whose ``seq`` counts up from :attr:`next_seq`."""
        admitted = self.knowledge.admit(records)
        if admitted is not records:
            records = renumbered(admitted, first=self.next_seq)
        if self._monitors:
            records = renumbered(
                [told for record in records for told in self._monitors.follow(record)], first=self.next_seq
            )
        self._pending += records
        self.next_seq += len(records)

    def notice(self, kind: type[NoticeT], **facts: Any) -> NoticeT:
        """Take a notice of that kind, and return it."""
        notice: NoticeT = self._make(kind, facts)
        self.add([notice])
        return notice

    @property
    def deadline(self) -> float | None:
        """When the monitors want to look at the time, in monotonic seconds; None if there are none."""
        return self._monitors_due if self._monitors else None

    def look_at_time(self) -> None:
        """Let the monitors look at the time, if it is time to."""
        now = self._clock.monotonic()
        if self._monitors and now >= self._monitors_due:
            self._monitors_due = now + _LOOK_EVERY
            said = renumbered(
                self._monitors.at(self._clock.unix_ms(), like=self._make(Notice, {})), first=self.next_seq
            )
            self._pending += said
            self.next_seq += len(said)

    def flush(self) -> None:
        """Hand over what has been taken."""
        if self._pending:
            ready, self._pending = self._pending, []
            for sink in self._in_front:
                sink.deliver(ready)
            for sink in self._sinks:  # looked at behind those in front: see attach()
                sink.deliver(ready)

    def end(self, error: FuturesStreamError | None) -> None:
        """Hand over the rest, then the last notice, to every queue there is and to those that come too late."""
        self.flush()
        closed = self._make(Closed, {"error": error})
        with self._lock:
            self._closed = closed
            sinks, self._in_front, self._sinks = (*self._in_front, *self._sinks), (), ()
        failed = [bug for sink in sinks for bug in defects(partial(sink.end, closed))]
        if failed:
            raise failed[0]

    def attach(self, sink: Sink, in_front: bool = False) -> None:
        """
        Let *sink* have everything from now on; the end at once if it has been.

        Args:
            sink: Takes it.
            in_front: Whether it is handed over to it before anybody else: whoever attaches a sink of his own and then
                looks at one in front has missed nothing in between.
        """
        with self._lock:
            closed = self._closed
            if closed is None and in_front:
                self._in_front = (*self._in_front, sink)
            elif closed is None:
                self._sinks = (*self._sinks, sink)
        if closed is not None:
            sink.end(closed)

    def detach(self, sink: Sink) -> None:
        """Give *sink* nothing more."""
        with self._lock:
            self._sinks = tuple(other for other in self._sinks if other is not sink)

    def after_fork(self) -> None:
        """In a child that was forked: lock as if it were new."""
        self._lock = threading.Lock()

    def _make(self, kind: type[Any], facts: dict[str, Any]) -> Any:
        now = self._clock.unix_ns()
        common = {
            "exchange": self._exchange,
            "account": self._account,
            "seq": self.next_seq,
            "received_ns": now,
            "timestamp": now // 1_000_000,
        }
        return kind(**(common | facts))
