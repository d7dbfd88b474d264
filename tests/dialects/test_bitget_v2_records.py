"""What Bitget's v2 says, row by row: where each field goes, and that nothing of the 55 documented texts is lost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import pytest
from dialect_sessions import FRAMES, begin, credentials_of, greet

from futures_stream.dialects import BitgetV2
from futures_stream.dialects.base import Control, Response, Session
from futures_stream.dialects.bitget_v2.credentials import RestSigner
from futures_stream.errors import LoginRejected, MessageNotUnderstood
from futures_stream.records import (
    Balance,
    Deleveraging,
    Equity,
    Execution,
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
    MarginMode,
    Mark,
    OrderStatus,
    Origin,
    PositionSide,
    PositionStatus,
    PriceSource,
    Side,
    TriggerStatus,
    TriggerType,
)

DIALECT = BitgetV2()
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted((FRAMES / "bitget-v2").iterdir())}
PUSHES = sorted(name for name in TEXTS if "_push" in name)
ANSWERS = {  # text → what was asked
    "docsv2_rest_account_resp.json": "balances",
    "docsv2_rest_accounts_resp.json": "balances",
    "docsv2_rest_all-position_resp.json": "positions",
    "docsv2_rest_fills_resp.json": "executions",
    "docsv2_rest_history-position_resp.json": "closed_positions",
    "docsv2_rest_order-detail_resp.json": "order",
    "docsv2_rest_orders-pending_resp.json": "orders",
    "docsv2_rest_orders-plan-pending_resp.json": "trigger_orders",
    "docsv2_rest_single-position_resp.json": "positions",
    "jkorf_v2rest_GetAdlRank.json": "deleveraging",
    "jkorf_v2rest_GetBalances.json": "balances",
    "jkorf_v2rest_GetOpenOrders.json": "orders",
    "jkorf_v2rest_GetOpenOrders2.json": "orders",
    "jkorf_v2rest_GetOpenTriggerOrders.json": "trigger_orders",
    "jkorf_v2rest_GetPosition.json": "positions",
    "jkorf_v2rest_GetPositionHistory.json": "closed_positions",
    "jkorf_v2rest_GetPositions.json": "positions",
    "jkorf_v2rest_GetUserTrades.json": "executions",
}

COMMON = {
    "instId": "symbol",
    "symbol": "symbol",
    "marginCoin": "margin_asset",
    "posMode": "position_mode",
    "marginMode": "margin_mode",
    "cTime": "created_at",
    "uTime": "timestamp",
}
_ORDER = COMMON | {
    "orderId": "order_id",
    "clientOid": "client_order_id",
    "clientOId": "client_order_id",
    "side": "side",
    "posSide": "position_side",
    "tradeSide": "effect cause",
    "orderType": "type",
    "price": "price",
    "size": "size",
    "priceAvg": "average_price",
    "leverage": "leverage",
    "force": "time_in_force",
    "reduceOnly": "reduce_only",
    "status": "status raw_status",
    "cancelReason": "cancel_reason",
    "totalProfits": "realized_pnl",
    "presetStopSurplusPrice": "take_profit_price",
    "presetStopLossPrice": "stop_loss_price",
}
WHERE: dict[str, dict[str, str]] = {
    "balances": {
        "marginCoin": "asset",
        "available": "free",
        "frozen": "locked",
        "locked": "locked",
        "equity": "total",
        "accountEquity": "total",
        "unrealizedPL": "unrealized_pnl",
        "crossedUnrealizedPL": "unrealized_pnl",
        "isolatedUnrealizedPL": "unrealized_pnl",
        "marginMode": "margin_mode",
        "crossedRiskRate": "margin_ratio",
        "unionMm": "maintenance_margin",
        "crossedMargin": "initial_margin",
        "isolatedMargin": "initial_margin",
        "maxTransferOut": "withdrawable",
        "usdtEquity": "usd_value",
    },
    "positions": COMMON
    | {
        "posId": "position_id",
        "holdSide": "side",
        "total": "size",
        "available": "available",
        "frozen": "locked",
        "locked": "locked",
        "openPriceAvg": "entry_price",
        "markPrice": "mark_price",
        "liquidationPrice": "liquidation_price",
        "unrealizedPL": "unrealized_pnl",
        "leverage": "leverage",
        "marginSize": "position_margin",
        "marginRate": "margin_ratio",
        "marginRatio": "margin_ratio",
        "keepMarginRate": "maintenance_rate",
        "achievedProfits": "realized_pnl",
        "breakEvenPrice": "break_even_price",
        "totalFee": "funding",
        "deductedFee": "fee",
    },
    "pushed orders": _ORDER
    | {
        "accBaseVolume": "filled",
        "notionalUsd": "notional",
        "feeDetail": "fee fee_asset",
        "pnl": "realized_pnl",
        "tradeId": "last_trade_id",
        "fillPrice": "last_price",
        "baseVolume": "last_size",
        "fillFee": "last_fee",
        "fillFeeCoin": "last_fee_asset",
        "tradeScope": "last_liquidity",
        "fillTime": "last_filled_at",
    },
    "orders": _ORDER | {"baseVolume": "filled", "fee": "fee", "state": "status raw_status"},
    "executions": {
        "symbol": "symbol",
        "tradeId": "trade_id",
        "orderId": "order_id",
        "clientOid": "client_order_id",
        "side": "side",
        "orderType": "type",
        "posMode": "position_mode",
        "price": "price",
        "baseVolume": "size",
        "quoteVolume": "notional",
        "profit": "realized_pnl",
        "tradeSide": "effect cause",
        "tradeScope": "liquidity",
        "feeDetail": "fee fee_asset",
        "cTime": "timestamp",
        "uTime": "timestamp",
    },
    "trigger_orders": COMMON
    | {
        "orderId": "order_id",
        "clientOid": "client_order_id",
        "triggerPrice": "trigger_price",
        "triggerType": "trigger_by",
        "triggerTime": "triggered_at",
        "planType": "trigger",
        "price": "price",
        "executePrice": "price",
        "callbackRatio": "callback_rate",
        "size": "size",
        "actualSize": "filled",
        "orderType": "type",
        "side": "side",
        "tradeSide": "effect cause",
        "posSide": "position_side",
        "status": "status raw_status",
        "planStatus": "status raw_status",
        "stopSurplusTriggerPrice": "take_profit_trigger",
        "stopSurplusExecutePrice": "take_profit_price",
        "presetStopSurplusPrice": "take_profit_price",
        "stopSurplusTriggerType": "take_profit_by",
        "stopLossTriggerPrice": "stop_loss_trigger",
        "stopLossExecutePrice": "stop_loss_price",
        "presetStopLossPrice": "stop_loss_price",
        "stopLossTriggerType": "stop_loss_by",
    },
    "closed_positions": COMMON
    | {
        "posId": "position_id",
        "positionId": "position_id",
        "holdSide": "side",
        "openPriceAvg": "entry_price",
        "openAvgPrice": "entry_price",
        "closePriceAvg": "exit_price",
        "closeAvgPrice": "exit_price",
        "openSize": "opened",
        "openTotalPos": "opened",
        "closeSize": "closed",
        "closeTotalPos": "closed",
        "achievedProfits": "realized_pnl",
        "pnl": "realized_pnl",
        "netProfit": "net_pnl",
        "settleFee": "funding",
        "totalFunding": "funding",
        "openFee": "open_fee",
        "closeFee": "close_fee",
        "ctime": "created_at",
        "utime": "timestamp closed_at",
        "uTime": "timestamp closed_at",
    },
    "deleveraging": {
        "marginCoin": "margin_asset",
        "symbol": "symbol",
        "side": "side",
        "price": "price",
        "amount": "size",
        "status": "raw_status",
        "ts": "timestamp",
        "adlRank": "rank",
    },
    "equity": {
        "btcEquity": "btc_value",
        "usdtEquity": "total",
        "unrealizedPL": "unrealized_pnl",
        "unionTotalMargin": "collateral",
        "unionAvailable": "free",
        "unionMm": "maintenance_margin",
    },
}
"""Where each wire field goes: kind of row → field → the record's fields."""

