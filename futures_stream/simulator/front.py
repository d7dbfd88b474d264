"""The front door: one listening socket, plain HTTP/1.1 for REST calls and upgrade requests, a thread a visitor."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import itertools
import logging
import selectors
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from futures_stream.clock import Clock
from futures_stream.simulator.bitmusa_rest import RestCall
from futures_stream.simulator.sockets import WakeUp
from futures_stream.simulator.world import World

MAX_BODY = 1 << 16  # bytes of a request's body
PAUSE = 0.1  # seconds after a failed accept, which would fail again at once
IDLE = 30.0  # seconds that a visitor may say nothing before the upgrade
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
NAME = "futures-stream/simulator"

logger = logging.getLogger("futures_stream.simulator")


def accept_token(key: str) -> str:
    """Answer a ``Sec-WebSocket-Key``."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()


def upgrade_refusal(headers: dict[str, str]) -> HTTPStatus | None:
    """Say what is wrong with an upgrade request, if anything."""
    tokens = [token.strip().lower() for token in headers.get("connection", "").split(",")]
    try:
        nonce = base64.b64decode(headers.get("sec-websocket-key", ""), validate=True)
    except binascii.Error:
        nonce = b""
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in tokens or len(nonce) != 16:
        return HTTPStatus.BAD_REQUEST
    return None if headers.get("sec-websocket-version") == "13" else HTTPStatus.UPGRADE_REQUIRED


class RequestHandler(BaseHTTPRequestHandler):
    """Answer one visitor's HTTP requests, and serve the connection if one of them is an upgrade."""

    protocol_version = "HTTP/1.1"
    server_version = "futures-stream-simulator"
    sys_version = ""
    timeout = IDLE
    rbufsize = 0  # what follows the upgrade request belongs to the WebSocket, not to a buffer here

    def __init__(self, sock: socket.socket, address: Any, world: World) -> None:
        self._world = world
        super().__init__(sock, address, None)  # type: ignore[arg-type]  # there is no socketserver behind us

    def do_GET(self) -> None:
        """Upgrade to a WebSocket, or answer a REST call."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "upgrade" not in headers:
            self._rest()
            return
        refusal = upgrade_refusal(headers)
        admitted = refusal or self._world.admit(self.path)
        if isinstance(admitted, int):
            self._refuse(admitted)
            return
        greeting = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_token(headers['sec-websocket-key'])}\r\n"
            f"Date: {self.date_time_string()}\r\n\r\n"
        )
        exchange, session = admitted
        line = self._world.join(exchange, session, self.connection, greeting.encode())
        if line is None:
            self._refuse(503)
            return
        self.close_connection = True
        try:
            line.connection.run()
        finally:
            self._world.leave(line)

    def _rest(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY or "Transfer-Encoding" in self.headers:
            self._say(413, "", {"Connection": "close"})
            return
        body = self._body(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self._world.rest(RestCall(method=self.command, path=self.path, headers=headers, body=body))
        if answer is None:
            self.close_connection = True
            return
        self._say(answer.status, answer.body, dict(answer.headers))

    do_POST = do_PUT = do_DELETE = _rest

    def _body(self, length: int) -> bytes:
        body = b""
        while len(body) < length:
            part = self.rfile.read(length - len(body))
            if not part:
                raise ConnectionResetError("the body ended early")
            body += part
        return body

    def _refuse(self, status: int) -> None:
        extra = {"Connection": "close"}
        with self._world.lock:
            after = self._world.faults.retry_after
        if status == 503 and after is not None:
            extra["Retry-After"] = f"{after:g}"
        if status == 426:
            extra["Sec-WebSocket-Version"] = "13"
        self._say(status, "", extra)

    def _say(self, status: int, body: str, extra: dict[str, str]) -> None:
        payload = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in extra.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return a header's date: the simulated server's clock, which may be skewed."""
        return super().date_time_string(self._world.server_ms() / 1000 if timestamp is None else timestamp)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a path can hold a listen key."""


class Front:
    """
    Listen on one port and give each visitor a thread.

    Threads:
        :meth:`run` belongs to one thread; :meth:`close` and :meth:`join` are called by another, in this order.
    """

    def __init__(self, host: str, port: int, clock: Clock, world: World) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._clock = clock
        self._world = world
        self._wake = WakeUp()
        self._lock = threading.Lock()
        self._closing = False
        self._visitors: dict[threading.Thread, socket.socket] = {}
        self._numbers = itertools.count(1)

    def run(self) -> None:
        """Accept visitors until closed."""
        with selectors.DefaultSelector() as selector, self._listener:
            selector.register(self._listener, selectors.EVENT_READ)
            self._wake.register(selector)
            while not self._closing:
                self._clock.select(selector, None)
                self._wake.drain()
                self._accept()
        self._wake.close()

    def close(self) -> None:
        """Accept nobody any more, and hang up on those who have not been upgraded."""
        with self._lock:
            self._closing = True
            for sock in self._visitors.values():
                _hang_up(sock)
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Wait until no visitor is left, at most *timeout* seconds for each; tell whether that is so."""
        with self._lock:
            threads = list(self._visitors)
        for thread in threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in threads)

    def _accept(self) -> None:
        while True:
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                logger.warning("cannot accept: %s", type(error).__name__)
                self._clock.event().wait(PAUSE)
                return
            name = f"{NAME}/connection/{next(self._numbers)}"
            thread = threading.Thread(target=self._visit, args=(sock, address), name=name, daemon=True)
            with self._lock:
                if self._closing:
                    sock.close()
                    return
                # Those who have gone are only forgotten here, so that join() finds everybody who may still be running.
                self._visitors = {each: its for each, its in self._visitors.items() if each.is_alive()}
                thread.start()
                self._visitors[thread] = sock

    def _visit(self, sock: socket.socket, address: Any) -> None:
        try:
            RequestHandler(sock, address, self._world)
        except OSError as error:
            logger.debug("visitor lost: %s", type(error).__name__)
        finally:
            sock.close()


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may have gone already
        sock.shutdown(socket.SHUT_RD)
