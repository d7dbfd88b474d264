"""
The clock: the only module that reads time or waits for it.

Everything that waits does so through a :class:`Clock` that it was handed, so that a test can put a fake one in its
place and have a day pass in a millisecond.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from selectors import BaseSelector, SelectorKey
from typing import Protocol

__all__ = ["CLOCK_JUMP", "SYSTEM_CLOCK", "Age", "Bells", "Clock", "Deadline", "Event", "Flag", "SystemClock"]

SLICE = 1.0
"""
Seconds that a wait lasts at most before what is waited for is looked at again. A signal that comes a moment before a
lock is waited for does not interrupt the wait, and on Windows none does; its handler runs after the slice.
"""


class Event(Protocol):
    """
    A flag that threads can wait for; :class:`Flag` and :class:`threading.Event` are such.

    Threads:
        Every method is callable from any thread.
    """

    def is_set(self) -> bool:
        """Tell whether the flag is up."""

    def set(self) -> None:
        """Raise the flag and wake everyone who waits for it."""

    def clear(self) -> None:
        """Lower the flag."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the flag is up, at most *timeout* seconds; tell whether it is."""


class Clock(Protocol):
    """
    What the library needs of time.

    Threads:
        Every method is callable from any thread.
    """

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""

    def boottime(self) -> float:
        """Seconds that never jump, and count while the machine sleeps, where it can tell."""

    def unix_ns(self) -> int:
        """Wall time in nanoseconds since 1970."""

    def unix_ms(self) -> int:
        """Wall time in milliseconds since 1970."""

    def event(self) -> Event:
        """A new flag whose waits this clock measures."""

    def select(self, selector: BaseSelector, timeout: float | None) -> list[tuple[SelectorKey, int]]:
        """
        Wait for the selector's files, at most *timeout* seconds (None: for ever; 0: not at all).

        Comes back early, with nothing, when wall and monotonic time have moved apart by more than :data:`CLOCK_JUMP`.
        """


CLOCK_JUMP = 5.0
"""Seconds by which wall and monotonic time drift apart only if somebody sets a clock, or the machine has slept."""

_LOOK_EVERY = 1.0  # seconds between two looks whether they have