IN_INFO = {
    "balances": "maxOpenPosAvailable crossedMaxAvailable isolatedMaxAvailable btcEquity coupon unionTotalMagin "
    "unionAvailable assetList assetMode crossedMarginLeverage isolatedLongLever isolatedShortLever posMode",
    "positions": "unrealizedPLR autoMargin assetMode openDelegateSize takeProfit stopLoss takeProfitId stopLossId",
    "pushed orders": "fillNotionalUsd stpMode enterPointSource",
    "orders": "quoteVolume enterPointSource orderSource presetStopSurplusType presetStopSurplusExecutePrice "
    "presetStopLossType presetStopLossExecutePrice",
    "executions": "enterPointSource",
    "trigger_orders": "enterPointSource orderSource stpMode",
    "closed_positions": "",
    "deleveraging": "",
    "equity": "",
}
"""What has no field of its own, and stays readable in ``info``."""

HIDDEN_BEHIND = {
    "pushed orders": {"pnl": "totalProfits"},
    "executions": {"cTime": "uTime"},
    "trigger_orders": {
        "price": "executePrice",
        "presetStopSurplusPrice": "stopSurplusExecutePrice",
        "presetStopLossPrice": "stopLossExecutePrice",
    },
}
"""What says the same in other words, and is only read where those are missing."""

