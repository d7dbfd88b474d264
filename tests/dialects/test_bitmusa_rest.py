"""Bitmusa over REST: what is asked, how the document's answers and their kin are read, and what they prove."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

import attrs
import pytest
from dialect_sessions import begin, credentials_of, frame, secrets_of

from futures_stream.dialects import BitgetCredentials, Bitmusa, BitmusaRest
from futures_stream.dialects.base import Answer, Query, Response
from futures_stream.dialects.bitmusa.snapshots import local_instant
from futures_stream.dialects.identity import key_of
from futures_stream.dialects.wire import FieldUnreadable
from futures_stream.errors import ConfigError, ConnectFailed, FuturesStreamError, RequestRejected, Throttled
from futures_stream.records import Balance, Execution, Order, Position, Record, Unreadable
from futures_stream.vocabulary import (
    Effect,
    Liquidity,
    MarginMode,
    Mark,
    OrderStatus,
    OrderType,
    Origin,
    PositionMode,
    PositionSide,
    PositionStatus,
    Side,
    TimeInForce,
)

BITMUSA = Bitmusa()
COMMON: dict[str, Any] = {
    "exchange": "bitmusa",
    "account": "main",
    "received_ns": 1_700_000_000_000_000_000,
    "origin": Origin.SNAPSHOT,
}
NOW_MS = 1_700_000_000_000
HOUR = 3_600_000
EXPECTED: dict[str, Record] = {
    "balances": Balance(
        **COMMON,
        asset="USDT",
        free=D("20.911789292484"),
        total=D("20.911789292484"),
        unrealized_pnl=D("0"),
    ),
    "positions": Position(
        **COMMON,
        symbol="BTCUSDT",
        margin_asset="USDT",
        side=PositionSide.LONG,
        size=D("2.03"),
        entry_price=D("26617.03674876"),
        liquidation_price=D("25764.30575663"),
        leverage=D("27"),
        margin_mode=MarginMode.ISOLATED,
        position_mode=PositionMode.ONE_WAY,
        position_margin=D("2022.01938813"),
        maintenance_margin=D("270.16292299"),
        notional=D("54032.5846"),
        status=PositionStatus.OPEN,
        raw_status="0",
        created_at=1686273706000,  # 10:21:46 in Korea
    ),
    "orders": Order(
        **COMMON,
        symbol="BTCUSDT",
        margin_asset="USDT",
        order_id="F7901016863067195812430",
        side=Side.BUY,
        position_side=PositionSide.LONG,
        effect=Effect.OPEN,
        type=OrderType.LIMIT,
        price=D("26607.1"),
        size=D("1.0"),
        filled=D("0.0"),
        notional=D("0.0"),
        leverage=D("27"),
        margin_mode=MarginMode.ISOLATED,
        time_in_force=TimeInForce.GTC,
        reduce_only=False,
        status=OrderStatus.NEW,
        raw_status="0",
        created_at=1686274320000,
    ),
    "executions": Execution(
        **COMMON,
        symbol="BTCUSDT",
        timestamp=1698637386000,
        trade_id="20386612",
        order_id="F16986696688178894",
        side=Side.BUY,
        price=D("34709.6"),
        size=D("0.002"),
        fee=D("0.01388384"),
        fee_asset="USDT",
        liquidity=Liquidity.MAKER,
    ),
}
FILES = {
    "balances": "rest_wallet.json",
    "positions": "rest_position.json",
    "orders": "rest_order.json",
    "executions": "rest_trade_history.json",
}


def ask(kind: str, dialect: Bitmusa = BITMUSA, **asked: Any) -> tuple[Query, ...]:
    """Return the questions for one kind."""
    said: dict[str, Any] = {"symbols": ["BTCUSDT"], **asked}
    return dialect.queries(credentials_of(dialect), kinds=[kind], **said)


def read(kind: str, data: Any, dialect: Bitmusa = BITMUSA, query: Query | None = None, **asked: Any) -> Answer:
    """Return what an answer with these data says, to the first question for its kind."""
    text = data if isinstance(data, str) else json.dumps({"data": data, "code": 0, "message": "success"})
    query = query or ask(kind, dialect, **asked)[0]
    return dialect.read_answer(
        query, Response(status=200, text=text), account="main", received_ns=COMMON["received_ns"]
    )


def rows(kind: str, *changes: dict[str, Any]) -> list[Any]:
    """Return the first row of the document's answer, once for each set of changes."""
    row = json.loads(frame("bitmusa", FILES[kind]), parse_float=str)["data"][0]
    return [{**row, **change} for change in changes]


