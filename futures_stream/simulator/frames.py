"""WebSocket frames of the server's end: reading what clients send, and queueing what they are to get."""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Iterator

import attrs
from websocket import ABNF, WebSocketException, frame_buffer

MAX_MESSAGE = 1 << 20  # bytes of one message of a client; the real ones are far below
MAX_CONTROL = 125
CHUNK = 1 << 16  # bytes made ready for the socket at a time


class BrokenFrame(Exception):
    """The client broke the protocol; *code* is the close code that it deserves."""

    def __init__(self, code: int) -> None:
        super().__init__(f"close code {code}")
        self.code = code


def encode(payload: bytes, opcode: int) -> bytes:
    """Write one whole frame, unmasked as a server's frames are."""
    return ABNF(1, 0, 0, 0, opcode, 0, payload).format()


def encode_close(code: int) -> bytes:
    """Write a close frame."""
    return encode(struct.pack("!H", code), ABNF.OPCODE_CLOSE)


class FrameReader:
    """Turn bytes, as they come, into whole messages."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0
        self._frames = frame_buffer(self._take, True)
        self._opcode = 0
        self._parts: list[bytes] = []

    def feed(self, received: bytes) -> Iterator[tuple[int, bytes]]:
        """
        Yield the opcode and payload of each message that *received* completes.

        Raises:
            BrokenFrame: A frame is not masked, too long or otherwise illegal.
        """
        self._bytes, self._at = self._bytes[self._at :] + received, 0
        while True:
            try:
                frame = self._frames.recv_frame()
            except BlockingIOError:
                if (self._frames.length or 0) > MAX_MESSAGE:
                    raise BrokenFrame(1009) from None
                return
            except WebSocketException:
                raise BrokenFrame(1002) from None
            if not frame.mask_value:
                raise BrokenFrame(1002)
            message = self._assemble(frame)
            if message is not None:
                yield message

    def _take(self, count: int) -> bytes:
        taken = self._bytes[self._at : self._at + count]
        if not taken:
            raise BlockingIOError  # the frame buffer keeps what it has and is asked again later
        self._at += len(taken)
        return taken

    def _assemble(self, frame: ABNF) -> tuple[int, bytes] | None:
        payload = bytes(frame.data) if isinstance(frame.data, (bytes, bytearray)) else frame.data.encode()
        if frame.opcode >= ABNF.OPCODE_CLOSE:
            if len(payload) > MAX_CONTROL or not frame.fin:
                raise BrokenFrame(1002)
            return frame.opcode, payload
        if (frame.opcode == ABNF.OPCODE_CONT) != bool(self._opcode):
            raise BrokenFrame(1002)
        self._opcode = self._opcode or frame.opcode
        self._parts.append(payload)
        if sum(map(len, self._parts)) > MAX_MESSAGE:
            raise BrokenFrame(1009)
        if not frame.fin:
            return None
        message = self._opcode, b"".join(self._parts)
        self._opcode, self._parts = 0, []
        return message


@attrs.frozen(kw_only=True)
class Ending:
    """
    End the connection once everything before is written: with a close frame, if a *code* is given, else without.

    An *answer* closes at once; otherwise the peer's own close is waited for.
    """

    code: int | None = None
    answer: bool = False


Item = str | bytes | Iterator[str] | Ending


class Outbox:
    """
    Hold what is to be sent: texts, ready-made bytes, sources of texts, and at last an ending.

    Threads:
        :meth:`put` is callable from any thread; everything else belongs to the connection's thread.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[Item] = deque()
        self._lock = threading.Lock()
        self._buffer = bytearray()
        self._written = 0
        self._marks: deque[tuple[int, str]] = deque()
        self.ending: Ending | None = None

    def put(self, item: Item) -> bool:
        """Queue *item*; tell whether there was room. An ending always finds room."""
        with self._lock:
            if len(self._items) >= self._limit and not isinstance(item, Ending):
                return False
            self._items.append(item)
            return True

    def ready(self) -> bytearray:
        """Make up to a chunk of bytes ready and return them; they stay until :meth:`sent`."""
        while len(self._buffer) < CHUNK and self.ending is None:
            with self._lock:
                if not self._items:
                    break
                item = self._items[0]
                if isinstance(item, (str, bytes, Ending)):
                    self._items.popleft()
            self._prepare(item)
        return self._buffer

    def sent(self, count: int) -> list[str]:
        """Forget the first *count* bytes; return the texts whose last byte is among them."""
        del self._buffer[:count]
        self._written += count
        texts = []
        while self._marks and self._marks[0][0] <= self._written:
            texts.append(self._marks.popleft()[1])
        return texts

    def _prepare(self, item: Item) -> None:
        if isinstance(item, Ending):
            self.ending = item
            if item.code is not None:
                self._buffer += encode_close(item.code)
        elif isinstance(item, bytes):
            self._buffer += item
        elif isinstance(item, str):
            self._add(item)
        else:
            self._draw(item)

    def _draw(self, source: Iterator[str]) -> None:
        for text in source:
            self._add(text)
            if len(self._buffer) >= CHUNK:
                return
        with self._lock:
            self._items.popleft()

    def _add(self, text: str) -> None:
        self._buffer += encode(text.encode(), ABNF.OPCODE_TEXT)
        self._marks.append((self._written + len(self._buffer), text))
