"""The other side of the simulator, made from independent libraries only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import time
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from futures_stream.simulator import Simulator

HEADERS = {"Authorization": "Bearer simulated-auth-key", "x-api-key": "simulated-api-key"}
CHANNELS = ("account", "positions", "orders", "execution", "liquidation")
SILENCE = 0.1  # seconds in which nothing must come


def login_message(timestamp: str | None = None, **wrong: str) -> str:
    """Sign a login as the documents show it, with *wrong* fields put over it."""
    timestamp = timestamp or str(int(time.time()))
    digest = hmac.new(b"simulated-api-secret", (timestamp + "GET/user/verify").encode(), hashlib.sha256).digest()
    credentials = {
        "apiKey": "simulated-api-key",
        "passphrase": "simulated-passphrase",
        "timestamp": timestamp,
        "sign": base64.b64encode(digest).decode(),
    }
    return json.dumps({"op": "login", "args": [{**credentials, **wrong}]})


def arg(channel: str, scope: str | None = "default", product: str = "FUTURES") -> dict[str, str]:
    """Make a subscription argument."""
    made = {"channel": channel, "instType": product}
    return made if scope is None else {**made, "instId": scope}


def subscribe_message(*args: dict[str, str], op: str = "subscribe") -> str:
    """Make a request to subscribe."""
    return json.dumps({"op": op, "args": list(args)})


def hear(client: ClientConnection, timeout: float = 5.0) -> Any:
    """Receive one message as JSON with exact numbers."""
    return json.loads(client.recv(timeout), parse_float=Decimal)


def say(client: ClientConnection, text: str) -> Any:
    """Send *text* and receive one answer."""
    client.send(text)
    return hear(client)


def is_mute(client: ClientConnection) -> bool:
    """Tell whether nothing comes for a moment."""
    try:
        client.recv(SILENCE)
    except TimeoutError:
        return True
    return False


def bitget(sim: Simulator) -> AbstractContextManager[ClientConnection]:
    """Connect to the simulated Bitget."""
    return connect(f"ws://127.0.0.1:{sim.port}/mix/v1/stream", compression=None, ping_interval=None, max_queue=None)


def log_in(client: ClientConnection, *channels: str) -> None:
    """Log in, subscribe to everything of *channels* and read all acknowledgements and snapshots."""
    assert say(client, login_message())["event"] == "login"
    for channel in channels:
        assert say(client, subscribe_message(arg(channel)))["event"] == "subscribe"
        if channel in ("account", "positions"):
            assert hear(client)["action"] == "snapshot"


def rest(sim: Simulator, method: str = "POST", root: str = "", **headers: str | None) -> requests.Response:
    """Make one REST call about the listen key; a header given as None is left out."""
    sent = {name: value for name, value in {**HEADERS, **headers}.items() if value is not None}
    url = f"http://127.0.0.1:{sim.port}{root}/future/userDataStream"
    return requests.request(method, url, headers=sent, timeout=5)


def bitmusa(sim: Simulator, key: str | None = None) -> AbstractContextManager[ClientConnection]:
    """Connect to the simulated Bitmusa, with a listen key that is fetched unless given."""
    key = rest(sim).json()["data"]["listenKey"] if key is None else key
    return connect(f"ws://127.0.0.1:{sim.port}/ws/future/{key}", compression=None, ping_interval=None, max_queue=None)


def raw(sim: Simulator, path: str = "/mix/v1/stream", **headers: str) -> socket.socket:
    """Open a bare socket and send an upgrade request; nothing is read."""
    fields = {
        "Host": "simulated",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    sock = socket.create_connection(("127.0.0.1", sim.port), timeout=5)
    request = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    try:
        sock.sendall(f"GET {path} HTTP/1.1\r\n{request}\r\n".encode())
    except OSError:
        sock.close()
        raise
    return sock


def read_head(sock: socket.socket) -> bytes:
    """Read until the empty line that ends an HTTP head."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1)
    return head


def masked(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    """Write a client's frame with a mask of zeros, payloads up to 125 bytes."""
    return bytes([fin << 7 | opcode, 0x80 | len(payload)]) + bytes(4) + payload
