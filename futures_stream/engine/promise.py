"""An answer that one thread waits for and another gives."""

from __future__ import annotations

from futures_stream.clock import Clock
from futures_stream.errors import FuturesStreamError

__all__ = ["Promise"]


class Promise:
    """
    Kept, broken, or not yet.

    Attributes:
        forsaken: Whether somebody waited for it in vain, and does not any more.

    Threads:
        Every method is callable from any thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._settled = clock.event()
        self._error: FuturesStreamError | None = None
        self.forsaken = False

    def keep(self) -> None:
        """It is done."""
        self._settled.set()

    def break_(self, error: FuturesStreamError) -> None:
        """It cannot be done."""
        if not self._settled.is_set():
            self._error = error
            self._settled.set()

    def wait(self, timeout: float | None) -> bool:
        """
        Wait at most *timeout* seconds; tell whether it was kept.

        Raises:
            FuturesStreamError: It was broken.
        """
        done = self._settled.wait(timeout)
        self.forsaken = not done  # before the last look at the error: who breaks it now sees that nobody waits
        if self._error is not None:
            raise self._error
        return done
