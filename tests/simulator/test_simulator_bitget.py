"""The simulated Bitget speaks as its documents do."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from simulator_clients import CHANNELS, arg, bitget, hear, is_mute, log_in, login_message, say, subscribe_message
from websockets.exceptions import ConnectionClosed

from futures_stream.simulator import Simulator

ERROR_60004 = {"event": "error", "code": "60004", "msg": "Invalid subscription"}

# The rows of the documents, word for word.
DOCUMENTED: dict[str, dict[str, Any]] = {
    "account": {
        "marginCoin": "USDT",
        "available": "1000.00",
        "total": "1500.00",
        "unrealizedPnl": "50.00",
        "marginMode": "cross",
        "marginRatio": "0.05",
        "maintainMargin": "2.00",
        "initialMargin": "10.00",
        "frozenBalance": "450.00",
        "timestamp": 1621441751927,
    },
    "positions": {
        "symbol": "BTCUSDT",
        "positionSide": "long",
        "holdPosition": "0.123",
        "openPrice": "30000.50",
        "markPrice": "31000.00",
        "unrealizedPnl": "123.45",
        "leverage": "10",
        "marginMode": "isolated",
        "isolatedMargin": "500.00",
        "positionMargin": "300.00",
        "maintainMargin": "2.00",
        "marginRate": "0.15",
        "liquidationPrice": "27500.00",
        "timestamp": 1621441751927,
    },
    "orders": {
        "orderId": "123456789",
        "symbol": "BTCUSDT",
        "side": "buy",
        "orderType": "limit",
        "price": "30000.50",
        "size": "0.123",
        "filledSize": "0.100",
        "avgPrice": "30000.00",
        "leverage": "10",
        "marginMode": "isolated",
        "status": "partially_filled",
        "timestamp": 1621441751927,
    },
    "execution": {
        "tradeId": "987654321",
        "orderId": "123456789",
        "symbol": "BTCUSDT",
        "side": "buy",
        "price": "30000.00",
        "size": "0.100",
        "fee": "0.00001",
        "feeCurrency": "USDT",
        "role": "maker",
        "timestamp": 1621441751927,
    },
    "liquidation": {
        "symbol": "BTCUSDT",
        "positionSide": "long",
        "marginMode": "isolated",
        "marginRatio": "0.95",
        "liquidationPrice": "27500.00",
        "currentPrice": "27800.00",
        "warningLevel": "2",
        "timestamp": 1621441751927,
    },
}


@pytest.mark.parametrize(
    ("style", "ack"),
    [
        ("int", {"event": "login", "code": 0}),
        ("string", {"event": "login", "code": "0"}),
        ("empty", {"event": "login", "code": ""}),
        ("absent", {"event": "login"}),
    ],
)
def test_login_is_acknowledged(style: Any, ack: dict[str, object]) -> None:
    """A login that is signed as documented is acknowledged, in the spelling asked for."""
    with Simulator(tick=None, code_style=style) as sim, bitget(sim) as client:
        assert say(client, login_message()) == ack


@pytest.mark.parametrize(
    "wrong",
    [
        login_message(sign="bm90IHRoZSBzaWduYXR1cmU="),
        login_message(apiKey="another"),
        login_message(passphrase="another"),
        login_message("1e9"),
        login_message("١٢٣"),
        json.dumps({"op": "login", "args": [{"apiKey": 1}]}),
        json.dumps({"op": "login", "args": ["simulated-api-key"]}),
    ],
)
def test_wrong_login_is_refused_and_closed(sim: Simulator, wrong: str) -> None:
    """A login with anything wrong in it gets 60001 and a close frame."""
    with bitget(sim) as client:
        assert say(client, wrong) == {"event": "error", "code": "60001", "msg": "Authentication failed"}
        with pytest.raises(ConnectionClosed):
            client.recv(5)
        assert client.close_code == 1008


@pytest.mark.parametrize(("ahead", "unit"), [(-100_000, 1), (60, 1), (0, 1000)])
def test_login_at_another_time_is_refused_and_closed(sim: Simulator, ahead: int, unit: int) -> None:
    """A login that is signed well, but at another time, or in milliseconds, gets a code of its own."""
    with bitget(sim) as client:
        refusal = {"event": "error", "code": "30014", "msg": "Request timestamp expired"}
        assert say(client, login_message(str((int(time.time()) + ahead) * unit))) == refusal
        with pytest.raises(ConnectionClosed):
            client.recv(5)
        assert client.close_code == 1008


def test_subscription_before_login_is_refused(sim: Simulator) -> None:
    """Nobody hears of anything before a login."""
    with bitget(sim) as client:
        assert say(client, subscribe_message(arg("orders"))) == ERROR_60004
        sim.step(3)
        assert is_mute(client)


def test_subscriptions_are_acknowledged_one_by_one(sim: Simulator) -> None:
    """Each argument of a request gets its own answer; account and positions are followed by a snapshot."""
    with bitget(sim) as client:
        log_in(client)
        client.send(subscribe_message(*[arg(each) for each in CHANNELS]))
        heard = [hear(client) for _ in range(7)]

    assert [each["arg"] for each in heard if each.get("event") == "subscribe"] == [arg(each) for each in CHANNELS]
    assert [each.get("action", each.get("event")) for each in heard] == [
        "subscribe",
        "snapshot",
        "subscribe",
        "snapshot",
        "subscribe",
        "subscribe",
        "subscribe",
    ]
    assert heard[3] == {"action": "snapshot", "arg": arg("positions"), "data": []}


def test_snapshot_is_the_whole_set_of_its_scope(sim: Simulator) -> None:
    """A snapshot holds the open positions of the symbol subscribed to, or all, a long and a short each in a row."""
    sim.step(9)
    with bitget(sim) as client:
        log_in(client)
        say(client, subscribe_message(arg("positions", "BTCUSDT")))
        scoped = hear(client)
        say(client, subscribe_message(arg("positions", None)))
        whole = hear(client)

    assert [(each["symbol"], each["positionSide"]) for each in scoped["data"]] == [
        ("BTCUSDT", "long"),
        ("BTCUSDT", "short"),
    ]
    assert len(whole["data"]) == len(sim.books("bitget").positions) == 3
    assert whole["arg"] == arg("positions", None)


@pytest.mark.parametrize(
    "bad",
    [
        arg("candles"),
        arg("orders", "DOGEUSDT"),
        arg("orders", "USDT"),
        arg("account", "BTCUSDT"),
        arg("orders", product="UMCBL"),
        arg("orders", product="futures"),
        {"channel": "orders"},
        {**arg("orders"), "extra": "1"},
        {"channel": ["orders"], "instType": "FUTURES"},
        "orders",
    ],
)
def test_invalid_subscription_is_refused(sim: Simulator, bad: Any) -> None:
    """A subscription to what does not exist gets an anonymous 60004, and the others of the request go on."""
    with bitget(sim) as client:
        log_in(client)
        assert say(client, subscribe_message(bad, arg("orders"))) == ERROR_60004
        assert hear(client) == {"event": "subscribe", "arg": arg("orders")}


def test_errors_can_name_their_argument() -> None:
    """With the option, an error repeats the argument."""
    with Simulator(tick=None, echo_arg_in_errors=True) as sim, bitget(sim) as client:
        log_in(client)
        assert say(client, subscribe_message(arg("candles"))) == {**ERROR_60004, "arg": arg("candles")}


def test_account_accepts_a_margin_coin(sim: Simulator) -> None:
    """The account channel takes a margin coin as its scope."""
    with bitget(sim) as client:
        log_in(client)
        assert say(client, subscribe_message(arg("account", "USDT"))) == {
            "event": "subscribe",
            "arg": arg("account", "USDT"),
        }
        assert hear(client)["arg"] == arg("account", "USDT")


def test_unsubscribed_is_silent(sim: Simulator) -> None:
    """After an acknowledged unsubscription nothing more comes of that channel; unknown ones are refused."""
    with bitget(sim) as client:
        log_in(client, "orders")
        request = subscribe_message(arg("orders"), op="unsubscribe")
        assert say(client, request) == {"event": "unsubscribe", "arg": arg("orders")}
        assert say(client, request) == ERROR_60004
        sim.step(5)
        assert is_mute(client)


@pytest.mark.parametrize(
    ("pong", "request_", "answer"),
    [("json", '{"op":"ping"}', '{"event":"pong"}'), ("text", '{"op":"ping"}', "pong"), ("text", "ping", "pong")],
)
def test_ping_is_answered(pong: Any, request_: str, answer: str) -> None:
    """A ping is answered in the form asked for, even before the login."""
    with Simulator(tick=None, pong=pong) as sim, bitget(sim) as client:
        client.send(request_)
        assert client.recv(5) == answer


def test_ping_can_stay_unanswered() -> None:
    """Without a pong a ping is swallowed."""
    with Simulator(tick=None, pong=None) as sim, bitget(sim) as client:
        client.send('{"op":"ping"}')
        assert is_mute(client)


@pytest.mark.parametrize("text", ["{", "ping", "[]", '{"op":"dance"}', '{"op":"subscribe","args":{}}', "[" * 100_000])
def test_unreadable_messages_get_60005(sim: Simulator, text: str) -> None:
    """What is not a request is answered with 60005, and the connection lives on."""
    with bitget(sim) as client:
        assert say(client, text) == {"event": "error", "code": "60005", "msg": "Invalid message"}
        assert say(client, '{"op":"ping"}') == {"event": "pong"}


def test_too_many_messages_get_60003(sim: Simulator) -> None:
    """The 51st message within a second is refused."""
    with bitget(sim) as client:
        for _ in range(51):
            client.send('{"op":"ping"}')
        heard = [hear(client) for _ in range(51)]

    assert heard[:50] == [{"event": "pong"}] * 50
    assert heard[50] == {"event": "error", "code": "60003", "msg": "Rate limit exceeded"}


def test_rows_have_the_documented_fields_and_types(sim: Simulator) -> None:
    """Each channel's rows have the fields of the documents, in their order, with strings for numbers."""
    seen: dict[str, dict[str, Any]] = {}
    with bitget(sim) as client:
        log_in(client, *CHANNELS)
        sim.step(25)
        while len(seen) < len(CHANNELS):
            push = hear(client)
            assert list(push) == ["action", "arg", "data"]
            assert push["action"] == "update"
            for row in push["data"]:
                seen[push["arg"]["channel"]] = row
                documented = DOCUMENTED[push["arg"]["channel"]]
                assert list(row) == list(documented)
                assert [type(each) for each in row.values()] == [type(each) for each in documented.values()]


