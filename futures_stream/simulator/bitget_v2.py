"""The other end of a conversation in Bitget's v2: texts in, texts out. No threads, no sockets, no clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from futures_stream.simulator.bitget import API_KEY, API_SECRET, LOGIN_WINDOW, PASSPHRASE
from futures_stream.simulator.bitget_v2_closed import closed_positions, closed_row
from futures_stream.simulator.bitget_v2_rows import (
    PRODUCT,
    Row,
    account_row,
    equity_row,
    execution_row,
    order_row,
    position_row,
    trigger_row,
)
from futures_stream.simulator.faults import Faults
from futures_stream.simulator.text import Answer
from futures_stream.simulator.values import (
    BookedBalance,
    BookedEvent,
    BookedExecution,
    BookedOrder,
    BookedPosition,
    Standing,
    Statement,
)

CHANNELS = (
    "account",
    "positions",
    "orders",
    "fill",
    "orders-algo",
    "positions-history",
    "adl-noti",
    "equity",
)
PRODUCTS = ("USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES")
MESSAGES_PER_SECOND = 10
SENTENCES = {
    "30001": "{arg} doesn't exist",
    "30003": "INVALID op",
    "30004": "User not logged in/User must be logged in",
    "30007": "Request over limit, connection close",
    "30011": "Invalid ACCESS_KEY",
    "30012": "Invalid ACCESS_PASSPHRASE",
    "30013": "Invalid ACCESS_TIMESTAMP",
    "30014": "Request timestamp expired",
    "30015": "Invalid sign",
    "30016": "Param error",
}


class BitgetV2End:
    """
    Answer one client as Bitget does today, and tell it what it has subscribed to.

    Nothing is pushed on subscribing. A push of positions is all that are open.

    Args:
        faults: What is wrong at the moment.
        standing: Gives the open positions.
        books: Gives everything.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(self, faults: Faults, standing: Callable[[], Standing], books: Callable[[], Statement]) -> None:
        self._faults = faults
        self._standing = standing
        self._books = books
        self._logged_in = False
        self._subscriptions: dict[tuple[str, str], Mapping[str, str]] = {}
        self._recent: deque[int] = deque()

    def receive(self, text: str, unix_ms: int, _: Callable[[], Standing]) -> Answer:
        """Answer the client's message *text*, received at the server's time *unix_ms*."""
        if self._too_many(unix_ms):
            return Answer(texts=(_error("30007"),), close=1008)
        if text == "ping":
            return Answer(texts=("pong",))
        if text == "pong":
            return Answer()  # to a ping that a test sent
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        op = message.get("op") if isinstance(message, dict) else None
        args = message.get("args") if isinstance(message, dict) else None
        if op not in ("login", "subscribe", "unsubscribe"):
            return Answer(texts=(_error("30016" if op == "ping" else "30003"),))
        if not isinstance(args, list) or not args:
            return Answer(texts=(_error("30016"),))
        if op == "login":
            return self._login(args[0], unix_ms)
        if not self._logged_in:
            return Answer(texts=(_error("30004"),))
        answer = self._subscribe if op == "subscribe" else self._unsubscribe
        return Answer(texts=tuple(itertools.chain.from_iterable(answer(arg) for arg in args)))

    def push(self, events: Sequence[BookedEvent]) -> list[str]:
        """Write what the client is to hear of *events*: of positions and balances only how they are after them all."""
        texts = list(self._of_orders(events))
        unix_ms = max((each.unix_ms for each in events), default=0)
        positions = [each for each in events if isinstance(each, BookedPosition)]
        balances = [each for each in events if isinstance(each, BookedBalance)]
        if positions:
            rows = [position_row(each) for each in self._standing().positions]
            texts += self._push("positions", rows, unix_ms, even_if_empty=True)
        closed = {(each.symbol, each.side, each.created_ms) for each in positions if each.status != "open"}
        if closed and self._hears("positions-history"):
            for each in closed_positions(self._books().executions):
                if (each.symbol, each.side, each.created_ms) in closed:
                    texts += self._push("positions-history", [closed_row(each)], unix_ms)
        if balances:
            texts += self._push("account", [account_row(balances[-1])], unix_ms)
            texts += self._push("equity", [equity_row(balances[-1])], unix_ms)
        return texts

    def flood(self, order: BookedOrder, n: int) -> Iterator[str]:
        """Write *n* pushes that tell how *order* is filled, if the client hears of orders."""
        if not self._hears("orders"):
            return iter(())
        return self._fill(order, n)

    def _of_orders(self, events: Sequence[BookedEvent]) -> Iterator[str]:
        orders: dict[str, BookedOrder] = {}
        for event, after in itertools.zip_longest(events, events[1:]):
            if isinstance(event, BookedOrder):
                orders[event.order_id] = event
                execution = after if isinstance(after, BookedExecution) else None
                trigger = trigger_row(event) if event.status == "new" else None
                if trigger is not None:
                    yield from self._push("orders-algo", [trigger], event.unix_ms)
                yield from self._push("orders", [order_row(event, execution)], event.unix_ms)
            elif isinstance(event, BookedExecution):
                yield from self._push("fill", [execution_row(event, orders[event.order_id])], event.unix_ms)

    def _hears(self, channel: str) -> bool:
        return (PRODUCT, channel) in self._subscriptions

    def _push(self, channel: str, rows: Sequence[Row], unix_ms: int, *, even_if_empty: bool = False) -> list[str]:
        """Write a push of *rows*, if the client hears of it."""
        arg = self._subscriptions.get((PRODUCT, channel))
        if arg is None or not (rows or even_if_empty):
            return []
        return [_json({"action": "snapshot", "arg": arg, "data": rows, "ts": unix_ms})]

    def _fill(self, order: BookedOrder, n: int) -> Iterator[str]:
        # Only two numbers differ: writing the whole text each time would make a flood several times slower.
        row = {**order_row(order), "status": "partially_filled", "accBaseVolume": "@filled", "tradeId": "@trade"}
        (template,) = self._push("orders", [row], order.unix_ms)
        lot = order.size / n
        for number in range(1, n):
            yield template.replace("@filled", format(lot * number, "f")).replace("@trade", str(number))
        yield from self._push("orders", [order_row(order)], order.unix_ms)

    def _too_many(self, unix_ms: int) -> bool:
        self._recent.append(unix_ms)
        while self._recent[0] <= unix_ms - 1000:
            self._recent.popleft()
        return len(self._recent) > MESSAGES_PER_SECOND

    def _login(self, credentials: object, unix_ms: int) -> Answer:
        refusal = self._faults.login
        code = refusal.code if refusal is not None and refusal.take() else _fault_of(credentials, unix_ms)
        if code is not None:
            return Answer(texts=(_error(code),), close=1008)
        self._logged_in = True
        return Answer(texts=('{"event":"login","code":0}',))

    def _subscribe(self, arg: object) -> list[str]:
        key = _read(arg)
        if key is None or not isinstance(arg, dict):
            return [_error("30001", arg)]
        if key[1] in self._faults.channels:
            return [_error(self._faults.channels[key[1]], arg)]
        self._subscriptions[key] = arg
        return [] if self._faults.acks_muted else [_json({"event": "subscribe", "arg": arg})]

    def _unsubscribe(self, arg: object) -> list[str]:
        key = _read(arg)
        if key is None or self._subscriptions.pop(key, None) is None:
            return [_error("30001", arg, op="unsubscribe")]
        return [_json({"event": "unsubscribe", "arg": arg})]


