"""A connection in memory: the stream holds one end, a test the other."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable

from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConnectionLost, TransientError

__all__ = ["FakeConnection", "FakeServer"]


class _Ping:
    """What stands among the messages for a WebSocket ping."""


class FakeServer:
    """
    The other end of a :class:`FakeConnection`, in the hands of a test.

    Attributes:
        url: What was connected to; a secret, since it may hold a listen key.
        replies: Given a message that the client sent, returns what to say at once; called on the stream's own thread.
            None to leave every answer to the test.
        answers_pings: Whether WebSocket pings are answered at once.
        answers_close: Whether the client's close frame is answered at once.
        clock_ahead: Seconds by which this server's clock is ahead of the client's, as its answer to the upgrade says.

    Threads:
        Every method is callable from any thread.
    """

    def __init__(self, url: Secret, replies: Callable[[str], Iterable[str]] | None = None) -> None:
        self.url = url
        self.replies = replies
        self.answers_pings = False
        self.answers_close = True
        self.clock_ahead: float | None = None
        self._lock = threading.Lock()  # guards what is under way, and the sockets
        self._said: deque[str | bytes | _Ping | TransientError] = deque()
        self._heard: queue.Queue[str | _Ping] = queue.Queue()
        self._gone = threading.Event()
        self._closing = threading.Event()
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._stalled = False
        self._pings = 0

    # -- for the test -----------------------------------------------------------------------------------------------

    def hear(self, timeout: float = 10.0) -> str:
        """
        Return the next message that the client sent; WebSocket pings are not messages.

        Args:
            timeout: Longest wait, in real seconds.

        Raises:
            TimeoutError: It sent none.
        """
        while True:
            try:
                heard = self._heard.get(timeout=timeout)
            except queue.Empty:
                raise TimeoutError(f"the client sent nothing within {timeout:g} s") from None
            if not isinstance(heard, _Ping):
                return heard

    def heard(self) -> list[str]:
        """Return the messages that the client has sent and nobody has heard yet, without waiting."""
        messages = []
        with contextlib.suppress(queue.Empty):
            while True:
                heard = self._heard.get_nowait()
                if not isinstance(heard, _Ping):
                    messages.append(heard)
        return messages

    @property
    def pings(self) -> int:
        """How many WebSocket pings the client has sent so far."""
        return self._pings

    def say(self, *messages: str | bytes) -> None:
        """Send messages, as one piece; bytes stand for a message that is not UTF-8. Nobody hears them after the end."""
        self._put(*messages)

    def pong(self) -> None:
        """Send a WebSocket pong."""
        self._put(_Ping())

    def drop(self, error: TransientError | None = None, *last: str | bytes) -> None:
        """
        End the connection.

        Args:
            error: What the client's side calls it; a lost connection if left out.
            last: Messages that arrive together with the end.
        """
        self._put(*last, error or ConnectionLost("dropped by the test"))

    def stall(self) -> None:
        """Take nothing more that the client writes, as a peer does whose buffers are full."""
        with self._lock, contextlib.suppress(BlockingIOError):
            self._stalled = True
            while True:
                self._near.send(bytes(65536))

    @property
    def closing(self) -> bool:
        """Whether the client has sent a close frame."""
        return self._closing.is_set()

    @property
    def closed(self) -> bool:
        """Whether the client has given its socket back."""
        return self._gone.is_set()

    def wait_closed(self, timeout: float = 10.0) -> None:
        """
        Wait until the client has given its socket back, at most *timeout* real seconds.

        Raises:
            TimeoutError: It did not.
        """
        if not self._gone.wait(timeout):
            raise TimeoutError(f"the client did not close within {timeout:g} s")

    # -- for the client's end ---------------------------------------------------------------------------------------

    def take(self) -> list[str | bytes | _Ping | TransientError]:
        """Return what was said since the last time."""
        with self._lock:
            if not self._gone.is_set():
                with contextlib.suppress(BlockingIOError):
                    while self._near.recv(65536):
                        pass
            said = list(self._said)
            self._said.clear()
        return said

    def listen(self, sent: str | _Ping) -> bool:
        """Take what the client wrote; tell whether there was room for it."""
        if self._stalled:
            return False
        self._heard.put(sent)
        if isinstance(sent, _Ping):
            self._pings += 1
            if self.answers_pings:
                self.pong()
        elif self.replies is not None:
            self.say(*self.replies(sent))
        return True

    def hear_farewell(self) -> None:
        """Take the client's close frame."""
        self._closing.set()
        if self.answers_close and not self._stalled:
            self._put(ConnectionLost("closed as we asked", close_code=1000, heard_out=True))

    def fileno(self) -> int:
        """The descriptor of the client's end."""
        return self._near.fileno()

    def dispose(self) -> None:
        """The client gives its socket back."""
        with self._lock:
            self._gone.set()
            self._near.close()
            self._far.close()

    def _put(self, *what: str | bytes | _Ping | TransientError) -> None:
        with self._lock:
            if what and not self._gone.is_set():
                self._said.extend(what)
                with contextlib.suppress(BlockingIOError):  # it is full of wake-ups
                    self._far.send(b"\0")

    def __repr__(self) -> str:
        state = "closed" if self.closed else "closing" if self.closing else "open"
        return f"<FakeServer: {state}, {self._heard.qsize()} messages not heard yet>"


