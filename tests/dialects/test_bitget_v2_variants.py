"""What live servers were seen to send, or may: the same rows, written in other ways than the documents print them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from dialect_sessions import NOW_MS, begin, greet

from futures_stream.dialects import BitgetV2
from futures_stream.dialects.base import Control, Session
from futures_stream.errors import FuturesStreamError, MessageNotUnderstood, SubscriptionRejected
from futures_stream.records import (
    Balance,
    Deleveraging,
    Equity,
    Order,
    Position,
    PositionResult,
    Record,
    Snapshot,
    TriggerOrder,
    Unreadable,
)
from futures_stream.vocabulary import (
    Cause,
    Effect,
    Liquidity,
    MarginMode,
    Mark,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    PositionStatus,
    Side,
    TimeInForce,
    TriggerStatus,
    TriggerType,
)

D = Decimal
TS = 1766400000123
ARG = {"instType": "USDT-FUTURES", "instId": "default"}

ORDER = {
    "instId": "SOLUSDT",
    "orderId": "1390000000000000001",
    "clientOid": "grid-17",
    "size": "3.5",
    "price": "180.25",
    "orderType": "limit",
    "force": "gtc",
    "side": "sell",
    "posSide": "net",
    "tradeSide": "sell_single",
    "posMode": "one_way_mode",
    "marginMode": "crossed",
    "marginCoin": "USDT",
    "leverage": "12",
    "reduceOnly": "no",
    "status": "live",
    "accBaseVolume": "0",
    "cTime": "1766399999000",
    "uTime": "1766399999001",
}
POSITION = {
    "posId": "1380000000000000009",
    "instId": "SOLUSDT",
    "marginCoin": "USDT",
    "marginSize": "52.5",
    "marginMode": "isolated",
    "holdSide": "long",
    "posMode": "hedge_mode",
    "total": "3.5",
    "available": "3",
    "frozen": "0.5",
    "openPriceAvg": "180",
    "leverage": "12",
    "markPrice": "181",
    "cTime": "1766300000000",
    "uTime": "1766399999001",
}
FILL = {
    "orderId": "1390000000000000001",
    "tradeId": "1390000000000000777",
    "symbol": "SOLUSDT",
    "side": "sell",
    "orderType": "limit",
    "posMode": "one_way_mode",
    "price": "180.25",
    "baseVolume": "1.5",
    "quoteVolume": "270.375",
    "profit": "0",
    "tradeSide": "sell_single",
    "tradeScope": "maker",
    "cTime": "1766399999001",
    "uTime": "1766399999001",
}


@pytest.fixture
def session() -> Session:
    """A session that listens to everything."""
    session = begin(BitgetV2())
    greet(session)
    return session


def text_of(channel: str, *rows: Any, **changes: Any) -> str:
    """A push; a change to None leaves that part out."""
    message = {"action": "snapshot", "arg": {**ARG, "channel": channel}, "data": list(rows), "ts": TS, **changes}
    return json.dumps({name: value for name, value in message.items() if value is not None})


def heard(session: Session, text: str) -> list[Record]:
    """Return the records of a text."""
    records = session.receive(text, 7, 1)
    assert isinstance(records, list)
    return records


def one(session: Session, channel: str, row: dict[str, Any]) -> Any:
    """Return what becomes of one row."""
    return heard(session, text_of(channel, row))[0]


# --- rows ---


def test_a_fresh_order(session: Session) -> None:
    """It has a fee of nothing, and no field of an execution."""
    row = ORDER | {"feeDetail": [{"feeCoin": "USDT", "fee": "0.00000000"}], "cancelReason": "", "totalProfits": "0"}
    order = one(session, "orders", row)

    assert (order.symbol, order.side, order.type, order.time_in_force) == (
        *("SOLUSDT", Side.SELL),
        *(OrderType.LIMIT, TimeInForce.GTC),
    )
    assert (order.position_side, order.position_mode) == (PositionSide.NET, PositionMode.ONE_WAY)
    assert (order.effect, order.cause, order.reduce_only, order.cancel_reason) == (None, Cause.USER, False, None)
    assert (order.fee, order.fee_asset, order.filled, order.realized_pnl) == (0, "USDT", 0, 0)
    assert (order.average_price, order.last_trade_id, order.last_price, order.completed_at) == (None, None, None, None)
    assert (order.created_at, order.timestamp, order.marks) == (1766399999000, 1766399999001, frozenset())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"size": 3.5, "price": 180.25, "leverage": 12}, {"size": D("3.5"), "price": D("180.25"), "leverage": 12}),
        ({"uTime": 1766399999001, "cTime": 1766399999000}, {"timestamp": 1766399999001, "created_at": 1766399999000}),
        ({"uTime": "", "cTime": None}, {"timestamp": TS, "created_at": None}),
        (
            {"orderId": 1390000000000000001, "clientOid": 17},
            {"order_id": "1390000000000000001", "client_order_id": "17"},
        ),
        ({"clientOid": ""}, {"client_order_id": None}),
        ({"price": "", "orderType": "market"}, {"price": None, "type": OrderType.MARKET}),
        ({"price": "0", "priceAvg": "0"}, {"price": None, "average_price": None}),
        ({"reduceOnly": "YES"}, {"reduce_only": True}),
        ({"reduceOnly": True}, {"reduce_only": True}),
        ({"reduceOnly": ""}, {"reduce_only": None}),
        ({"side": "SELL", "force": "POST_ONLY"}, {"side": Side.SELL, "time_in_force": TimeInForce.POST_ONLY}),
        ({"marginMode": "cross"}, {"margin_mode": MarginMode.CROSS}),
        ({"marginMode": "fixed"}, {"margin_mode": MarginMode.ISOLATED}),
        ({"posMode": "double_hold"}, {"position_mode": PositionMode.HEDGE}),
        ({"status": "cancelled"}, {"status": OrderStatus.CANCELED, "canceled_at": 1766399999001}),
        ({"status": "PARTIALLY_FILLED"}, {"status": OrderStatus.PARTIALLY_FILLED, "raw_status": "PARTIALLY_FILLED"}),
        ({"status": "paused"}, {"status": OrderStatus.UNKNOWN, "raw_status": "paused"}),
        ({"status": ""}, {"status": OrderStatus.UNKNOWN, "raw_status": None}),
        ({"status": "filled", "fillTime": "1766399998000"}, {"completed_at": 1766399998000}),
        ({"status": "filled", "fillTime": "0"}, {"completed_at": 1766399999001, "last_filled_at": None}),
        ({"tradeScope": "T"}, {"last_liquidity": Liquidity.TAKER}),
        (
            {"presetStopSurplusPrice": "", "presetStopLossPrice": "170"},
            {"take_profit_price": None, "stop_loss_price": 170},
        ),
        ({"tradeSide": "close_long"}, {"effect": Effect.CLOSE, "cause": Cause.USER}),
        ({"tradeSide": "dte_sys_adl_sell_in_single_side_mode"}, {"effect": Effect.CLOSE, "cause": Cause.ADL}),
        ({"tradeSide": "delivery_close_long"}, {"effect": Effect.CLOSE, "cause": Cause.DELIVERY}),
        ({"tradeSide": "burst_sell_single"}, {"effect": Effect.CLOSE, "cause": Cause.LIQUIDATION}),
        ({"feeDetail": None, "fee": "-0.2"}, {"fee": D("-0.2"), "fee_asset": None}),
        ({"feeDetail": [None]}, {"fee": None, "fee_asset": None}),
        ({"instId": "solusdt", "marginCoin": "usdt"}, {"symbol": "SOLUSDT", "margin_asset": "USDT"}),
    ],
)
def test_orders(session: Session, changes: dict[str, Any], expected: dict[str, Any]) -> None:
    """Numbers as numbers, words in any case, and nothing in all its forms."""
    row = ORDER | changes
    order = one(session, "orders", row)
    assert isinstance(order, Order)
    assert {name: getattr(order, name) for name in expected} == expected
    assert order.marks == frozenset()
    assert dict(order.info) == json.loads(json.dumps(row), parse_float=Decimal)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"total": 3.5, "available": 3, "markPrice": 181.0, "openPriceAvg": 1.8e2, "unrealizedPL": -1e-7},
            {"size": D("3.5"), "available": 3, "mark_price": 181, "entry_price": 180, "unrealized_pnl": D("-1e-7")},
        ),
        ({"posId": 1380000000000000009}, {"position_id": "1380000000000000009"}),
        ({"liquidationPrice": "-35.7"}, {"liquidation_price": None}),
        ({"liquidationPrice": "0"}, {"liquidation_price": None}),
        ({"totalFee": "", "deductedFee": "0.12"}, {"funding": None, "fee": D("0.12")}),
        (
            {"marginMode": "crossed"},
            {"margin_mode": MarginMode.CROSS, "isolated_margin": None, "position_margin": D("52.5")},
        ),
        ({}, {"isolated_margin": D("52.5"), "position_mode": PositionMode.HEDGE, "locked": D("0.5")}),
        ({"uTime": None, "cTime": ""}, {"timestamp": TS, "created_at": None}),
        ({"total": "0"}, {"status": PositionStatus.CLOSED, "size": 0}),
        ({"holdSide": "SHORT"}, {"side": PositionSide.SHORT}),
        ({"holdSide": ""}, {"side": PositionSide.UNKNOWN}),
        ({"leverage": None, "marginSize": "", "marginRate": ""}, {"leverage": None, "position_margin": None}),
        (
            {"marginRate": "0.0123", "keepMarginRate": 0.01},
            {"margin_ratio": D("0.0123"), "maintenance_rate": D("0.01")},
        ),
    ],
)
def test_positions(session: Session, changes: dict[str, Any], expected: dict[str, Any]) -> None:
    """The live server was seen to send numbers for most of it."""
    position = one(session, "positions", POSITION | changes)
    assert isinstance(position, Position)
    assert {name: getattr(position, name) for name in expected} == expected
    assert position.marks == frozenset()


@pytest.mark.parametrize(
    ("details", "fee", "coin"),
    [
        ([{"feeCoin": "USDT", "deduction": "no", "totalDeductionFee": "0", "totalFee": "-0.054"}], "-0.054", "USDT"),
        ([{"feeCoin": "BGB", "deduction": "yes", "totalDeductionFee": "-0.01", "totalFee": "-0.01"}], "-0.01", "BGB"),
        ({"feeCoin": "USDT", "totalFee": -0.054}, "-0.054", "USDT"),
        ('[{"feeCoin":"USDT","totalFee":"-0.054"}]', "-0.054", "USDT"),
        ('{"feeCoin":"usdt","totalFee":-0.054}', "-0.054", "USDT"),
        ([{"feeCoin": "USDT", "fee": "-0.054"}], "-0.054", "USDT"),
        ([{"feeCoin": "USDT", "totalFee": ""}], None, None),
        ([{"feeCoin": "", "totalFee": "-0.054"}], "-0.054", None),
        ({}, None, None),
        ("[]", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_fees(session: Session, details: Any, fee: str | None, coin: str | None) -> None:
    """A list, an object, JSON in a text, or nothing."""
    execution = one(session, "fill", FILL | {"feeDetail": details})
    assert (execution.fee, execution.fee_asset) == (None if fee is None else D(fee), coin)
    assert (execution.marks, execution.info["feeDetail"]) == (
        frozenset(),
        json.loads(json.dumps(details), parse_float=D),
    )


@pytest.mark.parametrize("details", ["{not json", "[1]", 7, True, [["USDT", "1"]], [{"feeCoin": [], "totalFee": "1"}]])
def test_fees_that_are_none(session: Session, details: Any) -> None:
    """They cost the fee, and are marked; all else of the row is there."""
    execution = one(session, "fill", FILL | {"feeDetail": details})
    assert (execution.trade_id, execution.price, execution.size) == ("1390000000000000777", D("180.25"), D("1.5"))
    assert execution.marks == {Mark.UNREADABLE_FIELD}


def test_executions(session: Session) -> None:
    """The client's id, which came later than the documents, a contract under its other name, the taker's letter."""
    row = FILL | {"clientOid": "grid-17", "instId": "SOLUSDT", "tradeScope": "T"}
    del row["symbol"]
    execution = one(session, "fill", row)
    assert (execution.symbol, execution.client_order_id) == ("SOLUSDT", "grid-17")
    assert (execution.liquidity, execution.cause, execution.timestamp) == (Liquidity.TAKER, Cause.USER, 1766399999001)


@pytest.mark.parametrize(
    ("word", "trigger", "whole"),
    [
        ("pl", TriggerType.CONDITIONAL, None),
        ("tp", TriggerType.TAKE_PROFIT, False),
        ("sl", TriggerType.STOP_LOSS, False),
        ("ptp", TriggerType.TAKE_PROFIT, True),
        ("psl", TriggerType.STOP_LOSS, True),
        ("track", TriggerType.TRAILING, None),
        ("mtpsl", TriggerType.TRAILING, None),
        ("normal_plan", TriggerType.CONDITIONAL, None),
        ("POS_LOSS", TriggerType.STOP_LOSS, True),
        ("moving_plan", TriggerType.TRAILING, None),
        ("iceberg", TriggerType.UNKNOWN, None),
        (["odd"], TriggerType.UNKNOWN, None),
    ],
)
def test_trigger_orders(session: Session, word: Any, trigger: TriggerType, whole: bool | None) -> None:
    """All that a plan may be; of one that nobody knows the rest is read all the same."""
    row = {"instId": "SOLUSDT", "orderId": 1390000000000000555, "planType": word, "triggerPrice": "0", "size": ""}
    order = one(session, "orders-algo", row | {"status": "live", "triggerTime": "", "executePrice": "-1"})
    assert isinstance(order, TriggerOrder)
    assert (order.trigger, order.whole_position, order.order_id) == (trigger, whole, "1390000000000000555")
    assert (order.status, order.trigger_price, order.size, order.price) == (TriggerStatus.WAITING, None, None, None)
    assert order.timestamp == TS


@pytest.mark.parametrize(
    ("channel", "row", "expected"),
    [
        (
            "account",
            {
                "marginCoin": "usdt",
                "available": 10.5,
                "frozen": 0,
                "equity": "11",
                "crossedRiskRate": "",
                "unionMm": "",
            },
            (Balance, {"asset": "USDT", "free": D("10.5"), "locked": 0, "total": 11, "margin_ratio": None}),
        ),
        (
            "account",
            {"coin": "BTC", "available": "0.1", "locked": "0", "uTime": "1766399999001"},
            (Balance, {"asset": "BTC", "locked": 0, "timestamp": 1766399999001}),
        ),
        (
            "equity",
            {"btcEquity": "0.1", "usdtEquity": 9000.5, "usdtUnrealized": "-3", "unionAvailable": None},
            (
                Equity,
                {"total": D("9000.5"), "btc_value": D("0.1"), "unrealized_pnl": -3, "free": None, "timestamp": TS},
            ),
        ),
        (
            "adl-noti",
            {
                "symbol": "solusdt",
                "side": "LONG",
                "status": "triggered",
                "price": 180,
                "amount": "1",
                "ts": "1766399999001",
            },
            (Deleveraging, {"symbol": "SOLUSDT", "position_side": PositionSide.LONG, "side": None, "price": 180}),
        ),
        (
            "positions-history",
            {
                "posId": 5,
                "instId": "SOLUSDT",
                "holdSide": "long",
                "openPriceAvg": 180,
                "settleFee": "",
                "utime": str(TS),
            },
            (PositionResult, {"position_id": "5", "entry_price": 180, "funding": None, "closed_at": TS}),
        ),
    ],
)
def test_others(
    session: Session, channel: str, row: dict[str, Any], expected: tuple[type[Record], dict[str, Any]]
) -> None:
    """The other channels, with numbers, other names, and nothing."""
    kind, fields = expected
    record = one(session, channel, row)
    assert type(record) is kind
    assert {name: getattr(record, name) for name in fields} == fields
    assert not record.marks


ODD: list[Any] = [[], {}, {"a": 1}, [1], True, "1,5", "NaN", "1e999", "٣", 10**45, "x" * 300]


@pytest.mark.parametrize("odd", ODD, ids=[repr(odd)[:12] for odd in ODD])
@pytest.mark.parametrize("channel", list(BitgetV2().channels.values()))
def test_no_field_loses_its_row(session: Session, channel: str, odd: Any) -> None:
    """Whatever stands in whichever field: the record comes, that field is nothing or unknown, and the rest is read."""
    rows = {"orders": ORDER, "positions": POSITION, "fill": FILL}
    row = rows.get(channel, ORDER | POSITION | FILL | {"planType": "pl", "usdtEquity": "1", "amount": "1", "ts": "1"})
    for name in row:
        changed = row | {name: odd, "brandNew": odd}
        record = one(session, channel, changed)
        assert not isinstance(record, Unreadable)
        assert record.info["brandNew"] == json.loads(json.dumps(odd), parse_float=D)
        assert record.info[name] == record.info["brandNew"]


# --- around the rows ---


@pytest.mark.parametrize(
    "changes",
    [
        {"action": None},
        {"action": "update"},
        {"ts": None},
        {"ts": str(TS)},
        {"ts": "soon"},
        {"event": ""},
        {"arg": {"instType": "usdt-futures", "channel": "Orders", "instId": "DEFAULT"}},
        {"arg": {"instType": "USDT-FUTURES", "channel": "orders", "coin": "default"}},
        {"arg": {"instType": "USDT-FUTURES", "channel": "orders", "instId": "SOLUSDT"}},
        {"arg": {"instType": "USDT-FUTURES", "channel": "orders"}},
        {"data": ORDER},
        {"code": "0", "traceId": "x"},
    ],
)
def test_envelopes(session: Session, changes: dict[str, Any]) -> None:
    """What is around a row may be written in many ways; the row is the same."""
    (order,) = heard(session, text_of("orders", ORDER, **changes))
    assert isinstance(order, Order)
    assert (order.order_id, order.product, order.timestamp) == ("1390000000000000001", "USDT-FUTURES", 1766399999001)
    assert not order.marks


def test_event_that_is_null(session: Session) -> None:
    """A push with an event of nothing is a push."""
    text = text_of("orders", ORDER).replace('{"action"', '{"event":null,"action"')
    assert len(heard(session, text)) == 1


def test_several_rows_and_one_that_is_none(session: Session) -> None:
    """What is no row is told in its place, and the others are read."""
    records = heard(session, text_of("orders", ORDER, None, ORDER | {"orderId": "2"}))
    assert [type(record) for record in records] == [Order, Unreadable, Order]
    assert [record.seq for record in records] == [1, 2, 3]


def test_no_rows(session: Session) -> None:
    """Nothing is told of nothing; of positions that is the news that there are none."""
    for channel in ("account", "orders", "fill", "orders-algo", "positions-history", "adl-noti", "equity"):
        assert heard(session, text_of(channel)) == []
    (closed,) = heard(session, text_of("positions"))
    assert isinstance(closed, Snapshot)


def test_no_data_is_not_an_empty_set(session: Session) -> None:
    """Positions are not taken for closed because a part of the message is missing."""
    with pytest.raises(MessageNotUnderstood):
        session.receive(text_of("positions", data=None), 7, 1)


def test_positions_of_no_product(session: Session) -> None:
    """They are told, and close nothing: those of other products might be meant, unless there is only one."""
    (position,) = heard(session, text_of("positions", POSITION, arg={"channel": "positions"}))
    assert isinstance(position, Position)
    assert session.oddities == {"positions of no product": 1}
    alone = begin(BitgetV2(products=("COIN-FUTURES",)))
    (closed,) = heard(alone, text_of("positions", arg={"channel": "positions"}))
    assert isinstance(closed, Snapshot)
    assert closed.scope == ("COIN-FUTURES", None)


@pytest.mark.parametrize(
    "text",
    [
        '{"event":"login","code":0}',
        '{"event":"login","code":"0","msg":"","connId":"c-1"}',
        '{"event":"login","code":"00000"}',
        '{"event":"LOGIN","code":null,"msg":null}',
        '{"event":"login"}',
    ],
)
def test_logins(text: str) -> None:
    """The code may be a number, a text, null, or not there."""
    session = begin(BitgetV2(), channels=["orders"])
    session.opened(NOW_MS)
    control = session.receive(text, 1, 1)
    assert isinstance(control, Control)
    assert len(control.sends) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        {"code": 30001, "arg": {**ARG, "channel": "fill"}, "op": "subscribe"},
        {"code": "30001", "arg": {**ARG, "channel": "FILL"}, "op": None},
        {"code": 30001, "arg": {"instType": "usdt-futures", "channel": "fill"}},
        {"code": 30001, "arg": None, "op": "subscribe"},
        {"code": 30001, "arg": "", "op": "subscribe"},
        {"code": 30016, "msg": None},
    ],
)
def test_refusals(refusal: dict[str, Any]) -> None:
    """Whether or not it says of what, the one channel that was asked for is refused."""
    session = begin(BitgetV2(products=("USDT-FUTURES",)), channels=["executions"])
    session.opened(NOW_MS)
    session.receive('{"event":"login","code":0}', 1, 1)
    with pytest.raises(SubscriptionRejected) as caught:
        session.receive(json.dumps({"event": "error", "msg": "doesn't exist", **refusal}), 1, 1)
    assert (caught.value.channel, caught.value.code) == ("executions", str(refusal["code"]))


@pytest.mark.parametrize(
    "text", ["pong", " PONG\n", '"pong"', '{"event":"pong"}', '{"op":"pong","ts":1}', '{"pong":1}']
)
def test_pongs(session: Session, text: str) -> None:
    """In any form."""
    control = session.receive(text, 1, 1)
    assert isinstance(control, Control)
    assert control.label == "pong"


def test_unknown_channels(session: Session) -> None:
    """They are news, and nothing is missing."""
    with pytest.raises(MessageNotUnderstood) as caught:
        session.receive(text_of("copy-trading", {"a": 1}), 7, 1)
    assert caught.value.is_news


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "7", '"x"', "{}", '{"event":"error"}', '{"event":7}', '{"arg":null,"data":[]}']
)
def test_nothing_falls_out_of_the_contract(session: Session, text: str) -> None:
    """What is none of all that is said not to be understood."""
    with pytest.raises(FuturesStreamError) as caught:
        session.receive(text, 7, 1)
    assert isinstance(caught.value, MessageNotUnderstood)
