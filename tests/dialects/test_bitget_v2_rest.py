"""Asking Bitget's v2 over REST: signatures, pages, sets, events, and what its codes mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from dialect_sessions import credentials_of, frame, secrets_of

from futures_stream.dialects import BitgetV2
from futures_stream.dialects.base import Answer, Query, Response
from futures_stream.errors import (
    ClockSkew,
    ConfigError,
    ConnectFailed,
    FuturesStreamError,
    LoginRejected,
    PermissionRefused,
    RequestRejected,
    Throttled,
)
from futures_stream.records import Order
from futures_stream.vocabulary import OrderStatus, Origin

ALL = BitgetV2()
ONE = BitgetV2(products=("USDT-FUTURES",))
MIX = "/api/v2/mix"


def ask(dialect: BitgetV2, kind: str, **said: Any) -> Query:
    """Return the question for a kind."""
    (query,) = dialect.queries(credentials_of(dialect), kinds=[kind], **{"symbols": None, **said})
    return query


def answer(dialect: BitgetV2, query: Query, data: Any, **extra: Any) -> Answer:
    """Read what a server answers."""
    text = json.dumps({"code": "00000", "msg": "success", "requestTime": 5000, "data": data, **extra})
    return dialect.read_answer(query, Response(status=200, text=text), account="main", received_ns=7)


def converse(dialect: BitgetV2, query: Query, server: Callable[[str, dict[str, str]], Any]) -> list[Answer]:
    """Ask until there is no further page; return all answers."""
    answers = []
    more: Query | None = query
    while more is not None:
        answers.append(answer(dialect, more, server(more.request.path, dict(more.request.query))))
        more = answers[-1].more
    return answers


@pytest.mark.parametrize("kind", ALL.queryable)
def test_signature(kind: str) -> None:
    """Time in ms, method, path and query in ascending order, as it is sent."""
    request = ask(ALL, kind, since=10**12).request
    signed = request.signed(1_700_000_000_123)
    secrets = secrets_of(ALL)
    assert list(request.query) == sorted(request.query)
    message = f"1700000000123GET{request.path}?{urlencode(request.query)}"
    digest = hmac.new(secrets["api_secret"].encode(), message.encode(), hashlib.sha256).digest()
    assert signed.headers["ACCESS-SIGN"] == base64.b64encode(digest).decode()
    assert signed.headers["ACCESS-TIMESTAMP"] == "1700000000123"
    assert signed.headers["ACCESS-KEY"] == secrets["api_key"]
    assert signed.headers["ACCESS-PASSPHRASE"] == secrets["passphrase"]
    assert (signed.headers["Content-Type"], signed.headers["locale"]) == ("application/json", "en-US")
    assert signed.signed(5) is signed
    assert not any(value in f"{request!r} {signed!r} {request.signer!r}" for value in secrets.values())


def test_a_set_goes_through_all_products() -> None:
    """It is whole when the last has answered; then it is about all of them."""
    asked = []

    def server(path: str, said: dict[str, str]) -> Any:
        asked.append((path, said))
        return [{"symbol": f"B-{said['productType']}", "holdSide": "long", "total": "1", "marginMode": "crossed"}]

    answers = converse(ALL, ask(ALL, "positions"), server)
    assert asked == [(f"{MIX}/position/all-position", {"productType": product}) for product in ALL.products]
    assert [each.whole for each in answers] == [False, False, True]
    assert answers[-1].scope == (None, None)
    records = [record for each in answers for record in each.records]
    assert [record.product for record in records] == list(ALL.products)
    assert [key for each in answers for key in each.keys] == [
        (f"B-{product}", "long", "cross") for product in ALL.products
    ]
    assert all(record.origin is Origin.SNAPSHOT for record in records)


def test_balances() -> None:
    """The time of a row that has none is that of the answer."""
    row = {"marginCoin": "USDT", "accountEquity": "5", "unrealizedPL": ""}
    found = answer(ONE, ask(ONE, "balances"), [row])
    assert (found.whole, found.keys, found.more) == (True, (("USDT",),), None)
    assert found.records[0].timestamp == 5000


def order(number: int, status: str = "live", **extra: Any) -> dict[str, Any]:
    """A row of an order."""
    return {"orderId": str(number), "symbol": "BTCUSDT", "status": status, "baseVolume": "0", **extra}


def test_orders_are_asked_for_by_status() -> None:
    """Without one only those are listed that nothing is filled of; should the server list all, each is told once."""
    asked = []

    def server(path: str, said: dict[str, str]) -> Any:
        asked.append((path, said))
        return {"entrustedList": [order(1), order(2, "partially_filled"), order(3, "init")], "endId": "1"}

    answers = converse(ONE, ask(ONE, "orders"), server)
    assert [said["status"] for _, said in asked] == ["live", "partially_filled"]
    assert asked[0] == (
        f"{MIX}/order/orders-pending",
        {"limit": "100", "productType": "USDT-FUTURES", "status": "live"},
    )
    assert [key for each in answers for key in each.keys] == [("1",), ("3",), ("2",)]
    assert answers[-1].whole


def test_trigger_orders_are_asked_for_by_type() -> None:
    """Three lists; should the server heed no type, each order is told once, and one of an unknown type is not lost."""
    rows = [
        {"orderId": str(n), "symbol": "X", "planType": plan} for n, plan in enumerate(("normal_plan", "pos_loss"), 1)
    ]
    asked = []

    def server(_: str, said: dict[str, str]) -> Any:
        asked.append(said["planType"])
        return {"entrustedList": rows, "endId": "1"}

    answers = converse(ONE, ask(ONE, "trigger_orders"), server)
    assert asked == ["normal_plan", "track_plan", "profit_loss"]
    assert [key for each in answers for key in each.keys] == [("1",), ("2",)]
    odd = answer(ONE, ask(ONE, "trigger_orders"), {"entrustedList": [{"orderId": "7", "planType": "odd"}]})
    assert odd.keys == (("7",),)


def test_pages() -> None:
    """A full page is followed by the next, from where it ended; then come the other lists."""
    asked = []

    def server(_: str, said: dict[str, str]) -> Any:
        asked.append(said.get("idLessThan"))
        if said["status"] == "partially_filled":
            return {"entrustedList": None, "endId": None}
        first = int(said.get("idLessThan", 251))
        listed = [order(number) for number in range(first - 1, max(0, first - 101), -1)]
        return {"entrustedList": listed, "endId": listed[-1]["orderId"] if listed else None}

    answers = converse(ONE, ask(ONE, "orders"), server)
    assert asked == [None, "151", "51", None]
    assert [len(each.records) for each in answers] == [100, 100, 50, 0]
    assert [each.whole for each in answers] == [False, False, False, True]


@pytest.mark.parametrize("end", [None, "", "same"])
def test_pages_without_end(end: str | None) -> None:
    """A full page that does not say how it goes on leaves the rest unknown: that is not whole."""
    full = [order(number) for number in range(100)]
    query = ask(ONE, "orders")
    found = answer(ONE, query, {"entrustedList": full, "endId": end})
    if end == "same":
        assert found.more is not None
        found = answer(ONE, found.more, {"entrustedList": full, "endId": end})
    assert (found.whole, found.more) == (False, None)


def fill(number: int, at: int) -> dict[str, Any]:
    """A row of an execution."""
    return {"tradeId": str(number), "symbol": "BTCUSDT", "orderId": "1", "baseVolume": "1", "cTime": str(at)}


def test_executions_come_oldest_first() -> None:
    """However many pages and products they come from: only with the last page is their order known."""
    lists = {
        "USDT-FUTURES": [fill(number, 10_000 + number // 2 * 10) for number in range(130, 0, -1)],
        "COIN-FUTURES": [fill(1000 + number, 10_005 + number * 100) for number in range(5, 0, -1)],
        "USDC-FUTURES": [],
    }
    asked = []

    def server(_: str, said: dict[str, str]) -> Any:
        asked.append(said)
        listed = lists[said["productType"]]
        before = int(said.get("idLessThan", 10**9))
        page = [row for row in listed if int(row["tradeId"]) < before][:100]
        return {"fillList": page, "endId": page[-1]["tradeId"] if page else None}

    answers = converse(ALL, ask(ALL, "executions", since=10_000 + 5000), server)
    assert [len(each.records) for each in answers[:-1]] == [0, 0, 0]
    told = answers[-1].records
    assert len(told) == 135
    assert [record.timestamp for record in told] == sorted(int(r["cTime"]) for rows in lists.values() for r in rows)
    of_usdt = [int(str(record.trade_id)) for record in told if record.product == "USDT-FUTURES"]  # type: ignore[attr-defined]
    assert of_usdt == list(range(1, 131))
    assert answers[-1].whole
    assert asked[0] == {"limit": "100", "productType": "USDT-FUTURES", "startTime": "10000"}
    assert len(answers[-1].keys) == 135


def test_closed_positions() -> None:
    """Page by page, newest first, until one reaches to before the gap: by which time they are listed is not known."""
    asked = []
    rows = [
        {"symbol": "BTCUSDT", "holdSide": "long", "ctime": str(number), "utime": str(100_000 + number)}
        for number in range(350, 0, -1)
    ]

    def server(path: str, said: dict[str, str]) -> Any:
        asked.append((path, said))
        listed = [row for row in rows if int(row["ctime"]) < int(said.get("idLessThan", 10**9))][:100]
        return {"list": listed, "endId": listed[-1]["ctime"]}

    answers = converse(ONE, ask(ONE, "closed_positions", since=100_200 + 5000), server)
    assert [said for _, said in asked] == [
        {"limit": "100", "productType": "USDT-FUTURES"},
        {"limit": "100", "productType": "USDT-FUTURES", "idLessThan": "251"},
    ]
    assert {path for path, _ in asked} == {f"{MIX}/position/history-position"}
    assert [record.timestamp for record in answers[-1].records] == list(range(100_200, 100_351))
    assert (answers[-1].whole, answers[0].records) == (True, ())


def test_closed_positions_without_time() -> None:
    """Such a one could be told twice: that is not whole."""
    found = answer(ONE, ask(ONE, "closed_positions", since=0), {"list": [{"symbol": "X", "utime": "9"}]})
    assert (len(found.records), found.whole) == (1, False)


def test_executions_before_are_left_out() -> None:
    """Should a server not heed the time that is asked for; five seconds before are wanted, since clocks differ."""
    rows = [fill(3, 20_000), fill(2, 15_000), fill(1, 14_999)]
    found = answer(ONE, ask(ONE, "executions", since=20_000), {"fillList": rows, "endId": "1"})
    assert list(found.keys) == [("BTCUSDT", "2"), ("BTCUSDT", "3")]


def test_only_some_contracts() -> None:
    """What is not wanted is left out, in any case; the set is about the one that is."""
    rows = [order(1), order(2, symbol="ETHUSDT"), order(3, symbol="ethusdt")]
    one = answer(ONE, ask(ONE, "orders", symbols=["ETHUSDT"]), {"entrustedList": rows})
    assert (one.keys, one.scope) == ((("2",), ("3",)), (None, "ETHUSDT"))
    two = answer(ONE, ask(ONE, "orders", symbols=["ETHUSDT", "XRPUSDT"]), {"entrustedList": rows})
    assert (two.keys, two.scope) == ((("2",), ("3",)), (None, None))


def test_closed_positions_are_not_in_the_set() -> None:
    """A row without size is of one that is closed."""
    rows = [{"symbol": "A", "holdSide": "long", "total": "0"}, {"symbol": "B", "holdSide": "long", "total": "1"}]
    found = answer(ONE, ask(ONE, "positions"), rows)
    assert [record.symbol for record in found.records] == ["B"]
    assert found.whole


def test_a_row_that_is_none() -> None:
    """It is told, and then the set is not whole."""
    found = answer(ONE, ask(ONE, "positions"), [7])
    assert (len(found.records), found.keys, found.whole) == (1, ((),), False)


@pytest.mark.parametrize("data", [None, 7, "text", {}, {"fillList": 7}, {"other": []}])
def test_no_list(data: Any) -> None:
    """No list is not an empty one."""
    with pytest.raises(ConnectFailed):
        answer(ONE, ask(ONE, "executions"), data)


# --- single orders, the time ---


def test_an_order_that_ended() -> None:
    """One question an order; it is about that order and closes no set."""
    open_ = Order(exchange="x", account="y", product="COIN-FUTURES", symbol="BTCUSD", order_id="77")
    other = Order(exchange="x", account="y", order_id=None, symbol="BTCUSD")
    (query,) = ALL.order_queries(credentials_of(ALL), [open_, other])
    assert query.request.path == f"{MIX}/order/detail"
    assert dict(query.request.query) == {"orderId": "77", "productType": "COIN-FUTURES", "symbol": "BTCUSD"}
    assert not query.closes_set
    text = frame("bitget-v2", "docsv2_rest_order-detail_resp.json")
    found = ALL.read_answer(query, Response(status=200, text=text), account="main", received_ns=1)
    (told,) = found.records
    assert isinstance(told, Order)
    assert (told.status, told.filled, told.product) == (OrderStatus.FILLED, 2, "COIN-FUTURES")
    assert (found.whole, found.more) == (True, None)


@pytest.mark.parametrize("code", ["40109", "40768", "43001"])
def test_an_order_that_nobody_knows(code: str) -> None:
    """There is no row of it; asked for a list, the code would be an error."""
    open_ = Order(exchange="x", account="y", symbol="BTCUSDT", order_id="77")
    (query,) = ONE.order_queries(credentials_of(ONE), [open_])
    response = Response(status=400, text=json.dumps({"code": code, "msg": "not found", "data": None}))
    assert ONE.read_answer(query, response, account="main", received_ns=1).records == ()
    with pytest.raises(RequestRejected):
        ONE.read_answer(ask(ONE, "orders"), response, account="main", received_ns=1)


def test_time() -> None:
    """It is asked for without credentials."""
    request = ALL.clock_request()
    assert (request.method, request.path, request.signer, dict(request.headers)) == (
        "GET",
        "/api/v2/public/time",
        None,
        {},
    )
    for data in (None, {}, {"serverTime": "soon"}, {"serverTime": ""}, []):
        with pytest.raises(FuturesStreamError):
            ALL.read_clock(Response(status=200, text=json.dumps({"code": "00000", "data": data})))


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("40085", PermissionRefused, "v3"),
        ("40014", PermissionRefused, "permission to read futures"),
        ("40018", PermissionRefused, "allowed"),
        ("40038", PermissionRefused, "allowed"),
        ("40013", PermissionRefused, "abnormal"),
        ("40006", LoginRejected, "API key"),
        ("40009", LoginRejected, "API secret"),
        ("40012", LoginRejected, "passphrase"),
        ("40037", LoginRejected, "does not know it"),
        ("40005", ClockSkew, "clock"),
        ("40008", ClockSkew, "clock"),
        ("429", Throttled, "too many"),
        ("40020", RequestRejected, "report"),
        ("45001", ConnectFailed, "again"),
        (40085, PermissionRefused, "classic"),
    ],
)
def test_codes(code: object, kind: type[FuturesStreamError], words: str) -> None:
    """Whatever the HTTP status: of the class that says what happens, and with the next step."""
    for status in (200, 400, 403):
        response = Response(status=status, text=json.dumps({"code": code, "msg": "said so", "data": None}))
        with pytest.raises(kind, match=words) as caught:
            ONE.read_answer(ask(ONE, "orders"), response, account="main", received_ns=1)
        assert (caught.value.code, caught.value.exchange) == (str(code), "bitget-v2")
        assert "said so" in str(caught.value)


@pytest.mark.parametrize(
    ("msg", "words"),
    [
        ("Parameter productType does not exist", "USDT-FUTURES, COIN-FUTURES"),
        ("productType UMCBL error", "product type"),
        ("Parameter symbol FOO does not exist", "symbols"),
        ("instId not default", "symbols"),
    ],
)
def test_settings_that_are_wrong(msg: str, words: str) -> None:
    """A product type or symbol that does not exist is the user's setting, and is named."""
    response = Response(status=400, text=json.dumps({"code": "40034", "msg": msg}))
    with pytest.raises(ConfigError, match=words):
        ONE.read_answer(ask(ONE, "orders"), response, account="main", received_ns=1)


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (429, "", Throttled),
        (429, '{"code":"99999","msg":"x"}', Throttled),
        (503, "<html>", Throttled),
        (502, "<html>", ConnectFailed),
        (200, "<html>", ConnectFailed),
        (200, '{"msg":"no code"}', ConnectFailed),
        (401, "", PermissionRefused),
        (500, '{"code":"00000","data":[]}', ConnectFailed),
    ],
)
def test_no_answer(status: int, text: str, kind: type[FuturesStreamError]) -> None:
    """What does not come from Bitget's desk is judged by its status."""
    with pytest.raises(kind):
        ONE.read_answer(ask(ONE, "orders"), Response(status=status, text=text), account="main", received_ns=1)


def test_echoed_signature() -> None:
    """A long token in a server's text is masked."""
    sign = "8RCOqCJAhhEh4PWcZB/96QojLDqMAg4qNynIixFzS3E="
    response = Response(status=400, text=json.dumps({"code": "40009", "msg": f"sign {sign} is wrong"}))
    with pytest.raises(LoginRejected) as caught:
        ONE.read_answer(ask(ONE, "orders"), response, account="main", received_ns=1)
    assert sign not in str(caught.value)
