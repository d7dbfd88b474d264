"""The engine's small parts: back-off, keepalive, lifecycle, inbox, promise, gaps, subscriptions."""

from __future__ import annotations

import threading
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from futures_stream import Blind, ConnectFailed, Gap, LoginRejected, Resynced, State, SubscriptionRejected
from futures_stream.clock import SystemClock
from futures_stream.dialects.base import Ping, Session
from futures_stream.dialects.bitget import Bitget
from futures_stream.engine.backoff import Backoff
from futures_stream.engine.clock_steps import ClockStep
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.gaps import Gaps
from futures_stream.engine.inbox import Inbox
from futures_stream.engine.keepalive import Keepalive
from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.engine.links import Links
from futures_stream.engine.lost_channels import LostChannels
from futures_stream.engine.promise import Promise
from futures_stream.engine.repair import Outcome
from futures_stream.engine.subscriptions import AddChannels, RemoveChannels, Subscriptions
from futures_stream.records import Closed, Record
from futures_stream.testing import FakeClock

# -- back-off ---------------------------------------------------------------------------------------------------------


@given(st.integers(), st.lists(st.one_of(st.none(), st.floats(0, 1000)), min_size=1, max_size=60))
def test_delays_are_bounded(seed: int, asked: list[float | None]) -> None:
    """The first retry is at once, each further delay is below its doubling bound or what was asked for, for ever."""
    backoff = Backoff(Random(seed))
    for number, at_least in enumerate(asked, start=1):
        delay = backoff.delay(0.0, at_least)
        most = 0.0 if number == 1 else min(30.0, 2.0 ** min(number - 2, 30))
        assert (at_least or 0.0) <= delay <= max(most, at_least or 0.0)


@given(st.floats(0, 59.99))
def test_a_short_spell_does_not_reset(live_for: float) -> None:
    """A server that accepts and drops does not bring the delays back to nothing."""
    backoff = Backoff(Random(2))
    delays = [backoff.delay(live_for) for _ in range(40)]

    assert delays[0] == 0
    assert max(delays[10:]) > 15


def test_a_stable_spell_resets() -> None:
    """A minute of being live makes the next loss a first one."""
    backoff = Backoff(Random(2))
    for _ in range(10):
        backoff.delay(0.0)

    assert backoff.delay(60.0) == 0.0
    assert backoff.delay(0.0) > 0.0


# -- keepalive --------------------------------------------------------------------------------------------------------


def test_a_late_ping_gives_its_whole_time() -> None:
    """After a stall of our own the other side has ten seconds for the ping that could not go out."""
    keepalive = Keepalive(Ping(), 30.0, True, now=0.0)

    assert not keepalive.is_dead(100.0)
    assert keepalive.ping_is_due(100.0)
    keepalive.pinged(100.0)
    assert not keepalive.is_dead(109.9)
    assert keepalive.is_dead(110.0)
    assert keepalive.silent_for(110.0) == 110.0


def test_a_second_ping_does_not_prolong() -> None:
    """What counts is the first ping that nobody answered."""
    keepalive = Keepalive(Ping(every=5.0), 30.0, True, now=0.0)
    for now in (5.0, 10.0, 15.0, 20.0, 25.0):
        keepalive.pinged(now)

    assert not keepalive.is_dead(29.9)
    assert keepalive.is_dead(30.0)


def test_any_frame_is_life() -> None:
    """Not only pongs count."""
    keepalive = Keepalive(Ping(), 30.0, True, now=0.0)
    keepalive.pinged(20.0)
    keepalive.heard(29.0)

    assert not keepalive.is_dead(58.9)
    assert keepalive.deadline == 40.0


def test_silence_of_who_was_never_seen_to_answer() -> None:
    """Unknown answering: never dead, until a pong was seen."""
    keepalive = Keepalive(Ping(), 30.0, False, now=0.0)
    keepalive.pinged(20.0)
    assert not keepalive.is_dead(1e9)
    keepalive.answers = True

    assert keepalive.is_dead(30.0)