def one(kind: str, dialect: Bitmusa = BITMUSA, /, **change: Any) -> Any:
    """Return the only record of the document's row with a change."""
    (record,) = read(kind, rows(kind, change), dialect).records
    return record


def trades(*changes: dict[str, Any]) -> list[Any]:
    """Return executions, each a minute older than the one before, the first a minute old, as Korea's clocks show it."""
    made = []
    for number, change in enumerate(changes, 1):
        said = {"id": 1000 - number, "transaction_time": shown(NOW_MS - number * 60_000), **change}
        made += rows("executions", said)
    return made


def shown(unix_ms: int) -> str:
    """Write a time as Korea's clocks show it; NOW_MS is 2023-11-15 07:13:20 there."""
    minutes, seconds = divmod((unix_ms - NOW_MS) // 1000 + 7 * 3600 + 13 * 60 + 20, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"2023-11-{15 + days:02}T{hours:02}:{minutes:02}:{seconds:02}"


# --- rows ---


@pytest.mark.parametrize("kind", EXPECTED)
def test_document(kind: str) -> None:
    """Every answer of the document becomes its records, digit for digit, with all fields of the row in info."""
    text = frame("bitmusa", FILES[kind])
    answer = read(kind, text)
    record = answer.records[-1]
    assert record == EXPECTED[kind]
    assert repr(record) == repr(EXPECTED[kind])
    assert dict(record.info) == json.loads(text, parse_float=D)["data"][0]
    assert answer.scope == (None, None if kind == "balances" else "BTCUSDT")
    assert len(answer.keys) == len(answer.records)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("balances", ("USDT",)),
        ("positions", ("BTCUSDT", "long", "isolated")),
        ("orders", ("F7901016863067195812430",)),
        ("executions", ("BTCUSDT", "20386612")),
    ],
)
def test_keys(kind: str, key: tuple[str, ...]) -> None:
    """Each record has its key."""
    assert read(kind, frame("bitmusa", FILES[kind])).keys[-1] == key


SAME: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "future_wallet",
        {"asset": "USDT", "free": "9981.5", "locked": "18.5"},
        "balances",
        {"symbol": "USDT", "total_wallet_balance": 10000, "total_available_balance": "9981.5", "total_unpnl": 1.5},
    ),
    *(
        (
            "future_position",
            {
                "ticker": "XRPUSDT",
                "marginMode": margin[0],
                "positionMode": mode[0],
                "position": side[0],
                "status": "OPEN",
                "leverage": "10",
                "price": "0.5155",
                "amount": "900",
                "value": "463.95",
                "liquidPrice": "0.4663",
                "createdTime": 1_700_000_000_000,
                "closeTime": "null",
            },
            "positions",
            {
                "ticker": "XRPUSDT",
                "margin_mode": margin[1],
                "position_mode": mode[1],
                "position": side[1],
                "status": 0,
                "leverage": 10,
                "entry_price": 0.5155,
                "qty": 900.0,
                "value": 463.95,
                "liquid_price": 0.4663,
                "entry_time": "2023-11-15T07:13:20",
                "close_time": None,
            },
        )
        for margin in (("ISOLATED", 0), ("CROSSED", 1))
        for mode in (("ONEWAY", 0), ("HEDGE", 1))
        for side in (("BUY", 0), ("SELL", 1))
    ),
    *(
        (
            "future_order",
            {
                "orderId": "C17",
                "ticker": "XRPUSDT",
                "direction": effect[0],
                "type": order_type[0],
                "price": 0.5155,
                "amount": 2,
                "tradedAmount": filled[0],
                "value": 0.5,
                "status": filled[1],
                "createdTime": 1_700_000_000_000,
                "canceledTime": None,
                "completedTime": None,
            },
            "orders",
            {
                "order_id": "C17",
                "ticker": "XRPUSDT",
                "direction": effect[1],
                "order_type": order_type[1],
                "order_price": "0.5155",
                "order_qty": 2.0,
                "traded_qty": filled[0],
                "traded_value": 0.5,
                "status": 0,
                "order_time": "2023-11-15T07:13:20",
                "filled_time": None,
                "cancel_time": None,
            },
        )
        for effect in (("OPEN", 0), ("CLOSE", 1))
        for order_type in (("MARKET", 0), ("LIMIT", 1), ("TAKE_PROFIT", 2), ("STOP_LOSS", 3), ("LIQUIDATION", 4))
        for filled in ((0, "TRADING"), (1, "PARTIAL"))
    ),
]
DIFFERENT = {"raw_status", "timestamp", "origin", "_info", "locked"}  # locked is not told over REST


