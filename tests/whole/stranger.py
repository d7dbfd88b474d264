"""
Both exchanges on bare sockets, by somebody who read the documents and nothing of this project.

Every byte is written by hand, so that a test decides what a frame, a header or an answer looks like; every text that
was written is in a ledger.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field, frozen

from futures_stream import BitgetCredentials, BitmusaCredentials, Endpoints

CANARIES = ("canary-key-1", "canary-secret-2", "canary-passphrase-3", "CanaryListenKeyOfTheStranger")
CREDENTIALS: dict[str, Any] = {
    "bitget": BitgetCredentials(*CANARIES[:3]),
    "bitmusa": BitmusaCredentials(*CANARIES[:2]),
}
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@frozen
class Entry:
    """One text that was written as one whole message."""

    exchange: str
    connection: int
    unix_ms: int
    text: str


def frame(payload: bytes, opcode: int = 1, final: bool = True, wide: bool = False, mask: bool = False) -> bytes:
    """Build a frame; *wide* spells the length in eight bytes whatever it is, *mask* does what only clients may."""
    head = bytes([(0x80 if final else 0) | opcode])
    size, bit = len(payload), 0x80 if mask else 0
    if wide or size > 65535:
        head += bytes([127 | bit]) + struct.pack("!Q", size)
    elif size > 125:
        head += bytes([126 | bit]) + struct.pack("!H", size)
    else:
        head += bytes([size | bit])
    if mask:
        return head + b"\x01\x02\x03\x04" + bytes(byte ^ (1, 2, 3, 4)[at % 4] for at, byte in enumerate(payload))
    return head + payload


def order(exchange: str, name: str, filled: int = 0, of: int = 1000) -> dict[str, Any]:
    """Return the row of an order."""
    ended = filled == of
    if exchange == "bitmusa":
        status = "FILLED" if ended else "PARTIAL" if filled else "TRADING"
        return {
            "orderId": name, "ticker": "BTCUSDT", "direction": "OPEN", "type": "LIMIT", "price": 0.5, "amount": of,
            "tradedAmount": filled, "value": filled * 0.5, "status": status, "createdTime": 1715581995021,
            "canceledTime": None, "completedTime": None,
        }  # fmt: skip
    return {
        "orderId": name, "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "size": str(of), "price": "0.5",
        "filledSize": str(filled), "status": "filled" if ended else "partially_filled" if filled else "new",
    }  # fmt: skip


def push(exchange: str, *rows: dict[str, Any], channel: str = "orders", action: str = "update", ahead: int = 0) -> str:
    """Return a push of rows; Bitmusa's time can be *ahead* by seconds."""
    if exchange == "bitmusa":
        stream = {"orders": "future_order", "account": "future_wallet", "positions": "future_position"}[channel]
        data: Any = rows[0] if len(rows) == 1 else list(rows)
        return json.dumps({"data": data, "stream": stream, "eventTime": int(time.time() + ahead) * 1000})
    arg = {"channel": channel, "instType": "FUTURES", "instId": "default"}
    return json.dumps({"action": action, "arg": arg, "data": list(rows)})


