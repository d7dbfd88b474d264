"""Both exchanges as somebody else would build them: on the ``websockets`` library and plain ``http.server``."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from futures_stream import BitgetCredentials, BitgetV2Credentials, BitmusaCredentials, Endpoints
from tests.independent_server import port_of, serving

BITGET = BitgetCredentials("canary-key", "canary-secret", "canary-passphrase")
BITGET_V2 = BitgetV2Credentials("canary-key", "canary-secret", "canary-passphrase")
BITMUSA = BitmusaCredentials("canary-auth", "canary-api")
LISTEN_KEY = "cAUzPhRQYWX1a2cE528PeAgtErBE96QWP5HpwFMSEzUC"


FRAMES = Path(__file__).parent.parent / "frames" / "bitget-v2"
V2_ANSWERS = {
    "/api/v2/mix/account/accounts": "docsv2_rest_accounts_resp.json",
    "/api/v2/mix/position/all-position": "docsv2_rest_all-position_resp.json",
    "/api/v2/mix/order/orders-pending": "docsv2_rest_orders-pending_resp.json",
    "/api/v2/mix/order/fills": "docsv2_rest_fills_resp.json",
    "/api/v2/mix/order/orders-plan-pending": "docsv2_rest_orders-plan-pending_resp.json",
}


class Peer:
    """
    A server's end of the conversations: what was heard, and who is connected.

    Threads:
        Filled by the server's threads, read by the test.
    """

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.connections: list[ServerConnection] = []
        self.paths: list[str] = []
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.endpoints = Endpoints()
        self._changed = threading.Condition()

    def note(self, message: Any) -> None:
        """Keep a message."""
        with self._changed:
            self.heard.append(message)
            self._changed.notify_all()

    def greet(self, connection: ServerConnection) -> None:
        """Keep a connection."""
        with self._changed:
            self.connections.append(connection)
            self._changed.notify_all()

    def wait_connected(self, timeout: float = 10.0) -> None:
        """Wait until somebody has connected."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.connections, timeout)

    def wait_heard(self, wanted: Callable[[Any], bool], timeout: float = 10.0) -> None:
        """Wait until a message was heard that is wanted."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(wanted(message) for message in self.heard), timeout), self.heard

    def say(self, *messages: Any) -> None:
        """Send messages to the newest connection, as soon as there is one."""
        self.wait_connected()
        for message in messages:
            self.connections[-1].send(message if isinstance(message, str) else json.dumps(message))


@contextmanager
def bitget_server(
    answer_login: Callable[[dict[str, Any]], Any] | None = None,
    answer_subscribe: Callable[[dict[str, Any]], Any] | None = None,
) -> Iterator[Peer]:
    """Serve the private stream of Bitget's first document; the two callables may answer otherwise, or not (None)."""
    peer = Peer()

    def login_answer(arg: dict[str, Any]) -> Any:
        digest = hmac.new(b"canary-secret", f"{arg['timestamp']}GET/user/verify".encode(), hashlib.sha256).digest()
        right = arg["sign"] == base64.b64encode(digest).decode() and len(arg["timestamp"]) == 10
        right = right and arg["apiKey"] == "canary-key" and arg["passphrase"] == "canary-passphrase"
        if right:
            return {"event": "login", "code": "0", "msg": ""}
        return {"event": "error", "code": "60001", "msg": "Authentication failed"}

    def converse(connection: ServerConnection) -> None:
        peer.greet(connection)
        for text in connection:
            message = json.loads(text)
            peer.note(message)
            if message["op"] == "login":
                answer = (answer_login or login_answer)(message["args"][0])
                if answer is not None:
                    connection.send(json.dumps(answer))
            elif message["op"] == "subscribe":
                for arg in message["args"]:
                    answer = (answer_subscribe or (lambda arg: {"event": "subscribe", "arg": arg}))(arg)
                    if answer is not None:
                        connection.send(json.dumps(answer))
            elif message["op"] == "ping":
                connection.send("pong")

    with _websocket(peer, converse) as port:
        peer.endpoints = Endpoints(f"ws://127.0.0.1:{port}/mix/v1/stream")
        yield peer


