"""Bitmusa's REST desk: who may ask, how often, and what; the answers are made elsewhere. No threads, no clock."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

import attrs

from futures_stream.simulator.bitmusa_account import READERS, BadParameter
from futures_stream.simulator.faults import Faults
from futures_stream.simulator.listen_keys import ListenKeys
from futures_stream.simulator.text import render
from futures_stream.simulator.values import Statement

AUTH_KEY = "simulated-auth-key"
API_KEY = "simulated-api-key"
LISTEN_KEY = "/future/userDataStream"

SENTENCES = {
    999: "internal server error",
    1001: "api key not found",
    1003: "empty api key",
    1011: "too many requests",
    1014: "invalid request parameter",
    3022: "empty listen key",
    4000: "need sign in",
}


@attrs.frozen(kw_only=True)
class RestCall:
    """Hold one REST call; *headers* have lower-case names, *path* has the query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@attrs.frozen(kw_only=True)
class RestAnswer:
    """Hold the answer to one REST call."""

    status: int
    body: str
    headers: Mapping[str, str] = attrs.Factory(dict)


class BitmusaDesk:
    """
    Answer REST calls about the listen key and the account.

    Args:
        keys: The listen key.
        faults: What is wrong at the moment.
        root: The path in front of every resource.
        limits: (calls, seconds) pairs; more calls than that are refused. Refused ones count as well.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(self, keys: ListenKeys, faults: Faults, root: str, limits: Sequence[tuple[int, float]] = ()) -> None:
        self._keys = keys
        self._faults = faults
        self._root = root
        self._limits = [(calls, seconds, deque[float](maxlen=calls + 1)) for calls, seconds in limits]

    def answer(self, call: RestCall, now: float, books: Callable[[], Statement]) -> RestAnswer:
        """Answer one call at *now*, in seconds of the simulator's monotonic clock; *books* gives the account."""
        path = urlsplit(call.path).path
        resource = path.removeprefix(self._root)
        if not path.startswith(self._root) or (resource != LISTEN_KEY and resource not in READERS):
            return RestAnswer(status=404, body=render({"data": None, "code": 404, "message": "not found"}))
        if self._is_too_much(now):
            return _failure(1011)
        refusal = self._faults.refuse_rest(resource)
        if refusal is not None:
            after = {} if refusal.retry_after is None else {"Retry-After": f"{refusal.retry_after:g}"}
            return attrs.evolve(_failure(int(refusal.code)), status=refusal.status, headers=after)
        code = _check(call.headers)
        if code is not None:
            return _failure(code)
        return self._listen_key(call.method, now) if resource == LISTEN_KEY else _account(resource, call, books)

    def _is_too_much(self, now: float) -> bool:
        for _, _, recent in self._limits:
            recent.append(now)
        return any(len(recent) > calls and recent[0] > now - seconds for calls, seconds, recent in self._limits)

    def _listen_key(self, method: str, now: float) -> RestAnswer:
        if method == "POST":
            return _success({"data": {"listenKey": self._keys.create(now)}})
        if method not in ("PUT", "DELETE"):
            return attrs.evolve(_failure(1014), status=405, headers={"Allow": "POST, PUT, DELETE"})
        done = self._keys.extend(now) if method == "PUT" else self._keys.delete(now)
        return _success({}) if done else _failure(3022)


def _account(resource: str, call: RestCall, books: Callable[[], Statement]) -> RestAnswer:
    if call.method != "GET":
        return attrs.evolve(_failure(1014), status=405, headers={"Allow": "GET"})
    try:
        return _success({"data": READERS[resource](books(), _parameters(call))})
    except BadParameter:
        return _failure(1014)


def _parameters(call: RestCall) -> dict[str, str]:
    """Read the parameters, from the query or, as the document has it of positions, from the body of a GET."""
    try:
        body = json.loads(call.body or b"{}")
    except ValueError:
        raise BadParameter from None
    if not isinstance(body, dict):
        raise BadParameter
    return {**{name: str(value) for name, value in body.items()}, **dict(parse_qsl(urlsplit(call.path).query))}


def _check(headers: Mapping[str, str]) -> int | None:
    if headers.get("authorization") != f"Bearer {AUTH_KEY}":
        return 4000
    given = headers.get("x-api-key", "")
    return None if given == API_KEY else 1001 if given else 1003


def _success(extra: Mapping[str, object]) -> RestAnswer:
    return RestAnswer(status=200, body=render({**extra, "code": 0, "message": "success"}))


def _failure(code: int) -> RestAnswer:
    return RestAnswer(status=200, body=render({"data": None, "code": code, "message": SENTENCES.get(code, "refused")}))
