"""Whether what was delivered can be believed: live, or blind since when, and what was done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from random import Random

from futures_stream.clock import Clock
from futures_stream.dialects.identity import as_text
from futures_stream.engine.audit import Audit, Difference
from futures_stream.engine.clock_steps import ClockStep
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.gaps import Gaps
from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.engine.plan import Plan
from futures_stream.engine.promise import Promise
from futures_stream.engine.rest_thread import Answered, Asker
from futures_stream.engine.resync import Resync
from futures_stream.engine.unknown import Unknown
from futures_stream.engine.unpushed import Unpushed
from futures_stream.errors import FuturesStreamError
from futures_stream.records import Drift, Live
from futures_stream.vocabulary import State

__all__ = ["Doubt", "Standing"]


class Doubt(Enum):
    """Why the connection that serves may push nothing although it should."""

    AT_RISK = "its listen key has run out as far as we know"
    REPLACED = "its listen key is not the account's any more"
    MUTE = "the exchange says otherwise over REST"


class Standing:
    """
    A stream's standing with its consumer: gaps, what is asked over REST to close them, and being live.

    Args:
        plan: Who asks whom.
        delivery: Takes the notices.
        lifecycle: Shows the state.
        clock: Measures blindness.
        random: Where jitter comes from.
        mute: Told why the connection that serves may push nothing although it should.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        delivery: Delivery,
        lifecycle: Lifecycle,
        clock: Clock,
        random: Random,
        mute: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._delivery = delivery
        self._lifecycle = lifecycle
        self._clock = clock
        self._random = random
        self._mute = mute
        self._live_at: float | None = None
        self._waiting: list[Promise] = []
        self._too_late: list[Promise] = []  # came when questions were under way, whose answers may be older than that
        self._doubts: set[Doubt] = set()  # while there are any, no answer closes a gap
        self._resync = Resync(plan=plan, delivery=delivery)
        self._gaps = Gaps(
            delivery=delivery,
            lifecycle=lifecycle,
            mark=self._resync.mark,
            limit=plan.limits.blind,
            clock=clock,
        )
        self._audit: Audit | None = None
        self._unpushed = Unpushed(delivery.knowledge, clock)
        self._poll_at: float | None = None
        self._unknown = Unknown(clock)

    def can_ask(self, asker: Asker) -> None:
        """Tell how the exchange is asked over REST."""
        self._resync.asker = asker
        self._audit = Audit(
            plan=self._plan,
            knowledge=self._delivery.knowledge,
            asker=asker,
            clock=self._clock,
            random=self._random,
        )

    @property
    def live_for(self) -> float:
        """Seconds since the connection that serves went live; 0 if it never has."""
        return 0.0 if self._live_at is None else self._clock.monotonic() - self._live_at

    @property
    def deadlines(self) -> list[float | None]:
        """When to look at the time, in monotonic seconds."""
        return [
            self._gaps.deadline,
            self._poll_at,
            None if self._audit is None else self._audit.deadline,
            self._unknown.deadline if self._can_ask_again else None,
            self._unpushed.deadline if self._can_ask_again else None,
        ]

    def look_at_time(self, channels: tuple[str, ...]) -> None:
        """
        Ask what is to be asked by now, and make sure that the stream is not blind for too long.

        Raises:
            Blind: It is.
        """
        self._gaps.look_at_time()
        if self._poll_at is not None and self._clock.monotonic() >= self._poll_at:
            self._poll_at = None
            self._resync.begin(channels, self._gaps.earliest)
        if self._can_ask_again and self._unknown.take():
            self._begin(channels, None)
        if self._audit is not None and self._can_ask_again:
            unpushed = self._unpushed.take()
            if unpushed:
                self._drifted(unpushed, channels)
            else:
                self._audit.look_at_time(channels)

    def clock_seen(self, ahead: float | None) -> None:
        """A new connection's server told its time: so many seconds ahead of ours; None if it did not."""
        self._resync.clock_seen(ahead)

    def greeted(self, channels: tuple[str, ...]) -> None:
        """All that was asked for is subscribed: learn how the account stands, then go live."""
        self._lifecycle.to(State.RESYNCING)
        self._begin(channels, self._gaps.earliest)

    def hear(self, answered: Answered, channels: tuple[str, ...]) -> None:
        """Deal with an answer of the REST thread's."""
        self._resync.hear(answered)
        drifts = () if self._audit is None else self._audit.hear(answered)
        if drifts:
            self._drifted(drifts, channels)

    def settle(self, channels: tuple[str, ...]) -> bool:
        """When all has been asked, act on it; tell whether a fresh connection has gone live with it."""
        if not self._resync.done:
            return False
        outcome = self._resync.finish()
        state = self._lifecycle.status.state
        if state not in (State.RESYNCING, State.LIVE) or self._doubts:  # asked while the stream is down, or mute
            self._delivery.flush()
            self._poll_later()
            return False
        fresh = self._live_at is None
        if self._lifecycle.status.state is State.RESYNCING:
            self._gaps.end(outcome)
            self._resync.closed()
            self._resync.lenient = True
            self._delivery.notice(Live, channels=channels)
            self._live_at = self._clock.monotonic() if self._live_at is None else self._live_at
            self._lifecycle.note(error=None)
            self._unknown.went_live(outcome.error)
            self._delivery.flush()  # before anyone can see the state: who waits for LIVE finds the notice in the queue
            self._lifecycle.to(State.LIVE)
        elif outcome.error is None:
            self._unknown.answered()
        if self._audit is not None:
            if state is State.LIVE and self._plan.audit_every is not None:
                self._unpushed.note(outcome.changes)
            self._audit.begin(anew=state is not State.LIVE)
        self._delivery.flush()
        for promise in self._waiting:
            if outcome.error is None:
                promise.keep()
            else:
                promise.break_(outcome.error)
        self._waiting.clear()
        if self._too_late:
            self._begin(channels, None)
        return fresh

    def refresh(self, promise: Promise, channels: tuple[str, ...]) -> None:
        """Learn how the account stands now; a stream that is not live does so by itself."""
        if self._resync.running:
            self._too_late.append(promise)
            return
        self._waiting.append(promise)
        if self._lifecycle.status.state is State.LIVE:
            self._begin(channels, None)

    def look_again(self, channels: tuple[str, ...]) -> None:
        """
        Another connection serves: learn how the account stands, where the exchange can be asked.

        Full sets that the new connection begins with are not told, since they may be older than what the old one had
        pushed; one that tells a change by a full set would else keep it to itself until the next one. So this is for
        when the old one has been heard out, and what the new one has said is told: what is asked before that may be
        older than what was left out.
        """
        if self._resync.asker is not None:
            self._begin(channels, None)

    def misunderstood(self) -> None:
        """A message could not be read, which may have been about the account: ask, though not about each one."""
        if self._resync.asker is not None:
            self._unknown.misunderstood()

    @property
    def _can_ask_again(self) -> bool:
        return self._lifecycle.status.state is State.LIVE and not self._resync.running

    def doubt(self, doubt: Doubt, reason: str, since: int, channels: tuple[str, ...]) -> None:
        """The connection that serves stands, but may be mute: no gap is closed until that is over."""
        self._doubts.add(doubt)
        self._blind(reason, since, channels)

    def doubts(self, doubt: Doubt) -> bool:
        """Tell whether the connection that serves is in that doubt."""
        return doubt in self._doubts

    def believe_again(self, doubt: Doubt, channels: tuple[str, ...]) -> None:
        """That doubt is over; if there is no other, learn how the account stands."""
        if doubt in self._doubts:
            self._doubts.remove(doubt)
            self._resume(channels)

    def moved(self, channels: tuple[str, ...]) -> None:
        """Another connection serves, and nothing of it is held back any more: no doubt was about that one."""
        self._doubts.clear()
        if self._lifecycle.status.state is State.LIVE:
            self.look_again(channels)
        else:
            self._resume(channels)

    @property
    def is_asking(self) -> bool:
        """Whether the exchange is being asked how the account stands; the audit does not count."""
        return self._resync.running

    def missed(self, reason: str, since: int, channels: tuple[str, ...]) -> None:
        """Something may be missing, although the connection that serves is well."""
        self._blind(reason, since, channels)
        self._resume(channels)

    def _blind(self, reason: str, since: int, channels: tuple[str, ...]) -> None:
        if self._lifecycle.status.state in (State.RESYNCING, State.LIVE):
            self._gaps.begin(reason, since, channels)
            self._delivery.flush()
            self._abandon()
            if self._lifecycle.status.state is State.LIVE:
                self._lifecycle.to(State.RESYNCING)

    def _resume(self, channels: tuple[str, ...]) -> None:
        if self._lifecycle.status.state is State.RESYNCING and not self._doubts:
            self._begin(channels, self._gaps.earliest)

    def lost(self, reason: str, since: int, channels: tuple[str, ...], told: int) -> None:
        """A connection is lost that had told so many records: say what may be missing, if it had begun to serve."""
        if self._live_at is not None or told:
            self._gaps.begin(reason, since, channels)
        self._abandon()
        self._doubts.clear()
        self._live_at = None
        self._poll_later()

    def clock_set_back(self, step: ClockStep) -> None:
        """Note that the machine's clock shows an earlier time than it did."""
        self._gaps.clock_set_back(step)

    def end(self, error: FuturesStreamError) -> None:
        """Tell those who wait that nothing will come of it."""
        for promise in (*self._waiting, *self._too_late):
            promise.break_(error)

    def _begin(self, channels: tuple[str, ...], since: int | None) -> None:
        if self._audit is not None:
            self._audit.stop()
        self._poll_at = None
        self._unknown.asking()
        self._waiting += self._too_late
        self._too_late.clear()
        self._resync.begin(channels, since)

    def _abandon(self) -> None:
        if self._audit is not None:
            self._audit.stop()
        self._poll_at = None
        self._unpushed.forget()
        self._resync.abandon()

    def _poll_later(self) -> None:
        """While the stream is down, ask now and then all the same."""
        every = self._plan.poll_every
        if every is not None and self._resync.asker is not None and self._gaps.since is not None:
            self._poll_at = self._clock.monotonic() + every * self._random.uniform(0.9, 1.1)

    def _drifted(self, drifts: Sequence[Difference], channels: tuple[str, ...]) -> None:
        """The exchange says otherwise: something was missed."""
        assert self._audit is not None
        for each in drifts:
            self._delivery.notice(
                Drift, what=each.kind, key=as_text(each.key), symbol=each.symbol, stream=each.stream, rest=each.rest
            )
        reason = f"the exchange says otherwise over REST than the stream has told ({len(drifts)} of {drifts[0].kind})"
        self.doubt(Doubt.MUTE, reason, self._audit.unsure_since({each.kind for each in drifts}), channels)
        self._begin(channels, self._gaps.earliest)  # what was missed by now is told at once
        self._mute(reason)
