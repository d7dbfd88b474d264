"""The simulated Bitget v2, from the other side: an independent client, and the documents' own frames."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from simulator_clients import hear, is_mute, login_message, say
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from futures_stream.simulator import Simulator

FRAMES = Path(__file__).parent.parent / "frames" / "bitget-v2"
PRODUCT = "USDT-FUTURES"
ALL = ("account", "positions", "orders", "fill", "orders-algo", "positions-history", "adl-noti", "equity")


def arg(channel: str, product: str = PRODUCT, **other: str) -> dict[str, str]:
    """Make a subscription argument."""
    named = {"account": {"coin": "default"}, "adl-noti": {}}.get(channel, {"instId": "default"})
    return {"instType": product, "channel": channel, **named, **other}


def request(op: str, *args: Any) -> str:
    """Make a request."""
    return json.dumps({"op": op, "args": args})


def client_of(open_all: ExitStack, sim: Simulator, *channels: str) -> ClientConnection:
    """Connect, log in and subscribe."""
    url = str(sim.endpoints("bitget-v2").ws_url)
    client = open_all.enter_context(connect(url, compression=None, ping_interval=None, max_queue=None))
    if channels:
        assert say(client, login_message()) == {"event": "login", "code": 0}
        client.send(request("subscribe", *(arg(channel) for channel in channels)))
        assert [hear(client)["arg"] for _ in channels] == [arg(channel) for channel in channels]
    return client


def ask(sim: Simulator, path: str, secret: str = "simulated-api-secret", **said: Any) -> requests.Response:
    """Ask over REST, with a signature of our own; what begins with an underscore goes over a header."""
    query = urlencode(sorted((name, value) for name, value in said.items() if not name.startswith("_")))
    target = f"{path}?{query}" if query else path
    stamp = str(said.get("_stamp", int(time.time() * 1000)))
    digest = hmac.new(secret.encode(), f"{stamp}GET{target}".encode(), hashlib.sha256).digest()
    headers = {
        "ACCESS-KEY": said.get("_key", "simulated-api-key"),
        "ACCESS-SIGN": base64.b64encode(digest).decode(),
        "ACCESS-TIMESTAMP": stamp,
        "ACCESS-PASSPHRASE": said.get("_passphrase", "simulated-passphrase"),
    }
    return requests.get(f"{sim.endpoints('bitget-v2').rest_url}{target}", headers=headers, timeout=5)


def rows(sim: Simulator, resource: str, **said: Any) -> Any:
    """Return the data of an answer."""
    answer = ask(sim, f"/api/v2/mix/{resource}", productType=PRODUCT, **said).json()
    assert answer["code"] == "00000"
    return answer["data"]


def documented(name: str) -> dict[str, Any]:
    """Return a row of a documented frame."""
    data = json.loads((FRAMES / f"docsv2_{name}.json").read_text())["data"]
    if isinstance(data, dict):
        data = next((data[each] for each in ("entrustedList", "fillList") if each in data), [data])
    row = data[0]
    assert isinstance(row, dict)
    return row


def pushed(client: ClientConnection, n: int) -> list[Any]:
    """Receive pushes."""
    return [hear(client) for _ in range(n)]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"apiKey": "other"}, 30011),
        ({"passphrase": "other"}, 30012),
        ({"sign": "other"}, 30015),
        ({"timestamp": "soon"}, 30013),
        ({"apiKey": None}, 30016),
    ],
)
def test_refused_login(open_all: ExitStack, sim: Simulator, wrong: dict[str, Any], code: int) -> None:
    """An error with a number, then the end."""
    client = client_of(open_all, sim)
    answer = say(client, login_message(**wrong))
    assert (answer["event"], answer["code"]) == ("error", code)
    with pytest.raises(ConnectionClosed):
        client.recv(5)


@pytest.mark.parametrize("late", [-31, 31, 10**12])
def test_login_at_another_time(open_all: ExitStack, sim: Simulator, late: int) -> None:
    """A signature is good for thirty seconds; milliseconds are far away."""
    client = client_of(open_all, sim)
    assert say(client, login_message(str(int(time.time()) + late)))["code"] == 30014


def test_nothing_before_the_login(open_all: ExitStack, sim: Simulator) -> None:
    """As the live server does since it wins the race."""
    client = client_of(open_all, sim)
    assert say(client, request("subscribe", arg("orders")))["code"] == 30004


@pytest.mark.parametrize(
    "bad",
    [
        arg("orders", "UMCBL"),
        arg("weather"),
        arg("positions", instId="BTCUSDT"),
        arg("account", coin="USDT"),
        "orders",
    ],
)
def test_refused_subscription(open_all: ExitStack, sim: Simulator, bad: Any) -> None:
    """What does not exist is said so, with the argument."""
    client = client_of(open_all, sim, "orders")
    answer = say(client, request("subscribe", bad))
    assert (answer["event"], answer["code"], answer["arg"], answer["op"]) == ("error", 30001, bad, "subscribe")


def test_pings(open_all: ExitStack, sim: Simulator) -> None:
    """A text is answered by a text; the JSON of the API before is a parameter error."""
    client = client_of(open_all, sim)
    client.send("ping")
    assert client.recv(5) == "pong"
    assert say(client, '{"op":"ping"}')["code"] == 30016
    assert say(client, "{no")["code"] == 30003


def test_too_many_messages(open_all: ExitStack, sim: Simulator) -> None:
    """Ten a second, pings included."""
    client = client_of(open_all, sim)
    for _ in range(11):
        client.send("ping")
    heard = [client.recv(5) for _ in range(11)]
    assert heard[:10] == ["pong"] * 10
    assert json.loads(heard[10])["code"] == 30007


def test_each_frame_has_the_documented_fields(open_all: ExitStack, sim: Simulator) -> None:
    """Nothing that the documents show is missing, and the channel and its row fit."""
    client = client_of(open_all, sim, *ALL)
    assert is_mute(client)
    sim.step(25)
    sim.send_text("bitget-v2", '"end"')
    seen: dict[str, dict[str, Any]] = {}
    while (message := hear(client)) != "end":
        assert message["action"] == "snapshot"
        for row in message["data"]:
            seen[message["arg"]["channel"]] = seen.get(message["arg"]["channel"], {}) | row
    names = {"orders": "clientOId presetStopSurplusPrice presetStopLossPrice totalProfits"}
    names |= {"orders-algo": "stopSurplusTriggerType stopLossTriggerType"}
    for channel in ("account", "positions", "orders", "fill", "orders-algo", "positions-history"):
        missing = set(documented(f"ws_{channel}_push")) - set(seen[channel])
        assert missing <= set(names.get(channel, "").split()), channel
    assert seen["positions-history"]["marginMode"] == "fixed"
    assert "equity" in seen


def test_positions_are_all_that_are_open(open_all: ExitStack, sim: Simulator) -> None:
    """The last one's end is an empty list."""
    client = client_of(open_all, sim, "positions")
    sizes = []
    for _ in range(40):
        sim.step()
        books = sim.books("bitget-v2")
        sizes.append(sorted((each.symbol, each.side, each.size) for each in books.positions))
    sim.send_text("bitget-v2", '"end"')
    said = []
    while (message := hear(client)) != "end":
        said.append(sorted((row["instId"], row["holdSide"], Decimal(row["total"])) for row in message["data"]))
    assert said[-1] in sizes
    assert all(each in sizes for each in said)