@define(eq=False)
class Line:
    """
    One client's connection.

    Attributes:
        heard: What the client has said.
        pongs: What the pongs of the client held.
        pings: How many pings have come.
        farewell: What the client's close frame held.
        swallowed: Whether nothing that is written arrives any more.

    Threads:
        Written by the test and by the server's thread, one at a time.
    """

    stranger: Stranger
    sock: socket.socket
    number: int
    heard: list[str] = field(factory=list)
    pongs: list[bytes] = field(factory=list)
    pings: int = 0
    farewell: bytes | None = None
    swallowed: bool = False
    lock: Any = field(factory=threading.RLock)

    def raw(self, data: bytes) -> None:
        """Write bytes, which a black hole may swallow."""
        with self.lock, contextlib.suppress(OSError):
            if self.swallowed:
                return
            self.sock.sendall(data)

    def say(self, *texts: str, by: Callable[[bytes], bytes] = frame) -> None:
        """Write texts, all in one piece, and keep them in the ledger."""
        with self.lock:
            self.raw(b"".join(by(text.encode()) for text in texts))
            self.note(*texts)

    def note(self, *texts: str) -> None:
        """Keep in the ledger what was written otherwise."""
        now = time.time_ns() // 10**6
        self.stranger.ledger += [Entry(self.stranger.exchange, self.number, now, text) for text in texts]

    def end(self) -> None:
        """End the connection, both ways."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class Stranger:
    """
    A server of one exchange, stream and REST on one port; use it as a block.

    Args:
        exchange: Which.

    Attributes:
        ledger: All texts that were written.
        lines: All connections that were upgraded, oldest first.
        calls: Method and path of all REST calls.
        answer: Says what to answer to a client's message; replace it.
        rest: Says status and body for a REST call; replace it.
        upgrade: Returns the answer to an upgrade, given the one that is right; None refuses; replace it.
        opened: Called when a connection has been upgraded; replace it.
        answers_pings: Whether WebSocket pings are answered.

    Threads:
        One a connection; the callables run there.
    """

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self.ledger: list[Entry] = []
        self.lines: list[Line] = []
        self.calls: list[tuple[str, str]] = []
        self.answer: Callable[[Line, dict[str, Any]], list[str]] = self.usual_answer
        self.rest: Callable[[str, str, dict[str, str]], tuple[int, bytes]] = self.usual_rest
        self.upgrade: Callable[[bytes], bytes | None] = lambda right: right
        self.opened: Callable[[Line], None] = lambda line: None
        self.answers_pings = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._accept, name="stranger", daemon=True)]
        self._socks: list[socket.socket] = []
        self._threads[0].start()

    def __enter__(self) -> Stranger:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for sock in self._socks:
            sock.close()

    @property
    def endpoints(self) -> Endpoints:
        """Where it is."""
        return Endpoints(f"ws://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.port}")

    def wait(self, wanted: Callable[[], bool], what: str, timeout: float = 30.0) -> None:
        """Wait until something holds."""
        with self._changed:
            assert self._changed.wait_for(wanted, timeout), f"it did not come to this: {what}; calls: {self.calls}"

    def wait_line(self, number: int) -> Line:
        """Return the connection of that number, from 1 on, as soon as all it asked at the start is answered."""
        least = 6 if self.exchange == "bitget" else 0
        self.wait(lambda: len(self.lines) >= number and len(self.lines[number - 1].heard) >= least, f"line {number}")
        return self.lines[number - 1]

    # -- what is right ----------------------------------------------------------------------------------------------

    def usual_answer(self, line: Line, message: dict[str, Any]) -> list[str]:
        """Answer as the document says."""
        if message["op"] == "login":
            return ['{"event":"login","code":"0","msg":""}']
        if message["op"] == "ping":
            return ['{"event":"pong"}']
        return [json.dumps({"event": message["op"], "arg": arg}) for arg in message["args"]]

    def usual_rest(self, method: str, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        """Answer as the document says; there is nothing on the account."""
        data: Any = {"listenKey": CANARIES[3]} if method == "POST" else []
        return 200, json.dumps({"data": data, "code": 0, "message": "success"}).encode()

    # -- threads ----------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._socks.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock,), name="stranger's line", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            stream = sock.makefile("rb")
            with stream:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += _some(stream, 1)
                method, target = head.split(b" ")[:2]
                if b"upgrade: websocket" not in head.lower():
                    self._call(sock, stream, head, method.decode(), target.decode())
                else:
                    self._upgraded(sock, stream, head)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    def _call(self, sock: socket.socket, stream: Any, head: bytes, method: str, target: str) -> None:
        size = next((int(each[15:]) for each in head.lower().split(b"\r\n") if each.startswith(b"content-length:")), 0)
        stream.read(size)
        url = urlsplit(target)
        self._note(lambda: self.calls.append((method, url.path)))
        status, body = self.rest(method, url.path, dict(parse_qsl(url.query)))
        sock.sendall(
            b"HTTP/1.1 %d Said\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
        )

    def _upgraded(self, sock: socket.socket, stream: Any, head: bytes) -> None:
        lines = head.split(b"\r\n")
        key = next(line.split(b":")[1].strip() for line in lines if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        right = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        answer = self.upgrade(right + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        if answer is None:
            return
        sock.sendall(answer)
        line = Line(self, sock, len(self.lines) + 1)
        self._note(lambda: self.lines.append(line))
        self.opened(line)
        for opcode, payload in _frames(stream):
            if opcode == 1:
                text = payload.decode()
                message = json.loads(text) if text.startswith("{") else {"op": text}
                line.say(*self.answer(line, message))
                self._note(lambda text=text: line.heard.append(text))
            elif opcode == 9:
                self._note(lambda line=line: setattr(line, "pings", line.pings + 1))
                if self.answers_pings:
                    line.raw(frame(payload, 10))
            elif opcode == 10:
                self._note(lambda payload=payload: line.pongs.append(payload))
            elif opcode == 8:
                self._note(lambda line=line, payload=payload: setattr(line, "farewell", payload))
                if line.swallowed:
                    continue
                line.raw(frame(payload[:2], 8))
                return

    def _note(self, step: Callable[[], object]) -> None:
        with self._changed:
            step()
            self._changed.notify_all()


def _some(stream: Any, size: int) -> bytes:
    data: bytes = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _frames(stream: Any) -> Iterator[tuple[int, bytes]]:
    """Yield what the client says; it never fragments."""
    while True:
        first, second = _some(stream, 2)
        assert second & 0x80, "a client masks"
        size = second & 0x7F
        if size > 125:
            size = struct.unpack("!H" if size == 126 else "!Q", _some(stream, 2 if size == 126 else 8))[0]
        mask, payload = _some(stream, 4), _some(stream, size)
        yield first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
