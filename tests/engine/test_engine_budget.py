"""What a host allows, shared by everything in this process that talks to it."""

from itertools import pairwise

from engine_rig import Rig, code_answer, key_answer
from hypothesis import given
from hypothesis import strategies as st

from futures_stream import Bitmusa
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
