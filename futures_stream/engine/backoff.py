"""How long to wait before the next try."""

from __future__ import annotations

from random import Random

__all__ = ["Backoff"]


class Backoff:
    """
    The first retry at once, then full jitter that doubles up to a cap, for ever.

    The n-th delay is drawn evenly from 0 to ``min(cap, base * 2**(n - 2))`` seconds, and the first is 0. It starts
    over only after a stable spell: a server that accepts and drops would else be hammered.

    Args:
        random: Where the jitter comes from.
        base: Seconds that the second delay is at most.
        cap: Seconds that any delay is at most.
        stable: Seconds that a connection must have been live to count as success.
    """

    def __init__(self, random: Random, base: float = 1.0, cap: float = 30.0, stable: float = 60.0) -> None:
        self._random = random
        self._base = base
        self._cap = cap
        self._stable = stable
        self._failures = 0

    def delay(self, live_for: float, at_least: float | None = None) -> float:
        """
        Return the seconds to wait after another failure.

        Args:
            live_for: Seconds that the connection had been live; 0 if it never was.
            at_least: Seconds that the exchange asked for, if it did.
        """
        if live_for >= self._stable:
            self._failures = 0
        self._failures += 1
        most = 0.0 if self._failures == 1 else min(self._cap, self._base * 2.0 ** min(self._failures - 2, 30))
        return max(self._random.uniform(0.0, most), at_least or 0.0)
