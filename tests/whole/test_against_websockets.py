"""Our client against servers that share no code with this project."""

import json
import socket
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from futures_stream import (
    Balance,
    BitgetCredentials,
    BitmusaCredentials,
    ChannelLost,
    Closed,
    Endpoints,
    Execution,
    Gap,
    LeaseRenewed,
    LiquidationWarning,
    Live,
    LoginRejected,
    OpenTimeout,
    Options,
    Order,
    OrderStatus,
    PermissionRefused,
    Position,
    PositionSide,
    Resynced,
    StreamFailed,
    SubscriptionRejected,
    Unreadable,
    open_stream,
)
from tests.whole.independent import BITGET, BITMUSA, LISTEN_KEY, bitget_server, bitmusa_server

SOON = 20.0  # seconds; generous, since a machine with two busy cores may stall for seconds


def push(channel: str, *rows: dict[str, Any], action: str = "update") -> dict[str, Any]:
    """Return a push as Bitget's document prints it."""
    return {"action": action, "arg": {"channel": channel, "instType": "FUTURES", "instId": "default"}, "data": rows}


def order(**fields: Any) -> dict[str, Any]:
    """Return an order row."""
    return {"orderId": "1", "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "status": "new"} | fields


def test_bitget_end_to_end() -> None:
    """Login, subscriptions one by one, and records of every kind, from a server of another make."""
    with bitget_server() as peer, open_stream("bitget", BITGET, endpoints=peer.endpoints, timeout=SOON) as stream:
        peer.say(
            push("account", {"marginCoin": "USDT", "available": "1.10"}),
            push("positions", {"symbol": "BTCUSDT", "positionSide": "long", "holdPosition": "0.123"}),
            push("orders", order(size="0.1", filledSize="0.05", status="partially_filled")),
            push("execution", {"tradeId": 9, "orderId": "1", "symbol": "BTCUSDT", "price": "30000.10", "size": "0.05"}),
            push("liquidation", {"symbol": "BTCUSDT", "positionSide": "long", "warningLevel": "2"}),
        )
        live, balance, position, order_, execution, warning = (stream.get(SOON) for _ in range(6))

    assert isinstance(live, Live)
    assert isinstance(balance, Balance)
    assert str(balance.free) == "1.10"
    assert isinstance(position, Position)
    assert position.side is PositionSide.LONG
    assert isinstance(order_, Order)
    assert order_.remaining == Decimal("0.05")
    assert isinstance(execution, Execution)
    assert execution.cost == Decimal("1500.0050")
    assert isinstance(warning, LiquidationWarning)
    assert warning.level == 2
    assert [message["op"] for message in peer.heard] == ["login"] + ["subscribe"] * 5
    assert isinstance(stream.get(SOON), Closed)


def test_bitmusa_end_to_end() -> None:
    """Listen key, both headers, the key in the path, records, and no DELETE at the end."""
    payload = {"orderId": "C1", "ticker": "XRPUSDT", "direction": "OPEN", "price": 0.5155, "amount": 2}
    with bitmusa_server() as peer, open_stream("bitmusa", BITMUSA, endpoints=peer.endpoints, timeout=SOON) as stream:
        peer.say({"data": payload, "stream": "future_order", "eventTime": 1700703548846})
        told = {type(record): record for record in (stream.get(SOON) for _ in range(3))}

    assert set(told) == {Live, LeaseRenewed, Order}
    first = told[Order]
    assert isinstance(first, Order)
    assert (first.price, first.side) == (Decimal("0.5155"), None)
    assert peer.paths == [f"/ws/future/{LISTEN_KEY}"]
    assert [method for method, _, _ in peer.calls] == ["POST", "PUT"]


def test_listen_key_is_released_on_request() -> None:
    """Only who asks for it gives the account's key back."""
    with bitmusa_server() as peer:
        options = Options(release_listen_key=True)
        open_stream("bitmusa", BITMUSA, endpoints=peer.endpoints, options=options, timeout=SOON).close()

    assert peer.calls[-1][0] == "DELETE"


@pytest.mark.parametrize("prefix", ["", "/some/prefix"])
def test_rest_root_falls_back(prefix: str) -> None:
    """A 404 at the documented path is tried once more under /api/v2, and that is used from then on."""
    with bitmusa_server(root=f"{prefix}/api/v2") as peer:
        endpoints = Endpoints(peer.endpoints.ws_url, f"{peer.endpoints.rest_url}{prefix}")
        with open_stream("bitmusa", BITMUSA, endpoints=endpoints, timeout=SOON) as stream:
            while not isinstance(stream.get(SOON), LeaseRenewed):
                pass

    assert [path for _, path, _ in peer.calls] == [
        f"{prefix}/future/userDataStream",
        f"{prefix}/api/v2/future/userDataStream",
        f"{prefix}/api/v2/future/userDataStream",
    ]


def test_reconnects_and_says_so() -> None:
    """A lost connection is a gap in band, then everything is subscribed again."""
    with bitget_server() as peer, open_stream("bitget", BITGET, endpoints=peer.endpoints, timeout=SOON) as stream:
        peer.say(push("orders", order()))
        peer.connections[-1].socket.shutdown(socket.SHUT_RDWR)
        told = [type(stream.get(SOON)) for _ in range(5)]
        peer.say(push("orders", order(status="filled")))
        last = stream.get(SOON)

    assert told == [Live, Order, Gap, Resynced, Live]
    assert isinstance(last, Order)
    assert last.status is OrderStatus.FILLED
    assert [message["op"] for message in peer.heard].count("subscribe") == 10


def test_what_is_in_flight_at_close_is_delivered() -> None:
    """Frames that were sent before our farewell was read still arrive."""
    with bitget_server() as peer, open_stream("bitget", BITGET, endpoints=peer.endpoints, timeout=SOON) as stream:
        peer.say(*(push("orders", order(orderId=str(number))) for number in range(500)))
        stream.close()
        orders = [record for record in stream if isinstance(record, Order)]

    assert [record.order_id for record in orders] == [str(number) for number in range(500)]


@pytest.mark.parametrize("code", ["60001", 60001])
def test_wrong_bitget_key(code: object) -> None:
    """Wrong credentials are raised at once, typed, and tried exactly once."""
    refuse = {"event": "error", "code": code, "msg": "Authentication failed"}
    with bitget_server(answer_login=lambda arg: refuse) as peer, pytest.raises(LoginRejected) as caught:
        open_stream("bitget", BITGET, endpoints=peer.endpoints, timeout=SOON)

    assert caught.value.code == "60001"
    assert "canary" not in str(caught.value)
    assert len(peer.heard) == 1


def test_wrong_signature_is_refused() -> None:
    """The server checks the signature for real: another secret is rejected."""
    with bitget_server() as peer, pytest.raises(LoginRejected):
        open_stream("bitget", BitgetCredentials("canary-key", "x", "canary-passphrase"), endpoints=peer.endpoints)


def test_wrong_bitmusa_key() -> None:
    """A business error in a body with HTTP 200 is an error."""
    with bitmusa_server() as peer, pytest.raises(LoginRejected) as caught:
        open_stream("bitmusa", BitmusaCredentials("wrong-canary", "x"), endpoints=peer.endpoints, timeout=SOON)

    assert caught.value.code == "4000"
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, {"data": None, "code": 1002, "message": "NOT ALLOWED IP"}), PermissionRefused),
        ((401, b"<html>who are you?</html>"), PermissionRefused),
    ],
)
def test_refused_by_rest(answer: tuple[int, Any], error: type[Exception]) -> None:
    """What cannot succeed is raised at once."""
    with bitmusa_server(create=lambda: answer) as peer, pytest.raises(error):
        open_stream("bitmusa", BITMUSA, endpoints=peer.endpoints, timeout=SOON)