class FakeConnection:
    """
    The client's end; satisfies :class:`futures_stream.engine.ports.Connection`.

    Args:
        server: The other end.

    Threads:
        Only the thread that owns it may touch it.
    """

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._unsent: deque[str | _Ping] = deque()
        self._ended: TransientError | None = None
        self._closing = False
        self._said_goodbye = False
        self._frames = 0
        self._pongs = 0

    @property
    def ended(self) -> TransientError | None:
        """Why nothing more can come or go; None while the connection lives."""
        return self._ended

    @property
    def clock_ahead(self) -> float | None:
        """Seconds by which the server's clock was ahead of ours at the upgrade."""
        return self._server.clock_ahead

    @property
    def frames(self) -> int:
        """How many frames have come so far."""
        return self._frames

    @property
    def pongs(self) -> int:
        """How many WebSocket pongs have come so far."""
        return self._pongs

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be written."""
        return self._ended is None and bool(self._unsent or self._closing != self._said_goodbye)

    @property
    def has_more(self) -> bool:
        """Whether :meth:`receive` would return something at once; everything is always returned at once."""
        return False

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._server.fileno()

    def receive(self) -> list[str | bytes]:
        """Return all messages that have been said, in order."""
        messages: list[str | bytes] = []
        for said in self._server.take() if self._ended is None else ():
            if isinstance(said, TransientError):
                self._ended = said
                break
            self._frames += 1
            if isinstance(said, _Ping):
                self._pongs += 1
            else:
                messages.append(said)
        return messages

    def send(self, text: str) -> None:
        """Queue a message; :meth:`flush` writes it."""
        if not self._closing:
            self._unsent.append(text)

    def ping(self) -> None:
        """Queue a WebSocket ping; :meth:`flush` writes it."""
        if not self._closing:
            self._unsent.append(_Ping())

    def close(self) -> None:
        """Queue a close frame; what still comes may be received until :attr:`ended`."""
        self._closing = True

    def flush(self) -> None:
        """Write what is queued, if the other end takes it."""
        while self._unsent and self._server.listen(self._unsent[0]):
            self._unsent.popleft()
        if self._closing and not self._said_goodbye and not self._unsent:
            self._said_goodbye = True
            self._server.hear_farewell()

    def dispose(self) -> None:
        """Give the descriptor back, now."""
        self._ended = self._ended or ConnectionLost("disposed of")
        self._server.dispose()
