"""The simulated Bitmusa speaks as its documents do."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from simulator_clients import bitmusa, hear, is_mute, rest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from futures_stream.clock import SystemClock
from futures_stream.simulator import Simulator
from futures_stream.simulator.text import render

SUCCESS = {"code": 0, "message": "success"}
ORDER = {
    "orderId": str,
    "ticker": str,
    "direction": str,
    "type": str,
    "price": Decimal,
    "amount": Decimal,
    "tradedAmount": Decimal,
    "value": Decimal,
    "status": str,
    "createdTime": int,
    "canceledTime": (int, type(None)),
    "completedTime": (int, type(None)),
}
POSITION = {
    "ticker": str,
    "marginMode": str,
    "positionMode": str,
    "position": str,
    "status": str,
    "leverage": str,
    "price": str,
    "amount": str,
    "value": str,
    "liquidPrice": str,
    "unpnl": str,
    "createdTime": int,
    "closeTime": (str, int),
}
WALLET = {"asset": str, "free": str, "locked": str}
DOCUMENTED: dict[str, dict[str, Any]] = {"future_order": ORDER, "future_position": POSITION, "future_wallet": WALLET}


class LeapingClock(SystemClock):
    """The machine's clock, put forward by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def failure(code: int, message: str) -> dict[str, object]:
    return {"data": None, "code": code, "message": message}


def test_post_gives_the_active_key(sim: Simulator) -> None:
    """A second POST gives the key of the first."""
    first, second = rest(sim).json(), rest(sim).json()

    assert first == second
    assert {"code": first["code"], "message": first["message"]} == SUCCESS
    assert len(first["data"]["listenKey"]) == 44


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({"Authorization": "Bearer another"}, failure(4000, "need sign in")),
        ({"Authorization": None}, failure(4000, "need sign in")),
        ({"Authorization": "simulated-auth-key"}, failure(4000, "need sign in")),
        ({"x-api-key": None}, failure(1003, "empty api key")),
        ({"x-api-key": "another"}, failure(1001, "api key not found")),
    ],
)
def test_wrong_credentials_are_a_business_error(sim: Simulator, method: str, headers: Any, answer: Any) -> None:
    """Wrong credentials are answered in the body, with HTTP 200."""
    response = rest(sim, method, **headers)

    assert response.status_code == 200
    assert response.json() == answer


def test_put_and_delete_without_a_key(sim: Simulator) -> None:
    """There is nothing to extend or delete before a POST."""
    assert rest(sim, "PUT").json() == failure(3022, "empty listen key")
    assert rest(sim, "DELETE").json()["code"] == 3022


def test_key_lives_and_is_extended() -> None:
    """A key lives for its time from the last POST that made it or PUT, then there is a new one."""
    clock = LeapingClock()
    with Simulator(tick=None, clock=clock, key_life=100.0) as sim:
        first = rest(sim).json()
        clock.ahead = 60.0
        assert rest(sim, "PUT").json() == SUCCESS
        clock.ahead = 120.0
        assert rest(sim).json() == first
        clock.ahead = 170.0
        assert rest(sim, "PUT").json()["code"] == 3022
        assert rest(sim).json() != first


def test_root_is_a_prefix() -> None:
    """With a root, calls are answered under it and nowhere else; the list of requests has both."""
    with Simulator(tick=None, rest_root="/api/v2") as sim:
        assert rest(sim).status_code == 404
        assert rest(sim, root="/api/v2").json()["code"] == 0
        assert sim.requests == [("POST", "/future/userDataStream"), ("POST", "/api/v2/future/userDataStream")]
        assert sim.wait_requests(2)


@pytest.mark.parametrize("key", ["", "unknown"])
def test_unknown_key_is_refused_at_the_upgrade(sim: Simulator, key: str) -> None:
    """A key that does not exist gets HTTP 401."""
    with pytest.raises(InvalidStatus) as caught, bitmusa(sim, key):
        pass

    assert caught.value.response.status_code == 401


