"""The clock: the machine's, the deadlines that are made with one, and the one that tests move."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from futures_stream.clock import SYSTEM_CLOCK, Clock, Deadline, Event, SystemClock
from futures_stream.testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def started(target: Callable[[], object], name: str = "futures-stream/test") -> threading.Thread:
    """Start a thread; by its name it is one of the library's."""
    thread = threading.Thread(target=target, name=name)
    thread.start()
    return thread


# -- the machine's clock, and deadlines -------------------------------------------------------------------------------


def test_the_system_clock_agrees_with_itself() -> None:
    """Nanoseconds and milliseconds are the same time; the monotonic clock does not go back."""
    before = SYSTEM_CLOCK.unix_ns() // 1_000_000
    now = SYSTEM_CLOCK.unix_ms()
    after = SYSTEM_CLOCK.unix_ns() // 1_000_000

    assert before <= now <= after
    assert SYSTEM_CLOCK.monotonic() <= SYSTEM_CLOCK.monotonic()
    event: Event = SYSTEM_CLOCK.event()
    assert not event.wait(0)


def test_the_system_clock_waits_for_files(pair: tuple[socket.socket, socket.socket]) -> None:
    """Its selector wait is the selector's own."""
    near, far = pair
    with selectors.DefaultSelector() as selector:
        selector.register(near, selectors.EVENT_READ)
        assert SYSTEM_CLOCK.select(selector, 0) == []
        far.send(b"x")
        ((key, _),) = SYSTEM_CLOCK.select(selector, None)
        assert key.fileobj is near


class SetClock(SystemClock):
    """The machine's clock, whose wall time somebody sets when it has been asked for twice."""

    def __init__(self, jump: float) -> None:
        self._ahead = iter([0.0, 0.0])
        self._jump = jump

    def unix_ns(self) -> int:
        return super().unix_ns() + round(next(self._ahead, self._jump) * 1e9)


@pytest.mark.parametrize(("jump", "came_back"), [(3600.0, "early"), (-3600.0, "early"), (1.0, "in time")])
def test_a_wait_ends_when_the_clocks_have_moved_apart(
    pair: tuple[socket.socket, socket.socket], jump: float, came_back: str
) -> None:
    """A machine that has slept, or whose clock was set, notices within a second; a step of NTP's is nothing."""
    clock = SetClock(jump)
    with selectors.DefaultSelector() as selector:
        selector.register(pair[0], selectors.EVENT_READ)
        deadline = Deadline(clock, 2.5 if came_back == "in time" else 600)
        assert clock.select(selector, deadline.remaining) == []

    assert deadline.expired == (came_back == "in time")


def test_a_deadline_covers_several_steps(clock: FakeClock) -> None:
    """What one step takes is not there for the next; never negative; None never comes."""
    deadline, never = Deadline(clock, 5), Deadline(clock, None)
    clock.advance(3)
    assert deadline.remaining == 2
    assert not deadline.expired
    clock.advance(3)

    assert deadline.remaining == 0
    assert deadline.expired
    assert never.remaining is None
    assert not never.expired


# -- the clock that tests move ----------------------------------------------------------------------------------------


def test_it_is_a_clock(clock: FakeClock) -> None:
    """The fake satisfies the same protocol, and begins when it is told to."""
    satisfied: Clock = FakeClock(start_ms=5000)

    assert satisfied.unix_ms() == 5000
    assert satisfied.unix_ns() == 5_000_000_000


def test_time_passes_only_when_told(clock: FakeClock) -> None:
    """Both clocks move with advance; only the wall moves with jump."""
    monotonic, wall = clock.monotonic(), clock.unix_ms()
    clock.advance(1.5)
    clock.jump(-3600)

    assert clock.monotonic() == monotonic + 1.5
    assert clock.unix_ms() == wall + 1500 - 3_600_000


def test_a_repeated_timer_fires_each_time(clock: FakeClock) -> None:
    """Time moves from deadline to deadline, so that nothing is skipped."""
    stop, fired = clock.event(), []

    def life() -> None:
        while not stop.wait(20):
            fired.append(clock.monotonic())

    thread = started(life)
    clock.settle(1)
    clock.advance(3600)
    assert len(fired) == 180
    assert fired[:2] == [1020.0, 1040.0]
    stop.set()
    thread.join()


