"""SIGINT and SIGTERM: a request to end properly, not a blow."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Interrupted", "Interrupts"]


_PATIENCE = 1.0  # seconds that a write may hang once the program has been asked to end


class Interrupted(BaseException):
    """The program was asked to end while it was doing something that can simply be left."""


class Interrupts:
    """
    Hears SIGINT and SIGTERM while its block runs.

    A signal raises :exc:`Interrupted`, unless there is something that can be asked to stop (:meth:`asking`): then the
    first one only asks, and what is under way comes to its own end. An exception in the middle of a queue's or a
    stream's own code could leave a lock behind. What hangs even so (:meth:`breakable`) is broken off after a while.

    Threads:
        Belongs to the main thread; in another one it hears nothing.
    """

    def __init__(self) -> None:
        self._heard: int | None = None
        self._stop: Callable[[], None] | None = None
        self._breakable = False
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int | None:
        """What a shell expects of a program that a signal ended; None if none came."""
        return None if self._heard is None else 128 + self._heard

    @contextmanager
    def asking(self, stop: Callable[[], None]) -> Iterator[None]:
        """Let a signal call *stop*, which must be safe in a signal handler, while the block runs."""
        self._stop = stop
        try:
            yield
        finally:
            self._stop = None

    @contextmanager
    def breakable(self) -> Iterator[None]:
        """Mark a block that may hang for ever, and may be broken off: a write to a pipe that nobody reads."""
        self._breakable = True
        try:
            yield
        finally:
            self._breakable = False

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number, hear in (
                (signal.SIGINT, self._hear),
                (signal.SIGTERM, self._hear),
                (signal.SIGALRM, self._look_again),
            ):
                self._before[number] = signal.signal(number, hear)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        again, self._heard = self._heard is not None, self._heard or number
        if again or self._stop is None:
            raise Interrupted
        self._stop()
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE, _PATIENCE)

    def _look_again(self, number: int, frame: FrameType | None) -> None:
        if self._breakable:
            raise Interrupted
