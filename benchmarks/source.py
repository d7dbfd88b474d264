"""
The load source: a process that speaks as much of three exchanges as their clients need, and sends order updates.

Every update is the end of an order of its own: no account has a million that are open. It is 340 bytes of JSON in one
text frame; those of Bitget's v2, which no other contender reads, are as long as that API's are, some 1,000 bytes. Its
client order id says what it is for: a letter, a number of seven digits, and the time of sending in ns on the clock that
all processes of a machine share.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator

SIZE = 340
SIZE_V2 = 1000
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PATIENCE = 300.0  # seconds that a client may take to catch up
_BLOCK = 500  # updates handed to the system at once


started = threading.Event()
caught_up = threading.Event()  # set by a client that has taken all it was sent; one client runs at a time


def main() -> None:
    """Serve until killed; the first line on stdout is the port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--burst", type=int, default=0, help="updates sent at once")
    parser.add_argument(
        "--paced", type=float, default=0, help="seconds at 1,000 updates a second, idle and beside load"
    )
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between the parts")
    parser.add_argument("--wait", action="store_true", help="send nothing before somebody asks for /start")
    parser.add_argument("--live", action="store_true", help="make the burst while it is sent: slower, but any length")
    plan = parser.parse_args()
    burst = _burst_maker(plan)
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(server.getsockname()[1], flush=True)
    while True:
        sock, _ = server.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(sock, plan, burst), daemon=True).start()


def _burst_maker(plan: argparse.Namespace) -> BurstMaker:
    """Return what gives the blocks of a burst, made before anything is sent and once for all connections."""
    made: dict[Words, list[bytes]] = {}
    lock = threading.Lock()

    def burst(words: Words) -> Iterable[bytes]:
        if plan.live:
            return _blocks(words, plan.burst)
        with lock:
            if words not in made:
                made[words] = list(_blocks(words, plan.burst))
            return made[words]

    return burst


def _serve(sock: socket.socket, plan: argparse.Namespace, burst: BurstMaker) -> None:
    with sock:
        try:
            path = _upgrade(sock)
            if path is None:
                return
            name = path.split("/")[1]
            words = WORDS[name]
            blocks = burst(words)
            if name in ("bitget", "bitget-v2", "bybit"):
                _greet(sock)
            client = _Client(sock)
            threading.Thread(target=_answer, args=(client,), daemon=True).start()
            if plan.wait:
                started.wait()
            else:
                time.sleep(plan.pause)
            _send(client, plan, blocks, words)
            time.sleep(3600)  # idle until the client, or everything, ends
        except OSError:
            pass  # the client is gone


class _Client:
    """One end of a connection that two threads write whole frames to."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._lock = threading.Lock()

    def send(self, frames: bytes) -> None:
        """Write whole frames."""
        with self._lock:
            self.sock.sendall(frames)


def _send(client: _Client, plan: argparse.Namespace, blocks: Iterable[bytes], words: Words) -> None:
    for block in blocks:
        client.send(block)
    if not plan.paced:
        return
    for letter in "ic":
        caught_up.clear()
        client.send(_frame(words("s", 0 if letter == "i" else 1)))
        if not caught_up.wait(_PATIENCE):
            return
        time.sleep(plan.pause)
        begin = time.monotonic()
        for number in range(int(plan.paced * 1000)):
            wait = begin + number / 1000 - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            client.send(_frame(words(letter, number)))
    client.send(_frame(words("z", 0)))


# -- what the clients see ----------------------------------------------------------------------------------------------

Words = Callable[[str, int], str]
BurstMaker = Callable[[Words], Iterable[bytes]]


def _id(letter: str, number: int) -> str:
    return f"{letter}{number:07d}{time.monotonic_ns():017d}"


def _fill(update: dict, inner: dict, key: str, size: int = SIZE) -> str:
    """Return *update* as text, with so many more digits in an id that it is of the right length."""
    missing = size - len(json.dumps(update, separators=(",", ":")))
    inner[key] += "0" * missing
    return json.dumps(update, separators=(",", ":"))


def bitget(letter: str, number: int) -> str:
    """An order update as Bitget's old API sends it."""
    row = {
        "orderId": f"7{number:09d}",
        "clientOid": _id(letter, number),
        "symbol": "BTCUSDT",
        "side": "buy",
        "orderType": "limit",
        "price": f"{60000 + number % 500 / 10:.1f}",
        "size": "0.123",
        "filledSize": "0.123",
        "leverage": "10",
        "status": "filled",
        "timestamp": 1621441751927 + number,
    }
    arg = {"channel": "orders", "instType": "FUTURES", "instId": "default"}
    return _fill({"action": "update", "arg": arg, "data": [row]}, row, "orderId")


def bitget_v2(letter: str, number: int) -> str:
    """An order update as Bitget's API of today sends it: an order that was just filled, with all its fields."""
    filled_at, price = str(1621441751927 + number), f"{60000 + number % 500 / 10:.1f}"
    row = {
        "accBaseVolume": "0.123",
        "baseVolume": "0.001",
        "cTime": "1621441751927",
        "cancelReason": "",
        "clientOid": _id(letter, number),
        "enterPointSource": "API",
        "feeDetail": [{"feeCoin": "USDT", "fee": "-0.03600000"}],
        "fillFee": "-0.03600000",
        "fillFeeCoin": "USDT",
        "fillNotionalUsd": "60.0001",
        "fillPrice": price,
        "fillTime": filled_at,
        "force": "gtc",
        "instId": "BTCUSDT",
        "leverage": "10",
        "marginCoin": "USDT",
        "marginMode": "crossed",
        "notionalUsd": "7380.0123",
        "orderId": f"7{number:09d}",
        "orderType": "limit",
        "pnl": "0",
        "posMode": "hedge_mode",
        "posSide": "long",
        "price": price,
        "priceAvg": price,
        "reduceOnly": "no",
        "side": "buy",
        "size": "0.123",
        "status": "filled",
        "stpMode": "none",
        "totalProfits": "0",
        "tradeId": f"8{number:09d}",
        "tradeScope": "M",
        "tradeSide": "open",
        "uTime": filled_at,
    }
    arg = {"instType": "USDT-FUTURES", "channel": "orders", "instId": "default"}
    return _fill({"action": "snapshot", "arg": arg, "data": [row], "ts": 1621441751927}, row, "orderId", SIZE_V2)


