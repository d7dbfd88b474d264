"""What a host allows, shared by everything in this process that talks to it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from futures_stream.clock import Clock

__all__ = ["Budget", "after_fork", "budget_of"]

Limits = Sequence[tuple[int, float]]


class Budget:
    """
    So many actions in so many seconds, and a pause for everybody while a ban lasts.

    Args:
        limits: Pairs of a number of actions and the seconds in which no more of them may happen.
        clock: Measures them.

    Threads:
        Every method is callable from any thread.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = tuple(limits)
        self._clock = clock
        self._lock = threading.Lock()
        self._booked: deque[float] = deque(maxlen=max((count for count, _ in self._limits), default=1))
        self._paused_until = 0.0

    def book(self) -> float:
        """
        Book the next action, and return the seconds until it may happen.

        What is booked is spent, so call it once an action, and do the action when it is time.
        """
        with self._lock:
            now = self._clock.monotonic()
            at = max(now, self._paused_until)
            for count, seconds in self._limits:
                if len(self._booked) >= count:
                    at = max(at, self._booked[-count] + seconds)
            self._booked.append(at)
            return at - now

    def pause(self, seconds: float) -> None:
        """Let nobody do anything for so long."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def after_fork(self) -> None:
        """In a child that was forked: lock as if it were new."""
        self._lock = threading.Lock()

    @property
    def paused_for(self) -> float:
        """Seconds that the current pause lasts; 0 if there is none."""
        return max(0.0, self._paused_until - self._clock.monotonic())


_lock = threading.Lock()
_budgets: WeakKeyDictionary[Clock, dict[tuple[str, str], Budget]] = WeakKeyDictionary()


def budget_of(clock: Clock, host: str, what: str, limits: Limits) -> Budget:
    """
    Return the one budget in this process for some kind of action at a host.

    Args:
        clock: Whose time it is; a test's clock has budgets of its own.
        host: Name and port.
        what: The kind of action: ``connect``, ``rest`` …
        limits: What the host allows; whoever comes first says it.
    """
    with _lock:
        of_clock = _budgets.setdefault(clock, {})
        return of_clock.setdefault((host, what), Budget(limits, clock))


def after_fork() -> None:
    """In a child that was forked: lock as if nothing had been; what was spent stays spent."""
    global _lock
    _lock = threading.Lock()
    for of_clock in tuple(_budgets.values()):
        for budget in of_clock.values():
            budget.after_fork()
