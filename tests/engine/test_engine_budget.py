"""What a host allows, shared by everything in this process that talks to it."""

import json
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
from engine_rig import Rig, code_answer, key_answer
from hypothesis import given
from hypothesis import strategies as st

from futures_stream import Bitget, Bitmusa, ConnectFailed, Throttled
from futures_stream.dialects.base import Response
from futures_stream.engine.budget import Budget, budget_of
from futures_stream.testing import FakeClock


@given(pauses=st.lists(st.floats(0, 3), max_size=60), count=st.integers(1, 5), seconds=st.floats(0.5, 5))
def test_no_window_holds_more_than_it_may(pauses: list[float], count: int, seconds: float) -> None:
    """However the bookings come, never more than the limit fall into any window."""
    clock = FakeClock()
    budget = Budget([(count, seconds)], clock)
    times = []
    for pause in pauses:
        times.append(clock.monotonic() + budget.book())
        clock.advance(pause)

    assert times == sorted(times)
    for first, last in zip(times, times[count:], strict=False):
        assert last - first >= seconds - 1e-6


def test_a_pause_holds_for_everybody() -> None:
    """Who comes during a ban waits until it ends."""
    clock = FakeClock()
    budget = budget_of(clock, "a:1", "rest", [(8, 1.0)])
    budget.pause(30)

    assert budget_of(clock, "a:1", "rest", [(8, 1.0)]).book() == 30
    assert budget_of(clock, "b:1", "rest", [(8, 1.0)]).book() == 0
    assert budget_of(FakeClock(), "a:1", "rest", [(8, 1.0)]).book() == 0


def test_a_ban_is_the_hosts() -> None:
    """It holds for connections and REST calls there alike; what is said on a connection that stands goes on."""
    clock = FakeClock()
    budget_of(clock, "a:1", "rest", ()).pause(30)

    assert [budget_of(clock, "a:1", what, ()).paused_for for what in ("connect", "rest", "message")] == [30, 30, 0]
    assert budget_of(clock, "b:1", "connect", ()).paused_for == 0


def test_calls_keep_to_the_budget() -> None:
    """A stream makes no more calls a minute than the exchange allows, and is live all the same."""
    with Rig(Bitmusa(limits={"rest": ((1, 60.0),)})) as rig:
        rig.start()
        rig.clock.advance(600)
        at = [called.at for called in rig.network.calls]

        assert rig.state == "live"
        assert len(at) >= 4
        assert all(later - earlier >= 60 for earlier, later in pairwise(at))


def test_too_many_requests_pause_all_calls() -> None:
    """HTTP 429 with a Retry-After: nobody calls that host before it is over."""
    with Rig("bitmusa") as rig:
        rig.open()
        before = len(rig.network.calls)
        rig.network.answer("PUT", Response(status=429, text="", retry_after=120.0), code_answer(0))
        rig.network.answer("POST", key_answer("FirstListenKey0001"))
        rig.clock.advance(1400)  # the next renewal
        at = [called.at for called in rig.network.calls]
        refused = next(called.at for called in rig.network.calls[before:] if called.method == "PUT")

        assert not [when for when in at if refused < when < refused + 120]
        assert rig.state == "live"


def test_connections_of_all_streams_are_counted_together() -> None:
    """Ten streams may connect at once; the eleventh waits, and each one behind it, until ten seconds are over."""
    clock = FakeClock()
    rigs = [Rig("bitget", clock=clock, channels=["orders"], account=f"a{number}") for number in range(25)]
    with ExitStack() as block:
        for rig in rigs:
            block.enter_context(rig)
            rig.stream.start()
        clock.settle(25)
        live = [sum(rig.state == "live" for rig in rigs)]
        for _ in range(3):
            clock.advance(10)
            live.append(sum(rig.state == "live" for rig in rigs))

    assert live == [10, 20, 25, 25]


@pytest.mark.parametrize(
    "refusal", [ConnectFailed("no", status=429, retry_after=60.0), ConnectFailed("no", status=418)]
)
def test_a_ban_keeps_every_stream_from_connecting(refusal: ConnectFailed) -> None:
    """Nobody in this process knocks while one of us is banned; a stream that is live stays so."""
    clock = FakeClock()
    asked: dict[str, Any] = {"clock": clock, "channels": ["orders"]}
    with Rig("bitget", account="a", **asked) as live, Rig("bitget", account="b", **asked) as banned:
        with Rig("bitget", account="c", **asked) as late:
            live.stream.start()
            clock.settle(1)
            banned.network.fail_dials(refusal)
            banned.stream.start()
            clock.settle(2)
            late.stream.start()
            clock.settle(3)
            assert (live.state, banned.state, late.state) == ("live", "backing_off", "backing_off")
            assert "the host allows no connection" in str(late.stream.status.error)
            assert isinstance(late.stream.status.error, Throttled)
            until = refusal.retry_after or 300.0
            clock.advance(until - 1)
            assert (live.state, len(banned.network.dials), len(late.network.dials)) == ("live", 1, 0)
            clock.advance(32)
            assert (live.state, banned.state, late.state) == ("live", "live", "live")


def test_messages_wait_for_their_turn() -> None:
    """What the exchange would count as too many is sent later, in order, and the answers are awaited from then on."""
    dialect = Bitget(limits={"message": ((2, 5.0),), "subscribe": ((3, 60.0),)})
    with Rig(dialect) as rig:
        rig.start()
        server = rig.network.accept()
        heard = [json.loads(text)["op"] for text in server.heard()]
        assert heard == ["login", "subscribe"]
        rig.clock.advance(5)
        assert [json.loads(text)["op"] for text in server.heard()] == ["subscribe", "subscribe"]
        rig.clock.advance(50)
        assert rig.state == "greeting"
        assert rig.stream.status.connects == 1  # nobody was waited for meanwhile
        rig.clock.advance(80)
        assert rig.state == "live"


def test_a_ban_that_comes_again_lasts_twice_as_long() -> None:
    """Whoever is banned again as soon as it may knock again knocks ever more seldom, up to an hour."""
    clock = FakeClock()
    budget = Budget((), clock)
    lasted = []
    for _ in range(6):
        budget.pause(300.0)
        budget.pause(300.0)  # another stream of this process was refused at the same moment
        lasted.append(budget.paused_for)
        clock.advance(budget.paused_for + 1)

    assert lasted == [300, 600, 1200, 2400, 3600, 3600]
    clock.advance(3600)
    budget.pause(300.0)
    assert budget.paused_for == 300  # it has been well for as long as it was banned


def test_what_is_asked_for_shortly_is_kept_to_the_second() -> None:
    """A pause that is no ban is as long as the exchange says, however often; a longer ban than our own counts."""
    clock = FakeClock()
    budget = Budget((), clock)
    for _ in range(3):
        budget.pause(10.0)
        assert budget.paused_for == 10
        clock.advance(10)
    budget.pause(400.0)
    clock.advance(401)
    budget.pause(7200.0)

    assert budget.paused_for == 7200


def test_a_stream_that_is_banned_again_and_again() -> None:
    """It knocks after five minutes, ten, twenty, forty, and then every hour."""
    with Rig("bitget") as rig:
        server = rig.open()
        rig.network.fail_dials(*[ConnectFailed("no", status=418) for _ in range(20)])
        server.drop()
        rig.settle()
        before = len(rig.network.dials)
        rig.clock.advance(4 * 3600)

        assert before == 2
        assert len(rig.network.dials) - before == 6  # 300, 900, 2100, 4500, 8100, 11700 s later