FOLLOW = {"completed_at", "canceled_at", "triggered_at", "isolated_margin", "whole_position", "status"}
TIMES = {"cTime", "uTime", "ctime", "utime", "fillTime", "triggerTime", "ts"}
VOCABULARY = {
    "marginMode",
    "posMode",
    "holdSide",
    "side",
    "posSide",
    "tradeSide",
    "orderType",
    "force",
    "status",
    "state",
    "planStatus",
    "tradeScope",
    "planType",
    "triggerType",
    "stopSurplusTriggerType",
    "stopLossTriggerType",
}


@pytest.fixture
def session() -> Session:
    """A session that listens to everything."""
    session = begin(DIALECT)
    greet(session)
    return session


def push(channel: str, *rows: Any, product: str = "USDT-FUTURES", **extra: Any) -> str:
    """A push as Bitget writes it."""
    arg = {"instType": product, "channel": channel, "instId": "default"}
    return json.dumps({"action": "snapshot", "arg": arg, "data": list(rows), "ts": 1695717430441, **extra})


def heard(session: Session, text: str) -> list[Record]:
    """Return the records of a text."""
    records = session.receive(text, 7, 1)
    assert isinstance(records, list)
    return records


def one(session: Session, channel: str, row: dict[str, Any]) -> Any:
    """Return what becomes of one row."""
    return heard(session, push(channel, row))[0]


def asked(text: str, kind: str) -> list[Record]:
    """Return what an answer over REST holds."""
    desk, signer = DIALECT._desk, RestSigner(credentials_of(DIALECT))  # type: ignore[arg-type]
    if kind == "order":
        order = Order(exchange="x", account="y", order_id="1", symbol="S", product="USDT-FUTURES")
        query = DIALECT.order_queries(credentials_of(DIALECT), [order])[0]
    else:
        query = desk.ask(kind, signer, None, None)
    if kind == "orders" and "partially_filled" in text:
        query = desk._at(query, 1)
    answer = DIALECT.read_answer(query, Response(status=200, text=text), account="main", received_ns=7)
    return list(answer.records or (answer.more.held if answer.more else ()))


def rows_of(name: str) -> list[dict[str, Any]]:
    """Return the raw rows of a text."""
    data = json.loads(TEXTS[name])["data"]
    if isinstance(data, dict):
        data = next((data[each] for each in ("entrustedList", "fillList", "list") if each in data), [data])
    return data


def kind_of_rows(name: str) -> str:
    """Return under which name the table has the rows of a text."""
    if name in ANSWERS:
        return "orders" if ANSWERS[name] == "order" else ANSWERS[name]
    channel = json.loads(TEXTS[name])["arg"]["channel"]
    neutral = next(neutral for neutral, own in DIALECT.channels.items() if own == channel)
    return {"account": "balances", "orders": "pushed orders"}.get(neutral, neutral)


def read_again(name: str, row: dict[str, Any]) -> Any:
    """Return the record of a text that holds this row alone."""
    message = json.loads(TEXTS[name])
    data = message["data"]
    if isinstance(data, dict) and "marginCoin" not in data:
        data[next(each for each in ("entrustedList", "fillList", "list") if each in data)] = [row]
    else:
        message["data"] = [row]
    if name in PUSHES:
        return heard(begin(DIALECT), json.dumps(message))[0]
    return asked(json.dumps(message), ANSWERS[name])[0]


def something_else(name: str, value: Any) -> Any:
    """Return another value for a field, of its kind."""
    if name in TIMES:
        return "1700000000001"
    if name == "reduceOnly":
        return "no" if str(value).lower() == "yes" else "yes"
    if name == "feeDetail":
        return [{"feeCoin": "XYZ", "fee": "-9", "totalFee": "-9"}]
    if name in VOCABULARY:
        return "somethingElse"
    return "123.456" if name.lower() != "symbol" and name not in ("instId", "marginCoin") else "ELSE"