_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux only


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""
        return time.monotonic()

    def boottime(self) -> float:
        """Seconds that never jump, and count while the machine sleeps, where it can tell."""
        return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)

    def unix_ns(self) -> int:
        """Wall time in nanoseconds since 1970."""
        return time.time_ns()

    def unix_ms(self) -> int:
        """Wall time in milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def event(self) -> Event:
        """A new :class:`Flag`."""
        return Flag()

    def select(self, selector: BaseSelector, timeout: float | None) -> list[tuple[SelectorKey, int]]:
        """
        Wait for the selector's files, at most *timeout* seconds (None: for ever; 0: not at all).

        Comes back early, with nothing, when wall and monotonic time have moved apart by more than :data:`CLOCK_JUMP`:
        a wait does not end sooner because the machine has slept in it.
        """
        if timeout is not None and timeout <= _LOOK_EVERY:
            return selector.select(timeout)
        deadline, ahead = Deadline(self, timeout), self._wall_ahead()
        while True:
            left = deadline.remaining
            ready = selector.select(_LOOK_EVERY if left is None else min(left, _LOOK_EVERY))
            if ready or deadline.expired or abs(self._wall_ahead() - ahead) > CLOCK_JUMP:
                return ready

    def _wall_ahead(self) -> float:
        return self.unix_ns() / 1e9 - self.monotonic()


SYSTEM_CLOCK = SystemClock()
"""The clock that everything uses unless it is handed another one."""


class Age:
    """
    How long ago something was, by the largest of all clocks.

    Monotonic time stands still while a machine sleeps, and wall time can be set back; what must not be thought younger
    than it is, is as old as the oldest of them says.
    """

    __slots__ = ("_boot", "_clock", "_monotonic", "_unix_ns")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._monotonic = clock.monotonic()
        self._boot = clock.boottime()
        self._unix_ns = clock.unix_ns()  # whole milliseconds would be ahead of the others, and then stand still

    @property
    def seconds(self) -> float:
        """Seconds since this was made."""
        clock = self._clock
        wall = (clock.unix_ns() - self._unix_ns) / 1e9
        return max(clock.monotonic() - self._monotonic, clock.boottime() - self._boot, wall)


class Deadline:
    """
    One total timeout for an operation of several steps.

    Args:
        clock: What measures it.
        timeout: Seconds from now; None never comes.
    """

    __slots__ = ("_at", "_clock")

    def __init__(self, clock: Clock, timeout: float | None) -> None:
        self._clock = clock
        self._at = None if timeout is None else clock.monotonic() + timeout

    @property
    def remaining(self) -> float | None:
        """Seconds left, never negative; None without a limit."""
        return None if self._at is None else max(0.0, self._at - self._clock.monotonic())

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self._at is not None and self._clock.monotonic() >= self._at


class Bells:
    """
    Wakes threads that wait: each hangs up a bell of its own, a lock that is held until somebody rings.

    For waits that Ctrl-C may interrupt anywhere. A :class:`threading.Condition`, and so an event or a queue of the
    standard library, is Python code between taking its lock and giving it back: interrupted there it leaves the lock
    held for ever, or gives back what another thread holds, and whoever wants to wake the others hangs. Here who waits
    holds nothing but his own bell, and who rings waits for nothing. (``with`` a lock itself is safe: CPython looks at
    signals behind calls and at jumps backwards, and there is neither between taking the lock and the block.)

    What an interrupt can spoil is one ringing, so no wait lasts longer than a second: look again at what you wait for.

    Threads:
        Every method is callable from any thread.
    """

    __slots__ = ("_hung",)

    def __init__(self) -> None:
        self._hung: deque[threading.Lock] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._hung)

    def hang(self) -> threading.Lock:
        """
        Hang up a bell, and return it.

        Do so before you look at what you wait for (or while you hold the lock without which it does not change), so
        that no ringing is missed; then wait, or take it down.
        """
        bell = threading.Lock()
        bell.acquire()
        self._hung.append(bell)
        return bell

    def wait(self, bell: threading.Lock, timeout: float | None) -> bool:
        """
        Wait until the bell rings, at most *timeout* seconds and a second at the very most; take it down.

        A ringing that is interrupted here is passed on to somebody else.

        Returns:
            Whether it has rung.
        """
        try:
            # Who rings has taken it down before.
            return bell.acquire(timeout=SLICE if timeout is None else min(timeout, SLICE)) or self.take_down(bell)
        except BaseException:
            if self.take_down(bell):
                self.ring(1)
            raise

    def take_down(self, bell: threading.Lock) -> bool:
        """Wait no more; tell whether it has rung."""
        try:
            self._hung.remove(bell)
        except ValueError:
            return True
        return False

    def ring(self, most: int | None = None) -> None:
        """Wake that many of those who wait, or all there are; the first first."""
        left = len(self._hung) if most is None else most
        while left > 0 and self._hung:
            try:
                bell = self._hung.popleft()
            except IndexError:
                return
            bell.release()
            left -= 1


class Flag:
    """
    A flag that threads wait for, and that no interrupt breaks; satisfies :class:`Event`.

    Threads:
        Every method is callable from any thread.
    """

    __slots__ = ("_bells", "_up")

    def __init__(self) -> None:
        self._up = False
        self._bells = Bells()

    def is_set(self) -> bool:
        """Tell whether the flag is up."""
        return self._up

    def set(self) -> None:
        """Raise the flag and wake everyone who waits for it."""
        self._up = True
        self._bells.ring()

    def clear(self) -> None:
        """Lower the flag."""
        self._up = False

    def wait(self, timeout: float | None = None) -> bool:
        """
        Wait until the flag is up, at most *timeout* seconds; tell whether it is.

        Who is woken is told so, although the flag may be down again when he comes to look.
        """
        deadline = Deadline(SYSTEM_CLOCK, timeout)
        while not (self._up or deadline.expired):
            bell = self._bells.hang()
            if self._up:
                self._bells.take_down(bell)
            elif self._bells.wait(bell, deadline.remaining):
                return True
        return self._up
