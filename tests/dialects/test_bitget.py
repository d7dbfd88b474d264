"""Bitget: the document's payloads, the conversation, what is refused, and what is odd."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from decimal import Decimal as D
from typing import Any

import pytest
from dialect_sessions import acknowledge, begin, frame, greet, secrets_of

from futures_stream.dialects import Bitget, BitgetCredentials, BitmusaCredentials, Endpoints
from futures_stream.dialects.base import Control, Session
from futures_stream.errors import (
    ClockSkew,
    ConfigError,
    ConnectionLost,
    FatalError,
    LoginRejected,
    MessageNotUnderstood,
    RequestRejected,
    SubscriptionRejected,
    Throttled,
    TransientError,
)
from futures_stream.records import (
    Balance,
    Execution,
    LiquidationWarning,
    Order,
    Position,
    Record,
    Snapshot,
    Unreadable,
)
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

BITGET = Bitget()
COMMON: dict[str, Any] = {
    "exchange": "bitget",
    "account": "main",
    "product": "FUTURES",
    "symbol": "BTCUSDT",
    "timestamp": 1621441751927,
    "received_ns": 5,
    "seq": 7,
}
EXPECTED: dict[str, Record] = {
    "account": Balance(
        **COMMON | {"symbol": None},
        asset="USDT",
        free=D("1000.00"),
        locked=D("450.00"),
        total=D("1500.00"),
        unrealized_pnl=D("50.00"),
        margin_mode=MarginMode.CROSS,
        margin_ratio=D("0.05"),
        maintenance_margin=D("2.00"),
        initial_margin=D("10.00"),
    ),
    "positions": Position(
        **COMMON,
        side=PositionSide.LONG,
        size=D("0.123"),
        entry_price=D("30000.50"),
        mark_price=D("31000.00"),
        liquidation_price=D("27500.00"),
        unrealized_pnl=D("123.45"),
        leverage=D("10"),
        margin_mode=MarginMode.ISOLATED,
        isolated_margin=D("500.00"),
        position_margin=D("300.00"),
        maintenance_margin=D("2.00"),
        margin_ratio=D("0.15"),
        status=PositionStatus.OPEN,
    ),
    "orders": Order(
        **COMMON,
        order_id="123456789",
        side=Side.BUY,
        type=OrderType.LIMIT,
        price=D("30000.50"),
        size=D("0.123"),
        filled=D("0.100"),
        average_price=D("30000.00"),
        leverage=D("10"),
        margin_mode=MarginMode.ISOLATED,
        status=OrderStatus.PARTIALLY_FILLED,
        raw_status="partially_filled",
    ),
    "execution": Execution(
        **COMMON,
        trade_id="987654321",
        order_id="123456789",
        side=Side.BUY,
        price=D("30000.00"),
        size=D("0.100"),
        fee=D("0.00001"),
        fee_asset="USDT",
        liquidity=Liquidity.MAKER,
    ),
    "liquidation": LiquidationWarning(
        **COMMON,
        side=PositionSide.LONG,
        margin_mode=MarginMode.ISOLATED,
        margin_ratio=D("0.95"),
        liquidation_price=D("27500.00"),
        current_price=D("27800.00"),
        level=2,
    ),
}


@pytest.fixture
def session() -> Session:
    """A session that has been greeted with all channels."""
    session = begin(BITGET)
    greet(session)
    return session


def push(channel: str, *rows: Any, action: str = "update", **more: Any) -> str:
    """Return a push of some rows."""
    arg = {"channel": channel, "instType": "FUTURES", "instId": "default"}
    return json.dumps({"action": action, "arg": arg, "data": list(rows), **more})


def one(session: Session, text: str) -> Any:
    """Return the only record of a message."""
    records = session.receive(text, 5, 7)
    assert isinstance(records, list)
    assert len(records) == 1
    return records[0]


def raw(channel: str) -> dict[str, Any]:
    """Return the row of a recorded frame."""
    return json.loads(frame("bitget", f"{channel}.json"))["data"][0]


# --- payloads ---


@pytest.mark.parametrize("channel", EXPECTED)
def test_payload(session: Session, channel: str) -> None:
    """Every payload of the document becomes its record, digit for digit, and keeps the raw row."""
    record = one(session, frame("bitget", f"{channel}.json"))
    assert record == EXPECTED[channel]
    assert repr(record) == repr(EXPECTED[channel])  # 1500.00 is not 1500
    assert dict(record.info) == raw(channel)


@pytest.mark.parametrize("channel", EXPECTED)
def test_every_field_counts(session: Session, channel: str) -> None:
    """Leaving any one field of a payload out changes the record and raises nothing."""
    for name in raw(channel):
        row = raw(channel)
        del row[name]
        message = json.loads(frame("bitget", f"{channel}.json"))
        message["data"] = [row]
        if name == "symbol":
            message["arg"]["instId"] = "default"
        record = one(session, json.dumps(message))
        assert record != EXPECTED[channel], name
        assert not record.marks


def test_extra_order_fields(session: Session) -> None:
    """Words of the document's kin are read where they come."""
    more = {
        "clientOid": "mine",
        "tradeSide": "close",
        "force": "post_only",
        "reduceOnly": "YES",
        "marginCoin": "USDT",
        "positionSide": "short",
        "cTime": "1621441750000",
    }
    order = one(session, push("orders", raw("orders") | more))
    assert order.client_order_id == "mine"
    assert order.effect is Effect.CLOSE
    assert order.time_in_force is TimeInForce.POST_ONLY
    assert order.reduce_only is True
    assert order.margin_asset == "USDT"
    assert order.position_side is PositionSide.SHORT
    assert order.created_at == 1621441750000


