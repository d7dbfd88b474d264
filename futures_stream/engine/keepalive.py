"""When to ping, and when silence means that a connection is dead."""

from __future__ import annotations

from futures_stream.dialects.base import Ping

__all__ = ["Keepalive"]


class Keepalive:
    """
    The keepalive of one connection, as arithmetic on times that it is told.

    A connection is dead when nothing has come for the silence limit although a ping has been out for long enough,
    and the exchange is known to answer pings. A ping that could not go out in time (the process was stopped, the
    machine slept) gives the other side its whole time all the same.

    Args:
        ping: How the exchange is pinged.
        silence_limit: Seconds without any frame.
        answers: Whether it is known to answer.
        now: Monotonic time.
    """

    def __init__(self, ping: Ping, silence_limit: float, answers: bool, now: float) -> None:
        self._every = ping.every
        self._limit = silence_limit
        self._grace = max(silence_limit - ping.every, 1.0)
        self.answers = answers
        self._heard_at = now
        self._next_ping = now + ping.every
        self._unanswered_since: float | None = None

    def heard(self, now: float) -> None:
        """A complete frame came, whatever it was."""
        self._heard_at = now
        self._unanswered_since = None

    def pinged(self, now: float) -> None:
        """A ping went out."""
        self._next_ping = now + self._every
        if self._unanswered_since is None:
            self._unanswered_since = now

    def hurry(self, now: float) -> None:
        """Ask for a sign of life now: the machine may have slept, and the other side may be gone."""
        self._next_ping = min(self._next_ping, now)

    def ping_is_due(self, now: float) -> bool:
        """Tell whether it is time for a ping."""
        return now >= self._next_ping

    def is_dead(self, now: float) -> bool:
        """Tell whether the silence has lasted too long."""
        dead_at = self._dead_at
        return dead_at is not None and now >= dead_at

    def silent_for(self, now: float) -> float:
        """Return the seconds since something came."""
        return now - self._heard_at

    @property
    def deadline(self) -> float:
        """When to look again, in monotonic time."""
        dead_at = self._dead_at
        return self._next_ping if dead_at is None else min(self._next_ping, dead_at)

    @property
    def _dead_at(self) -> float | None:
        if not self.answers or self._unanswered_since is None:
            return None
        return max(self._heard_at + self._limit, self._unanswered_since + self._grace)