@contextmanager
def bitget_v2_server(refuse: dict[str, Any] | None = None) -> Iterator[Peer]:
    """Serve Bitget's v2: its stream, and the documents' own answers over REST to whoever signs; or *refuse* that."""
    peer = Peer()

    class Rest(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            peer.calls.append((self.command, self.path, dict(self.headers)))
            stamp = self.headers["ACCESS-TIMESTAMP"]
            digest = hmac.new(b"canary-secret", f"{stamp}GET{self.path}".encode(), hashlib.sha256).digest()
            right = self.headers["ACCESS-SIGN"] == base64.b64encode(digest).decode() and len(stamp) == 13
            right = right and self.headers["ACCESS-KEY"] == "canary-key"
            where = urlsplit(self.path)
            if refuse is not None or not right:
                status, text = 400, json.dumps(refuse or {"code": "40009", "msg": "sign signature error"})
            else:
                status, text = 200, (FRAMES / V2_ANSWERS[where.path]).read_text()
                if parse_qs(where.query)["productType"] != ["USDT-FUTURES"]:
                    text = json.dumps({"code": "00000", "msg": "success", "requestTime": 1, "data": []})
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    def answers(message: dict[str, Any]) -> Iterator[Any]:
        if message["op"] == "login":
            (arg,) = message["args"]
            digest = hmac.new(b"canary-secret", f"{arg['timestamp']}GET/user/verify".encode(), hashlib.sha256).digest()
            right = arg["sign"] == base64.b64encode(digest).decode() and len(arg["timestamp"]) == 10
            yield {"event": "login", "code": 0} if right else {"event": "error", "code": 30015, "msg": "Invalid sign"}
        else:
            for arg in message["args"]:
                yield {"event": message["op"], "arg": {**arg, "instType": arg["instType"].lower()}}

    def converse(connection: ServerConnection) -> None:
        peer.greet(connection)
        for text in connection:
            if text == "ping":
                peer.note(text)
                connection.send("pong")
                continue
            message = json.loads(text)
            peer.note(message)
            for answer in answers(message):
                connection.send(json.dumps(answer))

    with _websocket(peer, converse) as port, _http(Rest) as rest_port:
        peer.endpoints = Endpoints(f"ws://127.0.0.1:{port}/v2/ws/private", f"http://127.0.0.1:{rest_port}")
        yield peer


@contextmanager
def bitmusa_server(root: str = "", create: Callable[[], tuple[int, Any]] | None = None) -> Iterator[Peer]:
    """Serve Bitmusa's user stream; REST below *root*, and *create* may answer POST otherwise."""
    peer = Peer()

    class Rest(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            if self.command != "GET":  # what is asked about the account's state is not known here
                peer.calls.append((self.command, self.path, dict(self.headers)))
            right = self.headers["Authorization"] == "Bearer canary-auth" and self.headers["x-api-key"] == "canary-api"
            status, body = 200, {"code": 0, "message": "success"}
            if self.path != f"{root}/future/userDataStream":
                status, body = 404, {"error": "no such page"}
            elif not right:
                body = {"data": None, "code": 4000, "message": "need sign in"}
            elif self.command == "POST":
                status, body = create() if create else (200, {"data": {"listenKey": LISTEN_KEY}, **body})
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_PUT = do_DELETE = do_GET = answer

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    def converse(connection: ServerConnection) -> None:
        peer.greet(connection)
        for text in connection:
            peer.note(text)

    with _websocket(peer, converse) as port, _http(Rest) as rest_port:
        peer.endpoints = Endpoints(f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{rest_port}")
        yield peer


@contextmanager
def _websocket(peer: Peer, converse: Callable[[ServerConnection], None]) -> Iterator[int]:
    def end_quietly(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            converse(connection)

    def note_path(connection: ServerConnection, request: Request) -> Response | None:
        peer.paths.append(request.path)
        return None

    with serving(end_quietly, process_request=note_path) as server:
        try:
            yield port_of(server)
        finally:
            for connection in peer.connections:
                connection.close_socket()


@contextmanager
def _http(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="independent http")
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