def test_extra_position_fields(session: Session) -> None:
    """A position's mode, margin coin and time of opening are read where they come."""
    more = {"holdMode": "double_hold", "marginCoin": "USDT", "cTime": 1621441750000}
    position = one(session, push("positions", raw("positions") | more))
    assert position.position_mode is PositionMode.HEDGE
    assert position.margin_asset == "USDT"
    assert position.created_at == 1621441750000


@pytest.mark.parametrize(
    ("size", "status"),
    [("0.1", PositionStatus.OPEN), ("0.000", PositionStatus.CLOSED), ("", PositionStatus.UNKNOWN)],
)
def test_position_status(session: Session, size: str, status: PositionStatus) -> None:
    """A position is open or closed as its size says."""
    assert one(session, push("positions", raw("positions") | {"holdPosition": size})).status is status


@pytest.mark.parametrize("word", ["0", "", "-1", None, 0])
def test_no_liquidation_price(session: Session, word: Any) -> None:
    """Bitget's words for "there is none" are none."""
    assert one(session, push("positions", raw("positions") | {"liquidationPrice": word})).liquidation_price is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("live", OrderStatus.NEW),
        ("new", OrderStatus.NEW),
        ("init", OrderStatus.NEW),
        ("partially_filled", OrderStatus.PARTIALLY_FILLED),
        ("partial-fill", OrderStatus.PARTIALLY_FILLED),
        ("filled", OrderStatus.FILLED),
        ("FILLED", OrderStatus.FILLED),
        ("full-fill", OrderStatus.FILLED),
        ("cancelled", OrderStatus.CANCELED),
        ("canceled", OrderStatus.CANCELED),
        ("rejected", OrderStatus.REJECTED),
        ("expired_in_match", OrderStatus.UNKNOWN),
    ],
)
def test_order_status(session: Session, word: str, status: OrderStatus) -> None:
    """Both spellings and all generations of status words are known; the raw word stays."""
    order = one(session, push("orders", raw("orders") | {"status": word}))
    assert order.status is status
    assert order.raw_status == word
    assert session.unknown.total() == (status is OrderStatus.UNKNOWN)


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("cross", MarginMode.CROSS),
        ("crossed", MarginMode.CROSS),
        ("isolated", MarginMode.ISOLATED),
        ("fixed", MarginMode.ISOLATED),
        ("portfolio", MarginMode.UNKNOWN),
        ("", None),
    ],
)
def test_margin_mode(session: Session, word: str, mode: MarginMode | None) -> None:
    """All five words for a margin mode are known."""
    assert one(session, push("account", raw("account") | {"marginMode": word})).margin_mode is mode


