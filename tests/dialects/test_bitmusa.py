"""Bitmusa: the document's payloads, the listen key, and what is odd."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

import pytest
from dialect_sessions import begin, credentials_of, frame, secrets_of

from futures_stream.dialects import BitgetCredentials, Bitmusa, Endpoints, Secret
from futures_stream.dialects.base import Control, Response, Session
from futures_stream.errors import (
    ConfigError,
    ConnectFailed,
    FuturesStreamError,
    LeaseLost,
    LoginRejected,
    MessageNotUnderstood,
    PermissionRefused,
    RequestRejected,
    Throttled,
)
from futures_stream.records import Balance, Order, Position, Record, Unreadable
from futures_stream.vocabulary import (
    Effect,
    MarginMode,
    Mark,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    PositionStatus,
    TimeInForce,
)

BITMUSA = Bitmusa()
COMMON: dict[str, Any] = {"exchange": "bitmusa", "account": "main", "received_ns": 5, "seq": 7}
EXPECTED: dict[str, Record] = {
    "future_wallet.json": Balance(
        **COMMON,
        timestamp=1700703707123,
        asset="USDT",
        free=D("9981.51952661"),
        locked=D("18.48047339"),
    ),
    "future_order.json": Order(
        **COMMON,
        timestamp=1700703548846,
        symbol="XRPUSDT",
        order_id="C171558199502193",
        side=None,
        effect=Effect.OPEN,
        type=OrderType.LIMIT,
        price=D("0.5155"),
        size=D("2"),
        filled=D("0"),
        notional=D("0"),
        status=OrderStatus.NEW,
        raw_status="TRADING",
        created_at=1715581995021,
    ),
    "future_position.json.txt": Position(
        **COMMON,
        timestamp=1700703548846,
        symbol="XRPUSDT",
        side=PositionSide.LONG,
        size=D("1"),
        entry_price=D("0.5155"),
        liquidation_price=D("0.5155"),
        unrealized_pnl=D("0"),
        leverage=D("10"),
        margin_mode=MarginMode.ISOLATED,
        position_mode=PositionMode.ONE_WAY,
        notional=D("0.5155"),
        status=PositionStatus.OPEN,
        raw_status="OPEN",
        created_at=1700703548846,
    ),
}
ORDER, POSITION, WALLET = "future_order.json", "future_position.json.txt", "future_wallet.json"


def opened(channels: Any = None, symbols: list[str] | None = None) -> Session:
    """Return a session whose connection is up."""
    session = begin(BITMUSA, channels, symbols)
    session.opened(1)
    return session


@pytest.fixture
def session() -> Session:
    """A session whose connection is up, with all channels."""
    return opened()


def changed(name: str, **fields: Any) -> str:
    """Return a recorded frame with other fields in its row."""
    message = json.loads(frame("bitmusa", name).replace('"null",', '"null"'))
    message["data"] |= fields
    return json.dumps(message)


def one(session: Session, text: str) -> Any:
    """Return the only record of a message."""
    records = session.receive(text, 5, 7)
    assert isinstance(records, list)
    assert len(records) == 1
    return records[0]


# --- payloads ---


@pytest.mark.parametrize("name", EXPECTED)
def test_payload(session: Session, name: str) -> None:
    """Every payload of the document, as printed, becomes its record, digit for digit."""
    record = one(session, frame("bitmusa", name))
    assert record == EXPECTED[name]
    assert repr(record) == repr(EXPECTED[name])
    assert "info" not in repr(record)


def test_trailing_comma(session: Session) -> None:
    """The position sample is not JSON as printed; it is read, and counted."""
    text = frame("bitmusa", POSITION)
    with pytest.raises(ValueError, match=r"Expecting property name|Illegal trailing comma"):
        json.loads(text)
    assert one(session, text).info["closeTime"] == "null"
    assert session.oddities == {"trailing comma": 1}
    one(session, " ".join(text.split()))  # put on one line
    assert session.oddities == {"trailing comma": 2}


@pytest.mark.parametrize("name", EXPECTED)
def test_numbers_or_strings(session: Session, name: str) -> None:
    """Numbers sent as strings and strings sent as numbers are the same, to the last digit."""
    text = frame("bitmusa", name)
    for old, new in (
        ("0.5155", '"0.5155"'),
        ('""0.5155""', "0.5155"),
        ('"9981.51952661"', "9981.51952661"),
        ('"18.48047339"', "18.48047339"),
        ('"1"', "1"),
        ('"10"', "10"),
        ('"0"', "0"),
    ):
        text = text.replace(old, new)
    assert one(session, text) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_list_of_rows(session: Session, name: str) -> None:
    """Several rows in a list are several records."""
    message = json.loads(changed(name))
    message["data"] = [message["data"], message["data"]]
    records = session.receive(json.dumps(message), 5, 7)
    assert isinstance(records, list)
    assert records[0] == EXPECTED[name]
    assert [record.seq for record in records] == [7, 8]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("TRADING", OrderStatus.NEW),
        ("PARTIAL", OrderStatus.PARTIALLY_FILLED),
        ("FILLED", OrderStatus.FILLED),
        ("CANCELLED", OrderStatus.CANCELED),
        ("CANCELED", OrderStatus.CANCELED),
        ("REJECTED", OrderStatus.REJECTED),
        ("EXPIRED", OrderStatus.EXPIRED),
        ("ODD", OrderStatus.UNKNOWN),
    ],
)
def test_order_status(session: Session, word: str, status: OrderStatus) -> None:
    """Listed statuses and their kin are known; the raw word stays."""
    order = one(session, changed(ORDER, status=word, tradedAmount=1))
    assert (order.status, order.raw_status) == (status, word)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("OPEN", PositionStatus.OPEN),
        ("USER_CLOSE", PositionStatus.CLOSED),
        ("FORCE_CLOSE", PositionStatus.LIQUIDATED),
        ("TAKE_PROFIT", PositionStatus.TAKE_PROFIT),
        ("STOP_LOSS", PositionStatus.STOP_LOSS),
        ("ADL", PositionStatus.UNKNOWN),
    ],
)
def test_position_status(session: Session, word: str, status: PositionStatus) -> None:
    """All listed statuses and OPEN are known; the raw word stays."""
    position = one(session, changed(POSITION, status=word, closeTime=1700703549000))
    assert (position.status, position.raw_status) == (status, word)
    assert position.closed_at == 1700703549000
    assert position.size == D("1")  # as said, also of a closed one


@pytest.mark.parametrize("word", ["MARKET", "LIMIT", "TAKE_PROFIT", "STOP_LOSS", "LIQUIDATION"])
def test_order_type(session: Session, word: str) -> None:
    """All listed types are known."""
    assert one(session, changed(ORDER, type=word)).type.value == word.lower()


@pytest.mark.parametrize("word", ["GTC", "IOC", "FOK"])
def test_time_in_force(session: Session, word: str) -> None:
    """The listed times in force are read, should they come."""
    assert one(session, changed(ORDER, tif=word)).time_in_force is TimeInForce(word.lower())


def test_closing_order(session: Session) -> None:
    """An order that closes says so, and has no side; its times are read."""
    order = one(session, changed(ORDER, direction="CLOSE", canceledTime=1, completedTime="1700000000000"))
    assert (order.effect, order.side) == (Effect.CLOSE, None)
    assert (order.canceled_at, order.completed_at) == (1, 1700000000000)


def test_short_position(session: Session) -> None:
    """A position that was sold is short; a liquidation price of 0 is none."""
    position = one(session, changed(POSITION, position="SELL", liquidPrice="0", positionMode="HEDGE"))
    assert position.side is PositionSide.SHORT
    assert position.liquidation_price is None
    assert position.position_mode is PositionMode.HEDGE


# --- what cannot be read ---


def test_unreadable_field(session: Session) -> None:
    """A field that cannot be read costs that field and nothing else."""
    position = one(session, changed(POSITION, amount="-1", closeTime="yesterday"))
    assert (position.size, position.closed_at) == (None, None)
    assert position.marks == {Mark.UNREADABLE_FIELD}
    assert position.entry_price == D("0.5155")


def test_unreadable_time(session: Session) -> None:
    """A message's time that cannot be read is marked on its record."""
    order = one(session, frame("bitmusa", ORDER).replace("1700703548846", "1e30"))
    assert (order.timestamp, order.marks) == (None, {Mark.UNREADABLE_FIELD})