@given(st.lists(st.tuples(st.sampled_from(["heard", "pinged", "look"]), st.floats(0.001, 50)), max_size=40))
def test_keepalive_never_accuses_falsely(steps: list[tuple[str, float]]) -> None:
    """Whatever happens, nobody is dead who was heard within the limit, or was not pinged since; and it looks again."""
    keepalive, now, heard_at, pinged_at = Keepalive(Ping(), 30.0, True, now=0.0), 0.0, 0.0, None
    for what, later in steps:
        now += later
        if what == "heard":
            keepalive.heard(now)
            heard_at, pinged_at = now, None
        elif what == "pinged":
            keepalive.pinged(now)
            pinged_at = now if pinged_at is None else pinged_at
        if keepalive.is_dead(now):
            assert now - heard_at >= 29.999
            assert pinged_at is not None
            assert now - pinged_at >= 9.999
        elif pinged_at is not None:
            assert keepalive.deadline <= max(heard_at + 30, pinged_at + 10) + 0.001


# -- lifecycle --------------------------------------------------------------------------------------------------------

PATHS = [
    [State.CONNECTING, State.GREETING, State.RESYNCING, State.LIVE, State.RESYNCING, State.LIVE, State.CLOSED],
    [State.CONNECTING, State.BACKING_OFF, State.CONNECTING, State.GREETING, State.BACKING_OFF, State.FAILED],
    [State.CONNECTING, State.GREETING, State.RESYNCING, State.BACKING_OFF, State.CLOSED],
    [State.CLOSED],
    [State.FAILED],
]


@pytest.mark.parametrize("path", PATHS)
def test_legal_moves(path: list[State]) -> None:
    """The ways that a stream's life can take."""
    clock = FakeClock()
    lifecycle = Lifecycle(clock, ("orders",))
    for state in path:
        clock.advance(1)
        lifecycle.to(state)
        assert (lifecycle.status.state, lifecycle.status.since) == (state, clock.unix_ms())


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ([], State.LIVE),
        ([State.CONNECTING], State.LIVE),
        ([State.CONNECTING, State.GREETING], State.LIVE),
        ([State.CONNECTING, State.BACKING_OFF], State.BACKING_OFF),
        ([State.CLOSED], State.CONNECTING),
        ([State.CLOSED], State.CLOSED),
        ([State.FAILED], State.CLOSED),
    ],
)
def test_illegal_moves(path: list[State], to: State) -> None:
    """What the table does not know is a defect, and changes nothing."""
    lifecycle = Lifecycle(FakeClock())
    for state in path:
        lifecycle.to(state)
    before = lifecycle.status

    with pytest.raises(RuntimeError, match="cannot go"):
        lifecycle.to(to)
    assert lifecycle.status is before


def test_waiting_for_a_state() -> None:
    """Many threads may wait, each is woken; who comes late need not wait; who waits in vain is told."""
    clock = FakeClock()
    lifecycle = Lifecycle(clock)
    seen: list[object] = []
    waiters = [
        threading.Thread(target=lambda: seen.append(lifecycle.wait(lambda now: now.connects == 2, None)))
        for _ in range(5)
    ]
    for waiter in waiters:
        waiter.start()
    clock.settle(5)
    lifecycle.note(connects=1)
    lifecycle.note(connects=2)
    for waiter in waiters:
        waiter.join()

    assert seen == [lifecycle.status] * 5
    assert lifecycle.wait(lambda now: True, 0) is lifecycle.status
    assert lifecycle.wait(lambda now: False, 0) is None


def test_waiting_has_a_limit() -> None:
    """A wait ends at its time, and not before, however often something else changes."""
    clock = FakeClock()
    lifecycle = Lifecycle(clock)
    seen: list[object] = []
    waiter = threading.Thread(target=lambda: seen.append(lifecycle.wait(lambda now: False, 5)))
    waiter.start()
    clock.settle(1)
    for number in range(4):
        clock.advance(1)
        lifecycle.note(connects=number)
        clock.settle(1)
    assert seen == []
    clock.advance(1)
    waiter.join()

    assert seen == [None]


# -- inbox and promise ------------------------------------------------------------------------------------------------


def test_an_inbox_keeps_order_and_never_blocks() -> None:
    """More posts than the wake-up pair can hold: nobody blocks, nothing is lost."""
    inbox = Inbox()
    for number in range(100_000):
        inbox.post(number)

    assert inbox.take() == list(range(100_000))
    assert inbox.take() == []
    inbox.close()
    inbox.post("too late")
    assert inbox.fileno() == -1