@pytest.mark.parametrize(
    ("word", "liquidity"),
    [("maker", Liquidity.MAKER), ("taker", Liquidity.TAKER), ("M", Liquidity.MAKER), ("T", Liquidity.TAKER)],
)
def test_liquidity(session: Session, word: str, liquidity: Liquidity) -> None:
    """A role is maker or taker, in words or letters."""
    assert one(session, push("execution", raw("execution") | {"role": word})).liquidity is liquidity


def test_hedged_symbol(session: Session) -> None:
    """A long and a short row of one symbol are two positions with two keys."""
    rows = [raw("positions"), raw("positions") | {"positionSide": "short"}]
    records = session.receive(push("positions", *rows, action="snapshot"), 5, 7)
    assert isinstance(records, list)
    assert [record.seq for record in records] == [7, 8, 9]
    assert records[-1].keys == (("BTCUSDT", "long", "isolated"), ("BTCUSDT", "short", "isolated"))  # type: ignore


def test_row_time_before_message_time(session: Session) -> None:
    """A row's own time wins; the message's stands in for it."""
    assert one(session, push("account", raw("account"), ts=1)).timestamp == 1621441751927
    assert one(session, push("account", raw("account") | {"timestamp": None}, ts="1700000000000")).timestamp == (
        1700000000000
    )


# --- actions ---


@pytest.mark.parametrize(
    ("channel", "of", "key"),
    [
        ("account", "balances", ("USDT",)),
        ("positions", "positions", ("BTCUSDT", "long", "isolated")),
        ("orders", "orders", ("123456789",)),
    ],
)
def test_snapshot(session: Session, channel: str, of: str, key: tuple[str, ...]) -> None:
    """A snapshot's rows say so, and a notice with their keys follows."""
    records = session.receive(push(channel, raw(channel), action="snapshot"), 5, 7)
    assert isinstance(records, list)
    row, notice = records
    assert row.origin is Origin.SNAPSHOT
    assert isinstance(notice, Snapshot)
    assert (notice.of, notice.scope, notice.keys, notice.seq) == (of, ("FUTURES", None), (key,), 8)


def test_snapshot_of_one_symbol(session: Session) -> None:
    """A snapshot of one symbol is whole for that symbol only."""
    text = frame("bitget", "positions.json").replace('"update"', '"snapshot"')
    records = session.receive(text, 5, 7)
    assert isinstance(records, list)
    assert records[-1].scope == ("FUTURES", "BTCUSDT")  # type: ignore[attr-defined]


@pytest.mark.parametrize("data", ['"data":[]', '"data":null', '"x":1'])
def test_empty_snapshot(session: Session, data: str) -> None:
    """An empty full set is heard: nothing is left."""
    arg = '{"channel":"positions","instType":"futures","instId":"default"}'
    notice = one(session, f'{{"action":"snapshot","arg":{arg},{data}}}')
    assert isinstance(notice, Snapshot)
    assert (notice.keys, notice.scope) == ((), ("FUTURES", None))


@pytest.mark.parametrize("channel", ["execution", "liquidation"])
def test_events_are_no_set(session: Session, channel: str) -> None:
    """What happened is no set that could be whole: there is no notice."""
    assert one(session, push(channel, raw(channel), action="snapshot")).origin is Origin.SNAPSHOT


