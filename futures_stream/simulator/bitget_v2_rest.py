"""The REST desk of Bitget's v2: who may ask, and what; signed calls, in pages. No threads, no clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from futures_stream.simulator.bitget import API_KEY, API_SECRET, PASSPHRASE
from futures_stream.simulator.bitget_v2 import PRODUCTS
from futures_stream.simulator.bitget_v2_closed import closed_positions, fetched_closed_row
from futures_stream.simulator.bitget_v2_rows import (
    PRODUCT,
    Row,
    execution_row,
    fetched_account_row,
    fetched_order_row,
    fetched_position_row,
)
from futures_stream.simulator.bitmusa_rest import RestAnswer, RestCall
from futures_stream.simulator.faults import Faults
from futures_stream.simulator.values import BookedOrder, Statement

ROOTS = ("/api/v2/mix/", "/api/v2/public/")
TIME = "/api/v2/public/time"
WINDOW = 30_000  # ms that a call's timestamp may be off
PAGE = 100  # rows of a page, at most

SENTENCES = {
    "40001": "ACCESS_KEY cannot be empty",
    "40005": "Invalid ACCESS_TIMESTAMP",
    "40006": "Invalid ACCESS_KEY",
    "40008": "Request timestamp expired",
    "40009": "sign signature error",
    "40012": "apikey/password is incorrect",
    "40014": "Incorrect permissions, need futures read permissions",
    "40018": "Invalid IP",
    "40034": "Parameter does not exist",
    "40085": "You are in Unified Account mode, and the Classic Account API is not supported at this time",
    "40109": "The data of the order cannot be found, please confirm the order number",
    "40404": "Request URL NOT FOUND",
    "400172": "Parameter productType error",
}

RowT = TypeVar("RowT")


class _Refused(Exception):
    """The call is not answered; the argument is the code."""


class BitgetV2Desk:
    """
    Answer REST calls about the account and the time.

    Args:
        faults: What is wrong at the moment.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def answer(self, call: RestCall, unix_ms: int, books: Callable[[], Statement]) -> RestAnswer:
        """Answer one call at the server's time *unix_ms*; *books* gives the account."""
        path = urlsplit(call.path).path
        refusal = self._faults.refuse_rest(path)
        if refusal is not None:
            after = {} if refusal.retry_after is None else {"Retry-After": f"{refusal.retry_after:g}"}
            return _failure(refusal.code, unix_ms, refusal.status, after)
        if path == TIME:
            return _success({"serverTime": str(unix_ms)}, unix_ms)
        reader = READERS.get(path)
        if reader is None or call.method != "GET":
            return _failure("40404", unix_ms, 404)
        try:
            _check(call, unix_ms)
            asked = dict(parse_qsl(urlsplit(call.path).query))
            if asked.get("productType") not in PRODUCTS:
                raise _Refused("400172")
            return _success(reader(books(), asked), unix_ms)
        except _Refused as refused:
            return _failure(str(refused), unix_ms)


def accounts(books: Statement, asked: Mapping[str, str]) -> object:
    """Tell the balances of one product family."""
    return [fetched_account_row(each) for each in books.balances] if _is_ours(asked) else []


def positions(books: Statement, asked: Mapping[str, str]) -> object:
    """Tell the open positions of one product family."""
    return [fetched_position_row(each) for each in books.positions] if _is_ours(asked) else []


def pending(books: Statement, asked: Mapping[str, str]) -> object:
    """Tell the open orders; without a status those that nothing is filled of."""
    wanted = {"live": "new", "partially_filled": "partially_filled"}.get(asked.get("status", "live"))
    found = [each for each in reversed(books.orders) if each.working and each.status == wanted and _is_ours(asked)]
    page, end = _page(found, asked, lambda each: each.order_id)
    return {"entrustedList": [fetched_order_row(each) for each in page] or None, "endId": end}


def detail(books: Statement, asked: Mapping[str, str]) -> object:
    """Tell one order, whatever became of it."""
    found = next((each for each in books.orders if each.order_id == asked.get("orderId")), None)
    if found is None or not _is_ours(asked) or found.symbol != asked.get("symbol"):
        raise _Refused("40109")
    row = fetched_order_row(found)
    row["state"] = row.pop("status")
    return row