def test_unreadable_row(session: Session) -> None:
    """A row that is no object is told in its place."""
    records = session.receive('{"stream":"future_order","data":[7,{}],"eventTime":1}', 5, 7)
    assert isinstance(records, list)
    assert [type(record) for record in records] == [Unreadable, Order]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "1",
        "null",
        "{}",
        '{"stream":"future_funding","data":{}}',
        '{"stream":7,"data":{}}',
        '{"stream":"future_order","data":null}',
        '{"stream":"future_order"}',
        "[,]",
        "[1,,]",
        "[" * 100_000,
    ],
)
def test_not_understood(session: Session, text: str) -> None:
    """What cannot be understood is said with its text, and the session goes on."""
    with pytest.raises(MessageNotUnderstood) as caught:
        session.receive(text, 5, 7)
    assert caught.value.text == text[:65536]  # a notice shows less
    assert caught.value.exchange == "bitmusa"
    assert one(session, frame("bitmusa", ORDER)) == EXPECTED[ORDER]
    assert not session.oddities


def test_masked_text(session: Session) -> None:
    """A listen key in a message that is not understood is masked."""
    key = "cAUzPhRQYWX1a2cE528PeAgtErBE96QWP5HpwFMSEzUC"
    with pytest.raises(MessageNotUnderstood) as caught:
        session.receive(f'{{"event":"listenKeyChanged","listenKey":"{key}"}}', 1, 1)
    assert caught.value.text == '{"event":"listenKeyChanged","listenKey":"***"}'