def test_incomplete_snapshot(session: Session) -> None:
    """A snapshot with a row that cannot be told by a key does not claim to be whole."""
    rows = ["garbage", raw("orders"), raw("orders") | {"orderId": None}]
    records = session.receive(push("orders", *rows, action="snapshot"), 5, 7)
    assert isinstance(records, list)
    assert [type(record) for record in records] == [Unreadable, Order, Order]
    assert session.oddities.total() == 1


def test_object_instead_of_list(session: Session) -> None:
    """One row without its list is one row."""
    message = json.loads(frame("bitget", "orders.json"))
    message["data"] = message["data"][0]
    assert one(session, json.dumps(message)) == EXPECTED["orders"]


def test_unknown_action(session: Session) -> None:
    """An unknown action is read row by row, and counted."""
    assert one(session, push("orders", raw("orders"), action="amend")).origin is Origin.PUSH
    assert session.oddities == {"action:amend": 1}


def test_upper_and_lower_case(session: Session) -> None:
    """Bitget echoes the product in lower case and may do so with channels."""
    text = frame("bitget", "positions.json").replace('"FUTURES"', '"futures"').replace('"positions"', '"Positions"')
    assert one(session, text) == EXPECTED["positions"]


# --- what cannot be read ---


@pytest.mark.parametrize("value", ["1,5", "NaN", "1e999", "", None, "1_0", True, [1], {"a": 1}, "9" * 50, " 1"])
def test_unreadable_field(session: Session, value: Any) -> None:
    """A field that cannot be read costs that field and nothing else, and the record says so."""
    row = raw("orders") | {"price": value}
    order = one(session, push("orders", row))
    assert order.price is None
    assert order.filled == D("0.100")
    assert order.marks == (frozenset() if value in ("", None) else {Mark.UNREADABLE_FIELD})
    assert dict(order.info) == row


@pytest.mark.parametrize("name", ["orderId", "symbol", "timestamp", "status", "reduceOnly", "cTime", "leverage"])
def test_wrong_type(session: Session, name: str) -> None:
    """A list where a word is due costs that field and nothing else."""
    order = one(session, push("orders", raw("orders") | {name: [["deep"]]}))
    assert order.marks == {Mark.UNREADABLE_FIELD}
    assert order.price == D("30000.50")


def test_negative_size(session: Session) -> None:
    """A position's size is never negative: what says so is not believed."""
    position = one(session, push("positions", raw("positions") | {"holdPosition": "-1"}))
    assert (position.size, position.status) == (None, PositionStatus.UNKNOWN)
    assert position.marks == {Mark.UNREADABLE_FIELD}


def test_unreadable_row(session: Session) -> None:
    """A row that is no object is told in its place; the others are delivered."""
    records = session.receive(push("orders", 1, raw("orders"), ["x" * 5000]), 5, 7)
    assert isinstance(records, list)
    first, order, last = records
    assert isinstance(first, Unreadable)
    assert first.text == "1"
    assert order.seq == 8
    assert isinstance(last, Unreadable)
    assert len(last.text) == 4096


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "1",
        "null",
        "{}",
        '"hello"',
        '{"event":"what"}',
        '{"arg":{"channel":"orders"}}',
        '{"action":"update","arg":{"channel":"algo"},"data":[]}',
        '{"action":"update","arg":{"channel":7},"data":[]}',
        '{"action":"update","arg":[],"data":[]}',
        '{"action":"update","arg":{"channel":"orders"},"data":5}',
        '{"event":"error","code":"77777","msg":"of nothing"}',
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_not_understood(session: Session, text: str) -> None:
    """What cannot be understood is said with its text, and the session goes on."""
    with pytest.raises(MessageNotUnderstood) as caught:
        session.receive(text, 5, 7)
    assert caught.value.text == text[:65536]  # a notice shows less
    assert caught.value.exchange == "bitget"
    assert one(session, frame("bitget", "orders.json")) == EXPECTED["orders"]