@pytest.mark.parametrize("name", [*PUSHES, *ANSWERS])
def test_where_each_field_goes(name: str) -> None:
    """Each field of each row changes those fields of the record that the table names, and no other; nothing is lost."""
    kind = kind_of_rows(name)
    for row in rows_of(name):
        before = read_again(name, row)
        assert before.info == json.loads(json.dumps(row), parse_float=Decimal)
        assert Mark.UNREADABLE_FIELD not in before.marks
        for wire, value in row.items():
            assert (wire in WHERE[kind]) != (wire in IN_INFO[kind].split()), f"{wire} is not accounted for"
            named = set(WHERE[kind].get(wire, "").split())
            hider = HIDDEN_BEHIND.get(kind, {}).get(wire)
            if hider is not None and row.get(hider):
                named = set()
            if wire == "triggerTime" and before.status is TriggerStatus.WAITING:
                named = set()
            after = read_again(name, {**row, wire: something_else(wire, value)})
            changed = {
                field.name
                for field in attrs.fields(type(before))
                if field.name not in ("_info", "received_ns", "seq")
                and getattr(before, field.name) != getattr(after, field.name)
            }
            assert changed - FOLLOW <= named <= changed, wire


def test_all_texts_are_understood(session: Session) -> None:
    """Each of the 55 is a push or an answer with records, a confirmation, a refusal, the time, or what we send."""
    understood = set()
    for name in PUSHES:
        assert heard(session, TEXTS[name])
        understood.add(name)
    for name, kind in ANSWERS.items():
        records = asked(TEXTS[name], kind)
        assert len(records) == len(rows_of(name))
        assert not any(isinstance(record, Unreadable) for record in records)
        assert all(record.origin is Origin.SNAPSHOT for record in records)
        understood.add(name)
    for name in (name for name in TEXTS if name.endswith("ack_subscribe.json")):
        assert session.receive(TEXTS[name], 1, 1) == Control(label="subscription accepted")
        understood.add(name)
    assert begin(DIALECT).receive(TEXTS["docsv2_ws_login_ack_login.json"], 1, 1).label == "login accepted"  # type: ignore[union-attr]
    with pytest.raises(LoginRejected):
        session.receive(TEXTS["docsv2_ws_login_ack_error.json"], 1, 1)
    time = DIALECT.read_clock(Response(status=200, text=TEXTS["docsv2_rest_time_resp.json"]))
    assert time == 1688008631614
    understood |= {name for name in TEXTS if "_login_ack_" in name or "rest_time" in name}
    understood |= set(requests_that_we_make())
    assert understood == set(TEXTS)
    assert len(TEXTS) == 55


def requests_that_we_make() -> dict[str, Any]:
    """Compare the documented requests with ours; return their names."""
    session = begin(BitgetV2(products=("USDT-FUTURES",)))
    login, *subscribes = map(json.loads, greet(session))
    ours = [arg for message in subscribes for arg in message["args"]]
    found = {}
    for name in TEXTS:
        if "_req_subscribe" in name:
            request = json.loads(TEXTS[name])
            assert request["op"] == subscribes[0]["op"]
            for arg in request["args"]:
                if "coin" in arg:
                    arg["coin"] = "default"  # one sample names a coin, where all are wanted
                assert arg in ours, name
            found[name] = request
        elif "_req_login" in name:
            request = json.loads(TEXTS[name])
            assert request["op"] == login["op"]
            assert set(request["args"][0]) == set(login["args"][0])
            found[name] = request
    return found


# --- what the rows mean ---


def test_execution(session: Session) -> None:
    """The documented fill, each field."""
    (found,) = heard(session, TEXTS["docsv2_ws_fill_push.json"])
    assert isinstance(found, Execution)
    assert (found.product, found.symbol, found.timestamp) == ("USDT-FUTURES", "BTCUSDT", 1703577336606)
    assert (found.trade_id, found.order_id, found.side) == ("222", "111", Side.BUY)
    assert (found.price, found.size, found.notional) == (Decimal("51000.5"), Decimal("0.01"), Decimal("510.005"))
    assert (found.fee, found.fee_asset) == (Decimal("-0.183717"), "USDT")
    assert (found.effect, found.cause, found.liquidity.value) == (Effect.OPEN, Cause.USER, "taker")  # type: ignore[union-attr]


def test_order_counts_its_filled_size_once(session: Session) -> None:
    """What is filled in all is *accBaseVolume*; *baseVolume* is the latest execution. Over REST it is the sum."""
    row = rows_of("docsv2_ws_orders_push.json")[0] | {"accBaseVolume": "0.7", "baseVolume": "0.2", "size": "1"}
    pushed = one(session, "orders", row)
    assert (pushed.filled, pushed.last_size, pushed.remaining) == (Decimal("0.7"), Decimal("0.2"), Decimal("0.3"))
    (fetched,) = asked(TEXTS["docsv2_rest_orders-pending_resp.json"], "orders")
    assert isinstance(fetched, Order)
    assert (fetched.filled, fetched.last_size) == (Decimal("12.1"), None)