def test_deadlines_come_in_order(clock: FakeClock) -> None:
    """Who waits for less wakes first, whoever began."""
    order: list[int] = []
    threads = []
    for seconds in (30, 10, 20):
        threads.append(started(lambda seconds=seconds: (clock.event().wait(seconds), order.append(seconds))))  # type: ignore[misc]
    clock.settle(3)
    clock.advance(15)
    assert order == [10]
    assert clock.monotonic() == 1015
    clock.advance(15)
    for thread in threads:
        thread.join()

    assert order == [10, 20, 30]


def test_an_event_wakes_at_once(clock: FakeClock) -> None:
    """Set, a wait ends without any time; a flag that is up or a limit of nothing does not wait."""
    event, seen = clock.event(), []
    thread = started(lambda: seen.append(event.wait(None)))
    clock.settle(1)
    event.set()
    thread.join()

    assert seen == [True]
    assert event.wait(0)
    event.clear()
    assert not event.is_set()
    assert not event.wait(0)
    assert not event.wait(-1)


def test_a_selector_waits_for_files_and_for_time(clock: FakeClock, pair: tuple[socket.socket, socket.socket]) -> None:
    """Real data ends the wait, so does the fake deadline, and a settled clock has seen both through."""
    near, far = pair
    seen: list[int] = []
    with selectors.DefaultSelector() as selector:
        selector.register(near, selectors.EVENT_READ)

        def life() -> None:
            while True:
                ready = clock.select(selector, 20)
                seen.append(len(ready))
                if ready and near.recv(10) == b"end":
                    return

        thread = started(life)
        for _ in range(200):
            clock.settle(1)
            far.send(b"x")
        clock.settle(1)
        assert seen == [1] * 200
        clock.advance(60)
        assert seen[200:] == [0, 0, 0]
        far.send(b"end")
        thread.join()
        assert len(selector.get_map()) == 1
        assert clock.select(selector, 0) == []


def test_settle_names_who_is_where(clock: FakeClock) -> None:
    """A test that waits for the wrong thing is told what is going on instead."""
    go = threading.Event()

    def busy() -> None:
        clock.event().wait(1)
        go.wait()

    event = clock.event()
    asleep = started(event.wait)
    awake = started(busy, "futures-stream/busy")
    clock.settle(2)
    with pytest.raises(TimeoutError, match=r"not quiet .* asleep: .*test in an event; awake: .*busy at .* in busy"):
        clock.advance(1, timeout=0.2)
    with pytest.raises(TimeoutError, match="not 5 asleep"):
        clock.settle(5, timeout=0.01)
    assert len(clock.sleepers) == 1
    go.set()
    awake.join()
    event.set()
    asleep.join()


def test_a_thread_of_the_users_is_not_waited_for(clock: FakeClock) -> None:
    """Somebody else's thread that was woken by an event may do what it likes afterwards."""
    go, event = threading.Event(), clock.event()
    thread = started(lambda: (event.wait(), go.wait()), "a consumer of mine")
    clock.settle(1)
    event.set()
    clock.advance(100)
    clock.settle(0)
    go.set()
    thread.join()


def test_a_thread_that_ends_is_not_waited_for(clock: FakeClock) -> None:
    """The end of a thread is as quiet as sleep."""
    for _ in range(50):
        thread = started(lambda: clock.event().wait(5))
        clock.settle(1)
        clock.advance(5)
        clock.settle(0)
        thread.join()


def test_a_tiny_wait_does_not_stop_time(clock: FakeClock) -> None:
    """A remainder below the clock's grain still ends."""
    seen: list[int] = []

    def life() -> None:
        until = clock.monotonic() + 0.1 + 0.2
        while (left := until - clock.monotonic()) > 0:
            clock.event().wait(left)
        seen.append(1)

    thread = started(life)
    clock.settle(1)
    clock.advance(1)
    thread.join()

    assert seen == [1]