# --- the conversation ---


def test_login() -> None:
    """The login signs seconds and the path, base64, as the document says."""
    session = begin(BITGET)
    control = session.opened(1621441751927)
    (send,) = control.sends
    secrets = secrets_of(BITGET)
    digest = hmac.new(secrets["api_secret"].encode(), b"1621441751GET/user/verify", hashlib.sha256).digest()
    assert json.loads(send.text) == {
        "op": "login",
        "args": [
            {
                "apiKey": secrets["api_key"],
                "passphrase": secrets["passphrase"],
                "timestamp": "1621441751",
                "sign": base64.b64encode(digest).decode(),
            }
        ],
    }
    assert send.label == "login"
    assert session.awaiting == "the login's answer"
    assert not session.greeted


def test_greeting() -> None:
    """After the login, subscriptions go out one by one, each after the answer to the one before."""
    session = begin(BITGET)
    login, *subscriptions = greet(session)
    assert json.loads(login)["op"] == "login"
    assert [json.loads(text)["args"] for text in subscriptions] == [
        [{"channel": own, "instType": "FUTURES", "instId": "default"}] for own in BITGET.channels.values()
    ]
    assert session.greeted
    assert session.subscribed == set(BITGET.channels)
    assert session.awaiting is None


def test_symbols() -> None:
    """Symbols are subscribed one by one, but for the account, which has none."""
    session = begin(BITGET, ["account", "orders"], ["BTCUSDT", "ETHUSDT", "BTCUSDT"])
    _, *subscriptions = greet(session)
    assert [json.loads(text)["args"][0]["instId"] for text in subscriptions] == ["default", "BTCUSDT", "ETHUSDT"]


def test_subscribed_when_all_symbols_are() -> None:
    """A channel counts as subscribed when the last of its symbols is answered."""
    session = begin(BITGET, ["orders"], ["BTCUSDT", "ETHUSDT"])
    (login,) = session.opened(1).sends
    (first,) = session.receive(acknowledge(login.text), 1, 1).sends  # type: ignore[union-attr]
    assert session.awaiting == "the answer to subscribe orders BTCUSDT"
    (second,) = session.receive(acknowledge(first.text), 1, 1).sends  # type: ignore[union-attr]
    assert session.awaiting == "the answer to subscribe orders ETHUSDT"
    assert session.subscribed == frozenset()
    session.receive(acknowledge(second.text), 1, 1)
    assert session.subscribed == {"orders"}


def logged_in(channels: Any = None, symbols: list[str] | None = None) -> tuple[Session, Any]:
    """Return a session after its login, and the subscription that is outstanding."""
    session = begin(BITGET, channels, symbols)
    session.opened(1)
    control = session.receive('{"event":"login","code":0}', 1, 1)
    assert isinstance(control, Control)
    return session, json.loads(control.sends[0].text)["args"][0]


@pytest.mark.parametrize("code", ['"0"', "0", '""', "null", '"00000"'])
def test_login_accepted(code: str) -> None:
    """Success is said in many ways."""
    session = begin(BITGET)
    session.opened(1)
    control = session.receive(f'{{"event":"login","code":{code},"connId":"x"}}', 1, 1)
    assert isinstance(control, Control)
    assert control.sends[0].label == "subscribe account default"


def test_data_before_login() -> None:
    """Data that come before the login's answer are delivered, and answer nothing."""
    session = begin(BITGET)
    session.opened(1)
    assert one(session, frame("bitget", "orders.json")) == EXPECTED["orders"]
    assert session.take_sends() == ()
    assert session.awaiting == "the login's answer"