def test_live_order_has_nothing_of_a_fill(session: Session) -> None:
    """A row of an order that nothing is filled of omits all that; nothing is made up."""
    row = {"instId": "XRPUSDT", "orderId": "5", "clientOid": "mine", "size": "2", "price": "0.5", "status": "live"}
    order = one(session, "orders", row | {"uTime": "1695718781200", "cTime": "1695718781100"})
    assert (order.status, order.raw_status) == (OrderStatus.NEW, "live")
    nothing = "filled average_price last_price last_size last_trade_id last_fee fee realized_pnl completed_at effect"
    assert all(getattr(order, name) is None for name in nothing.split())


@pytest.mark.parametrize("word", ["canceled", "cancelled"])
def test_canceled(session: Session, word: str) -> None:
    """Both spellings; the time of the cancel is the row's."""
    row = {"instId": "XRPUSDT", "orderId": "5", "status": word, "uTime": "1695718781200"}
    order = one(session, "orders", row)
    assert (order.status, order.canceled_at, order.completed_at) == (OrderStatus.CANCELED, 1695718781200, None)


def test_row_for_a_market_order(session: Session) -> None:
    """The price 0 of a market order is none, and it was completed when it was filled."""
    order = heard(session, TEXTS["docsv2_ws_orders_push.json"])[0]
    assert isinstance(order, Order)
    assert (order.price, order.average_price, order.completed_at) == (None, Decimal("27000.5"), 1695718781146)
    assert (order.client_order_id, order.last_trade_id) == ("1", "1111111111")


@pytest.mark.parametrize("nothing", ["", "0", "-1", None, "absent"])
@pytest.mark.parametrize(
    ("channel", "wire", "field"),
    [
        ("positions", "liquidationPrice", "liquidation_price"),
        ("positions", "markPrice", "mark_price"),
        ("positions", "posId", "position_id"),
        ("orders", "price", "price"),
        ("orders", "priceAvg", "average_price"),
        ("orders", "tradeId", "last_trade_id"),
        ("orders", "baseVolume", "last_size"),
        ("orders", "presetStopLossPrice", "stop_loss_price"),
        ("orders-algo", "triggerPrice", "trigger_price"),
    ],
)
def test_nothing_in_all_its_spellings(session: Session, channel: str, wire: str, field: str, nothing: Any) -> None:
    """Where 0 cannot be, all five spellings mean that there is none."""
    row = {"instId": "X", wire: nothing}
    if nothing == "absent":
        del row[wire]
    record = one(session, channel, row)
    assert getattr(record, field) is None
    assert Mark.UNREADABLE_FIELD not in record.marks


@pytest.mark.parametrize("wire", ["unrealizedPL", "achievedProfits", "totalFee"])
def test_minus_one_can_be_a_number(session: Session, wire: str) -> None:
    """A profit of -1 is a profit of -1, one of 0 is 0, and an empty one is none."""
    field = {"unrealizedPL": "unrealized_pnl", "achievedProfits": "realized_pnl", "totalFee": "funding"}[wire]
    for said, meant in (("-1", Decimal(-1)), ("0", Decimal(0)), (-1, Decimal(-1)), ("", None), (None, None)):
        assert getattr(one(session, "positions", {"instId": "X", wire: said}), field) == meant


@pytest.mark.parametrize(("said", "is_none"), [("0", False), ("", True), ("-1", True), (0, False)])
def test_rates(session: Session, said: Any, is_none: bool) -> None:
    """A margin ratio of 0 is one."""
    for channel, wire in (("account", "crossedRiskRate"), ("positions", "marginRate")):
        ratio = one(session, channel, {"marginCoin": "USDT", "instId": "X", wire: said}).margin_ratio
        assert ratio == (None if is_none else Decimal(0))


def test_times_that_are_none(session: Session) -> None:
    """A time of "", 0 or -1 is none, and the message's own stands in."""
    for said in ("", "0", "-1", None, 0, -1):
        position = one(session, "positions", {"instId": "X", "uTime": said, "cTime": said})
        assert (position.timestamp, position.created_at) == (1695717430441, None)
        assert not position.marks


