"""Whether what was delivered can be believed: live, or blind since when, and what was done about it."""

from __future__ import annotations

from collections.abc import Callable

from futures_stream.clock import Clock
from futures_stream.dialects.base import Query
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.gaps import Gaps
from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.engine.plan import Plan
from futures_stream.engine.promise import Promise
from futures_stream.engine.rest_thread import Answered
from futures_stream.engine.resync import Resync
from futures_stream.errors import FuturesStreamError
from futures_stream.records import Live
from futures_stream.vocabulary import State

__all__ = ["Standing"]


class Standing:
    """
    A stream's standing with its consumer: gaps, what is asked over REST to close them, and being live.

    Args:
        plan: Who asks whom.
        delivery: Takes the notices.
        lifecycle: Shows the state.
        clock: Measures blindness.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, plan: Plan, delivery: Delivery, lifecycle: Lifecycle, clock: Clock) -> None:
        self._plan = plan
        self._delivery = delivery
        self._lifecycle = lifecycle
        self._clock = clock
        self._live_at: float | None = None
        self._waiting: list[Promise] = []
        self._resync = Resync(plan=plan, delivery=delivery, ask=None, forget=lambda: None)  # until there is REST
        self._gaps = Gaps(
            delivery=delivery,
            lifecycle=lifecycle,
            mark=lambda: self._resync.mark(),
            limit=plan.limits.blind,
            clock=clock,
        )

    def can_ask(self, ask: Callable[[int, Query], None], forget: Callable[[], None]) -> None:
        """
        Tell how the exchange is asked over REST.

        Args:
            ask: Puts a question to the REST thread.
            forget: Takes back what has not been asked yet.
        """
        self._resync = Resync(plan=self._plan, delivery=self._delivery, ask=ask, forget=forget)

    @property
    def live_for(self) -> float:
        """Seconds since the connection that serves went live; 0 if it never has."""
        return 0.0 if self._live_at is None else self._clock.monotonic() - self._live_at

    @property
    def deadline(self) -> float | None:
        """When to look at the time, in monotonic seconds."""
        return self._gaps.deadline

    def look_at_time(self) -> None:
        """
        Make sure that the stream is not blind for too long.

        Raises:
            Blind: It is.
        """
        self._gaps.look_at_time()

    def greeted(self, channels: tuple[str, ...]) -> None:
        """All that was asked for is subscribed: learn how the account stands, then go live."""
        self._lifecycle.to(State.RESYNCING)
        self._resync.begin(channels, self._gaps.since)

    def hear(self, answered: Answered) -> None:
        """Deal with an answer of the REST thread's."""
        self._resync.hear(answered)

    def settle(self, channels: tuple[str, ...]) -> bool:
        """When all has been asked, act on it; tell whether a fresh connection has gone live with it."""
        if not self._resync.done:
            return False
        outcome = self._resync.finish()
        fresh = self._live_at is None
        if self._lifecycle.status.state is State.RESYNCING:
            self._gaps.end(outcome)
            self._delivery.notice(Live, channels=channels)
            self._live_at = self._clock.monotonic() if self._live_at is None else self._live_at
            self._lifecycle.note(error=None)
            self._delivery.flush()  # before anyone can see the state: who waits for LIVE finds the notice in the queue
            self._lifecycle.to(State.LIVE)
        self._delivery.flush()
        for promise in self._waiting:
            promise.keep()
        self._waiting.clear()
        return fresh

    def refresh(self, promise: Promise, channels: tuple[str, ...]) -> None:
        """Learn how the account stands now; a stream that is not live does so by itself."""
        self._waiting.append(promise)
        if self._lifecycle.status.state is State.LIVE and not self._resync.running:
            self._resync.begin(channels, None)

    def doubt(self, reason: str, since: int, channels: tuple[str, ...]) -> None:
        """The connection stands, but may be mute."""
        if self._lifecycle.status.state is State.LIVE:
            self._gaps.begin(reason, since, channels)
            self._delivery.flush()
            self._resync.abandon()
            self._lifecycle.to(State.RESYNCING)

    def believe_again(self, channels: tuple[str, ...]) -> None:
        """The doubt is over: learn how the account stands."""
        if self._lifecycle.status.state is State.RESYNCING:
            self._resync.begin(channels, self._gaps.since)

    def lost(self, reason: str, since: int, channels: tuple[str, ...], told: int) -> None:
        """A connection is lost that had told so many records: say what may be missing, if it had begun to serve."""
        if self._live_at is not None or told:
            self._gaps.begin(reason, since, channels)
        self._resync.abandon()
        self._live_at = None

    def end(self, error: FuturesStreamError) -> None:
        """Tell those who wait that nothing will come of it."""
        for promise in self._waiting:
            promise.break_(error)