def test_data_stand_for_the_answer() -> None:
    """Data of the outstanding subscription accept it, and the next one goes out."""
    session, _ = logged_in(["account", "orders"])
    one(session, frame("bitget", "account.json"))
    assert session.subscribed == {"account"}
    (send,) = session.take_sends()
    assert send.label == "subscribe orders default"
    assert session.take_sends() == ()
    late = session.receive('{"event":"subscribe","arg":{"channel":"account","instId":"default"}}', 1, 1)
    assert isinstance(late, Control)
    assert late.sends == ()
    assert session.awaiting == "the answer to subscribe orders default"


def test_answer_in_other_case() -> None:
    """An answer may echo what it is about in other letters, or leave something out."""
    for arg in ('{"instType":"futures","channel":"Account","instId":"DEFAULT"}', '{"channel":"account"}'):
        session, _ = logged_in(["account"])
        session.receive(f'{{"event":"subscribe","arg":{arg},"code":"","msg":""}}', 1, 1)
        assert session.greeted
    session, _ = logged_in(["account"])
    session.receive('{"event":"subscribe"}', 1, 1)
    assert session.greeted


def test_answer_to_something_else() -> None:
    """An answer that matches nothing outstanding changes nothing."""
    session, _ = logged_in(["account"])
    control = session.receive('{"event":"subscribe","arg":{"channel":"orders","instId":"default"}}', 1, 1)
    assert isinstance(control, Control)
    assert not session.greeted
    assert session.awaiting == "the answer to subscribe account default"


def test_subscribe_while_running() -> None:
    """More channels are asked for at once, those already there excepted."""
    session = begin(BITGET, ["account"])
    greet(session)
    (send,) = session.subscribe(["account", "orders"]).sends
    assert send.label == "subscribe orders default"
    assert session.subscribe(["orders"]).sends == ()
    assert session.greeted
    session.receive(acknowledge(send.text), 1, 1)
    assert session.subscribed == {"account", "orders"}


def test_subscribe_before_login() -> None:
    """What is asked for before the login goes out after it."""
    session = begin(BITGET, ["account"])
    session.opened(1)
    assert session.subscribe(["orders"]).sends == ()
    session.receive('{"event":"login","code":0}', 1, 1)
    (send,) = session.receive('{"event":"subscribe","arg":{"channel":"account"}}', 1, 1).sends  # type: ignore[union-attr]
    assert send.label == "subscribe orders default"


def test_unsubscribe() -> None:
    """Giving a channel up says so to Bitget, whose answer is accepted."""
    session = begin(BITGET, ["account", "orders"], ["BTCUSDT", "ETHUSDT"])
    greet(session)
    (send,) = session.unsubscribe(["orders"]).sends
    assert json.loads(send.text) == {
        "op": "unsubscribe",
        "args": [{"channel": "orders", "instType": "FUTURES", "instId": name} for name in ("BTCUSDT", "ETHUSDT")],
    }
    assert session.subscribed == {"account"}
    for answer in ('{"event":"unsubscribe","arg":{"channel":"orders"}}', '{"event":"unsubscribe"}'):
        assert isinstance(session.receive(answer, 1, 1), Control)
    assert session.unsubscribe(["orders"]).sends == ()
    assert len(session.subscribe(["orders"]).sends) == 1


def test_unsubscribe_what_is_outstanding() -> None:
    """A subscription given up before its answer counts neither as accepted nor as refused."""
    session, _ = logged_in(["orders", "account"])
    (send,) = session.unsubscribe(["account"]).sends
    assert send.label == "unsubscribe account default"
    control = session.receive('{"event":"error","code":"60004","msg":"no"}', 1, 1)
    assert isinstance(control, Control)
    assert control.sends[0].label == "subscribe orders default"
    assert session.subscribed == frozenset()


def test_resubscribe_what_is_being_given_up() -> None:
    """A channel that is given up and asked for again while outstanding is subscribed once more."""
    session, _ = logged_in(["account"])
    session.unsubscribe(["account"])
    assert session.subscribe(["account"]).sends == ()
    control = session.receive('{"event":"subscribe","arg":{"channel":"account"}}', 1, 1)
    assert isinstance(control, Control)
    assert control.sends[0].label == "subscribe account default"
    session.receive('{"event":"subscribe","arg":{"channel":"account"}}', 1, 1)
    assert session.subscribed == {"account"}


