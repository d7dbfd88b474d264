"""What the engine's tests share: streams on a fake clock and a fake network, and exchanges that answer by rote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from futures_stream import BitgetCredentials, BitmusaCredentials, Record, Stream
from futures_stream.dialects import Dialect
from futures_stream.dialects.base import Response
from futures_stream.stream.making import prepare_stream
from futures_stream.stream.queue import ShutDown
from futures_stream.testing import FakeClock, FakeNetwork, FakeServer

SECRETS = ("bg-api-key-0123", "bg-secret-4567", "bg-phrase-89ab", "bm-auth-key-cdef", "bm-api-key-0246")
BITGET = BitgetCredentials(*SECRETS[:3])
BITMUSA = BitmusaCredentials(*SECRETS[3:])
KEY_1, KEY_2, KEY_3 = "FirstListenKey0001", "SecondListenKey002", "ThirdListenKey0003"
PONG = '{"event":"pong"}'
LOGGED_IN = '{"event":"login","code":0}'


def reply_bitget(text: str) -> Iterable[str]:
    """Answer a message as Bitget would that agrees to everything."""
    message = json.loads(text)
    if message["op"] == "login":
        return [LOGGED_IN]
    if message["op"] == "ping":
        return [PONG]
    return [json.dumps({"event": message["op"], "arg": arg}) for arg in message["args"]]


def login_code(code: str) -> Callable[[str], Iterable[str]]:
    """Return what answers a login with an error code."""
    return lambda text: [json.dumps({"event": "error", "code": code, "msg": "no"})] if "login" in text else []


def order_push(order_id: str, status: str = "new", filled: str = "0") -> str:
    """A Bitget order push."""
    row = {"instId": "BTCUSDT", "symbol": "BTCUSDT", "orderId": order_id, "clientOid": f"c{order_id}"}
    row |= {"status": status, "size": "2", "filledSize": filled, "side": "buy", "orderType": "limit"}
    arg = {"instType": "FUTURES", "channel": "orders", "instId": "default"}
    return json.dumps({"action": "update", "arg": arg, "data": [row], "ts": 1_700_000_000_000})


def wallet_push(free: str) -> str:
    """A Bitmusa balance push."""
    return json.dumps({"stream": "future_wallet", "eventTime": 1, "data": {"asset": "USDT", "free": free, "locked": 0}})


def key_answer(key: str) -> Response:
    """Bitmusa's answer to a POST."""
    return Response(status=200, text=json.dumps({"code": 0, "message": "ok", "data": {"listenKey": key}}))


def code_answer(code: int, retry_after: float | None = None) -> Response:
    """Bitmusa's answer with a code and no data; 0 is what a PUT gets."""
    return Response(status=200, text=json.dumps({"code": code, "message": "said", "data": {}}), retry_after=retry_after)


FINE = code_answer(0)


class Rig:
    """One stream whose clock and network are in a test's hands; use it as a block."""

    def __init__(self, exchange: str | Dialect, clock: FakeClock | None = None, **asked: Any) -> None:
        self.clock = FakeClock() if clock is None else clock
        name = exchange if isinstance(exchange, str) else exchange.name
        self.network = FakeNetwork(self.clock, reply_bitget if name == "bitget" else None)
        self.network.answer("POST", key_answer(KEY_1))
        self.network.answer("PUT", FINE)
        self.network.answer("DELETE", FINE)
        self.threads = 2 if name == "bitmusa" else 1
        self._asked = {"credentials": BITGET if name == "bitget" else BITMUSA} | asked
        self._exchange = exchange
        self.stream: Stream

    def __enter__(self) -> Rig:
        self.stream = prepare_stream(
            self._exchange, network=self.network, clock=self.clock, random=Random(1), **self._asked
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.network.release()
        self.stream.close()

    def start(self) -> None:
        """Start the stream and let it do what it can without time."""
        self.stream.start()
        self.settle()

    def settle(self, more: int = 0) -> None:
        """Wait until everything that follows has happened; *more* sleepers hang somewhere."""
        self.clock.settle(self.threads + more)

    def open(self) -> FakeServer:
        """Start the stream, see it go live, and return the other end; what was told so far is taken off the queue."""
        self.start()
        assert self.state == "live"
        self.told()
        return self.network.accept()

    def say(self, server: FakeServer, *messages: str | bytes) -> list[Record]:
        """Let the server say something, and return what was told of it."""
        server.say(*messages)
        self.settle()
        return self.told()

    @property
    def state(self) -> str:
        """The stream's state."""
        return str(self.stream.status.state)

    def told(self) -> list[Record]:
        """Take everything off the queue."""
        records = []
        while True:
            try:
                records.append(self.stream.queue.get(block=False))
            except (ShutDown, Exception) as end:
                if type(end).__name__ not in ("ShutDown", "Empty"):
                    raise
                return records

    def kinds(self) -> list[str]:
        """Take everything off the queue, and return the classes' names."""
        return [type(record).__name__ for record in self.told()]

    @property
    def methods(self) -> list[str]:
        """The methods of the REST calls about the listen key so far."""
        return [called.method for called in self.network.calls if called.method != "GET"]


def names(records: Iterable[Record]) -> list[str]:
    """Return the names of the records' classes."""
    return [type(record).__name__ for record in records]