def bybit(letter: str, number: int) -> str:
    """An order update as Bybit's v5 API sends it."""
    row = {
        "symbol": "BTCUSDT",
        "orderId": f"7{number:09d}",
        "orderLinkId": _id(letter, number),
        "side": "Buy",
        "orderType": "Limit",
        "price": f"{60000 + number % 500 / 10:.1f}",
        "qty": "0.123",
        "cumExecQty": "0.123",
        "timeInForce": "GTC",
        "orderStatus": "Filled",
        "category": "linear",
        "updatedTime": str(1621441751927 + number),
    }
    return _fill({"id": "5", "topic": "order", "creationTime": 1621441751927, "data": [row]}, row, "orderId")


def binance(letter: str, number: int) -> str:
    """An order update as Binance's futures API sends it."""
    order = {
        "s": "BTCUSDT",
        "c": _id(letter, number),
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.123",
        "p": f"{60000 + number % 500 / 10:.1f}",
        "ap": "0",
        "sp": "0",
        "x": "TRADE",
        "X": "FILLED",
        "i": 7000000000 + number,
        "l": "0.001",
        "z": "0.123",
        "N": "USDT",
        "n": "0.01",
        "T": 1621441751927 + number,
        "t": 1234 + number,
        "m": False,
        "rp": "0",
        "si": "",
    }
    return _fill({"e": "ORDER_TRADE_UPDATE", "T": 1621441751927, "E": 1621441751927, "o": order}, order, "si")


WORDS: dict[str, Words] = {
    "bitget": bitget,
    "bitget-v2": bitget_v2,
    "plain": bitget,
    "bybit": bybit,
    "binance": binance,
}


def _blocks(words: Words, count: int) -> Iterator[bytes]:
    for start in range(0, count, _BLOCK):
        numbers = range(start, min(start + _BLOCK, count))
        yield b"".join(_frame(words("a" if n == 0 else "e" if n == count - 1 else "b", n)) for n in numbers)


# -- as much of HTTP and WebSocket as the clients need -----------------------------------------------------------------


def _upgrade(sock: socket.socket) -> str | None:
    """Answer HTTP requests until one is an upgrade; return its path, or None if the client is gone."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = sock.recv(65536)
            if not more:
                return None
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        fields = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        key = fields.get(b"sec-websocket-key")
        if key is not None:
            accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
            answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            sock.sendall(answer + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            return lines[0].split()[1].decode()
        if lines[0].startswith(b"GET /caught-up"):
            caught_up.set()
        if lines[0].startswith(b"GET /start"):
            started.set()
        data = data[int(fields.get(b"content-length", b"0")) :]
        body = json.dumps({"listenKey": "k" * 32, "serverTime": int(time.time() * 1000)}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        sock.sendall(head + body)


def _greet(sock: socket.socket) -> None:
    """Answer a login and subscriptions until there are orders to send."""
    while True:
        message = _receive(sock)
        if message is None:
            return
        reply, done = _reply(message)
        sock.sendall(_frame(reply))
        if done:
            return


def _reply(text: str) -> tuple[str, bool]:
    if text == "ping":
        return "pong", False
    message = json.loads(text)
    op = message.get("op")
    if op == "login":
        return json.dumps({"event": "login", "code": 0}), False
    if op == "auth":
        return json.dumps({"success": True, "ret_msg": "", "op": "auth", "conn_id": "1"}), False
    if op == "ping":
        return json.dumps({"success": True, "ret_msg": "pong", "op": "ping", "conn_id": "1"}), False
    if isinstance(message["args"][0], dict):
        return json.dumps({"event": "subscribe", "arg": message["args"][0]}), True
    answer = {"success": True, "ret_msg": "", "op": op, "conn_id": "1", "req_id": message.get("req_id", "")}
    return json.dumps(answer), True


def _answer(client: _Client) -> None:
    """Answer pings while another thread sends."""
    try:
        while (message := _receive(client.sock)) is not None:
            client.send(_frame(_reply(message)[0]))
        client.send(b"\x88\0")  # it said goodbye
        client.sock.shutdown(socket.SHUT_RDWR)
    except (OSError, ValueError, KeyError, IndexError):
        pass


def _receive(sock: socket.socket) -> str | None:
    """Return the next text message; control frames are passed over."""
    while True:
        head = _exactly(sock, 2)
        if head is None:
            return None
        length = head[1] & 0x7F
        if length == 126:
            length = int.from_bytes(_exactly(sock, 2) or b"\0", "big")
        mask, body = _exactly(sock, 4), _exactly(sock, length)
        if mask is None or body is None or head[0] & 15 == 8:
            return None
        if head[0] & 15 == 1:
            return bytes(byte ^ mask[index % 4] for index, byte in enumerate(body)).decode()


def _exactly(sock: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            return None
        data += more
    return data


def _frame(text: str) -> bytes:
    data = text.encode()
    if len(data) < 126:
        return bytes([0x81, len(data)]) + data
    return bytes([0x81, 126]) + len(data).to_bytes(2, "big") + data


if __name__ == "__main__":
    main()