def test_refused_unsubscription(session: Session) -> None:
    """That something cannot be given up is counted, and harms nobody."""
    session.unsubscribe(["orders"])
    heard = session.receive('{"event":"error","op":"unsubscribe","code":60004,"arg":{"channel":"orders"}}', 1, 1)
    assert isinstance(heard, Control)
    assert session.oddities == {"unsubscription refused": 1}


# --- what is refused ---


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("60001", LoginRejected),
        ("60002", Throttled),
        ("60003", Throttled),
        ("60005", RequestRejected),
        ("30004", TransientError),
        ("30005", LoginRejected),
        ("30006", Throttled),
        ("30007", Throttled),
        ("30011", LoginRejected),
        ("30012", LoginRejected),
        ("30013", ClockSkew),
        ("30014", ClockSkew),
        ("30015", LoginRejected),
        ("30033", ConnectionLost),
    ],
)
@pytest.mark.parametrize("as_number", [True, False])
def test_code(session: Session, code: str, kind: type[Exception], as_number: bool) -> None:
    """Each code has its own meaning, as number and as text."""
    said = code if as_number else f'"{code}"'
    with pytest.raises(kind) as caught:
        session.receive(f'{{"event":"error","code":{said},"msg":"because \\u001b[31m"}}', 1, 1)
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert caught.value.exchange == "bitget"
    assert "because" in caught.value.message
    assert "\x1b" not in caught.value.message


def test_documents_error() -> None:
    """The document's error frame refuses the login."""
    session = begin(BITGET)
    session.opened(1)
    with pytest.raises(LoginRejected, match="60001: Authentication failed"):
        session.receive(frame("bitget", "error.json"), 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        '{"event":"error","code":"77777","msg":"?"}',
        '{"event":"error"}',
        '{"event":"error","code":30003,"msg":"INVALID op:login"}',
        '{"event":"login","code":30999}',
        '{"event":"login","code":"1","msg":"no"}',
    ],
)
def test_refusal_while_logging_in(text: str) -> None:
    """Whatever is refused while the login is unanswered is the login."""
    session = begin(BITGET)
    session.opened(1)
    with pytest.raises(LoginRejected):
        session.receive(text, 1, 1)


@pytest.mark.parametrize("code", ['"60004"', "60004", "30001", "30002", "30003", "30016", '"77777"', '""', "null"])
def test_anonymous_refusal(code: str) -> None:
    """A refusal that names nothing is of the outstanding subscription; the others go on."""
    session, _ = logged_in(["positions", "orders"], ["BTCUSDT", "ETHUSDT"])
    with pytest.raises(SubscriptionRejected) as caught:
        session.receive(f'{{"event":"error","code":{code},"msg":"doesn\'t exist"}}', 1, 1)
    assert (caught.value.channel, caught.value.symbol) == ("positions", "BTCUSDT")
    assert session.awaiting is None
    control = session.proceed()
    assert control.sends[0].label == "subscribe positions ETHUSDT"
    waiting = list(control.sends)
    while waiting:
        heard = session.receive(acknowledge(waiting.pop().text), 1, 1)
        assert isinstance(heard, Control)
        waiting.extend(heard.sends)
    assert session.greeted
    assert session.subscribed == {"positions", "orders"}


def test_last_one_refused() -> None:
    """A session whose only channel was refused is greeted, with nothing subscribed."""
    session, arg = logged_in(["orders"])
    with pytest.raises(SubscriptionRejected):
        session.receive(json.dumps({"event": "subscribe", "code": 60004, "arg": arg}), 1, 1)
    assert session.proceed().sends == ()
    assert session.greeted
    assert session.subscribed == frozenset()


