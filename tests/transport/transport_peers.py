"""The other side of a connection, scripted: real sockets on loopback, and nothing of what is tested in them."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PATIENCE = 5.0  # seconds; nothing in these tests takes that long unless it hangs


def frame(opcode: int, payload: bytes = b"", *, fin: int = 1, rsv: int = 0, masked: bool = False) -> bytes:
    """A server's frame, written by hand."""
    length = len(payload)
    first = bytes([fin << 7 | rsv << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head = first + bytes([mask_bit | length])
    elif length < 65536:
        head = first + bytes([mask_bit | 126]) + struct.pack("!H", length)
    else:
        head = first + bytes([mask_bit | 127]) + struct.pack("!Q", length)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def text(words: str) -> bytes:
    """A text message in one frame."""
    return frame(1, words.encode())


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame."""
    return frame(8, code.to_bytes(2, "big") + reason.encode())


def unmasked(data: bytes) -> list[tuple[int, bytes]]:
    """The opcodes and payloads of a client's short frames."""
    found = []
    while data:
        assert data[1] & 0x80, "a client's frame is masked"
        length, at = data[1] & 0x7F, 2
        if length == 126:
            length, at = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, at = int.from_bytes(data[2:10], "big"), 10
        mask, body = data[at : at + 4], data[at + 4 : at + 4 + length]
        found.append((data[0] & 15, bytes(byte ^ mask[index % 4] for index, byte in enumerate(body))))
        data = data[at + 4 + length :]
    return found


class Wire:
    """A server's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.heard = b""

    def head(self) -> bytes:
        """
        Read the client's request, and return it up to the blank line.

        A body is read too: a server that closes with something unread ends the connection with an RST, which may
        overtake the answer.
        """
        while b"\r\n\r\n" not in self.heard:
            self.hear_more()
        head, _, self.heard = self.heard.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        while length is not None and len(self.heard) < int(length[1]):
            self.hear_more()
        return head

    def hear_more(self) -> None:
        """Wait for something to come, and read it."""
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionResetError
        self.heard += piece

    def send(self, data: bytes) -> None:
        """Send everything."""
        self.sock.sendall(data)

    def accepted(self, head: bytes, *more: bytes) -> bytes:
        """The answer that completes an upgrade."""
        key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        digest = base64.b64encode(hashlib.sha1(key.split(b":")[1].strip() + GUID).digest())
        lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
        return b"\r\n".join([*lines, b"Sec-WebSocket-Accept: " + digest, *more, b"", b""])

    def upgrade(self, behind: bytes = b"", *more: bytes) -> bytes:
        """Answer an upgrade, with something right behind it; return the request's head."""
        head = self.head()
        self.send(self.accepted(head, *more) + behind)
        return head

    def rest(self) -> bytes:
        """Everything that the client sends until it goes away."""
        try:
            while piece := self.sock.recv(65536):
                self.heard += piece
        except OSError:
            return self.heard
        return self.heard

    def reset(self) -> None:
        """Go away with an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Script = Callable[[Wire], object]


class Peer:
    """
    A server on loopback that does to one connection after the other what its scripts say.

    Attributes:
        port: Where it listens.
        connections: How many have come.
        finished: Is set when all scripts are through.
    """

    def __init__(self, *scripts: Script, context: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.finished = threading.Event()
        self._scripts = scripts
        self._context = context
        self._failure: BaseException | None = None
        self._current: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name=f"peer-{self.port}", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            for script in self._scripts:
                sock, _ = self._listener.accept()
                self.connections += 1
                sock.settimeout(PATIENCE)
                self._current = sock
                try:
                    if self._context is not None:
                        sock = self._context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=True)
                        self._current = sock
                    script(Wire(sock))
                except (OSError, ssl.SSLError):
                    continue  # the client went away in the middle of it
                finally:
                    sock.close()
        except OSError:
            return  # nobody came any more
        except BaseException as failure:
            self._failure = failure
        finally:
            self.finished.set()

    def heard_nothing(self) -> bool:
        """Whether nobody has even connected."""
        self._listener.setblocking(False)
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return self.connections == 0
        return False

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._listener, self._current):
            if sock is not None:
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._listener.close()
        assert not self._thread.is_alive(), "the peer's thread hangs"
        if self._failure is not None:
            raise self._failure


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection; the first does not block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    ours.setblocking(False)
    theirs.settimeout(PATIENCE)
    return ours, theirs


def pump(connection, done: Callable[[list], bool]) -> list:
    """Be the engine: receive and flush until *done* says so of the messages, or the connection has ended."""
    messages: list = []
    with DefaultSelector() as selector:
        selector.register(connection, EVENT_READ)
        while connection.ended is None and not done(messages):
            if not connection.has_more:
                selector.modify(connection, EVENT_READ | (EVENT_WRITE if connection.wants_write else 0))
                assert selector.select(PATIENCE), "nothing happens"
            messages += connection.receive()
            connection.flush()
    return messages


def pump_to_end(connection) -> list:
    """Be the engine until the connection has ended."""
    return pump(connection, lambda _: False)


def black_hole() -> tuple[socket.socket, list[socket.socket]]:
    """A listener whose queue is full, so that nobody gets an answer any more; and what fills it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    return listener, fillers