# --- the conversation ---


def test_no_greeting() -> None:
    """Nothing is said at the start, and nothing awaited."""
    session = begin(BITMUSA, ["orders", "account"])
    assert session.opened(1).sends == ()
    assert session.greeted
    assert session.awaiting is None
    assert session.subscribed == {"orders", "account"}
    assert session.take_sends() == ()
    assert session.proceed().sends == ()


def test_channels_are_picked_here() -> None:
    """What was not asked for is left out; asking for more lets it through."""
    session = opened(["orders"])
    assert session.receive(frame("bitmusa", WALLET), 1, 1) == []
    assert session.subscribe(["account"]).sends == ()
    one(session, frame("bitmusa", WALLET))
    assert session.unsubscribe(["orders"]).sends == ()
    assert session.receive(frame("bitmusa", ORDER), 1, 1) == []
    assert session.subscribed == {"account"}


def test_symbols_are_picked_here() -> None:
    """Other symbols are left out; balances, and rows without a symbol, pass."""
    session = opened(None, ["BTCUSDT"])
    assert session.receive(frame("bitmusa", ORDER), 1, 1) == []
    assert session.receive(frame("bitmusa", POSITION), 1, 1) == []
    one(session, frame("bitmusa", WALLET))
    one(session, changed(ORDER, ticker="BTCUSDT"))
    one(session, changed(ORDER, ticker=None))


@pytest.mark.parametrize("text", ["pong", '{"op":"pong"}', '{"event":"ping"}', "ping"])
def test_pings_and_pongs(session: Session, text: str) -> None:
    """Pings and pongs are understood, although none is documented."""
    assert isinstance(session.receive(text, 1, 1), Control)


@pytest.mark.parametrize("name", ["e", "event", "type", "stream"])
@pytest.mark.parametrize("word", ["listenKeyExpired", "LISTEN_KEY_EXPIRED", "listenkeyexpired", "listen-key-expired"])
def test_expired(session: Session, name: str, word: str) -> None:
    """A message that says that the listen key has expired, however it is spelled, asks for a new one."""
    key = "cAUzPhRQYWX1a2cE528PeAgtErBE96QWP5HpwFMSEzUC"
    with pytest.raises(LeaseLost) as caught:
        session.receive(json.dumps({name: word, "E": 1, "listenKey": key}), 1, 1)
    assert key not in f"{caught.value} {vars(caught.value)}"


def test_expired_beside_a_stream(session: Session) -> None:
    """So does one that names a stream but holds no row; a row that only has such a word is a row."""
    with pytest.raises(LeaseLost):
        session.receive('{"e":"listenKeyExpired","stream":"future_order"}', 1, 1)
    one(session, changed(ORDER, type="listenKeyExpired"))


# --- the listen key ---


@pytest.mark.parametrize(("verb", "method"), [("create", "POST"), ("renew", "PUT"), ("release", "DELETE")])
def test_lease_request(verb: str, method: str) -> None:
    """The listen key is asked for with both headers, and they are not shown."""
    request = BITMUSA.lease_request(verb, credentials_of(BITMUSA))
    secrets = secrets_of(BITMUSA)
    assert (request.method, request.path, request.body) == (method, "/future/userDataStream", None)
    assert request.headers["Authorization"] == f"Bearer {secrets['auth_key']}"
    assert request.headers["x-api-key"] == secrets["api_key"]
    assert not any(value in repr(request) for value in secrets.values())