def test_an_inbox_wakes_its_reader_once() -> None:
    """Waiting ends at once when something is put into the box, and lasts again when that has been noted."""
    inbox, clock = Inbox(), SystemClock()
    links = Links(inbox, clock)
    for number in range(3):
        inbox.post(number)

    links.wait(None)
    assert inbox.take() == [0, 1, 2]
    start = clock.monotonic()
    links.wait(0.05)
    assert clock.monotonic() - start >= 0.04  # it was noted: this wait is a wait
    inbox.wake()
    links.wait(None)
    links.close()
    inbox.close()


def test_an_inbox_under_many_writers() -> None:
    """What each writer posts arrives once and in its order."""
    inbox = Inbox()
    clock = FakeClock()
    del clock
    writers = [
        threading.Thread(target=lambda who=who: [inbox.post((who, number)) for number in range(2000)])  # type: ignore[misc]
        for who in range(4)
    ]
    for writer in writers:
        writer.start()
    taken: list[tuple[int, int]] = []
    while len(taken) < 8000:
        taken += inbox.take()
    for writer in writers:
        writer.join()
    inbox.close()

    for who in range(4):
        assert [number for other, number in taken if other == who] == list(range(2000))


def test_a_promise_is_settled_once() -> None:
    """Kept stays kept, broken stays broken, and a wait in vain is remembered."""
    kept, broken, open_ = (Promise(FakeClock()) for _ in range(3))
    kept.keep()
    kept.break_(ConnectFailed("late"))
    broken.break_(ConnectFailed("first"))
    broken.break_(ConnectFailed("second"))

    assert kept.wait(0)
    assert not kept.forsaken
    with pytest.raises(ConnectFailed, match="first"):
        broken.wait(None)
    assert not open_.wait(0)
    assert open_.forsaken


NOTHING = Outcome(unproven=("orders",))


# -- gaps -------------------------------------------------------------------------------------------------------------


class Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def deliver(self, records: list[Record]) -> None:
        """Keep them."""
        self.records += records

    def end(self, notice: Closed) -> None:
        """Keep it."""
        self.records.append(notice)


class Office:
    """Gaps and subscriptions with what they tell to."""

    def __init__(self, limit: float | None = None, channels: tuple[str, ...] = ("orders", "positions")) -> None:
        self.clock = FakeClock()
        self.kept = Kept()
        self.delivery = Delivery("bitget", "main", self.clock)
        self.delivery.attach(self.kept)  # type: ignore[arg-type]
        self.lifecycle = Lifecycle(self.clock, channels)
        dialect = Bitget()
        self.marks: list[int] = []
        self.gaps = Gaps(
            delivery=self.delivery,
            lifecycle=self.lifecycle,
            mark=lambda: self.marks.append(1),
            limit=limit,
            clock=self.clock,
        )
        lost = LostChannels(self.clock, Random(1))
        self.subscriptions = Subscriptions(dialect, channels, self.delivery, self.lifecycle, lost)

    def told(self) -> list[Record]:
        """Return what was told."""
        self.delivery.flush()
        return self.kept.records


def test_a_gap_is_told_once_and_closed_once() -> None:
    """A second beginning is the same gap; an end without a beginning is nothing."""
    office = Office()
    office.gaps.end(NOTHING)
    office.gaps.begin("first", 5, ("orders",))
    office.gaps.begin("second", 9, ("positions",))
    assert office.lifecycle.status.blind_since == 5
    office.gaps.end(NOTHING)
    office.gaps.end(NOTHING)

    gap, resynced = office.told()
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.since, gap.channels) == ("first", 5, ("orders",))
    assert isinstance(resynced, Resynced)
    assert resynced.unproven == ("orders",)
    assert office.lifecycle.status.blind_since is None


def test_a_gap_may_not_last_too_long() -> None:
    """The limit counts from the beginning, and a gap that was closed counts no more."""
    office = Office(limit=10)
    office.gaps.begin("one", 1, ())
    office.clock.advance(9)
    office.gaps.look_at_time()
    office.gaps.end(NOTHING)
    office.clock.advance(9)
    office.gaps.look_at_time()
    assert office.gaps.deadline is None
    office.gaps.begin("two", 1, ())
    office.clock.advance(10)

    with pytest.raises(Blind):
        office.gaps.look_at_time()