def test_refused_channel_fails_the_open() -> None:
    """An anonymous refusal belongs to the subscription that was outstanding."""

    def answer(arg: dict[str, Any]) -> Any:
        if arg["channel"] == "execution":
            return {"event": "error", "code": 60004, "msg": "Invalid subscription"}
        return {"event": "subscribe", "arg": arg}

    with bitget_server(answer_subscribe=answer) as peer, pytest.raises(SubscriptionRejected) as caught:
        open_stream("bitget", BITGET, endpoints=peer.endpoints, timeout=SOON)

    assert caught.value.channel == "executions"


def test_channel_lost_later_is_a_notice() -> None:
    """A channel that is refused after a reconnect is told, and the others go on."""
    refusing = threading.Event()

    def answer(arg: dict[str, Any]) -> Any:
        if refusing.is_set() and arg["channel"] == "positions":
            return {"event": "error", "code": "60004", "msg": "Invalid subscription"}
        return {"event": "subscribe", "arg": arg}

    with bitget_server(answer_subscribe=answer) as peer:
        with open_stream("bitget", BITGET, endpoints=peer.endpoints, timeout=SOON) as stream:
            refusing.set()
            peer.connections[-1].socket.shutdown(socket.SHUT_RDWR)
            told = [stream.get(SOON) for _ in range(5)]

    assert [type(record) for record in told] == [Live, Gap, ChannelLost, Resynced, Live]
    assert isinstance(told[2], ChannelLost)
    assert told[2].channel == "positions"


