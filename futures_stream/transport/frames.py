"""WebSocket frames: written by websocket-client, and read by it out of a buffer that never waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from futures_stream.transport.library import ABNF, WebSocketException, frame_buffer

__all__ = ["BINARY", "CLOSE", "PING", "PONG", "TEXT", "Decoder", "Violation", "encode"]

TEXT, BINARY, CLOSE, PING, PONG = (
    ABNF.OPCODE_TEXT,
    ABNF.OPCODE_BINARY,
    ABNF.OPCODE_CLOSE,
    ABNF.OPCODE_PING,
    ABNF.OPCODE_PONG,
)
_LARGEST_CONTROL = 125
_MOST_FRAGMENTS = 1000
_MOST_PINGS = 16  # answered at once at most
_WHOLE_TEXT = 0x81  # the first byte of an unfragmented text frame
_LONGEST_SHORT = 65535  # bytes in a frame whose length takes two bytes


def encode(payload: str | bytes, opcode: int = TEXT, *, fin: int = 1, masked: bool = True) -> bytes:
    """
    Return a frame as bytes.

    It is not sent by websocket-client's own means, whose trace would print it, a login included.

    Args:
        payload: What it carries.
        opcode: What it is.
        fin: 0 if further fragments of the message follow.
        masked: Whether it goes from a client to a server.
    """
    data = payload.encode() if isinstance(payload, str) else payload
    frame: bytes = ABNF(fin, 0, 0, 0, opcode, int(masked), data).format()
    return frame


class Violation(Exception):
    """
    The other side broke the protocol, or a bound of ours.

    Attributes:
        code: The close code that says so.
    """

    def __init__(self, text: str, code: int = 1002) -> None:
        super().__init__(text)
        self.code = code


class _Incomplete(Exception):
    """The frame's next part has not come yet."""