def test_documents_answers() -> None:
    """The document's answers are read: a key, then nothing."""
    key = BITMUSA.read_lease("create", Response(status=200, text=frame("bitmusa", "listen_key_create.json")))
    assert key == Secret("cAUzPhRQYWX1a2cE528PeAgtErBE96QWP5HpwFMSEzUC")
    for verb in ("renew", "release"):
        response = Response(status=200, text=frame("bitmusa", f"listen_key_{verb}.json"))
        assert BITMUSA.read_lease(verb, response) is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (999, ConnectFailed),
        (1001, LoginRejected),
        (1002, PermissionRefused),
        (1003, LoginRejected),
        (1005, PermissionRefused),
        (1006, RequestRejected),
        (1011, Throttled),
        (1012, PermissionRefused),
        (1013, ConnectFailed),
        (1014, RequestRejected),
        (2003, RequestRejected),
        (3001, RequestRejected),
        (3022, LeaseLost),
        (4000, LoginRejected),
        (20006, LoginRejected),
        (77777, ConnectFailed),
    ],
)
@pytest.mark.parametrize("form", ["{}", '"{}"'])
@pytest.mark.parametrize("status", [200, 400])
def test_code(code: int, kind: type[Exception], form: str, status: int) -> None:
    """Each code in the body has its own meaning, whatever the HTTP status."""
    text = f'{{"data":null,"code":{form.format(code)},"message":"BECAUSE"}}'
    with pytest.raises(FuturesStreamError, match="BECAUSE") as caught:
        BITMUSA.read_lease("create", Response(status=status, text=text))
    assert type(caught.value) is kind
    assert caught.value.code == str(code)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, ConnectFailed), (404, ConnectFailed), (401, PermissionRefused), (429, Throttled), (302, ConnectFailed)],
)
@pytest.mark.parametrize(
    "text", ["", "<html>listen</html>", "[]", "{}", '{"code":null}', '{"code":"x"}', '{"code":[]}']
)
def test_no_code(status: int, kind: type[Exception], text: str) -> None:
    """A body without a code is judged by the HTTP status, and is never a success."""
    for verb in ("create", "renew", "release"):
        with pytest.raises(kind):
            BITMUSA.read_lease(verb, Response(status=status, text=text, retry_after=7))


def test_code_zero_with_a_bad_status() -> None:
    """Code 0 with an error status is no success."""
    with pytest.raises(ConnectFailed):
        BITMUSA.read_lease("renew", Response(status=500, text='{"code":0}'))


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [],
        {"listenKey": None},
        {"listenKey": "../../escape/the/path"},
        {"listenKey": "short"},
        {"listenKey": "A" * 257},
        {"listenKey": "AAAAAAAAAAAAAAAA\n"},
        {"listenKey": "AAAA AAAA AAAA AAAA"},
    ],
)
def test_unusable_key(data: Any) -> None:
    """What is not a listen key never gets into a URL, nor into an error."""
    with pytest.raises(ConnectFailed) as caught:
        BITMUSA.read_lease("create", Response(status=200, text=json.dumps({"code": 0, "data": data})))
    assert "escape" not in str(caught.value)
    assert caught.value.__context__ is None


def test_no_answer_in_an_error() -> None:
    """An answer that is nearly JSON and holds a key leaves no trace in the error, nor behind it."""
    text = frame("bitmusa", "listen_key_create.json")[:-10] + "oops"
    with pytest.raises(ConnectFailed) as caught:
        BITMUSA.read_lease("create", Response(status=200, text=text))
    assert caught.value.__context__ is None
    assert "cAUzPhRQ" not in str(vars(caught.value))


def test_throttled_waits() -> None:
    """Too many requests: what the server asks to wait is kept."""
    with pytest.raises(Throttled) as caught:
        BITMUSA.read_lease("renew", Response(status=429, text='{"code":1011}', retry_after=9.0))
    assert caught.value.retry_after == 9.0


@pytest.mark.parametrize("base", ["ws://127.0.0.1:9", "ws://127.0.0.1:9/"])
def test_stream_url(base: str) -> None:
    """The listen key ends the URL, which is a secret."""
    url = BITMUSA.stream_url(Endpoints(base), Secret("K" * 44))
    assert url.reveal() == f"ws://127.0.0.1:9/ws/future/{'K' * 44}"
    assert "KKKK" not in repr(url)
    with pytest.raises(LeaseLost):
        BITMUSA.stream_url(Endpoints(base), None)


def test_facts() -> None:
    """The figures are the document's; pings are WebSocket frames and nobody says that they are answered."""
    assert BITMUSA.lease is not None
    assert BITMUSA.lease.life == 3600
    assert 2 * BITMUSA.lease.renew_every < BITMUSA.lease.life
    assert (BITMUSA.ping.text, BITMUSA.ping.every, BITMUSA.ping.answered) == (None, 20.0, False)
    assert BITMUSA.rest_roots == ("", "/api/v2")
    assert BITMUSA.lifetime == 86400
    assert BITMUSA.live_today is None
    assert BITMUSA.limits["rest"] == ((8, 1.0), (200, 60.0))


def test_wrong_credentials() -> None:
    """Another exchange's credentials are refused in the caller."""
    stranger = BitgetCredentials("a", "b", "c")
    with pytest.raises(ConfigError, match="BitmusaCredentials"):
        BITMUSA.session(credentials=stranger, account="x", channels=["orders"], symbols=None)
    with pytest.raises(ConfigError, match="BitmusaCredentials"):
        BITMUSA.lease_request("create", stranger)
