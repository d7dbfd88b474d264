"""A socket that looks blocking to a library, and observes one total deadline and a cancellation."""

from __future__ import annotations

import io
import socket
import ssl

from futures_stream.transport.patience import READ, WRITE, Patience, why

__all__ = ["PatientSocket"]

_CHUNK = 65536


class PatientSocket:
    """
    As much of a socket as websocket-client and :mod:`http.client` use.

    It does not own the socket: whoever made it closes it.

    Args:
        sock: A connected, non-blocking socket.
        patience: The errand's time limit and cancellation.
    """

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._patience = patience

    def recv(self, size: int = _CHUNK) -> bytes:
        """
        Return what has come, at most *size* bytes; wait for the first. Empty at the end.

        Raises:
            ConnectFailed: The connection broke, the errand was cancelled, or its time is over.
        """
        while True:
            failed = None
            try:
                data = self._sock.recv(size)
            except (ssl.SSLWantReadError, BlockingIOError, InterruptedError):
                awaited = READ
            except ssl.SSLWantWriteError:
                awaited = WRITE
            except OSError as error:
                failed = why(error)
            else:
                # A peer that always has one more byte never makes us wait: so the time is looked at here as well.
                self._patience.check()
                return data
            if failed is not None:
                raise self._patience.failure(failed)
            self._patience.wait_for(self._sock, awaited)

    def recv_into(self, target: memoryview) -> int:
        """Do as :meth:`recv`, into *target*; return how many bytes."""
        data = self.recv(len(target))
        target[: len(data)] = data
        return len(data)

    def sendall(self, data: bytes) -> None:
        """
        Send everything.

        Raises:
            ConnectFailed: The connection broke, the errand was cancelled, or its time is over.
        """
        rest = memoryview(data)
        while rest:
            failed = None
            awaited = 0
            try:
                rest = rest[self._sock.send(rest) :]
            except (ssl.SSLWantWriteError, BlockingIOError, InterruptedError):
                awaited = WRITE
            except ssl.SSLWantReadError:
                awaited = READ
            except OSError as error:
                failed = why(error)
            if failed is not None:
                raise self._patience.failure(failed)
            if awaited:
                self._patience.wait_for(self._sock, awaited)

    def send(self, data: bytes) -> int:
        """Do as :meth:`sendall`; return how many bytes that were, which is all: websocket-client asks once."""
        self.sendall(data)
        return len(data)

    def makefile(self, mode: str = "rb", _buffering: int | None = None) -> io.BufferedReader:
        """Return a file to read from."""
        if mode != "rb":
            raise ValueError("this socket can only be read as a binary file")
        return io.BufferedReader(_Reader(self), _CHUNK)

    def fileno(self) -> int:
        """The descriptor."""
        return self._sock.fileno()

    def gettimeout(self) -> float:
        """Zero: a library must not wait by its own means."""
        return 0.0

    def settimeout(self, _timeout: float | None) -> None:
        """Ignore it: the errand's own limit counts."""

    def setsockopt(self, *_: object) -> None:
        """Ignore it: options were set when the connection was made."""

    def shutdown(self, _how: int) -> None:
        """Ignore it: the owner ends the connection."""

    def close(self) -> None:
        """Ignore it: the owner closes."""


class _Reader(io.RawIOBase):
    def __init__(self, source: PatientSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # io hands over nothing else than this
        return self._source.recv_into(target)