def test_json_numbers(session: Session) -> None:
    """A live server was seen to send numbers where the documents have texts: the same, to the last digit."""
    text = (
        '{"action":"snapshot","arg":{"instType":"USDT-FUTURES","channel":"positions","instId":"default"},"data":[{'
        '"posId":1104372235586478100,"instId":"BTCUSDT","holdSide":"long","total":0.10000000000000000001,'
        '"available":1,"markPrice":65001.1,"openPriceAvg":6.5e4,"unrealizedPL":-0.30,"leverage":20,'
        '"cTime":1695649246169,"uTime":1695711602568}],"ts":1695717430441}'
    )
    position = heard(session, text)[0]
    assert isinstance(position, Position)
    assert position.position_id == "1104372235586478100"
    assert position.size == Decimal("0.10000000000000000001")
    assert str(position.unrealized_pnl) == "-0.30"
    assert (position.leverage, position.timestamp) == (Decimal(20), 1695711602568)
    assert position.entry_price == Decimal(65000)


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("crossed", MarginMode.CROSS),
        ("cross", MarginMode.CROSS),
        ("isolated", MarginMode.ISOLATED),
        ("fixed", MarginMode.ISOLATED),
        ("Crossed", MarginMode.CROSS),
        ("strange", MarginMode.UNKNOWN),
        ("", None),
    ],
)
def test_margin_mode(session: Session, word: str, mode: MarginMode | None) -> None:
    """Five spellings of two modes, in any case."""
    for channel in ("positions", "orders", "positions-history"):
        assert one(session, channel, {"instId": "X", "marginMode": word}).margin_mode is mode


@pytest.mark.parametrize(
    ("word", "effect", "cause"),
    [
        ("open", Effect.OPEN, Cause.USER),
        ("close", Effect.CLOSE, Cause.USER),
        ("buy_single", None, Cause.USER),
        ("burst_close_long", Effect.CLOSE, Cause.LIQUIDATION),
        ("burst_sell_single", Effect.CLOSE, Cause.LIQUIDATION),
        ("reduce_close_short", Effect.CLOSE, Cause.REDUCTION),
        ("offset_close_long", Effect.CLOSE, Cause.OFFSET),
        ("delivery_buy_single", Effect.CLOSE, Cause.DELIVERY),
        ("dte_sys_adl_close_short", Effect.CLOSE, Cause.ADL),
        ("dte_sys_adl_buy_in_single_side_mode", Effect.CLOSE, Cause.ADL),
        ("Burst_Close_Long", Effect.CLOSE, Cause.LIQUIDATION),
        ("", None, None),
        ("something_new", Effect.UNKNOWN, Cause.UNKNOWN),
        (["odd"], Effect.UNKNOWN, Cause.UNKNOWN),
    ],
)
def test_trade_side(session: Session, word: Any, effect: Effect | None, cause: Cause | None) -> None:
    """What the exchange does to an account can be told from what its owner does."""
    for channel in ("orders", "fill", "orders-algo"):
        record = one(session, channel, {"instId": "X", "symbol": "X", "tradeSide": word})
        assert (record.effect, record.cause) == (effect, cause)
    assert bool(session.unknown) == (cause is Cause.UNKNOWN)