def test_delete_closes_the_stream(sim: Simulator) -> None:
    """DELETE closes the key's connections and makes the key invalid."""
    with bitmusa(sim) as client:
        assert rest(sim, "DELETE").json() == SUCCESS
        with pytest.raises(ConnectionClosed):
            client.recv(5)
    assert sim.wait_connections("bitmusa", 0)


def test_expired_key_is_silent() -> None:
    """When the key ends by time, its connection stays open and says nothing more."""
    clock = LeapingClock()
    with Simulator(tick=None, clock=clock, key_life=100.0) as sim, bitmusa(sim) as client:
        sim.step()
        assert hear(client)["stream"] == "future_order"
        assert hear(client)["stream"] == "future_wallet"
        clock.ahead = 101.0
        sim.step(5)
        assert is_mute(client)
        assert client.ping().wait(5)


def test_pushes_have_the_documented_fields_and_types(sim: Simulator) -> None:
    """Each stream's row has the documented fields in their order; order numbers are JSON numbers, others strings."""
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in DOCUMENTED}
    with bitmusa(sim) as client:
        sim.step(25)
        while not any(row["type"] == "STOP_LOSS" and row["status"] == "FILLED" for row in seen["future_order"]):
            push = hear(client)
            assert list(push) == ["data", "stream", "eventTime"]
            documented = DOCUMENTED[push["stream"]]
            assert list(push["data"]) == list(documented)
            for name, value in push["data"].items():
                wanted = (int, Decimal) if documented[name] is Decimal else documented[name]
                assert isinstance(value, wanted), name
            seen[push["stream"]].append(push["data"])
        seen["future_position"].append(hear(client)["data"])

    for row in seen["future_position"]:
        assert (row["closeTime"] == "null") == (row["status"] == "OPEN")
        assert isinstance(row["closeTime"], int) or row["closeTime"] == "null"
    assert {row["status"] for row in seen["future_position"]} == {
        "OPEN",
        "USER_CLOSE",
        "FORCE_CLOSE",
        "TAKE_PROFIT",
        "STOP_LOSS",
    }
    assert {row["status"] for row in seen["future_order"]} == {"TRADING", "PARTIAL", "FILLED", "CANCELLED"}
    assert {row["direction"] for row in seen["future_order"]} == {"OPEN", "CLOSE"}
    assert {row["type"] for row in seen["future_order"]} == {
        "LIMIT",
        "MARKET",
        "TAKE_PROFIT",
        "STOP_LOSS",
        "LIQUIDATION",
    }


def test_the_story_on_the_wire_is_the_story_of_the_books(sim: Simulator, open_all: ExitStack) -> None:
    """Folding the pushes gives the books, to the last digit."""
    client = open_all.enter_context(bitmusa(sim))
    sim.step(60)
    sim.send_text("bitmusa", '{"stream":"end"}')
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in DOCUMENTED}
    while (push := hear(client))["stream"] != "end":
        rows[push["stream"]].append(push["data"])

    books = sim.books("bitmusa")
    assert {row["orderId"]: (row["price"], row["tradedAmount"], row["value"]) for row in rows["future_order"]} == {
        each.order_id: (each.price, each.filled, each.cost) for each in books.orders
    }
    held = {row["ticker"]: row for row in rows["future_position"]}
    assert {
        (ticker, row["position"], Decimal(row["amount"])) for ticker, row in held.items() if row["status"] == "OPEN"
    } == {(each.symbol, "BUY" if each.side == "long" else "SELL", each.size) for each in books.positions}
    last = rows["future_wallet"][-1]
    assert (Decimal(last["free"]), Decimal(last["locked"])) == (books.balances[0].available, books.balances[0].frozen)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.5155", "0.5155"),
        ("100", "100"),
        ("1E+2", "100"),
        ("0.10", "0.1"),
        ("0E-8", "0"),
        ("-1E-7", "-0.0000001"),
        ("12345678901234567890.12345678", "12345678901234567890.12345678"),
    ],
)
def test_numbers_are_written_exactly(number: str, text: str) -> None:
    """A Decimal becomes a JSON number with exactly its digits and no exponent."""
    assert render({"n": [Decimal(number), "x", None, 1]}) == f'{{"n":[{text},"x",null,1]}}'