def test_channel_lost(session: Session) -> None:
    """A refusal that names a running subscription takes that one away."""
    arg = {"instType": "futures", "channel": "execution", "instId": "default"}
    with pytest.raises(SubscriptionRejected) as caught:
        session.receive(json.dumps({"event": "error", "code": 30001, "msg": "gone", "arg": arg}), 1, 1)
    assert caught.value.channel == "executions"
    assert caught.value.symbol is None
    assert session.subscribed == set(BITGET.channels) - {"executions"}
    assert session.proceed().sends == ()


def test_refusal_of_something_else() -> None:
    """A refusal that names what was never asked for does not take away the outstanding one."""
    session, _ = logged_in(["account"])
    with pytest.raises(MessageNotUnderstood):
        session.receive('{"event":"error","code":60004,"arg":{"channel":"algo"}}', 1, 1)
    assert session.awaiting == "the answer to subscribe account default"


def test_too_many_connections_waits(session: Session) -> None:
    """Two programs that drive each other out must not duel."""
    with pytest.raises(Throttled) as caught:
        session.receive('{"event":"error","code":"60002"}', 1, 1)
    assert caught.value.retry_after == 30.0


# --- keepalive and facts ---


@pytest.mark.parametrize(
    "text",
    [
        "pong",
        " PONG\n",
        '"pong"',
        '{"event":"pong"}',
        '{"op":"pong"}',
        '{"action":"pong"}',
        '{"pong":1621441751927}',
        '{"ret_msg":"pong","success":true}',
    ],
)
def test_pong(session: Session, text: str) -> None:
    """A pong is known in every form."""
    assert session.receive(text, 1, 1) == Control(label="pong")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ping", "pong"),
        ('"ping"', "pong"),
        ('{"op":"ping"}', '{"op":"pong"}'),
        ('{"event":"ping"}', '{"event":"pong"}'),
        ('{"ping":17}', '{"pong":17}'),
    ],
)
def test_ping(session: Session, text: str, answer: str) -> None:
    """A ping of the server is answered in its own form."""
    control = session.receive(text, 1, 1)
    assert isinstance(control, Control)
    assert [send.text for send in control.sends] == [answer]


def test_own_ping() -> None:
    """The ping is the document's."""
    assert (BITGET.ping.text, BITGET.ping.every, BITGET.ping.answered) == ('{"op":"ping"}', 20.0, True)
    assert BITGET.silence_limit == 30.0


def test_dead_url() -> None:
    """Who fails to reach the default URL is told that it was switched off."""
    assert "2025-11-28" in (BITGET.unreachable_hint(BITGET.endpoints) or "")
    assert BITGET.unreachable_hint(Endpoints("ws://127.0.0.1:1/mix/v1/stream")) is None
    assert not BITGET.live_today


def test_echoed_secrets() -> None:
    """Secrets that a server says back to us are in no error."""
    session = begin(BITGET)
    login = json.loads(session.opened(1).sends[0].text)["args"][0]
    echo = " ".join(login[name] for name in ("apiKey", "passphrase", "sign"))
    with pytest.raises(FatalError) as refused:
        session.receive(json.dumps({"event": "error", "code": 60001, "msg": echo}), 1, 1)
    with pytest.raises(MessageNotUnderstood) as unread:
        session.receive(f"oops {echo}", 1, 1)
    for text in (str(refused.value), repr(refused.value), unread.value.text, str(unread.value)):
        assert not any(login[name] in text for name in ("apiKey", "passphrase", "sign"))


def test_wrong_credentials() -> None:
    """Another exchange's credentials are refused in the caller."""
    with pytest.raises(ConfigError, match="BitgetCredentials"):
        BITGET.session(credentials=BitmusaCredentials("a", "b"), account="x", channels=["orders"], symbols=None)
    assert BitgetCredentials("a", "b", "c").api_key.reveal() == "a"