def test_a_gap_reaches_back_to_where_the_clock_was_set() -> None:
    """What the clock has shown twice may be the time of before; also when a gap has been told and closed since."""
    office = Office()
    now = office.clock.unix_ms()
    office.gaps.clock_set_back(_set_back(now, now + 600_000))
    office.clock.advance(5)
    for _ in range(2):
        office.gaps.begin("one", now + 599_000, ("orders",))
        assert office.gaps.since == office.gaps.earliest == now
        office.gaps.end(NOTHING)
    office.gaps.begin("before", now - 1, ("orders",))
    assert office.gaps.since == office.gaps.earliest == now - 1
    office.gaps.end(NOTHING)
    office.clock.advance(600)
    office.gaps.begin("behind", now + 600_001, ("orders",))
    assert office.gaps.since == office.gaps.earliest == now + 600_001

    ends = [each.until for each in office.told() if isinstance(each, Resynced)]
    assert ends == [now + 600_000] * 3


def test_the_exchange_is_asked_from_where_the_clock_was_set_in_a_gap() -> None:
    """The gap has been told, and stays as it was; what was executed in it may have an earlier time."""
    office = Office()
    now = office.clock.unix_ms()
    office.gaps.begin("one", now, ("orders",))
    office.clock.jump(-60)
    office.gaps.clock_set_back(_set_back(now - 60_000, now))
    assert (office.gaps.since, office.gaps.earliest) == (now, now - 60_000)
    office.clock.jump(-60)
    office.gaps.clock_set_back(_set_back(now - 120_000, now - 60_000))
    assert (office.gaps.since, office.gaps.earliest) == (now, now - 120_000)


def _set_back(earliest: int, latest: int) -> ClockStep:
    return ClockStep(by=(earliest - latest) / 1000, jumped=True, set_back=True, latest=latest, earliest=earliest)


# -- subscriptions ----------------------------------------------------------------------------------------------------


def asked(*channels: str) -> AddChannels:
    """Return a request."""
    return AddChannels(channels, Promise(FakeClock()))


def confirmed(*channels: str) -> Session:
    """Return a session that has these confirmed."""
    session = Session()
    session.subscribed = frozenset(channels)
    return session


def test_promises_are_kept_when_all_is_confirmed() -> None:
    """Half is not enough; the channels are shown in the dialect's order."""
    office = Office(channels=("positions",))
    request = asked("orders", "account")
    office.subscriptions.add(request)
    assert office.subscriptions.channels == ("account", "positions", "orders")
    office.subscriptions.keep_promises(confirmed("orders"))
    assert not request.promise.wait(0)
    office.subscriptions.keep_promises(confirmed("orders", "account"))

    assert request.promise.wait(0)
    office.subscriptions.remove(RemoveChannels(frozenset({"orders", "nonsense"})))
    assert office.lifecycle.status.channels == ("account", "positions")


def test_promises_are_broken_at_the_end() -> None:
    """Nobody is left waiting."""
    office = Office()
    request = asked("account")
    office.subscriptions.add(request)
    office.subscriptions.break_promises(LoginRejected("no"))

    with pytest.raises(LoginRejected):
        request.promise.wait(None)


def test_a_refusal_before_the_first_time_live_is_fatal() -> None:
    """What was asked for at open must be had."""
    office = Office()

    with pytest.raises(SubscriptionRejected):
        office.subscriptions.refused(SubscriptionRejected("no", channel="orders"))


def test_a_refused_symbol_keeps_its_channel() -> None:
    """A symbol that is refused says nothing about the channel's others."""
    office = Office()
    office.subscriptions.lenient = True
    office.subscriptions.refused(SubscriptionRejected("no", channel="orders", symbol="XYZ"))

    assert office.subscriptions.channels == ("orders", "positions") or "orders" in office.subscriptions.channels
    (lost,) = office.told()
    assert (lost.channel, lost.symbol) == ("orders", "XYZ")  # type: ignore[attr-defined]


def test_a_refused_product_keeps_its_channel() -> None:
    """So does a product family, unless somebody waits for all of the channel."""
    office = Office()
    office.subscriptions.lenient = True
    office.subscriptions.refused(SubscriptionRejected("no", channel="orders", product="COIN-FUTURES"))

    assert "orders" in office.subscriptions.channels
    (lost,) = office.told()
    assert (lost.channel, lost.product) == ("orders", "COIN-FUTURES")  # type: ignore[attr-defined]

    promise = Promise(FakeClock())
    office.subscriptions.add(AddChannels(("executions",), promise))
    office.subscriptions.refused(SubscriptionRejected("no", channel="executions", product="COIN-FUTURES"))
    assert "executions" not in office.subscriptions.channels
    with pytest.raises(SubscriptionRejected):
        promise.wait(0)
