"""Bitget's end of one conversation: the client's texts in, the server's texts out. No threads, no sockets, no clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import attrs

from futures_stream.simulator.bitget_rows import Row, order_row, row_of
from futures_stream.simulator.faults import Faults
from futures_stream.simulator.text import Answer
from futures_stream.simulator.values import BookedEvent, BookedOrder, Standing

API_KEY = "simulated-api-key"
API_SECRET = "simulated-api-secret"
PASSPHRASE = "simulated-passphrase"

LOGIN_WINDOW = 30  # seconds that a login's timestamp may be off
MESSAGES_PER_SECOND = 50
MARGIN_COINS = ("USDT",)
SYMBOLS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")
SENTENCES = {
    "30014": "Request timestamp expired",  # not in the seed, which has no code for it (WIRE.md A.3)
    "60001": "Authentication failed",
    "60002": "Connection limit exceeded",
    "60003": "Rate limit exceeded",
    "60004": "Invalid subscription",
    "60005": "Invalid message",
}

CHANNELS = ("account", "positions", "orders", "execution", "liquidation")

Pong = Literal["json", "text"]
CodeStyle = Literal["int", "string", "empty", "absent"]
_CODES: Mapping[CodeStyle, Row] = {
    "int": {"code": 0},
    "string": {"code": "0"},
    "empty": {"code": ""},
    "absent": {},
}


@attrs.frozen(kw_only=True)
class BitgetTerms:
    """Say how this Bitget spells what its documents leave open."""

    pong: Pong | None = "json"
    code_style: CodeStyle = "int"
    echo_arg_in_errors: bool = False


@attrs.frozen
class Subscription:
    """Hold one subscription: its channel, its scope, and the argument as the client spelled it."""

    channel: str
    scope: str
    arg: Mapping[str, str]

    def covers(self, channel: str, scope: str) -> bool:
        """Tell whether a row of *channel* about *scope* belongs here."""
        return channel == self.channel and self.scope in ("default", scope)

    def push(self, action: str, rows: Sequence[Row]) -> str:
        """Write a push of *rows*."""
        return _json({"action": action, "arg": self.arg, "data": rows})


def read_subscription(arg: object) -> Subscription | None:
    """Read a subscription argument; None if it is not valid."""
    if not isinstance(arg, dict) or not set(arg) <= {"channel", "instType", "instId"}:
        return None
    channel, scope = arg.get("channel"), arg.get("instId", "default")
    if channel not in CHANNELS or arg.get("instType") != "FUTURES":
        return None
    if scope not in ("default", *(MARGIN_COINS if channel == "account" else SYMBOLS)):
        return None
    return Subscription(channel, scope, arg)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


class BitgetEnd:
    """
    Answer one client as Bitget would, and tell it what it has subscribed to.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(self, terms: BitgetTerms, faults: Faults) -> None:
        self._terms = terms
        self._faults = faults
        self._logged_in = False
        self._subscriptions: dict[tuple[str, str], Subscription] = {}
        self._recent: deque[int] = deque()

    def receive(self, text: str, unix_ms: int, standing: Callable[[], Standing]) -> Answer:
        """Answer the client's message *text*, received at the server's time *unix_ms*."""
        if self._too_many(unix_ms):
            return Answer(texts=(self._error("60003"),))
        if text == "ping" and self._terms.pong == "text":
            return self._pong()
        if text == "pong":
            return Answer()  # to a ping that a test sent
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return Answer(texts=(self._error("60005"),))
        if not isinstance(message, dict):
            return Answer(texts=(self._error("60005"),))
        op, args = message.get("op"), message.get("args")
        if op == "ping":
            return self._pong()
        if op == "pong":
            return Answer()
        if op not in ("login", "subscribe", "unsubscribe") or not isinstance(args, list) or not args:
            return Answer(texts=(self._error("60005"),))
        if op == "login":
            return self._login(args[0], unix_ms)
        if op == "subscribe":
            return Answer(texts=tuple(itertools.chain.from_iterable(self._subscribe(arg, standing) for arg in args)))
        return Answer(texts=tuple(self._unsubscribe(arg) for arg in args))

    def push(self, events: Sequence[BookedEvent]) -> list[str]:
        """Write what the client is to hear of *events*: neighbours of one channel share a frame."""
        rows = [row_of(event) for event in events]
        texts = []
        for _, neighbours in itertools.groupby(rows, key=lambda row: row[0]):
            run = list(neighbours)
            for subscription in self._subscriptions.values():
                mine = [row for channel, scope, row in run if subscription.covers(channel, scope)]
                if mine:
                    texts.append(subscription.push("update", mine))
        return texts

    def flood(self, order: BookedOrder, n: int) -> Iterator[str]:
        """Write *n* pushes that tell how *order* is filled, for the first subscription to it; nothing without one."""
        subscription = next(
            (each for each in self._subscriptions.values() if each.covers("orders", order.symbol)), None
        )
        return iter(()) if subscription is None else _fill(subscription, order, n)

    def _too_many(self, unix_ms: int) -> bool:
        self._recent.append(unix_ms)
        while self._recent[0] <= unix_ms - 1000:
            self._recent.popleft()
        return len(self._recent) > MESSAGES_PER_SECOND

    def _pong(self) -> Answer:
        pongs = {"json": '{"event":"pong"}', "text": "pong"}
        return Answer(texts=(pongs[self._terms.pong],)) if self._terms.pong else Answer()

    def _login(self, credentials: object, unix_ms: int) -> Answer:
        refusal = self._faults.login
        if refusal is not None and refusal.take():
            return Answer(texts=(self._error(refusal.code),), close=1008)
        if not isinstance(credentials, dict) or not _authentic(credentials):
            return Answer(texts=(self._error("60001"),), close=1008)
        # Milliseconds are refused by the same rule: they lie some 50,000 years ahead.
        if abs(int(credentials["timestamp"]) * 1000 - unix_ms) > LOGIN_WINDOW * 1000:
            return Answer(texts=(self._error("30014"),), close=1008)
        self._logged_in = True
        codes: Mapping[CodeStyle, Row] = {
            "int": {"code": 0},
            "string": {"code": "0"},
            "empty": {"code": ""},
            "absent": {},
        }
        return Answer(texts=(_json({"event": "login", **codes[self._terms.code_style]}),))

    def _subscribe(self, arg: object, standing: Callable[[], Standing]) -> list[str]:
        subscription = read_subscription(arg)
        if subscription is None or not self._logged_in:
            return [self._error("60004", arg)]
        if subscription.channel in self._faults.channels:
            return [self._error(self._faults.channels[subscription.channel], arg)]
        self._subscriptions[subscription.channel, subscription.scope] = subscription
        texts = [] if self._faults.acks_muted else [_json({"event": "subscribe", "arg": arg})]
        if subscription.channel in ("account", "positions"):
            now = standing()
            rows = [row_of(each) for each in (now.balances if subscription.channel == "account" else now.positions)]
            mine = [row for channel, scope, row in rows if subscription.covers(channel, scope)]
            texts.append(subscription.push("snapshot", mine))
        return texts

    def _unsubscribe(self, arg: object) -> str:
        subscription = read_subscription(arg)
        if subscription is None or self._subscriptions.pop((subscription.channel, subscription.scope), None) is None:
            return self._error("60004", arg)
        return _json({"event": "unsubscribe", "arg": arg})

    def _error(self, code: str, arg: object = None) -> str:
        error: dict[str, Any] = {"event": "error", "code": code, "msg": SENTENCES.get(code, "Refused")}
        if arg is not None and self._terms.echo_arg_in_errors:
            error["arg"] = arg
        return _json(error)


def _authentic(credentials: Mapping[str, object]) -> bool:
    fields = [credentials.get(name) for name in ("apiKey", "passphrase", "timestamp", "sign")]
    if not all(isinstance(each, str) and each.isascii() for each in fields):
        return False
    api_key, passphrase, timestamp, sign = map(str, fields)
    if not (timestamp.isdigit() and len(timestamp) <= 20):
        return False
    digest = hmac.new(API_SECRET.encode(), f"{timestamp}GET/user/verify".encode(), hashlib.sha256).digest()
    given = ((api_key, API_KEY), (passphrase, PASSPHRASE), (sign, base64.b64encode(digest).decode()))
    return all(hmac.compare_digest(left, right) for left, right in given)


def _fill(subscription: Subscription, order: BookedOrder, n: int) -> Iterator[str]:
    # Only one number differs: writing the whole text each time would make a flood several times slower.
    row = {**order_row(order), "status": "partially_filled", "filledSize": "@filled"}
    template, lot = subscription.push("update", [row]), order.size / n
    for number in range(1, n):
        yield template.replace("@filled", format(lot * number, "f"))
    yield subscription.push("update", [order_row(order)])