@pytest.mark.parametrize(("stream", "pushed", "kind", "fetched"), SAME)
def test_same_notion_same_record(stream: str, pushed: dict[str, Any], kind: str, fetched: dict[str, Any]) -> None:
    """What a push and a row over REST both tell is the same in both records, and so are their keys."""
    session = begin(BITMUSA)
    session.opened(1)
    push = json.dumps({"data": pushed, "stream": stream, "eventTime": 1})
    (told,) = session.receive(push, COMMON["received_ns"], 0)  # type: ignore[misc]
    answer = read(kind, [fetched], symbols=None, known=["XRPUSDT"])
    (record,) = answer.records

    assert type(record) is type(told)
    assert (key_of(record),) == (key_of(told),) == answer.keys
    for name in {field.name for field in attrs.fields(type(told))} - DIFFERENT:
        if getattr(told, name) is not None:
            assert getattr(record, name) == getattr(told, name), name


def test_unset() -> None:
    """Zero is Bitmusa's way to say that there is no such price, and null that there is no such time."""
    order = one("orders", traded_price=0.0, filled_time=None, cancel_time=None)
    assert (order.average_price, order.completed_at, order.canceled_at) == (None, None, None)
    assert one("positions", liquid_price=0).liquidation_price is None
    assert one("orders", traded_price=26600.5, traded_qty=0.5).average_price == D("26600.5")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, OrderStatus.NEW),
        ({"traded_qty": 0.4}, OrderStatus.PARTIALLY_FILLED),
        ({"status": 4}, OrderStatus.NEW),
        ({"status": 1, "traded_qty": 0.4}, OrderStatus.PARTIALLY_FILLED),
        ({"status": "TRADING", "traded_qty": 0}, OrderStatus.NEW),
        ({"traded_qty": 1.0}, OrderStatus.UNKNOWN),
        ({"traded_qty": None}, OrderStatus.UNKNOWN),
        ({"status": 2}, OrderStatus.UNKNOWN),
        ({"status": 7}, OrderStatus.UNKNOWN),
        ({"status": None}, OrderStatus.UNKNOWN),
    ],
)
def test_order_status(change: dict[str, Any], status: OrderStatus) -> None:
    """The status of an open order follows from its figures; another number is unknown, and stays as it was said."""
    order = one("orders", **change)
    assert order.status is status
    assert order.raw_status == (None if change.get("status", 0) is None else str(change.get("status", 0)))