def fills(books: Statement, asked: Mapping[str, str]) -> object:
    """Tell the executions since a time, the newest first."""
    since = _number(asked, "startTime", 0)
    orders: dict[str, BookedOrder] = {each.order_id: each for each in books.orders}
    found = [each for each in reversed(books.executions) if each.unix_ms >= since and _is_ours(asked)]
    page, end = _page(found, asked, lambda each: each.trade_id)
    return {"fillList": [execution_row(each, orders[each.order_id]) for each in page], "endId": end}


def closed(books: Statement, asked: Mapping[str, str]) -> object:
    """Tell what came of positions, those that were closed last first."""
    found = [each for each in reversed(closed_positions(books.executions)) if _is_ours(asked)]
    page, end = _page(found, asked, lambda each: each.executions[-1].trade_id)
    return {"list": [fetched_closed_row(each) for each in page], "endId": end}


def no_plans(_: Statement, __: Mapping[str, str]) -> object:
    """Tell the waiting trigger orders: those of this market are never seen waiting."""
    return {"entrustedList": None, "endId": None}


READERS: Mapping[str, Callable[[Statement, Mapping[str, str]], object]] = {
    "/api/v2/mix/account/accounts": accounts,
    "/api/v2/mix/position/all-position": positions,
    "/api/v2/mix/order/orders-pending": pending,
    "/api/v2/mix/order/detail": detail,
    "/api/v2/mix/order/fills": fills,
    "/api/v2/mix/order/orders-plan-pending": no_plans,
    "/api/v2/mix/position/history-position": closed,
}


def _is_ours(asked: Mapping[str, str]) -> bool:
    return asked["productType"] == PRODUCT


def _page(found: Iterable[RowT], asked: Mapping[str, str], id_of: Callable[[RowT], str]) -> tuple[Sequence[RowT], str]:
    """Cut out the page that is asked for, newest first, and say where the next begins."""
    below = _number(asked, "idLessThan", 0)
    page = [each for each in found if not below or int(id_of(each)) < below][: _number(asked, "limit", PAGE)][:PAGE]
    return page, id_of(page[-1]) if page else ""


def _number(asked: Mapping[str, str], name: str, default: int) -> int:
    said = asked.get(name, str(default))
    if not (said.isascii() and said.isdigit() and len(said) <= 20):
        raise _Refused("40034")
    return int(said)


def _check(call: RestCall, unix_ms: int) -> None:
    """Make sure that the call is signed by whom it says, now."""
    said = call.headers.get
    timestamp, key = said("access-timestamp", ""), said("access-key", "")
    if not key:
        raise _Refused("40001")
    if not (timestamp.isdigit() and len(timestamp) <= 20):
        raise _Refused("40005")
    if abs(int(timestamp) - unix_ms) > WINDOW:
        raise _Refused("40008")
    if not hmac.compare_digest(key, API_KEY):
        raise _Refused("40006")
    if not hmac.compare_digest(said("access-passphrase", ""), PASSPHRASE):
        raise _Refused("40012")
    message = f"{timestamp}{call.method}{call.path}".encode() + call.body
    digest = hmac.new(API_SECRET.encode(), message, hashlib.sha256).digest()
    if not hmac.compare_digest(said("access-sign", ""), base64.b64encode(digest).decode()):
        raise _Refused("40009")


def _success(data: object, unix_ms: int) -> RestAnswer:
    said: Row = {"code": "00000", "msg": "success", "requestTime": unix_ms, "data": data}
    return RestAnswer(status=200, body=json.dumps(said))


def _failure(code: str, unix_ms: int, status: int = 400, headers: Mapping[str, str] | None = None) -> RestAnswer:
    said: Row = {"code": code, "msg": SENTENCES.get(code, "refused"), "requestTime": unix_ms, "data": None}
    return RestAnswer(status=status, body=json.dumps(said), headers=headers or {})