def test_other_products_are_empty(open_all: ExitStack, sim: Simulator) -> None:
    """The account trades USDT-FUTURES only."""
    client = client_of(open_all, sim, "orders")
    assert say(client, request("subscribe", arg("orders", "COIN-FUTURES")))["event"] == "subscribe"
    assert say(client, request("unsubscribe", arg("orders")))["event"] == "unsubscribe"
    sim.step(3)
    assert is_mute(client)
    for resource in ("account/accounts", "position/all-position", "order/orders-pending", "order/fills"):
        answer = ask(sim, f"/api/v2/mix/{resource}", productType="COIN-FUTURES").json()
        assert not (answer["data"] if isinstance(answer["data"], list) else next(iter(answer["data"].values())))


def test_rest_tells_the_books(sim: Simulator) -> None:
    """Balances, positions, open orders and executions, with the documented fields."""
    while not (sim.books("bitget-v2").positions and any(each.working for each in sim.books("bitget-v2").orders)):
        sim.step()
    sim.step(30)
    books = sim.books("bitget-v2")
    (balance,) = rows(sim, "account/accounts")
    assert Decimal(balance["accountEquity"]) == books.balances[0].equity
    positions = rows(sim, "position/all-position")
    assert [(each["symbol"], each["holdSide"], Decimal(each["total"])) for each in positions] == [
        (each.symbol, each.side, each.size) for each in books.positions
    ]
    pending = []
    for status in ("live", "partially_filled"):
        pending += rows(sim, "order/orders-pending", status=status)["entrustedList"] or []
    assert sorted(each["orderId"] for each in pending) == sorted(each.order_id for each in books.orders if each.working)
    fills = rows(sim, "order/fills")["fillList"]
    assert [each["tradeId"] for each in fills] == [each.trade_id for each in reversed(books.executions)][:100]
    optional = {"takeProfit", "stopLoss", "takeProfitId", "stopLossId", "totalProfits"}
    optional |= {"unionTotalMagin", "unionAvailable", "unionMm", "assetList"}
    presets = {name for name in documented("rest_orders-pending_resp") if name.startswith("preset")}
    for row, name in (
        (balance, "accounts"),
        (positions[0], "all-position"),
        (pending[0], "orders-pending"),
        (fills[0], "fills"),
    ):
        assert set(documented(f"rest_{name}_resp")) - set(row) <= optional | presets, name


