"""A wall clock that is set: what is noticed of it, and that no gap begins behind what was lost."""

from __future__ import annotations

import pytest
from engine_rig import Rig, order_push

from futures_stream import Gap, Resynced
from futures_stream.engine.clock_steps import ClockSteps
from futures_stream.testing import FakeClock


def test_a_clock_that_nobody_sets_makes_no_step() -> None:
    """Time passes, and that is all."""
    clock = FakeClock()
    steps = ClockSteps(clock)
    for seconds in (0.0, 0.25, 30.0, 86_400.0):
        clock.advance(seconds)
        assert steps.look() is None


@pytest.mark.parametrize(
    ("seconds", "jumped", "set_back"),
    [(600.0, True, False), (-600.0, True, True), (3.0, False, False), (-3.0, False, True), (-0.02, False, True)],
)
def test_a_step_is_told_once(seconds: float, jumped: bool, set_back: bool) -> None:
    """Any step back is, and one forward that is large; with the times that may have been shown twice."""
    clock = FakeClock()
    steps = ClockSteps(clock)
    looked_at = clock.unix_ms()
    clock.advance(2)
    before = clock.unix_ms()
    clock.jump(seconds)
    after = clock.unix_ms()
    clock.advance(1)
    step = steps.look()

    assert steps.look() is None
    if not (jumped or set_back):
        assert step is None
        return
    assert step is not None
    assert (step.jumped, step.set_back) == (jumped, set_back)
    assert step.by == pytest.approx(seconds)
    if set_back:
        assert looked_at + seconds * 1000 - 1 <= step.earliest <= after
        assert before <= step.latest <= clock.unix_ms() - seconds * 1000


def test_small_steps_add_up_to_a_large_one() -> None:
    """A listen key does not care in how many steps the clock has left it behind."""
    clock = FakeClock()
    steps = ClockSteps(clock)
    seen = []
    for _ in range(3):
        clock.jump(2.0)
        seen.append(steps.look())

    assert seen[:2] == [None, None]
    assert seen[2] is not None
    assert (seen[2].jumped, seen[2].by) == (True, pytest.approx(6.0))


@pytest.mark.parametrize("seconds", [-600.0, -3.0, -0.5])
@pytest.mark.parametrize("gone", [0.1, 5.0, 12.0])
def test_a_gap_begins_before_what_was_lost_behind_a_step_back(seconds: float, gone: float) -> None:
    """The last frame has a later time than what was lost behind it, and the loss is noticed later still."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        rig.clock.advance(1)
        rig.say(server, order_push("1"))
        rig.clock.jump(seconds)
        rig.clock.advance(0.1)
        lost_at = rig.clock.unix_ms()
        rig.clock.advance(gone)
        server.drop()
        rig.settle()
        rig.clock.advance(60)
        gap, resynced = (record for record in rig.told() if isinstance(record, Gap | Resynced))

        assert gap.since == resynced.since <= lost_at <= resynced.until


def test_a_time_that_has_come_again_is_what_it_says() -> None:
    """When the clock is as late again as it was, a gap begins where it began."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        rig.clock.jump(-6.0)
        rig.clock.advance(20)
        rig.say(server, order_push("1"))
        heard_at = rig.clock.unix_ms()
        rig.clock.advance(2)
        server.drop()
        rig.settle()
        (gap,) = (record for record in rig.told() if isinstance(record, Gap))

        assert gap.since == heard_at
