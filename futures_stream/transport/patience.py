"""How long one errand may take and whether it is still wanted, asked at every single wait."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TypeVar

from futures_stream.clock import Clock, Deadline
from futures_stream.errors import ConnectFailed
from futures_stream.transport.held import held

__all__ = ["READ", "WRITE", "Patience", "why"]

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

SocketT = TypeVar("SocketT", bound=socket.socket)


class Patience:
    """
    The total time limit and the cancellation of one errand.

    No timeout of a library is a deadline: each bounds one system call, and one byte now and then defeats it. So every
    wait of an errand goes through :meth:`wait`, on non-blocking sockets only. Used as a context manager around the
    errand's work.

    Args:
        clock: What measures the time.
        timeout: Seconds from entering the context.

    Attributes:
        phase: What is being tried, in words for an error.

    Threads:
        :meth:`cancel` is callable from any thread; all else belongs to the thread that runs the errand.
    """

    def __init__(self, clock: Clock, timeout: float) -> None:
        self.phase = "connecting"
        self._clock = clock
        self._timeout = timeout
        self._deadline = Deadline(clock, timeout)
        self._cancelled = False
        # Guards only the waker's life: nobody may write to a descriptor that was just closed and given to another.
        self._lock = threading.Lock()
        self._waker: socket.socket | None = None
        self._selector: selectors.BaseSelector | None = None
        self._resources = ExitStack()

    def __enter__(self) -> Patience:
        self._deadline = Deadline(self._clock, self._timeout)
        with ExitStack() as stack:
            bell, waker = map(held, socket.socketpair())
            stack.callback(waker.close)
            stack.callback(bell.close)
            bell.setblocking(False)
            waker.setblocking(False)
            selector = held(selectors.DefaultSelector())
            stack.callback(selector.close)
            selector.register(bell, READ)
            self._resources = stack.pop_all()
        self._selector = selector
        with self._lock:
            self._waker = waker
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._waker = None
        self._selector = None
        self._resources.close()

    @property
    def clock(self) -> Clock:
        """What measures the time."""
        return self._clock

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return self._deadline.remaining or 0.0

    def cancel(self) -> None:
        """End the errand: the wait it is in now, or its next one."""
        self._cancelled = True
        with self._lock:  # one byte into a non-blocking socket of our own: this never waits
            if self._waker is not None:
                try:
                    self._waker.send(b"!")
                except OSError:  # full of earlier calls: it is ringing already
                    return

    def check(self) -> None:
        """
        Go on only if the errand is wanted and in time.

        Raises:
            ConnectFailed: It was cancelled, or its time is over.
        """
        if self._cancelled:
            raise ConnectFailed("cancelled")
        if self._deadline.expired:
            raise self.failure(f"not done within {self._timeout:g} s in all")

    def failure(self, reason: str, *, status: int | None = None, retry_after: float | None = None) -> ConnectFailed:
        """Return the error that says what was being tried, and why it failed."""
        return ConnectFailed(f"{self.phase} failed: {reason}", status=status, retry_after=retry_after)

    def wait(self, files: Mapping[SocketT, int], within: float | None = None) -> list[SocketT]:
        """
        Wait until one of some sockets is ready.

        Args:
            files: Sockets and what is awaited of each.
            within: Longest wait in seconds, if shorter than what is left of all.

        Returns:
            Those that are ready; empty only if *within* is over.

        Raises:
            ConnectFailed: The errand was cancelled, or its time is over.
        """
        self.check()
        selector = self._selector
        if selector is None:
            raise RuntimeError("an errand waits only while it runs")
        longest = self.remaining if within is None else min(within, self.remaining)
        registered: list[SocketT] = []
        try:
            for file, events in files.items():
                selector.register(file, events)
                registered.append(file)
            ready = self._clock.select(selector, longest)
        finally:
            for file in registered:
                selector.unregister(file)
        by_descriptor = {file.fileno(): file for file in registered}
        found = [by_descriptor[key.fd] for key, _ in ready if key.fd in by_descriptor]
        if not found or self._cancelled:
            self.check()
        return found

    def wait_for(self, sock: socket.socket, events: int) -> None:
        """
        Wait until one socket is ready, at most what is left of all.

        Raises:
            ConnectFailed: The errand was cancelled, or its time is over.
        """
        while not self.wait({sock: events}):
            pass


def why(error: OSError) -> str:
    """Return the reason of a failed system call or TLS operation in words that hold no secret."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message or "the certificate cannot be verified"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS failure").replace("_", " ").lower()
    return (error.strerror or type(error).__name__).lower()
