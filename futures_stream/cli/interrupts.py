"""SIGINT and SIGTERM: a request to end properly, not a blow."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Interrupted", "Interrupts"]


class Interrupted(BaseException):
    """The program was asked to end while it was doing something that can simply be left."""


class Interrupts:
    """
    Hears SIGINT and SIGTERM while its block runs.

    A signal raises :exc:`Interrupted`, unless there is something that can be asked to stop (:meth:`asking`): then the
    first one only asks, and what is under way comes to its own end. An exception in the middle of a queue's or a
    stream's own code could leave a lock behind.

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
        """Let a signal raise :exc:`Interrupted` while the block runs, which may hang: a write to a pipe, say."""
        self._breakable = True
        try:
            yield
        finally:
            self._breakable = False

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        first, self._heard = self._heard is None, number
        if self._stop is not None:
            self._stop()
        if self._stop is None or self._breakable or not first:
            raise Interrupted