class _Frames(frame_buffer):
    """
    websocket-client's frame reader, fed from a buffer, and strict about a header before its payload is waited for.

    It keeps what it has read of a frame (header, length, mask) when the next part is not there yet. Each part is taken
    whole or not at all, so a payload that comes byte by byte is not looked at byte by byte.
    """

    def __init__(self, largest: int, masked: bool, fast: bool) -> None:
        super().__init__(self.recv_strict, True)  # True: its own UTF-8 check is pure Python and 20 times slower
        self._buffer = bytearray()
        self._start = 0
        self._largest = largest
        self._masked = masked
        self._fast = fast and not masked and largest >= _LONGEST_SHORT
        self.open_size = 0  # bytes of the fragments that the message in progress has so far

    def feed(self, data: bytes) -> None:
        del self._buffer[: self._start]
        self._start = 0
        self._buffer += data

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all of another frame is there."""
        return self.header is None and self._start == len(self._buffer)

    def take_texts(self, messages: list[str | bytes], most: int) -> int:
        """
        Take the whole, unfragmented text messages that are next in the buffer: the fast path.

        Almost every frame of an exchange is one. Anything else, and anything incomplete, is left to the library.

        Args:
            messages: What they are appended to.
            most: Most of them to take.

        Returns:
            How many.
        """
        if not self._fast or self.header is not None:
            return 0
        buffer, at, end, taken = self._buffer, self._start, len(self._buffer), 0
        while taken < most and at + 2 <= end and buffer[at] == _WHOLE_TEXT:
            length, start = buffer[at + 1], at + 2
            if length == 126 and at + 4 <= end:
                length, start = buffer[at + 2] << 8 | buffer[at + 3], at + 4
            elif length >= 126:  # longer than 65535 bytes, masked, or without its length yet
                break
            stop = start + length
            if stop > end:
                break
            payload = buffer[start:stop]
            try:
                messages.append(payload.decode())
            except UnicodeDecodeError:
                messages.append(bytes(payload))
            at = stop
            taken += 1
        self._start = at
        return taken

    def recv_strict(self, bufsize: int) -> bytes:
        end = self._start + bufsize
        if end > len(self._buffer):
            raise _Incomplete
        part = bytes(self._buffer[self._start : end])
        self._start = end
        return part

    def recv_length(self) -> None:
        super().recv_length()
        header, length = self.header, self.length
        if header is None or length is None:
            raise Violation("a frame without a header")
        fin, rsv1, rsv2, rsv3, opcode, has_mask, _ = header
        if rsv1 or rsv2 or rsv3:
            raise Violation("reserved bits are set, but no extension was agreed")
        if opcode not in ABNF.OPCODES:
            raise Violation(f"unknown opcode {opcode}")
        if bool(has_mask) != self._masked:
            raise Violation("a masked frame from a server" if has_mask else "an unmasked frame from a client")
        if opcode >= CLOSE:
            if not fin or length > _LARGEST_CONTROL:
                raise Violation("a control frame that is fragmented or too long")
        elif self.open_size + length > self._largest:
            raise Violation(f"a message of more than {self._largest} bytes", 1009)


def _text_of(payload: bytes) -> str | bytes:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return payload


class Decoder:
    """
    Turns bytes, cut anyhow, into messages.

    Control frames are not messages; what they mean is left in the attributes. It ends at a close frame, and at the
    first violation: nothing behind either is read.

    Args:
        largest: Most bytes of a message, all fragments together.
        masked: Whether the frames are a client's.
        fast: Whether whole text frames are read by code of our own, and not by websocket-client's. There is no
            difference in what comes out, which tests show by leaving it off.

    Attributes:
        frames: Complete frames of any kind so far.
        pongs: Pongs so far.
        binaries: Messages so far that came in binary frames.
        close: Code and reason of the close frame, once it has come; the code is None if it has none.
        violation: What broke the protocol, if something did.
        has_more: Whether complete frames may still be in the buffer.
    """

    def __init__(self, largest: int, *, masked: bool = False, fast: bool = True) -> None:
        self.frames = 0
        self.pongs = 0
        self.binaries = 0
        self.close: tuple[int | None, str] | None = None
        self.violation: Violation | None = None
        self.has_more = False
        self._pings: deque[bytes] = deque(maxlen=_MOST_PINGS)
        self._source = _Frames(largest, masked, fast)
        self._opcode = 0  # of the fragmented message in progress; 0: none
        self._fragments: list[bytes] = []

    @property
    def finished(self) -> bool:
        """Whether nothing more will be decoded."""
        return self.close is not None or self.violation is not None

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        if not self.finished:
            self._source.feed(data)
            self.has_more = True

    def take_pings(self) -> list[bytes]:
        """
        Return, once, the payloads of the pings to answer.

        Of a flood of them only the newest are (RFC 6455 §5.5.3), so that it costs no more to answer than a few.
        """
        pings = list(self._pings)
        self._pings.clear()
        return pings

    def decode(self, most: int) -> list[str | bytes]:
        """
        Return the messages that are complete, in order.

        A message is text, or bytes if it is not UTF-8, whatever its frame says.

        Args:
            most: Most frames to look at in one go; :attr:`has_more` tells whether it stopped because of it.
        """
        messages: list[str | bytes] = []
        if self.finished or not self.has_more:
            return messages
        recv_frame: Callable[[], Any] = self._source.recv_frame  # its data are bytes, though typed wider
        try:
            last = self.frames + most
            while self.frames < last and self.close is None:
                if not self._opcode:
                    self.frames += self._source.take_texts(messages, last - self.frames)
                    if self.frames == last:
                        break
                    if self._source.is_empty:  # as nearly always: no need for the library to say so by an exception
                        self.has_more = False
                        break
                frame = recv_frame()
                self.frames += 1
                if frame.opcode >= CLOSE:
                    self._control(frame.opcode, frame.data)
                elif (whole := self._piece(frame.opcode, frame.fin, frame.data)) is not None:
                    messages.append(_text_of(whole))
        except _Incomplete:
            self.has_more = False
        except Violation as violation:
            self._fail(violation)
        except WebSocketException as error:  # only what its frame check says; no payload is in it
            self._fail(Violation(str(error).strip(". ").lower()))
        return messages

    def _fail(self, violation: Violation) -> None:
        self.violation = violation.with_traceback(None)
        self.has_more = False

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._pings.append(payload)
        elif opcode == PONG:
            self.pongs += 1
        elif payload:
            reason = _text_of(payload[2:])
            shown = reason if isinstance(reason, str) else reason.decode("utf-8", "replace")
            self.close = int.from_bytes(payload[:2], "big"), shown
            if shown is not reason:
                raise Violation("the reason of a close frame is not UTF-8", 1007)
        else:
            self.close = None, ""
        self.has_more = self.close is None

    def _piece(self, opcode: int, fin: int, payload: bytes) -> bytes | None:
        """Take a frame of a message; return the message that it completes."""
        if opcode == ABNF.OPCODE_CONT:
            if not self._opcode:
                raise Violation("a continuation of nothing")
        elif self._opcode:
            raise Violation("a new message inside a fragmented one")
        elif fin:
            self.binaries += opcode == BINARY
            return payload
        else:
            self._opcode = opcode
        self._fragments.append(payload)
        self._source.open_size += len(payload)
        if fin:
            whole = b"".join(self._fragments)
            self.binaries += self._opcode == BINARY
            self._opcode, self._fragments, self._source.open_size = 0, [], 0
            return whole
        if len(self._fragments) >= _MOST_FRAGMENTS:
            raise Violation(f"a message in more than {_MOST_FRAGMENTS} fragments", 1009)
        return None