@pytest.mark.parametrize(
    ("details", "fee", "coin"),
    [
        ([{"feeCoin": "usdt", "totalFee": "-1"}], "-1", "USDT"),
        ({"feeCoin": "USDT", "totalFee": "-1.50"}, "-1.50", "USDT"),
        ([{"feeCoin": "USDT", "totalFee": "-1"}, {"feeCoin": "USDT", "totalFee": "-0.5"}], "-1.5", "USDT"),
        ([{"feeCoin": "USDT", "totalFee": "-1"}, {"feeCoin": "BGB", "totalFee": "-0.5"}], None, None),
        ([{"feeCoin": "USDT", "totalFee": "0.25"}], "0.25", "USDT"),
        ([], None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_fees(session: Session, details: Any, fee: str | None, coin: str | None) -> None:
    """Signed as sent, of one coin; what was taken in several is in the raw row."""
    record = one(session, "fill", {"symbol": "X", "feeDetail": details})
    assert (record.fee, record.fee_asset) == (None if fee is None else Decimal(fee), coin)
    assert not record.marks


@pytest.mark.parametrize("details", [["odd"], "odd", [{"feeCoin": "USDT", "totalFee": "much"}]])
def test_unreadable_fees(session: Session, details: Any) -> None:
    """What is no fee is marked."""
    record = one(session, "fill", {"symbol": "X", "feeDetail": details})
    assert (record.fee, record.marks) == (None, frozenset({Mark.UNREADABLE_FIELD}))


def test_trigger_orders(session: Session) -> None:
    """The documented one, and those for a whole position, trailing ones, and triggered ones."""
    found = heard(session, TEXTS["docsv2_ws_orders-algo_push.json"])[0]
    assert isinstance(found, TriggerOrder)
    assert (found.trigger, found.trigger_by) == (TriggerType.CONDITIONAL, PriceSource.LAST)
    assert (found.trigger_price, found.size, found.filled) == (Decimal(27000), Decimal("0.02"), Decimal(0))
    assert (found.status, found.status.final, found.triggered_at) == (TriggerStatus.WAITING, False, None)
    cases = {"ptp": (TriggerType.TAKE_PROFIT, True), "sl": (TriggerType.STOP_LOSS, False)}
    cases |= {"track": (TriggerType.TRAILING, None), "mtpsl": (TriggerType.TRAILING, None)}  # type: ignore[dict-item]
    for word, (trigger, whole) in cases.items():
        plan = one(session, "orders-algo", {"instId": "X", "planType": word})
        assert (plan.trigger, plan.whole_position) == (trigger, whole)
    done = one(session, "orders-algo", {"instId": "X", "status": "executed", "triggerTime": "1695719197612"})
    assert (done.status.final, done.triggered_at) == (True, 1695719197612)
    assert one(session, "orders-algo", {"instId": "X", "status": "fail_execute"}).status is TriggerStatus.FAILED


def test_position_result(session: Session) -> None:
    """The documented one, which spells its margin mode otherwise than the position did."""
    (found,) = heard(session, push("positions-history", {**rows_of("docsv2_ws_positions-history_push.json")[0]}))
    assert isinstance(found, PositionResult)
    assert (found.side, found.entry_price, found.exit_price) == (PositionSide.SHORT, Decimal(20000), Decimal(26221))
    assert (found.realized_pnl, found.funding) == (Decimal("-62.21"), Decimal("-0.02277989"))
    assert (found.created_at, found.closed_at) == (1696907951177, 1697090609976)


@pytest.mark.parametrize(
    ("word", "side", "position_side"), [("sell", Side.SELL, None), ("long", None, PositionSide.LONG)]
)
def test_deleveraging(session: Session, word: str, side: Side | None, position_side: PositionSide | None) -> None:
    """No text of this channel was ever published: both kinds of word are understood."""
    row = {"symbol": "BTCUSDT", "side": word, "status": "triggered", "price": "65000", "amount": "0.5"}
    (found,) = heard(session, push("adl-noti", row | {"ts": "1695717430440"}))
    assert isinstance(found, Deleveraging)
    assert (found.side, found.position_side, found.timestamp) == (side, position_side, 1695717430440)
    assert (found.price, found.size, found.raw_status) == (Decimal(65000), Decimal("0.5"), "triggered")


def test_equity_and_balance(session: Session) -> None:
    """One tells of all assets, the other of one."""
    (equity,) = heard(session, TEXTS["jkorf_v2_Equity_push.json"])
    assert isinstance(equity, Equity)
    assert (equity.asset, equity.total, equity.btc_value) == ("USDT", Decimal("13.985457617660"), Decimal("0.0021"))
    (balance,) = heard(session, TEXTS["docsv2_ws_account_push.json"])
    assert isinstance(balance, Balance)
    assert (balance.asset, balance.free, balance.total) == ("USDT", Decimal("11.98545761"), Decimal("11.98545761"))
    assert balance.origin is Origin.PUSH


def test_what_margin_ratios_mean() -> None:
    """The documented position's own numbers say it: its ratio is 1 where its liquidation price is."""
    (found,) = asked(TEXTS["docsv2_rest_all-position_resp.json"], "positions")
    assert isinstance(found, Position)
    row: Any = found
    needed_of_value = row.maintenance_rate + Decimal("0.0006")  # the second is the fee of closing it

    def ratio(price: Decimal) -> Decimal:
        covered: Decimal = row.isolated_margin + row.size * (price - row.entry_price)
        return needed_of_value * row.size * price / covered

    assert abs(ratio(row.mark_price) - row.margin_ratio) < Decimal("1e-15")
    assert abs(ratio(row.liquidation_price) - 1) < Decimal("1e-12")
    assert DIALECT.figures.liquidated_at == 1


# --- sets and events ---


def test_positions_are_a_full_set(session: Session) -> None:
    """Each push is all open positions of its product, and is followed by the notice that says so."""
    position, notice = heard(session, TEXTS["docsv2_ws_positions_push.json"])
    assert position.origin is Origin.SNAPSHOT
    assert isinstance(notice, Snapshot)
    assert (notice.of, notice.scope, notice.seq) == ("positions", ("USDT-FUTURES", None), 2)
    assert notice.keys == (("ETHUSDT", "short", "cross"),)


@pytest.mark.parametrize("data", ["[]", "null"])
def test_the_last_position_is_closed_by_an_empty_set(session: Session, data: str) -> None:
    """An empty list is heard, too; it is about its product and no other."""
    text = push("positions", product="coin-futures").replace('"data": []', f'"data": {data}')
    (notice,) = heard(session, text)
    assert isinstance(notice, Snapshot)
    assert (notice.scope, notice.keys, notice.product) == (("COIN-FUTURES", None), (), "COIN-FUTURES")


def test_a_position_without_size_is_closed(session: Session) -> None:
    """It is told, and is not in the set."""
    row = {"instId": "BTCUSDT", "holdSide": "long", "marginMode": "crossed"}
    open_, closed, notice = heard(session, push("positions", {**row, "total": "1"}, {**row, "total": "0"}))
    assert (open_.status, closed.status) == (PositionStatus.OPEN, PositionStatus.CLOSED)  # type: ignore[attr-defined]
    assert len(notice.keys) == 1  # type: ignore[attr-defined]


def test_both_sides_of_a_hedged_contract(session: Session) -> None:
    """Two rows of one contract are two positions."""
    row = {"instId": "BTCUSDT", "marginMode": "isolated", "total": "1"}
    records = heard(session, push("positions", {**row, "holdSide": "long"}, {**row, "holdSide": "short"}))
    assert records[-1].keys == (("BTCUSDT", "long", "isolated"), ("BTCUSDT", "short", "isolated"))  # type: ignore[attr-defined]


def test_a_set_with_a_row_that_is_none_is_no_set(session: Session) -> None:
    """Whoever took the others for gone could be wrong."""
    (unreadable,) = heard(session, push("positions", 7))
    assert isinstance(unreadable, Unreadable)
    assert session.oddities["snapshot with a row that has no key"] == 1


@pytest.mark.parametrize("channel", ["account", "orders", "fill", "orders-algo", "positions-history", "equity"])
def test_others_are_changes(session: Session, channel: str) -> None:
    """Every push says "snapshot"; only positions are one."""
    (record,) = heard(session, push(channel, {"instId": "X", "symbol": "X"}))
    assert record.origin is Origin.PUSH


def test_one_row_as_an_object(session: Session) -> None:
    """Rows may come without a list around them."""
    text = json.dumps(
        {"action": "snapshot", "arg": {"instType": "usdt-futures", "channel": "FILL"}, "data": {"tradeId": 9}}
    )
    (record,) = heard(session, text)
    assert (record.trade_id, record.product) == ("9", "USDT-FUTURES")  # type: ignore[attr-defined]


def test_other_actions_are_counted(session: Session) -> None:
    """What it says does not decide anything."""
    (record,) = heard(session, push("orders", {"orderId": "1"}, action="update"))
    assert record.origin is Origin.PUSH
    assert session.oddities == {"action:update": 1}


def test_only_some_contracts() -> None:
    """Bitget sends all; what is not wanted is left out, and the rest counts up without holes."""
    session = begin(DIALECT, symbols=["btcusdt", "ETHUSDT"])
    greet(session)
    rows = [{"instId": symbol, "orderId": symbol} for symbol in ("XRPUSDT", "BTCUSDT", "LTCUSDT", "ETHUSDT")]
    orders = heard(session, push("orders", *rows))
    assert [(each.symbol, each.seq) for each in orders] == [("BTCUSDT", 1), ("ETHUSDT", 2)]
    assert heard(session, push("fill", {"symbol": "XRPUSDT"})) == []
    assert len(heard(session, push("account", {"marginCoin": "USDT"}))) == 1
    positions = [{**row, "holdSide": "long", "total": "1"} for row in rows]
    *held, first, second = heard(session, push("positions", *positions))
    assert [each.symbol for each in held] == ["BTCUSDT", "ETHUSDT"]
    assert isinstance(first, Snapshot)
    assert isinstance(second, Snapshot)
    assert (first.scope, first.symbol) == (("USDT-FUTURES", "BTCUSDT"), "BTCUSDT")
    assert (second.scope, second.keys) == (("USDT-FUTURES", "ETHUSDT"), (("ETHUSDT", "long", None),))


@pytest.mark.parametrize(
    "text",
    [
        '{"action":"snapshot","arg":{"instType":"USDT-FUTURES","channel":"weather"},"data":[]}',
        '{"action":"snapshot","arg":{"instType":"USDT-FUTURES","channel":7},"data":[]}',
        '{"action":"snapshot","arg":{"instType":"USDT-FUTURES","channel":"orders"},"data":7}',
        '{"arg":[],"data":[]}',
    ],
)
def test_not_understood(session: Session, text: str) -> None:
    """What belongs nowhere is said so, with its text."""
    with pytest.raises(MessageNotUnderstood) as caught:
        session.receive(text, 1, 1)
    assert (caught.value.text, caught.value.exchange) == (text, "bitget-v2")


def test_unreadable_field(session: Session) -> None:
    """One bad field costs that field alone."""
    order = one(session, "orders", {"instId": "X", "orderId": "1", "size": "1e999", "price": "5"})
    assert (order.size, order.price, order.order_id) == (None, Decimal(5), "1")
    assert order.marks == {Mark.UNREADABLE_FIELD}
    assert order.info["size"] == "1e999"
