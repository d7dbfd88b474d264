"""Threads: those of a crew, and the short-lived helpers."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

import pytest

from futures_stream import ConnectFailed, ShutdownTimeout
from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.engine.crew import Crew
from futures_stream.engine.defects import Defect
from futures_stream.engine.errands import Errands, Running


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads switch as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


# -- crew -------------------------------------------------------------------------------------------------------------


def test_members_end_with_the_block() -> None:
    """At the end of the block everybody has been told, and has gone."""
    ended = []
    with Crew("c", SYSTEM_CLOCK) as crew:
        for role in ("a", "b"):
            crew.start(role, lambda role=role: ended.append((crew.stopping.wait(), role)), lambda: None)  # type: ignore[misc]
        assert crew.alive
        assert {"c/a", "c/b"} <= {thread.name for thread in threading.enumerate()}

    assert sorted(ended) == [(True, "a"), (True, "b")]
    assert not crew.alive


def test_the_first_failure_wins() -> None:
    """A failure stops the others, and is raised when all have gone."""
    order = []

    def fail() -> None:
        raise ZeroDivisionError("first")

    def follow() -> None:
        crew.stopping.wait()
        order.append("follower")
        raise ValueError("second")

    woken = threading.Event()
    with pytest.raises(ZeroDivisionError, match="first"), Crew("c", SYSTEM_CLOCK, wake=woken.set) as crew:
        crew.start("follow", follow, lambda: None)
        crew.start("fail", fail, lambda: None)
        woken.wait(10)
        assert crew.failed

    assert order == ["follower"]


def test_the_blocks_own_error_is_not_hidden() -> None:
    """What went wrong in the block is what is raised from it."""

    def fail() -> None:
        raise ValueError("a member's")

    with pytest.raises(KeyError), Crew("c", SYSTEM_CLOCK) as crew:
        crew.start("fail", fail, lambda: None)
        crew.stopping.wait()
        raise KeyError("ours")


def test_join_names_who_is_still_running() -> None:
    """A thread that does not end is named."""
    go = threading.Event()
    crew = Crew("c", SYSTEM_CLOCK)
    crew.start("stubborn", lambda: [go.wait()].clear(), lambda: None)
    crew.stop()
    with pytest.raises(ShutdownTimeout, match="c/stubborn") as failure:
        crew.join(0.01)
    go.set()
    crew.join(10)

    assert failure.value.threads == ("c/stubborn",)


def test_a_member_cannot_wait_for_itself() -> None:
    """Joining from inside is refused, not a deadlock."""
    crew = Crew("c", SYSTEM_CLOCK)
    said: list[str] = []

    def life() -> None:
        try:
            crew.join(10)
        except RuntimeError as error:
            said.append(str(error))

    crew.start("self", life, lambda: None)
    crew.join(10)

    assert "c/self cannot wait for its own end" in said[0]


def test_a_stop_wakes_everybody() -> None:
    """Each member's own wake is called, and the owner's."""
    woken: list[str] = []
    crew = Crew("c", SYSTEM_CLOCK, wake=lambda: woken.append("owner"))
    crew.start("a", crew.stopping.wait, lambda: woken.append("a"))  # type: ignore[arg-type]
    crew.stop()
    crew.join(10)

    assert woken == ["owner", "a"]


# -- errands ----------------------------------------------------------------------------------------------------------


class Errand:
    """Brings home a value when it is let go."""

    def __init__(self, brings: object, *, wait: bool = False) -> None:
        self.brings, self.go, self.cancelled = brings, threading.Event(), 0
        if not wait:
            self.go.set()

    def run(self) -> object:
        """Bring it home."""
        self.go.wait(10)
        if isinstance(self.brings, BaseException):
            raise self.brings
        return self.brings

    def cancel(self) -> None:
        """Count it; it ends when it is let go."""
        self.cancelled += 1


def test_a_result_is_taken_once() -> None:
    """What was taken is not there any more, and is not thrown away either."""
    thrown: list[object] = []
    running: Running[object] = Running("x", Errand("socket"), thrown.append)
    assert not running.home
    running.go()

    assert running.home
    assert running.take() == "socket"
    with pytest.raises(RuntimeError, match="nothing to take"):
        running.take()
    running.cancel()
    assert thrown == []


def test_what_nobody_takes_is_thrown_away() -> None:
    """Cancelled before or after it came home, once or twice: the result is thrown away once."""
    for before in (True, False):
        thrown: list[object] = []
        running: Running[object] = Running("x", Errand("socket"), thrown.append)
        if before:
            running.cancel()
            running.go()
        else:
            running.go()
            running.cancel()
        running.cancel()
        assert thrown == ["socket"]


def test_what_cannot_be_thrown_away(caplog: pytest.LogCaptureFixture) -> None:
    """A defect in throwing away is logged without its text, and keeps nobody from cancelling."""

    def fail(result: object) -> None:
        raise ValueError("secret")

    for before in (True, False):
        running: Running[object] = Running("connect", Errand("socket"), fail)
        if before:
            running.cancel()
        running.go()
        running.cancel()
        assert running.home

    assert caplog.text.count("a defect in futures-stream") == 2
    assert "secret" not in caplog.text


def test_failures_are_raised_when_taken() -> None:
    """Our errors as they are; those of others as a defect that quotes nothing, and that is no bad answer."""
    for error, expected in ((ConnectFailed("down"), ConnectFailed), (ValueError("secret"), Defect)):
        running: Running[object] = Running("x", Errand(error), lambda result: None)
        running.go()
        with pytest.raises(expected) as failure:
            running.take()
        assert "secret" not in str(failure.value)


@pytest.mark.parametrize("before", [True, False])
def test_a_defect_that_nobody_takes(caplog: pytest.LogCaptureFixture, before: bool) -> None:
    """A defect in an errand that was given up cannot end its owner: it is logged, once, and quotes nothing."""
    running: Running[object] = Running("connect", Errand(ValueError("secret")), lambda result: None)
    if before:
        running.cancel()
    running.go()
    running.cancel()

    assert caplog.text.count("a defect in futures-stream") == 1
    assert "secret" not in caplog.text


@pytest.mark.usefixtures("hasty")
def test_taken_or_thrown_away_exactly_once() -> None:
    """However cancelling, coming home and taking interleave, a result has exactly one owner in the end."""
    for _ in range(800):
        thrown: list[object] = []
        taken: list[object] = []
        running: Running[object] = Running("x", Errand("socket"), thrown.append)
        helper = threading.Thread(target=running.go)
        canceller = threading.Thread(target=running.cancel)
        helper.start()
        canceller.start()
        with contextlib.suppress(RuntimeError):
            taken.append(running.take())
        helper.join()
        canceller.join()
        assert len(thrown) + len(taken) == 1


@pytest.mark.usefixtures("hasty")
def test_closing_throws_away_everything_that_is_out() -> None:
    """At the end of their owner all errands are cancelled, and no result is left to anybody."""
    for _ in range(100):
        thrown: list[object] = []
        errands = Errands("futures-stream/test", SYSTEM_CLOCK)
        done: list[object] = []
        for number in range(5):
            errands.launch(f"errand-{number}", Errand(number + 1), done.append, thrown.append)
        errands.close(10)
        assert sorted(thrown) == [1, 2, 3, 4, 5]  # type: ignore[type-var]
        assert len(done) == 5


def test_hanging_errands_are_named() -> None:
    """What cannot be interrupted is named; when it comes home at last its result is thrown away."""
    thrown: list[object] = []
    home = threading.Event()
    stuck = Errand("socket", wait=True)
    errands = Errands("futures-stream/test", SYSTEM_CLOCK)
    errands.launch("connect", stuck, lambda running: home.set(), thrown.append)
    with pytest.raises(ShutdownTimeout) as failure:
        errands.close(0.01)
    assert failure.value.threads == ("futures-stream/test/connect",)
    stuck.go.set()
    home.wait(10)

    assert thrown == ["socket"]
    assert stuck.cancelled == 1


def test_no_thread_to_be_had_is_a_passing_trouble() -> None:
    """A system that gives us no thread now fails the errand, not its owner, and closing goes on to work."""
    errands = Errands("futures-stream/test", SYSTEM_CLOCK)
    usual = threading.stack_size(1 << 46)  # more than any machine has
    try:
        with pytest.raises(ConnectFailed, match="no thread"):
            errands.launch("connect", Errand("socket"), lambda running: None)
    finally:
        threading.stack_size(usual)

    errands.close(1)
