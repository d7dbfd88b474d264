"""An upgraded WebSocket: one large read at a time, everything in it decoded at once, and nothing that waits."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence

from futures_stream.errors import ConnectionLost, printable
from futures_stream.transport.frames import CLOSE, PING, PONG, TEXT, Decoder, encode
from futures_stream.transport.patience import why
from futures_stream.transport.unsent import Unsent

__all__ = ["StreamConnection"]

_READ = 65536  # bytes asked of the socket at once
_MOST = 65536  # bytes taken from the socket in one go at most, so that pings and deadlines get their turn
_FRAMES = 2048  # frames decoded in one go at most, for the same reason
_UNSENT = 262144  # bytes waiting to be sent at most
_NO_CODE = 1005  # RFC 6455's word for a close frame without a code; it never travels


class StreamConnection:
    """
    A connection; satisfies :class:`futures_stream.engine.ports.Connection`.

    It ends in two steps: first there is a cause (the socket ended, the peer broke the protocol, too much is unsent);
    then, when everything that came before has been returned, :attr:`ended` says so.

    Args:
        sock: A connected, upgraded, non-blocking socket; the connection's own from now on.
        received: What has come behind the head of the upgrade's answer.
        max_message_size: Most bytes of a message.
        clock_ahead: Seconds by which the server's clock was ahead of ours at the upgrade, if it told.
        fast: See :class:`~futures_stream.transport.frames.Decoder`.

    Threads:
        Only the thread that owns it may touch it.
    """

    def __init__(
        self,
        sock: socket.socket,
        received: bytes,
        max_message_size: int,
        clock_ahead: float | None = None,
        *,
        fast: bool = True,
    ) -> None:
        self.clock_ahead = clock_ahead
        self._sock = sock
        self._decoder = Decoder(max_message_size, fast=fast)
        if received:
            self._decoder.feed(received)
        self._unsent = Unsent(_UNSENT)
        self._closing = False
        self._reading = True
        self._cause: ConnectionLost | None = None
        self._ended: ConnectionLost | None = None
        self._read_needs_write = False  # TLS may have to
        self._stopped_early = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    @property
    def ended(self) -> ConnectionLost | None:
        """Why nothing more can come or go; None while the connection lives."""
        return self._ended

    @property
    def frames(self) -> int:
        """How many complete frames of any kind have come so far."""
        return self._decoder.frames

    @property
    def pongs(self) -> int:
        """How many WebSocket pongs have come so far."""
        return self._decoder.pongs

    @property
    def binaries(self) -> int:
        """How many messages have come so far in binary frames."""
        return self._decoder.binaries

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be written."""
        return self._ended is None and (self._read_needs_write or bool(self._unsent and not self._unsent.needs_read))

    @property
    def has_more(self) -> bool:
        """Whether :meth:`receive` should be called at once, whatever a selector says."""
        return self._ended is None and (self._stopped_early or self._decoder.has_more or self._cause is not None)

    def fileno(self) -> int:
        """The descriptor, for a selector; -1 after :meth:`dispose`."""
        return self._sock.fileno()

    def receive(self) -> Sequence[str | bytes]:
        """
        Return all messages that can be had without waiting, in order; pings are answered on the way.

        A message is text, or bytes if it is not UTF-8. What came before an end is returned before or with the call
        after which :attr:`ended` says so. The work of one call is bounded; see :attr:`has_more`.
        """
        if self._ended is not None:
            return ()
        if not self._decoder.has_more:
            self._read()
        messages = self._decoder.decode(_FRAMES)
        for ping in self._decoder.take_pings():
            if not self._closing:
                self._enqueue(encode(ping, PONG))
        if self._decoder.finished:
            self._finish()
        elif not self._reading and not self._decoder.has_more:
            self._ended = self._cause
        if self._unsent:
            self._write()
        return messages

    def send(self, text: str) -> None:
        """Queue a message; :meth:`flush` writes it. After :meth:`close`, or the end, it goes nowhere."""
        if not self._closing:
            self._enqueue(encode(text, TEXT))

    def ping(self) -> None:
        """Queue a WebSocket ping; :meth:`flush` writes it."""
        if not self._closing:
            self._enqueue(encode(b"", PING))

    def close(self) -> None:
        """Queue a close frame; what still comes may be received until :attr:`ended`."""
        self._say_goodbye(1000)

    def flush(self) -> None:
        """Write as much of what is queued as the socket takes."""
        if self._read_needs_write:  # what the socket now has room for is the reader's
            self._read_needs_write = False
            self._stopped_early = True
        self._write()

    def dispose(self) -> None:
        """Give the descriptor back, now; no farewell, no TLS goodbye, which could wait."""
        if self._ended is None:
            self._ended = self._cause or ConnectionLost("disposed of")
        self._unsent.clear()
        self._sock.close()

    def _read(self) -> None:
        """Take what the socket has, bounded; find out whether it has ended."""
        self._stopped_early = False
        size = 0
        while self._reading:
            if size >= _MOST:
                self._stopped_early = True
                return
            try:
                data = self._sock.recv(_READ)
            except (ssl.SSLWantReadError, BlockingIOError, InterruptedError):
                self._reading = self._cause is None  # after a failed send nothing but the rest was awaited
                return
            except ssl.SSLWantWriteError:
                self._read_needs_write = True
                return
            except OSError as error:
                self._reading = False
                self._lose(why(error))
                return
            if not data:
                self._reading = False
                self._lose("the exchange ended the connection without a close frame", heard_out=True)
                return
            self._decoder.feed(data)
            size += len(data)
            if len(data) < _READ and not isinstance(self._sock, ssl.SSLSocket):
                return  # a short read has emptied a plain socket; a TLS socket gives one record at a time

    def _write(self) -> None:
        try:
            self._unsent.write(self._sock)
        except OSError as error:
            # Much may have come before the peer went away: it is read to its end first.
            self._unsent.clear()
            self._closing = True
            self._lose(f"sending failed: {why(error)}")

    def _finish(self) -> None:
        """End because of a close frame or a violation; the answer goes out if the socket takes it at once."""
        violation = self._decoder.violation
        code, reason = self._decoder.close or (None, "")
        if violation is not None:
            self._ended = ConnectionLost(f"protocol error: {printable(violation)}", close_code=code)
            self._say_goodbye(violation.code)
        else:
            said = f"{code or 'without a code'} {printable(reason, 123)}".rstrip()
            by = "as we asked" if self._closing else "by the exchange"
            self._ended = ConnectionLost(f"closed {by}: {said}", close_code=code, heard_out=True)
            self._say_goodbye(code)
        self._reading = False

    def _say_goodbye(self, code: int | None) -> None:
        if not self._closing:
            payload = b"" if code is None else code.to_bytes(2, "big")
            self._enqueue(encode(payload, CLOSE))
            self._closing = True

    def _enqueue(self, frame: bytes) -> None:
        if self._cause is not None:
            return
        if not self._unsent.add(frame):
            self._reading = False  # a peer that takes nothing may send for ever: what it sent by now is enough
            self._lose("send queue overflow: the exchange takes nothing any more")

    def _lose(self, reason: str, heard_out: bool = False) -> None:
        if self._cause is None:
            self._cause = ConnectionLost(reason, heard_out=heard_out)
