"""Bitmusa's end: listen keys over REST, and a stream that only ever speaks. No threads, no sockets, no clock."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from futures_stream.simulator.faults import Faults
from futures_stream.simulator.text import Answer, plain, render
from futures_stream.simulator.values import BookedBalance, BookedEvent, BookedOrder, BookedPosition, Standing

AUTH_KEY = "simulated-auth-key"
API_KEY = "simulated-api-key"
RESOURCE = "/future/userDataStream"
STREAM = "/ws/future/"

SENTENCES = {
    999: "internal server error",
    1001: "api key not found",
    1003: "empty api key",
    1011: "too many requests",
    3022: "empty listen key",
    4000: "need sign in",
}
_ORDER_STATUSES = {"new": "TRADING", "partially_filled": "PARTIAL", "filled": "FILLED", "cancelled": "CANCELLED"}


@attrs.frozen(kw_only=True)
class RestAnswer:
    """Hold the answer to one REST call."""

    status: int
    body: str
    headers: Mapping[str, str] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class ListenKey:
    """Hold a listen key and when it ends, in seconds of the simulator's monotonic clock."""

    text: str
    expires: float


class ListenKeys:
    """
    Keep the account's one listen key.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(self, seed: int, life: float) -> None:
        self._random = random.Random(f"{seed}/listen keys")
        self._life = life
        self._key: ListenKey | None = None
        self.deleted: set[str] = set()

    def create(self, now: float) -> str:
        """Give the active key, else a new one."""
        if self._key is None or not self.active(self._key.text, now):
            letters = "".join(self._random.choices(string.ascii_letters + string.digits, k=35))
            self._key = ListenKey(text=f"simulated{letters}", expires=now + self._life)
        return self._key.text

    def extend(self, now: float) -> bool:
        """Let the active key live for a whole life from now; tell whether there is one."""
        if self._key is None or not self.active(self._key.text, now):
            return False
        self._key = attrs.evolve(self._key, expires=now + self._life)
        return True

    def delete(self, now: float) -> bool:
        """Invalidate the active key; tell whether there was one."""
        if self._key is None or not self.active(self._key.text, now):
            return False
        self.deleted.add(self._key.text)
        self._key = None
        return True

    def expire(self, now: float) -> None:
        """Let the active key end now."""
        if self._key is not None:
            self._key = attrs.evolve(self._key, expires=min(now, self._key.expires))

    def active(self, text: str, now: float) -> bool:
        """Tell whether *text* is the key and still alive."""
        return self._key is not None and self._key.text == text and now < self._key.expires


class ListenKeyDesk:
    """
    Answer the REST calls about the listen key.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(self, keys: ListenKeys, faults: Faults, root: str) -> None:
        self._keys = keys
        self._faults = faults
        self._path = root + RESOURCE

    def answer(self, method: str, path: str, headers: Mapping[str, str], now: float) -> RestAnswer:
        """Answer one call; *headers* have lower-case names."""
        if path.partition("?")[0] != self._path:
            return RestAnswer(status=404, body=render({"data": None, "code": 404, "message": "not found"}))
        refusal = self._faults.rest
        if refusal is not None and refusal.take():
            after = {} if refusal.retry_after is None else {"Retry-After": f"{refusal.retry_after:g}"}
            return RestAnswer(status=refusal.status, body=_failure(int(refusal.code)), headers=after)
        code = _check(headers)
        if code is not None:
            return RestAnswer(status=200, body=_failure(code))
        if method == "POST":
            return RestAnswer(status=200, body=_success({"data": {"listenKey": self._keys.create(now)}}))
        if method not in ("PUT", "DELETE"):
            return RestAnswer(status=405, body=_failure(1014), headers={"Allow": "POST, PUT, DELETE"})
        done = self._keys.extend(now) if method == "PUT" else self._keys.delete(now)
        return RestAnswer(status=200, body=_success({}) if done else _failure(3022))


def _check(headers: Mapping[str, str]) -> int | None:
    if headers.get("authorization") != f"Bearer {AUTH_KEY}":
        return 4000
    given = headers.get("x-api-key", "")
    return None if given == API_KEY else 1001 if given else 1003


def _success(extra: Mapping[str, object]) -> str:
    return render({**extra, "code": 0, "message": "success"})


def _failure(code: int) -> str:
    return render({"data": None, "code": code, "message": SENTENCES.get(code, "refused")})


def push_of(event: BookedEvent) -> str | None:
    """Write *event* as Bitmusa pushes it; None for what it has no stream for."""
    if isinstance(event, BookedBalance):
        return _push("future_wallet", _wallet(event), event.unix_ms)
    if isinstance(event, BookedOrder):
        return _push("future_order", _order(event), event.unix_ms)
    if isinstance(event, BookedPosition):
        return _push("future_position", _position(event), event.unix_ms)
    return None


def _push(stream: str, row: Mapping[str, object], unix_ms: int) -> str:
    return render({"data": row, "stream": stream, "eventTime": unix_ms})


def _wallet(balance: BookedBalance) -> dict[str, object]:
    return {"asset": balance.asset, "free": format(balance.available, "f"), "locked": format(balance.frozen, "f")}


def _order(order: BookedOrder) -> dict[str, object]:
    return {
        "orderId": order.order_id,
        "ticker": order.symbol,
        "direction": order.effect.upper(),
        "type": order.type.upper(),
        "price": order.price,
        "amount": order.size,
        "tradedAmount": order.filled,
        "value": order.cost,
        "status": _ORDER_STATUSES[order.status],
        "createdTime": order.created_ms,
        "canceledTime": order.canceled_ms,
        "completedTime": order.completed_ms,
    }


def _position(position: BookedPosition) -> dict[str, object]:
    return {
        "ticker": position.symbol,
        "marginMode": "ISOLATED",
        "positionMode": "ONEWAY",
        "position": "BUY" if position.side == "long" else "SELL",
        "status": position.status.upper(),
        "leverage": str(position.leverage),
        "price": plain(position.entry_price),
        "amount": plain(position.size),
        "value": plain(position.entry_price * position.size),
        "liquidPrice": plain(position.liquidation_price),
        "unpnl": plain(position.unrealized_pnl),
        "createdTime": position.created_ms,
        # The documents show the string; the moment of closing is shown nowhere and is a number like the other times.
        "closeTime": "null" if position.closed_ms is None else position.closed_ms,
    }


class BitmusaEnd:
    """
    Tell one client everything, as long as its listen key lives; it has nothing to say to us.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(self, key: str, alive: Callable[[str], bool]) -> None:
        self.key = key
        self._alive = alive

    def receive(self, _text: str, _unix_ms: int, _standing: Callable[[], Standing]) -> Answer:
        """Ignore what the client says; no message is documented."""
        return Answer()

    def push(self, events: Sequence[BookedEvent]) -> list[str]:
        """Write what the client is to hear of *events*: one frame each, nothing once the key has expired."""
        if not self._alive(self.key):
            return []
        return [text for text in map(push_of, events) if text is not None]

    def flood(self, order: BookedOrder, n: int) -> Iterator[str]:
        """Write *n* pushes that tell how *order* is filled, the last of them as it is."""
        row = {**_order(order), "status": "PARTIAL", "completedTime": None}
        # Only two numbers differ: writing the whole text each time would make a flood several times slower.
        template = _push("future_order", {**row, "tradedAmount": "@filled", "value": "@value"}, order.unix_ms)
        lot = order.size / n
        for number in range(1, n):
            filled = lot * number
            yield template.replace('"@filled"', plain(filled)).replace('"@value"', plain(filled * order.price))
        yield _push("future_order", _order(order), order.unix_ms)