def test_closed_positions(sim: Simulator) -> None:
    """The last first, as they were seen over REST; their profits are those of the executions."""
    sim.step(60)
    executions = sim.books("bitget-v2").executions
    seen = json.loads((FRAMES / "jkorf_v2rest_GetPositionHistory.json").read_text())["data"]["list"][0]
    found = rows(sim, "position/history-position", limit=2)
    (last, before) = found["list"]

    assert set(last) == set(seen)
    assert int(last["utime"]) >= int(before["utime"])
    assert last["openTotalPos"] == last["closeTotalPos"]
    of_it = [
        each
        for each in executions
        if (each.symbol, each.position_side) == (last["symbol"], last["holdSide"])
        and int(last["ctime"]) <= each.unix_ms <= int(last["utime"])
    ]
    assert Decimal(last["netProfit"]) == sum(each.realized_pnl - each.fee for each in of_it)
    assert rows(sim, "position/history-position", limit=1, idLessThan=found["endId"])["list"][0] not in (last, before)


def test_pages_and_times(sim: Simulator) -> None:
    """The newest first, below an id, since a time."""
    sim.step(60)
    trades = [each.trade_id for each in sim.books("bitget-v2").executions][::-1]
    first = rows(sim, "order/fills", limit=3)
    assert [each["tradeId"] for each in first["fillList"]] == trades[:3]
    second = rows(sim, "order/fills", limit=2, idLessThan=first["endId"])
    assert [each["tradeId"] for each in second["fillList"]] == trades[3:5]
    now = sim.books("bitget-v2").balances[0].unix_ms
    assert rows(sim, "order/fills", startTime=now + 1000) == {"fillList": [], "endId": ""}


def test_one_order(sim: Simulator) -> None:
    """Whatever became of it."""
    sim.step(12)
    order = next(each for each in sim.books("bitget-v2").orders if each.status == "cancelled")
    row = rows(sim, "order/detail", orderId=order.order_id, symbol=order.symbol)
    assert (row["state"], row["orderId"]) == ("canceled", order.order_id)
    unknown = ask(sim, "/api/v2/mix/order/detail", productType=PRODUCT, orderId="1", symbol="BTCUSDT")
    assert unknown.json()["code"] == "40109"


def test_time(sim: Simulator) -> None:
    """It needs no signature, and follows the skew."""
    sim.skew(3600)
    answer = requests.get(f"{sim.endpoints('bitget-v2').rest_url}/api/v2/public/time", timeout=5).json()
    assert abs(int(answer["data"]["serverTime"]) - (time.time() + 3600) * 1000) < 60_000


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"_key": "other"}, "40006"),
        ({"_key": ""}, "40001"),
        ({"_passphrase": "other"}, "40012"),
        ({"_stamp": "1538054050000"}, "40008"),
        ({"_stamp": "now"}, "40005"),
        ({"secret": "other"}, "40009"),
        ({"productType": "UMCBL"}, "400172"),
    ],
)
def test_refused_calls(sim: Simulator, said: dict[str, Any], code: str) -> None:
    """With the documented code, and HTTP 400."""
    answer = ask(sim, "/api/v2/mix/account/accounts", **{"productType": PRODUCT, **said})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_faults(sim: Simulator) -> None:
    """The same switches as for the other exchanges: refusals, a frozen state, an unknown path."""
    sim.step(5)
    sim.freeze_rest()
    sim.step(20)
    assert len(rows(sim, "order/fills")["fillList"]) < len(sim.books("bitget-v2").executions)
    sim.refuse_rest(40085, status=400, path="/api/v2/mix/order/fills")
    answer = ask(sim, "/api/v2/mix/order/fills", productType=PRODUCT)
    assert (answer.status_code, answer.json()["code"]) == (400, "40085")
    assert rows(sim, "account/accounts")
    sim.refuse_rest(429, status=429, retry_after=2)
    assert ask(sim, "/api/v2/mix/account/accounts", productType=PRODUCT).headers["Retry-After"] == "2"
    sim.heal()
    assert ask(sim, "/api/v2/mix/order/nothing", productType=PRODUCT).status_code == 404


def test_flood(open_all: ExitStack, sim: Simulator) -> None:
    """Many updates of one order, each with more filled."""
    client = client_of(open_all, sim, "orders")
    sim.flood("bitget-v2", 50)
    filled = [Decimal(hear(client)["data"][0]["accBaseVolume"]) for _ in range(50)]
    assert filled == sorted(set(filled))
    silent = client_of(open_all, sim, "account")
    sim.flood("bitget-v2", 5)
    assert is_mute(silent)
