"""Where a stream stands: a table of legal moves, a status that is swapped whole, and waiting for one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from futures_stream.clock import Clock, Deadline, Event
from futures_stream.errors import FuturesStreamError
from futures_stream.vocabulary import State

__all__ = ["Lifecycle", "Status"]

_ENDS = {State.CLOSED, State.FAILED}
_LEGAL: dict[State, set[State]] = {
    State.IDLE: {State.CONNECTING} | _ENDS,
    State.CONNECTING: {State.GREETING, State.BACKING_OFF} | _ENDS,
    State.GREETING: {State.RESYNCING, State.BACKING_OFF} | _ENDS,
    State.RESYNCING: {State.LIVE, State.BACKING_OFF} | _ENDS,
    State.LIVE: {State.RESYNCING, State.BACKING_OFF} | _ENDS,
    State.BACKING_OFF: {State.CONNECTING} | _ENDS,
    State.CLOSED: set(),
    State.FAILED: set(),
}


@frozen(kw_only=True)
class Status:
    """
    Where a stream stands, at one moment.

    Attributes:
        state: The state; its own documentation says what may be believed.
        since: When it was entered, in ms since 1970.
        blind_since: Since when events may be missing, in ms; None while nothing is.
        error: The last thing that went wrong; None once all is well again.
        connects: How many connections have been made.
        channels: What is subscribed, or will be.
    """

    state: State
    since: int
    blind_since: int | None = None
    error: FuturesStreamError | None = None
    connects: int = 0
    channels: tuple[str, ...] = ()


class Lifecycle:
    """
    A stream's status.

    Threads:
        One thread moves it; any may read :attr:`status` and wait.
    """

    def __init__(self, clock: Clock, channels: tuple[str, ...] = ()) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: set[Event] = set()
        self._announced = True
        self.status = Status(state=State.IDLE, since=clock.unix_ms(), channels=channels)

    def to(self, state: State, *, announced: bool = True) -> None:
        """
        Move to *state*; if not *announced*, :meth:`wait` waits on until :meth:`announce`.

        Raises:
            RuntimeError: The table knows no such move: a defect of ours.
        """
        if state not in _LEGAL[self.status.state]:
            raise RuntimeError(f"a stream cannot go from {self.status.state} to {state}")
        self._announced = announced
        self.note(state=state, since=self._clock.unix_ms())

    def announce(self) -> None:
        """Let those who wait know where the stream stands by now."""
        self._announced = True
        self.note()

    def note(self, **facts: Any) -> None:
        """Put other facts into the status, and wake those who wait for them."""
        with self._lock:
            self.status = evolve(self.status, **facts)
            waiting = tuple(self._waiting)
        for event in waiting:
            event.set()

    def after_fork(self, error: FuturesStreamError) -> bool:
        """In a child that was forked: lock as if it were new, and have failed; tell whether it had not ended before."""
        self._lock = threading.Lock()
        self._waiting = set()
        self._announced = True
        ended = self.status.state.ended
        if not ended:
            self.status = evolve(self.status, state=State.FAILED, error=error)
        return not ended

    def wait(self, wanted: Callable[[Status], bool], timeout: float | None) -> Status | None:
        """
        Wait until *wanted* holds of the status, at most *timeout* seconds.

        Returns:
            The status that it held of; None if it did not in time.
        """
        deadline = Deadline(self._clock, timeout)
        event = self._clock.event()
        with self._lock:
            self._waiting.add(event)
        try:
            while True:
                event.clear()
                status = self.status
                if self._announced and wanted(status):
                    return status
                if deadline.expired:
                    return None
                event.wait(deadline.remaining)
        finally:
            with self._lock:
                self._waiting.discard(event)
