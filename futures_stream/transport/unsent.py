"""Frames that wait for room in a socket."""

from __future__ import annotations

import socket
import ssl
from collections import deque

__all__ = ["Unsent"]


class Unsent:
    """
    A bounded queue of bytes on their way into a non-blocking socket.

    Args:
        most: Most bytes that may wait.

    Attributes:
        needs_read: Whether the last try stopped because TLS must read first.
    """

    def __init__(self, most: int) -> None:
        self.needs_read = False
        self._most = most
        self._size = 0
        self._frames: deque[bytes] = deque()

    def __bool__(self) -> bool:
        return bool(self._frames)

    def add(self, frame: bytes) -> bool:
        """Queue a frame; tell whether there was room for it."""
        if self._size + len(frame) > self._most:
            return False
        self._frames.append(frame)
        self._size += len(frame)
        return True

    def write(self, sock: socket.socket) -> None:
        """
        Write as much as the socket takes.

        Raises:
            OSError: The connection is broken.
        """
        self.needs_read = False
        try:
            while self._frames:
                first = self._frames[0]
                sent = sock.send(first)
                self._size -= sent
                if sent < len(first):
                    self._frames[0] = first[sent:]
                else:
                    self._frames.popleft()
        except (ssl.SSLWantWriteError, BlockingIOError, InterruptedError):
            return  # TLS insists on the very same bytes the next time; they are still the first in the queue
        except ssl.SSLWantReadError:
            self.needs_read = True

    def clear(self) -> None:
        """Forget what waits."""
        self._frames.clear()
        self._size = 0
