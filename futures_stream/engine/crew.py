"""Threads that cannot outlive the block that started them: start, stop and join, written once."""

from __future__ import annotations

import _thread
import logging
import threading
from collections.abc import Callable
from types import TracebackType

from futures_stream.clock import Clock, Deadline, Event, Flag
from futures_stream.errors import ConnectFailed, ShutdownTimeout

__all__ = ["Crew"]

log = logging.getLogger("futures_stream.engine")


class _Member:
    """
    A thread that is started, and waited for, without the standard library's waits, which Ctrl-C can break.

    :meth:`threading.Thread.start` waits on an event, whose lock an interrupt may leave held: the new thread would hang
    before it began. So a thread of no name, which no signal interrupts, calls it. And up to Python 3.12 an interrupted
    :meth:`threading.Thread.join` takes a thread for ended that is not.
    """

    def __init__(self, name: str, target: Callable[[], None]) -> None:
        self._target = target
        # Daemon as a seat-belt: a non-daemon thread would never let the interpreter reach atexit, where streams that
        # were left open are closed (FAULTS.md §0.13).
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._launching = False
        self._begun = Flag()
        self._ended = Flag()
        self._in_vain = False

    def start(self) -> bool:
        """Start the thread; tell whether the system had one for us."""
        try:
            self._launching = True  # not interrupted before the next call is over
            _thread.start_new_thread(self._launch, ())
        except (RuntimeError, MemoryError):
            self._fail()
        self._begun.wait()
        return not self._in_vain

    @property
    def alive(self) -> bool:
        """Whether it is running, or about to."""
        return self._launching and not self._ended.is_set()

    def join(self, deadline: Deadline) -> bool:
        """Wait until it has ended; tell whether it has. One that nobody has started counts as ended."""
        if not self._launching:
            return True
        self._ended.wait(deadline.remaining)
        if not self._ended.is_set():
            return False
        if not self._in_vain:
            self.thread.join(deadline.remaining)
        return not self.thread.is_alive()

    def _launch(self) -> None:
        try:
            self.thread.start()
        except (RuntimeError, MemoryError):
            self._fail()
        else:
            self._begun.set()

    def _fail(self) -> None:
        self._in_vain = True
        self._ended.set()
        self._begun.set()

    def _run(self) -> None:
        try:
            self._target()
        finally:
            self._ended.set()


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
        self._members: list[_Member] = []
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
        member = _Member(f"{self.name}/{role}", lambda: self._run(target))
        self._wakes.append(wake)
        self._members.append(member)
        if not member.start():
            self._members.remove(member)
            self.stop()
            name = member.thread.name
            raise ConnectFailed(f"no thread could be started for {name}: this machine has too many")

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
        alive: list[str] = []
        for member in self._members:
            if member.thread is threading.current_thread():
                name = member.thread.name
                raise RuntimeError(f"{name} cannot wait for its own end; call stop() here and close() elsewhere")
            if not member.join(deadline):
                alive.append(member.thread.name)
        if alive:
            raise ShutdownTimeout(f"still running after {timeout:g} s: {', '.join(alive)}", threads=tuple(alive))

    @property
    def has_me(self) -> bool:
        """Whether the calling thread is a member."""
        return any(member.thread is threading.current_thread() for member in self._members)

    @property
    def alive(self) -> bool:
        """Whether some member is running."""
        return any(member.alive for member in self._members)

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