@pytest.mark.parametrize(
    ("direction", "position", "when_closing", "side", "position_side"),
    [
        (0, 0, None, Side.BUY, PositionSide.LONG),
        (0, 1, None, Side.SELL, PositionSide.SHORT),
        (1, 0, None, None, None),
        (1, 1, None, None, None),
        (1, 0, "side", Side.BUY, PositionSide.SHORT),
        (1, 1, "side", Side.SELL, PositionSide.LONG),
        (1, 0, "position", Side.SELL, PositionSide.LONG),
        (1, 1, "position", Side.BUY, PositionSide.SHORT),
        (0, 7, "side", None, None),
        (None, 0, "side", None, None),
    ],
)
def test_side(direction: Any, position: int, when_closing: Any, side: Any, position_side: Any) -> None:
    """What opens has a certain side; what closes has one only if somebody knows what its position means."""
    dialect = Bitmusa(rest=BitmusaRest(position_when_closing=when_closing))
    order = one("orders", dialect, direction=direction, position=position)
    assert (order.side, order.position_side) == (side, position_side)
    execution = one("executions", dialect, direction=direction, position=position)
    assert execution.side is side


def test_a_newer_row() -> None:
    """Rows as a client of a later year was given them: numbers in the history, other names for flags."""
    order = rows("orders", {"status": 4, "position_mode": 0, "post_only": 1, "reduce_only": 1})[0]
    del order["is_post_only"], order["is_reduce_only"]
    (record,) = read("orders", [order]).records
    assert isinstance(record, Order)
    assert (record.time_in_force, record.reduce_only) == (TimeInForce.POST_ONLY, True)

    numbers = {"order_type": 0, "margin_mode": 1, "position_mode": 0, "direction": 0, "position": 1, "role": 0}
    (execution,) = read("executions", {"content": rows("executions", numbers)}).records
    assert isinstance(execution, Execution)
    assert (execution.side, execution.liquidity) == (Side.SELL, Liquidity.TAKER)
    assert one("positions", position_mode=1).position_mode is PositionMode.HEDGE


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T09:00:00", None),
        ("1970-01-01T09:00:01", 1000),
        ("2023-06-09 10:21:46", 1686273706000),
        ("2023-06-09T10:21:46.5", 1686273706500),
        ("2023-06-09T10:21:46.123456789", 1686273706123),
        ("2023-06-09T10:21:46Z", 1686306106000),
        ("2023-06-09T10:21:46+09:00", 1686273706000),
        ("2023-06-09T10:21:46-0130", 1686311506000),
        (1686273706000, 1686273706000),
        ("1686273706000", 1686273706000),
        (None, None),
        ("null", None),
    ],
)
def test_times(text: Any, instant: int | None) -> None:
    """Times without a zone are Korea's, those with one are not; numbers are ms."""
    assert local_instant(9.0)(text) == instant


@pytest.mark.parametrize(
    "text", ["2023-13-09T10:21:46", "2023-06-09T10:61:46", "2023-06-09", "x", "٢٠٢٣-06-09T10:21:46"]
)
def test_bad_times(text: str) -> None:
    """What is no time costs that field and nothing else."""
    with pytest.raises(FieldUnreadable):
        local_instant(9.0)(text)
    position = one("positions", entry_time=text)
    assert (position.created_at, position.marks) == (None, {Mark.UNREADABLE_FIELD})
    assert position.size == D("2.03")


def test_another_zone() -> None:
    """The zone can be said."""
    assert one("positions", Bitmusa(rest=BitmusaRest(zone_hours=0))).created_at == 1686273706000 + 9 * HOUR


def test_numbers_are_exact() -> None:
    """Numbers are read from their digits, whatever their form."""
    text = frame("bitmusa", FILES["balances"]).replace("20.911789292484", "2.0911789292484123456E1")
    (balance,) = read("balances", text).records
    assert isinstance(balance, Balance)
    assert balance.free == D("20.911789292484123456")


# --- questions ---


