"""How other threads talk to a thread that waits in a selector: a value in a box, and a byte to wake it."""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from typing import Any

__all__ = ["Inbox"]


class Inbox:
    """
    A box of values for one reader.

    Threads:
        :meth:`post` and :meth:`wake` are callable from any thread and from a signal handler: a deque's append is
        atomic, and no lock is taken. The rest belongs to the reader.
    """

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """The descriptor that becomes readable when something is in the box."""
        return self._reader.fileno()

    def post(self, item: object) -> None:
        """Put a value into the box and wake the reader."""
        self._items.append(item)
        self.wake()

    def wake(self) -> None:
        """Wake the reader."""
        # A full pair means that a wake-up is on its way already; a closed one, that the reader is gone.
        with contextlib.suppress(OSError):
            self._writer.send(b"\0")

    def woken(self) -> None:
        """
        Note that the descriptor was readable; what was put into the box before is found by the next :meth:`take`.

        Only then: each look at a socket gives up the interpreter's lock, and beside a busy thread that costs 5 ms.
        """
        with contextlib.suppress(BlockingIOError):
            while len(self._reader.recv(4096)) == 4096:
                pass

    def take(self) -> list[Any]:
        """Return what is in the box, in order."""
        taken = []
        while self._items:
            taken.append(self._items.popleft())
        return taken

    def close(self) -> None:
        """Give the descriptors back; what is posted from now on is never read."""
        self._reader.close()
        self._writer.close()

    def __del__(self) -> None:
        # Of a stream that nobody started, or that could not be made to its end.
        if hasattr(self, "_writer"):
            self.close()
