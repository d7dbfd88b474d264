"""A clock that stands still until a test moves it, and knows who sleeps in it."""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import PurePath

from futures_stream.clock import CLOCK_JUMP, SYSTEM_CLOCK, Deadline

__all__ = ["FakeClock", "FakeEvent"]

_LIBRARY = "futures-stream/"  # how the names of the library's threads begin
_NS = 1_000_000_000


class _Sleeper:
    """A thread that waits in the clock."""

    __slots__ = ("awake", "deadline", "event", "files", "thread", "wake")

    def __init__(
        self,
        deadline: int | None,
        wake: Callable[[], None],
        event: FakeEvent | None = None,
        files: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self.thread = threading.current_thread()
        self.deadline = deadline
        self.event = event
        self.files = files
        self.awake = False
        self.wake = wake

    @property
    def stirring(self) -> bool:
        """Whether it is about to wake up, since one of the files that it waits for is ready."""
        if not self.files:
            return False
        with selectors.DefaultSelector() as look:
            for descriptor, events in self.files:
                with contextlib.suppress(OSError, ValueError):  # closed by now: nothing will come of it
                    look.register(descriptor, events)
            return bool(look.select(0))

    def __str__(self) -> str:
        return f"{self.thread.name} in {'select' if self.event is None else 'an event'}"


class _Footprint:
    """Lives as long as the thread that made it, and reports its end."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended

    def __del__(self) -> None:
        self._ended()


class FakeEvent:
    """
    A flag of a :class:`FakeClock`; satisfies :class:`futures_stream.clock.Event`.

    Threads:
        Every method is callable from any thread.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._up = False

    def is_set(self) -> bool:
        """Tell whether the flag is up."""
        return self._up

    def set(self) -> None:
        """Raise the flag and wake everyone who waits for it."""
        with self._clock.changed:
            self._up = True
            self._clock.wake_those_who(lambda sleeper: sleeper.event is self)

    def clear(self) -> None:
        """Lower the flag."""
        self._up = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the flag is up, at most *timeout* seconds of the clock; tell whether it is."""
        clock = self._clock
        with clock.changed:
            if self._up or (timeout is not None and timeout <= 0):
                return self._up
            sleeper = clock.lie_down(_Sleeper(clock.ns_after(timeout), lambda: None, self))
            while not sleeper.awake:
                clock.changed.wait()
            return self._up


class FakeClock:
    """
    Time that passes only when a test says so; satisfies :class:`futures_stream.clock.Clock`.

    Threads wait for real: in an event for somebody to set it, in a selector for real files, in both for this clock to
    be moved past their deadline. :meth:`advance` and :meth:`settle` come back when everything that follows has
    happened, so that a test needs no pause and knows no race. What they wait for, in real time, is that every thread
    of the library that has ever waited here does so again, or has ended.

    Args:
        start_ms: Wall time at the beginning, in ms since 1970.

    Threads:
        :meth:`advance`, :meth:`settle` and :meth:`jump` are for the test; the rest is callable from any thread.
    """

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self.changed = threading.Condition()
        self._ns = 1000 * _NS
        self._wall_ahead = start_ms * 1_000_000 - self._ns
        self._slept = 0
        self._sleepers: list[_Sleeper] = []
        self._awake: set[threading.Thread] = set()  # have slept here, and do not now
        self._unbegun: weakref.WeakSet[object] = weakref.WeakSet()  # work that some thread is about to begin
        self._footprints = threading.local()

    # -- what the library needs -------------------------------------------------------------------------------------

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""
        return self._ns / _NS

    def boottime(self) -> float:
        """Seconds that never jump, and count while the machine sleeps."""
        return (self._ns + self._slept) / _NS

    def unix_ns(self) -> int:
        """Wall time in nanoseconds since 1970."""
        return self._ns + self._wall_ahead

    def unix_ms(self) -> int:
        """Wall time in milliseconds since 1970."""
        return self.unix_ns() // 1_000_000

    def event(self) -> FakeEvent:
        """A new flag whose waits this clock measures."""
        return FakeEvent(self)

    def select(
        self, selector: selectors.BaseSelector, timeout: float | None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for the selector's files, at most *timeout* seconds of this clock (None: for ever; 0: not at all)."""
        if timeout is not None and timeout <= 0:
            return selector.select(0)
        files = tuple((key.fd, key.events) for key in selector.get_map().values())
        bell, rope = socket.socketpair()
        with bell, rope:
            selector.register(bell, selectors.EVENT_READ)
            with self.changed:
                sleeper = _Sleeper(self.ns_after(timeout), lambda: rope.sendall(b"\0"), files=files)
                self.lie_down(sleeper)
            try:
                ready: list[tuple[selectors.SelectorKey, int]] = []
                while not ready:  # a signal ends a real wait early, with nothing
                    ready = selector.select()
            finally:
                with self.changed:
                    self._get_up(sleeper)
                selector.unregister(bell)
        return [(key, events) for key, events in ready if key.fileobj is not bell]

    # -- what a test does -------------------------------------------------------------------------------------------

    def advance(self, seconds: float, timeout: float = 10.0) -> None:
        """
        Let time pass, and everything happen that was to happen in it.

        Time moves from deadline to deadline. At each it wakes those who waited for it, then waits until they have gone
        back to sleep or have ended, so that what happens every 20 seconds happens 180 times in an hour.

        Args:
            seconds: How much passes, on this clock.
            timeout: Longest wait for a thread, in real seconds.

        Raises:
            TimeoutError: Somebody who was woken did not go back to sleep; the message says who, and where he is.
        """
        target = self._ns + round(seconds * _NS)
        woken: set[threading.Thread] = set()
        while True:
            self._await_quiet(None, timeout, woken)
            with self.changed:
                deadlines = [sleeper.deadline for sleeper in self._sleepers if sleeper.deadline is not None]
                due = min(deadlines, default=target)
                if due > target or not deadlines:
                    self._ns = max(self._ns, target)
                    return
                self._ns = max(self._ns, due)
                woken |= self.wake_those_who(
                    lambda sleeper: sleeper.deadline is not None and sleeper.deadline <= self._ns
                )

    def settle(self, sleepers: int, timeout: float = 10.0) -> None:
        """
        Wait until exactly so many threads sleep in this clock, and nobody is about to wake up.

        Args:
            sleepers: How many: one for a stream's I/O thread, one more where there is a listen key, one for each dial
                or call that hangs.
            timeout: Longest wait, in real seconds.

        Raises:
            TimeoutError: It did not come to that; the message says who is where.
        """
        self._await_quiet(sleepers, timeout, set())

    def jump(self, seconds: float) -> None:
        """
        Set the wall clock forward, or back if negative; no time passes.

        Who waits in a selector notices, as he would within a second of the machine's own clock; nobody else wakes up.
        """
        with self.changed:
            self._wall_ahead += round(seconds * _NS)
            if abs(seconds) > CLOCK_JUMP:
                self.wake_those_who(lambda sleeper: bool(sleeper.files))

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep: wall time and boot time go on, monotonic time does not; see :meth:`jump`."""
        self._slept += round(seconds * _NS)
        self.jump(seconds)

    @property
    def sleepers(self) -> tuple[str, ...]:
        """Who sleeps in this clock, and in what."""
        with self.changed:
            return tuple(str(sleeper) for sleeper in self._sleepers)

    # -- for what shares this clock ---------------------------------------------------------------------------------

    def ns_after(self, timeout: float | None) -> int | None:
        """Return the moment that is *timeout* seconds away; never this one, so that time goes on whoever rounds."""
        return None if timeout is None else self._ns + max(1, math.ceil(timeout * _NS))

    def lie_down(self, sleeper: _Sleeper) -> _Sleeper:
        """Count the calling thread among those who sleep; :attr:`changed` is held."""
        self._leave_footprint()
        self._sleepers.append(sleeper)
        self._awake.discard(sleeper.thread)
        self.changed.notify_all()
        return sleeper

    def wake_those_who(self, wanted: Callable[[_Sleeper], bool]) -> set[threading.Thread]:
        """Wake some of those who sleep, the earliest deadline first, and return them; :attr:`changed` is held."""
        chosen = sorted(filter(wanted, self._sleepers), key=lambda sleeper: sleeper.deadline or 0)
        for sleeper in chosen:
            self._get_up(sleeper)
            sleeper.wake()
        return {sleeper.thread for sleeper in chosen}

    def expect(self, work: object) -> None:
        """Somebody is about to begin this work: do not take the silence before for quiet."""
        with self.changed:
            self._unbegun.add(work)

    def begun(self, work: object) -> None:
        """The calling thread does it now, and counts as awake until it sleeps here or ends."""
        with self.changed:
            self._leave_footprint()
            self._unbegun.discard(work)
            self._awake.add(threading.current_thread())
            self.changed.notify_all()

    # -- inside -----------------------------------------------------------------------------------------------------

    def _get_up(self, sleeper: _Sleeper) -> None:
        if not sleeper.awake:
            sleeper.awake = True
            self._sleepers.remove(sleeper)
            self._awake.add(sleeper.thread)
            self.changed.notify_all()

    def _leave_footprint(self) -> None:
        if getattr(self._footprints, "mine", None) is None:
            thread = threading.current_thread()
            changed, awake = self.changed, self._awake

            def ended() -> None:
                with changed:
                    awake.discard(thread)
                    changed.notify_all()

            self._footprints.mine = _Footprint(ended)

    def _await_quiet(self, sleepers: int | None, timeout: float, woken: set[threading.Thread]) -> None:
        patience = Deadline(SYSTEM_CLOCK, timeout)
        with self.changed:
            while self._busy(woken) or sleepers not in (None, len(self._sleepers)):
                if patience.expired:
                    raise TimeoutError(self._complaint(sleepers, timeout, woken))
                self.changed.wait(patience.remaining)

    def _busy(self, woken: set[threading.Thread]) -> list[threading.Thread]:
        """Return who is awake, or about to be, and has something to do with what a test waits for."""
        me = threading.current_thread()
        awake = [thread for thread in self._awake if thread.name.startswith(_LIBRARY) or thread in woken]
        stirring = [sleeper.thread for sleeper in self._sleepers if sleeper.stirring]
        unbegun = [threading.Thread(name=f"nobody yet, for {work}") for work in self._unbegun]
        return [thread for thread in (*awake, *stirring, *unbegun) if thread is not me]

    def _complaint(self, sleepers: int | None, timeout: float, woken: set[threading.Thread]) -> str:
        asleep = ", ".join(str(sleeper) for sleeper in self._sleepers) or "nobody"
        awake = ", ".join(f"{thread.name} {_place(thread)}".strip() for thread in self._busy(woken)) or "nobody"
        wanted = "quiet" if sleepers is None else f"{sleepers} asleep"
        return f"not {wanted} within {timeout:g} s; asleep: {asleep}; awake: {awake}"


def _place(thread: threading.Thread) -> str:
    """Return where a thread is: the innermost places of its stack."""
    frame = sys._current_frames().get(thread.ident or -1)
    places: list[str] = []
    while frame is not None and len(places) < 4:
        places.append(f"{PurePath(frame.f_code.co_filename).name}:{frame.f_lineno} in {frame.f_code.co_name}")
        frame = frame.f_back
    return f"at {' < '.join(places)}" if places else ""
