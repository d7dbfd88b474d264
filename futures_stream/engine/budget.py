"""What a host allows, shared by everything in this process that talks to it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from futures_stream.clock import Clock
from futures_stream.dialects.base import is_loopback

__all__ = ["Budget", "after_fork", "budget_at", "budget_of"]

Limits = Sequence[tuple[int, float]]

_BAN = 300.0  # seconds: what pauses everybody for so long is a ban, and one that comes again is doubled
_LONGEST_BAN = 3600.0


class _Pause:
    """Until when nobody may do anything at a host, in monotonic seconds."""

    def __init__(self) -> None:
        self.until = 0.0  # a float is swapped whole, so that no lock is needed to read it
        self.length = 0.0  # of the last ban


class Budget:
    """
    So many actions in so many seconds, and a pause for everybody while a ban lasts.

    Args:
        limits: Pairs of a number of actions and the seconds in which no more of them may happen.
        clock: Measures them.
        pause: The host's; None for one of its own.

    Threads:
        Every method is callable from any thread.
    """

    def __init__(self, limits: Limits, clock: Clock, pause: _Pause | None = None) -> None:
        self._limits = tuple(limits)
        self._clock = clock
        self._lock = threading.Lock()
        self._booked: deque[float] = deque(maxlen=max((count for count, _ in self._limits), default=1))
        self._pause = _Pause() if pause is None else pause

    def book(self) -> float:
        """
        Book the next action, and return the seconds until it may happen.

        What is booked is spent, so call it once an action, and do the action when it is time.
        """
        with self._lock:
            now = self._clock.monotonic()
            at = max(now, self._pause.until)
            for count, seconds in self._limits:
                if len(self._booked) >= count:
                    at = max(at, self._booked[-count] + seconds)
            self._booked.append(at)
            return at - now

    @property
    def has_spare(self) -> bool:
        """Whether less than half of what is allowed has been booked."""
        with self._lock:
            now = self._clock.monotonic()
            return now >= self._pause.until and not any(
                len(self._booked) >= (half := -(-count // 2)) and self._booked[-half] > now - seconds
                for count, seconds in self._limits
            )

    def pause(self, seconds: float) -> None:
        """
        Let nobody do anything at this host for so long.

        A ban (five minutes or more) that is told again when the last one has just ended lasts twice as long as that, up
        to an hour: "just" is within as long as it had lasted.
        """
        with self._lock:
            now, pause = self._clock.monotonic(), self._pause
            if seconds >= _BAN:
                if pause.until <= now < pause.until + pause.length:
                    seconds = max(seconds, min(2 * pause.length, _LONGEST_BAN))
                pause.length = seconds if now >= pause.until else max(pause.length, seconds)
            pause.until = max(pause.until, now + seconds)

    def after_fork(self) -> None:
        """In a child that was forked: lock as if it were new."""
        self._lock = threading.Lock()

    @property
    def paused_for(self) -> float:
        """Seconds that the current pause lasts; 0 if there is none."""
        return max(0.0, self._pause.until - self._clock.monotonic())


_BANNED = ("connect", "rest")  # what a host that bans an address refuses

_lock = threading.Lock()
_budgets: WeakKeyDictionary[Clock, dict[str, tuple[_Pause, dict[str, Budget]]]] = WeakKeyDictionary()


def budget_of(clock: Clock, host: str, what: str, limits: Limits) -> Budget:
    """
    Return the one budget in this process for some kind of action at a host.

    A pause is one for connections and REST calls; what is said on a connection that stands goes on.

    Args:
        clock: Whose time it is; a test's clock has budgets of its own.
        host: Name and port.
        what: The kind of action: ``connect``, ``rest`` …
        limits: What the host allows; whoever comes first says it.
    """
    with _lock:
        pause, budgets = _budgets.setdefault(clock, {}).setdefault(host, (_Pause(), {}))
        return budgets.setdefault(what, Budget(limits, clock, pause if what in _BANNED else None))


def budget_at(clock: Clock, url: str, what: str, limits: Mapping[str, Limits]) -> Budget:
    """
    Return the budget for some kind of action at a URL's host.

    What answers on this machine is a simulator, whose limits are its own; a ban that it tells is kept all the same.

    Args:
        clock: Whose time it is.
        url: Where.
        what: The kind of action.
        limits: What the host allows, by kind of action.
    """
    where = urlsplit(url)
    return budget_of(clock, where.netloc, what, () if is_loopback(where.hostname or "") else limits.get(what, ()))


def after_fork() -> None:
    """In a child that was forked: lock as if nothing had been; what was spent stays spent."""
    global _lock
    _lock = threading.Lock()
    for hosts in tuple(_budgets.values()):
        for _, budgets in hosts.values():
            for budget in budgets.values():
                budget.after_fork()