def test_channels_come_and_go() -> None:
    """Channels are subscribed and given up at the exchange while the stream runs."""
    with bitget_server() as peer:
        with open_stream("bitget", BITGET, channels=["orders"], endpoints=peer.endpoints, timeout=SOON) as stream:
            stream.add_channels("positions", "execution", timeout=SOON)
            stream.remove_channels("orders")
            peer.wait_heard(lambda message: message["op"] == "unsubscribe")
            channels = stream.status.channels

    assert channels == ("positions", "executions")
    asked = [message["args"][0]["channel"] for message in peer.heard if message["op"] == "subscribe"]
    assert asked == ["orders", "positions", "execution"]


@pytest.mark.parametrize("text", ["{not json", "[]", "17", '{"event":"what?"}', '{"arg":{"channel":"x"},"data":[]}'])
def test_unreadable_text_is_told(text: str) -> None:
    """What cannot be understood is told with its text, and the stream goes on."""
    with bitget_server() as peer, open_stream("bitget", BITGET, endpoints=peer.endpoints, timeout=SOON) as stream:
        peer.say(text, push("orders", order()))
        _, unreadable, after = (stream.get(SOON) for _ in range(3))

    assert isinstance(unreadable, Unreadable)
    assert unreadable.text == text
    assert isinstance(after, Order)


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_nobody_listens(exchange: str, dead_port: int) -> None:
    """An unreachable host is a typed error within the time limit."""
    credentials = BITGET if exchange == "bitget" else BITMUSA
    endpoints = Endpoints(f"ws://127.0.0.1:{dead_port}", f"http://127.0.0.1:{dead_port}")

    with pytest.raises(OpenTimeout) as caught:
        open_stream(exchange, credentials, endpoints=endpoints, timeout=0.5)

    assert str(dead_port) in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_server_accepts_and_stays_silent(exchange: str) -> None:
    """A server that takes the connection and never says a word is a typed error within the time limit."""
    credentials = BITGET if exchange == "bitget" else BITMUSA
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        endpoints = Endpoints(f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}")

        with pytest.raises(OpenTimeout):
            open_stream(exchange, credentials, endpoints=endpoints, timeout=0.5)


def test_login_is_never_answered() -> None:
    """A server that upgrades and never acknowledges the login is a typed error within the time limit."""
    with bitget_server(answer_login=lambda arg: None) as peer, pytest.raises(OpenTimeout):
        open_stream("bitget", BITGET, endpoints=peer.endpoints, timeout=0.5)

    assert {message["op"] for message in peer.heard} <= {"login"}  # on a busy machine not even that may get through


def test_login_revoked_later_ends_the_stream() -> None:
    """Credentials that are refused after a reconnect end the stream loudly, in the consumer."""
    accepted = iter([{"event": "login"}])
    refuse = {"event": "error", "code": "60001", "msg": "Authentication failed"}
    with bitget_server(answer_login=lambda arg: next(accepted, refuse)) as peer:
        with open_stream("bitget", BITGET, endpoints=peer.endpoints, timeout=SOON) as stream:
            peer.connections[-1].socket.shutdown(socket.SHUT_RDWR)
            with pytest.raises(StreamFailed) as caught:
                for _ in stream:
                    pass

    assert isinstance(caught.value.__cause__, LoginRejected)


def test_recorded_position_reads_as_printed() -> None:
    """Bitmusa's own sample, trailing comma and all, arrives as a position."""
    frames = Path(__file__).parent.parent / "frames" / "bitmusa"
    text = next(frames.glob("*position*.json.txt")).read_text()
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    with bitmusa_server() as peer, open_stream("bitmusa", BITMUSA, endpoints=peer.endpoints, timeout=SOON) as stream:
        peer.say(text)
        told = {type(record): record for record in (stream.get(SOON) for _ in range(3))}

    position = told[Position]
    assert isinstance(position, Position)
    assert (position.entry_price, position.closed_at) == (Decimal("0.5155"), None)