def test_queries() -> None:
    """Each question is a GET with the document's parameters and both headers."""
    secrets = secrets_of(BITMUSA)
    for kind, path, parameters in (
        ("balances", "/future/wallet", {}),
        ("positions", "/future/position", {"ticker": "BTCUSDT", "position_mode": "0"}),
        ("orders", "/future/order", {"ticker": "BTCUSDT", "size": "50"}),
        (
            "executions",
            "/future/trade/history",
            {
                "ticker": "BTCUSDT",
                "position": "BUY",
                "direction": "OPEN",
                "order_type": "MARKET",
                "size": "10",
                "page": "1",
            },
        ),
    ):
        query = ask(kind)[0]
        assert (query.request.method, query.request.path, query.request.body) == ("GET", path, None)
        assert dict(query.request.query) == parameters
        assert query.request.headers["Authorization"] == f"Bearer {secrets['auth_key']}"
        assert query.request.headers["x-api-key"] == secrets["api_key"]
        assert query.request.largest == 4 * 1024 * 1024


def test_who_is_named() -> None:
    """Positions and executions are asked for by name, orders all at once unless contracts were chosen."""
    known = ["XRPUSDT", "ETHUSDT", "XRPUSDT"]
    assert [query.symbol for query in ask("orders", symbols=None, known=known)] == [None]
    assert [query.symbol for query in ask("orders", symbols=["A", "B"], known=known)] == ["A", "B"]
    assert [query.symbol for query in ask("positions", symbols=None, known=known)] == ["XRPUSDT", "ETHUSDT"]
    assert [query.symbol for query in ask("positions", symbols=["A"], known=known)] == ["A"]
    assert [query.symbol for query in ask("balances", symbols=["A"], known=known)] == [None]
    assert ask("positions", symbols=None) == ask("executions", symbols=None) == ()
    queries = ask("executions", symbols=["A", "B"], since=5)
    assert len({query.request.query for query in queries}) == len(queries) == 40
    assert {query.since for query in queries} == {5}
    assert {query.since for query in ask("orders", since=5)} == {None}


def test_filters_can_be_left_out() -> None:
    """Where somebody knows that the history needs no filters, one question does."""
    free = BitmusaRest(trade_positions=(), trade_directions=(), trade_order_types=(), trade_size=100)
    (query,) = ask("executions", Bitmusa(rest=free))
    assert dict(query.request.query) == {"ticker": "BTCUSDT", "size": "100", "page": "1"}


def test_position_parameters_in_the_body() -> None:
    """The document's heading can be followed: the parameters of a GET in its body."""
    dialect = Bitmusa(rest=BitmusaRest(position_parameters_in="body"))
    (query,) = ask("positions", dialect)
    assert (query.request.query, query.request.body) == ((), '{"ticker":"BTCUSDT","position_mode":0}')
    more = read("positions", [], dialect).more
    assert more is not None
    assert more.request.body == '{"ticker":"BTCUSDT","position_mode":1}'


@pytest.mark.parametrize(
    "wrong",
    [
        {"position_parameters_in": "header"},
        {"positions_from": "memory"},
        {"zone_hours": 900},
        {"order_size": 0},
        {"trade_size": 0},
        {"trade_pages": 0},
        {"position_when_closing": "both"},
    ],
)
def test_terms_make_sense(wrong: dict[str, Any]) -> None:
    """Terms that make no sense are refused in the caller."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BitmusaRest(**wrong)


def test_wrong_credentials() -> None:
    """Another exchange's credentials are refused in the caller."""
    with pytest.raises(ConfigError, match="BitmusaCredentials"):
        BITMUSA.queries(BitgetCredentials("a", "b", "c"), kinds=["balances"], symbols=None)


# --- what an answer proves ---


def test_unprovable() -> None:
    """Contracts that nobody names can hold what no answer tells."""
    assert BITMUSA.unprovable("balances", None) is None
    assert BITMUSA.unprovable("orders", None) is None
    for kind in ("positions", "executions"):
        assert "named" in (BITMUSA.unprovable(kind, None) or "")
        assert BITMUSA.unprovable(kind, ["BTCUSDT"]) is None
    assert Bitmusa(rest=BitmusaRest(positions_from="wallet")).unprovable("positions", None) is None


def test_whole_balances() -> None:
    """A wallet is whole, also an empty one."""
    assert read("balances", []) == Answer(records=(), whole=True, scope=(None, None), keys=())
    assert read("balances", frame("bitmusa", FILES["balances"])).whole


