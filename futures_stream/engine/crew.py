"""Threads that cannot outlive the block that started them: start, stop and join, written once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from futures_stream.clock import Clock, Deadline, Event
from futures_stream.errors import ConnectFailed, ShutdownTimeout

__all__ = ["Crew"]

log = logging.getLogger("futures_stream.engine")


class Crew:
    """
    A group of threads with one stop flag.

    Use it as a block: at its end the threads are stopped and joined, and the first failure among them is raised.

    Args:
        name: Beginning of the threads' names; each adds its role.
        clock: Makes the stop flag.
        patience: Seconds to wait for them at the end of the block.
        wake: Wakes the owner when the crew stops; must be callable from any thread and never block.

    Attributes:
        stopping: Raised when everybody should end; every wait of a member must look at it or be woken by its *wake*.

    Threads:
        :meth:`stop` is callable from any thread, a signal handler included; the rest belongs to the owner.
    """

    def __init__(self, name: str, clock: Clock, patience: float = 5.0, wake: Callable[[], None] | None = None) -> None:
        self.name = name
        self.stopping: Event = clock.event()
        self._clock = clock
        self._patience = patience
        self._members: list[threading.Thread] = []
        self._wakes: list[Callable[[], None]] = [] if wake is None else [wake]
        self._failures: list[BaseException] = []

    def start(self, role: str, target: Callable[[], None], wake: Callable[[], None]) -> None:
        """
        Start a member.

        Args:
            role: The last part of the thread's name.
            target: What it runs; an exception that leaves it stops the crew.
            wake: Makes it look at :attr:`stopping`; must be callable from any thread and never block.

        Raises:
            ConnectFailed: The system gives us no thread now.
        """
        # Daemon as a seat-belt: a non-daemon thread would never let the interpreter reach atexit, where streams that
        # were left open are closed (FAULTS.md §0.13).
        member = threading.Thread(target=self._run, args=(target,), name=f"{self.name}/{role}", daemon=True)
        self._wakes.append(wake)
        self._members.append(member)
        try:
            member.start()
        except RuntimeError:
            self._members.remove(member)
            self.stop()
            raise ConnectFailed(f"no thread could be started for {member.name}: this machine has too many") from None

    def stop(self) -> None:
        """Ask every member to end."""
        self.stopping.set()
        for wake in self._wakes:
            wake()

    def join(self, timeout: float) -> None:
        """
        Wait until every member has ended, at most *timeout* seconds in all.

        Raises:
            ShutdownTimeout: Some are still running; it names them.
            RuntimeError: Called by a member.
        """
        deadline = Deadline(self._clock, timeout)
        for member in self._members:
            if member is threading.current_thread():
                raise RuntimeError(f"{member.name} cannot wait for its own end; call stop() here and close() elsewhere")
            if member.is_alive():  # one that another thread is about to start cannot be joined
                member.join(deadline.remaining)
        alive = tuple(member.name for member in self._members if member.is_alive())
        if alive:
            raise ShutdownTimeout(f"still running after {timeout:g} s: {', '.join(alive)}", threads=alive)

    @property
    def has_me(self) -> bool:
        """Whether the calling thread is a member."""
        return threading.current_thread() in self._members

    @property
    def alive(self) -> bool:
        """Whether some member is running."""
        return any(member.is_alive() for member in self._members)

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self.join(self._patience)
        if self._failures and error is None:
            raise self._failures[0]

    def _run(self, target: Callable[[], None]) -> None:
        try:
            target()
        except BaseException as failure:
            # Kept for the owner, who raises it after the join; nothing is lost, so nothing is printed here.
            self._failures.append(failure)
            log.debug("%s failed: %s", threading.current_thread().name, type(failure).__name__)
            self.stop()

    @property
    def failed(self) -> bool:
        """Whether a member has failed."""
        return bool(self._failures)