def _read(arg: object) -> tuple[str, str] | None:
    """Read a subscription argument: its product and channel; None if there is no such thing."""
    if not isinstance(arg, dict) or not set(arg) <= {"instType", "channel", "instId", "coin"}:
        return None
    product, channel = arg.get("instType"), arg.get("channel")
    if product not in PRODUCTS or channel not in CHANNELS:
        return None
    # Contracts cannot be named; which of the two fields says "all" does not matter.
    if {arg.get("instId", "default"), arg.get("coin", "default")} != {"default"}:
        return None
    return product, channel


def _fault_of(credentials: object, unix_ms: int) -> str | None:
    """Return the code that a login is refused with; None if it is in order."""
    said = credentials if isinstance(credentials, dict) else {}
    values = [said.get(name) for name in ("apiKey", "passphrase", "timestamp", "sign")]
    if not all(isinstance(each, str) and each.isascii() for each in values):
        return "30016"
    api_key, passphrase, timestamp, sign = map(str, values)
    if not (timestamp.isdigit() and len(timestamp) <= 20):
        return "30013"
    # Milliseconds are refused by the same rule: they lie some 50,000 years ahead.
    if abs(int(timestamp) * 1000 - unix_ms) > LOGIN_WINDOW * 1000:
        return "30014"
    digest = hmac.new(API_SECRET.encode(), f"{timestamp}GET/user/verify".encode(), hashlib.sha256).digest()
    given = ((api_key, API_KEY, "30011"), (passphrase, PASSPHRASE, "30012"))
    given += ((sign, base64.b64encode(digest).decode(), "30015"),)  # type: ignore[assignment]
    return next((code for said, wanted, code in given if not hmac.compare_digest(said, wanted)), None)


def _error(code: str, arg: object = None, op: str = "subscribe") -> str:
    named = ",".join(f"{name}:{value}" for name, value in arg.items()) if isinstance(arg, dict) else ""
    error: dict[str, Any] = {
        "event": "error",
        "code": int(code),
        "msg": SENTENCES.get(code, "Refused").format(arg=named),
    }
    return _json(error if arg is None else {**error, "arg": arg, "op": op})


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