def test_the_story_on_the_wire_is_the_story_of_the_books(sim: Simulator, open_all: ExitStack) -> None:
    """Folding the pushes gives the books: orders, executions, positions and balance."""
    client = open_all.enter_context(bitget(sim))
    log_in(client, *CHANNELS)
    sim.step(60)
    books = sim.books("bitget")
    client.send('{"op":"ping"}')
    rows: dict[str, list[dict[str, Any]]] = {channel: [] for channel in CHANNELS}
    while "arg" in (push := hear(client)):
        rows[push["arg"]["channel"]] += push["data"]

    orders = {row["orderId"]: (row["status"], Decimal(row["filledSize"])) for row in rows["orders"]}
    assert orders == {each.order_id: (each.status, each.filled) for each in books.orders}
    assert [(row["tradeId"], Decimal(row["price"]), Decimal(row["fee"])) for row in rows["execution"]] == [
        (each.trade_id, each.price, each.fee) for each in books.executions
    ]
    held = {(row["symbol"], row["positionSide"]): Decimal(row["holdPosition"]) for row in rows["positions"]}
    assert {key: size for key, size in held.items() if size} == {
        (each.symbol, each.side): each.size for each in books.positions
    }
    last = rows["account"][-1]
    assert Decimal(last["available"]) + Decimal(last["frozenBalance"]) + Decimal(last["unrealizedPnl"]) == Decimal(
        last["total"]
    )
    assert Decimal(last["available"]) == books.balances[0].available


def test_a_symbol_hears_only_of_itself(sim: Simulator) -> None:
    """A subscription to one symbol gets that symbol's rows only, under its own argument."""
    with bitget(sim) as client:
        log_in(client)
        say(client, subscribe_message(arg("orders", "ETHUSDT")))
        sim.step(25)
        client.send('{"op":"ping"}')
        pushes = []
        while "arg" in (push := hear(client)):
            pushes.append(push)

    assert pushes
    assert {row["symbol"] for push in pushes for row in push["data"]} == {"ETHUSDT"}
    assert all(push["arg"] == arg("orders", "ETHUSDT") for push in pushes)