def test_positions_of_both_modes() -> None:
    """A contract's positions are whole when both modes were asked for."""
    first = read("positions", rows("positions", {}))
    assert (first.whole, len(first.records)) == (False, 1)
    assert first.more is not None
    assert dict(first.more.request.query) == {"ticker": "BTCUSDT", "position_mode": "1"}
    assert first.more.request.headers == ask("positions")[0].request.headers
    last = read("positions", rows("positions", {"position": 1}), query=first.more)
    assert (last.whole, last.more) == (True, None)
    assert isinstance(last.records[0], Position)
    assert (last.records[0].position_mode, last.records[0].side) == (PositionMode.HEDGE, PositionSide.SHORT)

    only = Bitmusa(rest=BitmusaRest(position_modes=(1,)))
    assert dict(ask("positions", only)[0].request.query)["position_mode"] == "1"
    assert read("positions", [], only).whole


def test_positions_from_the_wallet() -> None:
    """Where the wallet lists positions, one answer has them all, with mark price and profit."""
    dialect = Bitmusa(rest=BitmusaRest(positions_from="wallet"))
    held = rows("positions", {"mark_price": 26700.5, "unpnl": -1.0e-4}, {"ticker": "ETHUSDT"})
    wallet = [{"symbol": "USDT", "position": held}, {"symbol": "BTC", "position": []}]
    answer = read("positions", wallet, dialect, symbols=None)
    assert (answer.whole, answer.scope, len(answer.records)) == (True, (None, None), 2)
    position = answer.records[0]
    assert isinstance(position, Position)
    assert (position.mark_price, position.unrealized_pnl) == (D("26700.5"), D("-0.0001"))
    chosen = read("positions", wallet, dialect)
    assert [record.symbol for record in chosen.records] == ["BTCUSDT"]
    assert chosen.scope == (None, "BTCUSDT")
    for odd in ([{"symbol": "USDT"}], [{"position": None}], [7]):
        with pytest.raises(ConnectFailed):
            read("positions", odd, dialect)


def test_full_list_of_orders() -> None:
    """As many orders as were asked for are perhaps not all."""
    few = Bitmusa(rest=BitmusaRest(order_size=2))
    assert dict(ask("orders", few)[0].request.query)["size"] == "2"
    assert read("orders", rows("orders", {}), few).whole
    assert not read("orders", rows("orders", {}, {"order_id": "F2"}), few).whole
    assert read("orders", rows("orders", {}), few).more is None


def test_other_contracts_are_left_out() -> None:
    """A server that does not look at the ticker tells nothing that was not asked for."""
    answer = read("orders", rows("orders", {}, {"ticker": "ETHUSDT"}))
    assert [record.symbol for record in answer.records] == ["BTCUSDT"]
    assert answer.whole


def test_row_without_a_key() -> None:
    """A row that cannot be told from others, or is none, is delivered and makes the set not whole."""
    answer = read("orders", [7, *rows("orders", {"order_id": None}, {})])
    assert [type(record) for record in answer.records] == [Unreadable, Order, Order]
    assert answer.keys == ((), (), ("F7901016863067195812430",))
    assert not answer.whole
    assert {record.seq for record in answer.records} == {0}


# --- executions ---


def ids(answer: Answer) -> list[str | None]:
    """Return the trade ids of an answer."""
    return [record.trade_id for record in answer.records if isinstance(record, Execution)]


def test_oldest_first() -> None:
    """A list that has the newest first is turned around, those of one second too."""
    same = {"transaction_time": shown(NOW_MS - 60_000)}
    answer = read("executions", trades({**same, "id": 9}, {**same, "id": 8}, {"id": 7}))
    assert ids(answer) == ["7", "8", "9"]
    assert answer.whole
    assert answer.more is None


