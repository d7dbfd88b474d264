"""What time it is for a signature: ours, or the exchange's once it has refused ours."""

from __future__ import annotations

import logging

from futures_stream.clock import Clock
from futures_stream.engine.ports import Connection
from futures_stream.errors import ClockSkew, ConnectionLost

__all__ = ["ServerTime"]

log = logging.getLogger("futures_stream.engine")


class ServerTime:
    """
    The time that is signed.

    A server tells its time in the head of its answer to the upgrade, to a second: near enough for every exchange that
    is known, which allow half a minute. It is used only where our own time was refused, and then tried once: a clock
    that is set back and forth is no reason to knock for ever.

    Args:
        clock: Our own time.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refused = False  # ours was
        self._tried = False  # the exchange's was, since the stream was last live

    def at(self, connection: Connection) -> int:
        """Return the time to sign on a connection, in ms since 1970."""
        ahead = connection.clock_ahead if self._refused else None
        return self._clock.unix_ms() + round((ahead or 0.0) * 1000)

    def correct(self, error: ClockSkew, connection: Connection) -> ConnectionLost | ClockSkew:
        """
        The time was refused that was signed on a connection: return why to try again, with the exchange's time.

        A :class:`ClockSkew` if that has been tried, or the exchange does not tell its time; it says by how much ours is
        off.
        """
        ahead = connection.clock_ahead if error.offset is None else error.offset
        said = error.message
        if ahead is not None:
            said += f"; this machine's clock is {abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead'}"
        if self._tried or connection.clock_ahead is None:
            return ClockSkew(said, offset=ahead, exchange=error.exchange, code=error.code)
        self._refused = self._tried = True
        log.warning("%s; logging in once with the exchange's time", said)
        return ConnectionLost(f"{said}; logging in with the exchange's time", exchange=error.exchange)

    def accepted(self) -> None:
        """The stream is live: whatever was signed was accepted."""
        self._tried = False