def test_pages_until_a_short_one() -> None:
    """A full page is followed by the next one; a short one is the last, and then all are there."""
    first = read("executions", trades(*[{}] * 10))
    assert (len(first.records), first.whole) == (10, False)
    assert first.more is not None
    assert first.more.page == 2
    assert dict(first.more.request.query) == {**dict(ask("executions")[0].request.query), "page": "2"}
    last = read("executions", [], query=first.more)
    assert (last.whole, last.more) == (True, None)


def test_pages_until_old_enough() -> None:
    """Once an execution is older than what is wanted no further page is; older ones are left out, to the second."""
    since = NOW_MS - 5 * 60_000 + 999
    answer = read("executions", trades(*[{}] * 10), since=since)
    assert ids(answer) == ["995", "996", "997", "998", "999"]
    assert (answer.whole, answer.more) == (True, None)
    recent = read("executions", trades(*[{}] * 10), since=NOW_MS - HOUR)
    assert recent.more is not None
    assert recent.more.since == NOW_MS - HOUR


def test_pages_end() -> None:
    """After so many pages it is enough, and not all."""
    short = Bitmusa(rest=BitmusaRest(trade_pages=1))
    answer = read("executions", trades(*[{}] * 10), short)
    assert (answer.whole, answer.more) == (False, None)


def test_a_list_that_has_the_oldest_first() -> None:
    """If the newest does not come first an old one says nothing about the next page."""
    answer = read("executions", trades(*[{}] * 10)[::-1], since=NOW_MS - 90_000)
    assert ids(answer) == ["999"]
    assert answer.more is not None


def test_unreadable_time_is_not_left_out() -> None:
    """An execution of an unknown time may be wanted."""
    answer = read("executions", trades({"transaction_time": "soon"}, {}), since=NOW_MS)
    assert ids(answer) == ["999"]
    assert answer.whole


def test_zone_in_doubt() -> None:
    """What is left out but would be wanted were it in UTC proves nothing, unless a later one shows the zone."""
    since = NOW_MS - 60_000
    in_the_gap_if_utc = {"transaction_time": shown(NOW_MS - 9 * HOUR - 30_000)}
    answer = read("executions", trades(in_the_gap_if_utc), since=since)
    assert (ids(answer), answer.whole) == ([], False)
    shows_the_zone = {"transaction_time": shown(NOW_MS - HOUR)}
    assert read("executions", trades(shows_the_zone, in_the_gap_if_utc), since=since).whole
    assert read("executions", trades({"transaction_time": shown(NOW_MS - 20 * HOUR)}), since=since).whole
    assert read("executions", trades({}), since=NOW_MS).whole


def test_derived_ids() -> None:
    """An execution without an id gets one from its content, the same in every answer, and is marked."""
    nameless = trades({"id": None}, {"id": None, "traded_qty": 1})
    nameless.insert(0, dict(nameless[0]))
    first, second = read("executions", nameless), read("executions", nameless[1:])
    assert len(set(ids(first))) == 3
    assert set(ids(second)) < set(ids(first))
    assert all(record.marks == {Mark.DERIVED_ID} for record in first.records)
    assert all(str(name).startswith("derived-") for name in ids(first))
    assert first.keys[0] == ("BTCUSDT", ids(first)[0])
    assert first.whole
    assert not read("executions", trades({})).records[0].marks


# --- what is no answer ---


@pytest.mark.parametrize(("code", "kind"), [(999, ConnectFailed), (1011, Throttled), (1014, RequestRejected)])
def test_codes(code: int, kind: type[Exception]) -> None:
    """A code means what it means everywhere."""
    with pytest.raises(FuturesStreamError, match="BECAUSE") as caught:
        read("positions", json.dumps({"data": None, "code": code, "message": "BECAUSE"}))
    assert type(caught.value) is kind
    assert caught.value.code == str(code)


@pytest.mark.parametrize("data", [None, {}, {"content": None}, "HEDGE", 7])
@pytest.mark.parametrize("kind", EXPECTED)
def test_no_list(kind: str, data: Any) -> None:
    """Success without a list is not the same as an empty list."""
    with pytest.raises(ConnectFailed):
        read(kind, json.dumps({"data": data, "code": 0}))
