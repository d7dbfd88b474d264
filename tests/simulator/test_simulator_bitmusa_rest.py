"""The simulated Bitmusa tells of the account over REST as its documents do, and as its books say."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from simulator_clients import HEADERS, SILENCE, bitmusa, hear, rest

from futures_stream.clock import SystemClock
from futures_stream.dialects import Bitmusa, BitmusaRest
from futures_stream.dialects.base import Answer, Query, Response
from futures_stream.records import Execution, Order, Position
from futures_stream.simulator import Simulator

FRAMES = Path(__file__).parent.parent / "frames" / "bitmusa"
TRADES: dict[str, Any] = {"ticker": "BTCUSDT", "position": "BUY", "direction": "OPEN", "order_type": "LIMIT"}
ASKED: dict[str, dict[str, Any]] = {
    "/future/wallet": {},
    "/future/position": {"ticker": "BTCUSDT", "position_mode": 0},
    "/future/position/mode": {"ticker": "BTCUSDT"},
    "/future/order": {},
    "/future/trade/history": TRADES,
}
DIALECT = Bitmusa(rest=BitmusaRest(position_when_closing="side"))


class LeapingClock(SystemClock):
    """The machine's clock, put forward by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def call(sim: Simulator, path: str, root: str = "", timeout: float = 5, **parameters: Any) -> Any:
    """Ask for a resource and return the answer's JSON with exact numbers."""
    url = f"http://127.0.0.1:{sim.port}{root}{path}"
    response = requests.get(url, params=parameters, headers=HEADERS, timeout=timeout)
    assert response.status_code == 200
    return json.loads(response.text, parse_float=Decimal)


def answers(sim: Simulator, kind: str, dialect: Bitmusa = DIALECT, **asked: Any) -> list[Answer]:
    """Ask with the library's own questions, page by page, and read the answers."""
    said: dict[str, Any] = {"symbols": None, "known": ["BTCUSDT", "ETHUSDT", "XRPUSDT"], **asked}
    waiting: list[Query | None] = [*dialect.queries(sim.credentials("bitmusa"), kinds=[kind], **said)]
    read = []
    while waiting:
        query = waiting.pop(0)
        if query is not None:
            url = f"http://127.0.0.1:{sim.port}{query.request.path}"
            got = requests.get(
                url, params=query.request.query, headers=query.request.headers, data=query.request.body, timeout=5
            )
            response = Response(status=got.status_code, text=got.text)
            read.append(dialect.read_answer(query, response, account="main", received_ns=_now_ns(sim)))
            waiting.insert(0, read[-1].more)
    return read


def _now_ns(sim: Simulator) -> int:
    return sim.books("bitmusa").balances[0].unix_ms * 10**6


@pytest.fixture
def traded(sim: Simulator) -> Simulator:
    """A simulator with a story: positions, open orders and executions."""
    sim.step(9)
    while not (sim.books("bitmusa").positions and any(each.working for each in sim.books("bitmusa").orders)):
        sim.step()
    return sim


def documented(name: str) -> Any:
    """Return the data of the document's answer."""
    return json.loads((FRAMES / name).read_text(), parse_float=Decimal)["data"]


def kinds_of(row: dict[str, Any]) -> dict[str, str]:
    """Return the JSON type of each field; numbers are numbers, and null goes with anything."""
    return {name: "number" if type(value) in (int, Decimal) else type(value).__name__ for name, value in row.items()}


# --- shapes ---


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/future/wallet", "rest_wallet.json"),
        ("/future/position", "rest_position.json"),
        ("/future/order", "rest_order.json"),
        ("/future/trade/history", "rest_trade_history.json"),
    ],
)
def test_rows_have_the_documented_fields_and_types(traded: Simulator, path: str, name: str) -> None:
    """Each row has exactly the fields of the document's, with values of the same types."""
    answer = call(traded, path, **ASKED[path])
    assert {"code": answer["code"], "message": answer["message"]} == {"code": 0, "message": "success"}
    assert answer["data"]
    expected = kinds_of(documented(name)[0])
    for row in answer["data"]:
        told = kinds_of(row)
        assert set(told) == set(expected)
        assert all(told[field] == expected[field] or "NoneType" in (told[field], expected[field]) for field in told)


def test_position_mode(sim: Simulator) -> None:
    """The simulated account is in one-way mode, and so has no hedged positions."""
    assert call(sim, "/future/position/mode", ticker="BTCUSDT")["data"] == "ONEWAY"
    sim.step(3)
    assert len(call(sim, "/future/position", ticker="BTCUSDT", position_mode=0)["data"]) == 1
    assert call(sim, "/future/position", ticker="BTCUSDT", position_mode=1)["data"] == []
    assert call(sim, "/future/position", ticker="ETHUSDT", position_mode=0)["data"] == []


def test_parameters_may_be_in_the_body(traded: Simulator) -> None:
    """Parameters are also taken from the body of a GET, where the document has them."""
    url = f"http://127.0.0.1:{traded.port}/future/position"
    body: dict[str, Any] = {"ticker": "BTCUSDT", "position_mode": 0}
    got = requests.get(url, json=body, headers=HEADERS, timeout=5).json(parse_float=Decimal)
    assert got == call(traded, "/future/position", **body)
    in_body = Bitmusa(rest=BitmusaRest(position_parameters_in="body"))
    assert [each.keys for each in answers(traded, "positions", in_body)] == [
        each.keys for each in answers(traded, "positions")
    ]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/future/position", {"ticker": "BTCUSDT"}),
        ("/future/position", {"position_mode": 0}),
        ("/future/position", {"ticker": "NOPE", "position_mode": 0}),
        ("/future/position/mode", {}),
        ("/future/order", {"ticker": "NOPE"}),
        ("/future/order", {"size": "many"}),
        *(("/future/trade/history", {**TRADES, name: None}) for name in TRADES),
    ],
)
def test_wrong_parameters(sim: Simulator, path: str, asked: dict[str, Any]) -> None:
    """A parameter that is missing or makes no sense is a business error."""
    assert call(sim, path, **asked) == {"data": None, "code": 1014, "message": "invalid request parameter"}


@pytest.mark.parametrize("path", ASKED)
def test_who_may_ask(sim: Simulator, path: str) -> None:
    """Every resource checks the headers, knows GET only, and lies under the root."""
    url = f"http://127.0.0.1:{sim.port}{path}"
    assert requests.get(url, params=ASKED[path], timeout=5).json()["code"] == 4000
    assert requests.get(url, headers={**HEADERS, "x-api-key": "x"}, timeout=5).json()["code"] == 1001
    assert requests.post(url, headers=HEADERS, timeout=5).status_code == 405
    with Simulator(tick=None, rest_root="/api/v2") as deep:
        assert requests.get(f"http://127.0.0.1:{deep.port}{path}", headers=HEADERS, timeout=5).status_code == 404
        assert call(deep, path, root="/api/v2", **ASKED[path])["code"] == 0


# --- truth ---


def test_answers_are_the_books(traded: Simulator) -> None:
    """What the library reads from the answers is what the books say, to the last digit."""
    traded.step(60)
    books = traded.books("bitmusa")

    (wallet,) = answers(traded, "balances")
    (balance,) = wallet.records
    assert wallet.whole
    held = books.balances[0]
    assert (balance.free, balance.total, balance.unrealized_pnl) == (held.available, held.wallet, held.unrealized_pnl)  # type: ignore[attr-defined]

    positions = [each for answer in answers(traded, "positions") for each in answer.records]
    assert {(p.symbol, p.side.value, p.size, p.entry_price) for p in positions if isinstance(p, Position)} == {
        (each.symbol, each.side, each.size, each.entry_price) for each in books.positions
    }

    (orders,) = answers(traded, "orders")
    assert orders.whole
    assert {(o.order_id, o.side and o.side.value, o.filled, o.status.value) for o in orders.records} == {  # type: ignore[attr-defined]
        (each.order_id, each.side, each.filled, each.status) for each in books.orders if each.working
    }


def test_executions_are_the_books(sim: Simulator) -> None:
    """All filters and pages together give every execution once, with time, side and fee."""
    sim.step(150)
    read = answers(sim, "executions", Bitmusa(rest=BitmusaRest(position_when_closing="side", trade_size=3)))
    executions = [each for answer in read for each in answer.records if isinstance(each, Execution)]
    assert sum(answer.whole for answer in read) == 60
    assert max(len(answer.records) for answer in read) == 3
    told = [(e.trade_id, e.order_id, e.side and e.side.value, e.price, e.size, e.fee, e.timestamp) for e in executions]
    assert len(told) == len(set(told))
    assert set(told) == {
        (x.trade_id, x.order_id, x.side, x.price, x.size, x.fee, x.unix_ms // 1000 * 1000)
        for x in sim.books("bitmusa").executions
    }


def test_the_wallet_lists_positions(traded: Simulator) -> None:
    """Positions can be had from the wallet too, all at once, with mark price and profit."""
    (answer,) = answers(traded, "positions", Bitmusa(rest=BitmusaRest(positions_from="wallet")))
    assert answer.whole
    assert {(p.symbol, p.mark_price, p.unrealized_pnl) for p in answer.records if isinstance(p, Position)} == {
        (each.symbol, each.mark_price, each.unrealized_pnl) for each in traded.books("bitmusa").positions
    }


def test_pushes_and_rows_agree(sim: Simulator) -> None:
    """The last push of an order or position and its row over REST are the same state."""
    session = DIALECT.session(
        credentials=sim.credentials("bitmusa"), account="main", channels=["orders", "positions"], symbols=None
    )
    pushed: dict[Any, Any] = {}
    with bitmusa(sim) as client:
        sim.step(50)
        sim.send_text("bitmusa", '{"stream":"end"}')
        while '"end"' not in (text := client.recv(5)):
            for record in session.receive(str(text), 1, 1):  # type: ignore[union-attr]
                pushed[type(record), getattr(record, "order_id", record.symbol)] = record
    fetched = [each for kind in ("orders", "positions") for answer in answers(sim, kind) for each in answer.records]
    assert fetched
    for row in fetched:
        push = pushed[type(row), getattr(row, "order_id", row.symbol)]
        same = ["status", "notional", "size"]
        same += ["filled", "type", "price", "effect"] if isinstance(row, Order) else ["side", "leverage", "entry_price"]
        assert [getattr(row, name) for name in same] == [getattr(push, name) for name in same]
        assert row.created_at == push.created_at // 1000 * 1000  # type: ignore[attr-defined]


def test_lists_are_newest_first(sim: Simulator) -> None:
    """Orders and executions come newest first, in pages as large as asked for."""
    sim.step(150)
    pages = [call(sim, "/future/trade/history", **TRADES, size=1, page=page)["data"] for page in (1, 2, 3)]
    numbers = [row["id"] for page in pages for row in page]
    assert [len(page) for page in pages] == [1, 1, 1]
    assert numbers == sorted(numbers, reverse=True)
    assert len(call(sim, "/future/trade/history", **TRADES)["data"]) <= 10
    while sum(each.working for each in sim.books("bitmusa").orders) < 3:
        sim.step()
    orders = call(sim, "/future/order")["data"]
    assert [row["id"] for row in orders] == sorted((row["id"] for row in orders), reverse=True)
    assert call(sim, "/future/order", size=2)["data"] == orders[:2]
    ticker = orders[0]["ticker"]
    assert call(sim, "/future/order", ticker=ticker)["data"] == [row for row in orders if row["ticker"] == ticker]
    assert call(sim, "/future/order", start_time=9 * 10**12)["data"] == []


# --- limits and faults ---


def test_limits() -> None:
    """Calls beyond a limit are refused, whatever they ask for, until the window has moved on; it is off by default."""
    clock = LeapingClock()
    with Simulator(tick=None, clock=clock, rest_limits=((2, 1.0), (4, 60.0))) as sim:
        assert [call(sim, "/future/wallet")["code"], rest(sim).json()["code"]] == [0, 0]
        assert call(sim, "/future/wallet") == {"data": None, "code": 1011, "message": "too many requests"}
        clock.ahead = 30.0
        assert call(sim, "/future/order")["code"] == 0
        clock.ahead = 40.0
        assert rest(sim, "PUT").json()["code"] == 1011
        clock.ahead = 120.0
        assert rest(sim, "PUT").json()["code"] == 0
    with Simulator(tick=None) as sim:
        assert [call(sim, "/future/wallet")["code"] for _ in range(10)] == [0] * 10


def test_refuse_one_resource(sim: Simulator) -> None:
    """A refusal can be for one resource; it goes before the one for all."""
    sim.refuse_rest(code=999, path="/future/order", times=1)
    assert [call(sim, "/future/wallet")["code"], call(sim, "/future/order")["code"]] == [0, 999]
    assert call(sim, "/future/order")["code"] == 0
    sim.refuse_rest(code=1011)
    sim.refuse_rest(code=999, path="/future/order", times=1)
    assert [call(sim, "/future/order")["code"] for _ in range(2)] == [999, 1011]
    assert rest(sim).json()["code"] == 1011
    sim.heal()
    assert call(sim, "/future/order")["code"] == 0


def test_freeze(traded: Simulator) -> None:
    """Frozen answers show the books as they were, while the stream goes on; healed, they are new."""
    before = {path: call(traded, path, **asked) for path, asked in ASKED.items()}
    traded.freeze_rest()
    with bitmusa(traded) as client:
        traded.step(30)
        hear(client)
    assert {path: call(traded, path, **asked) for path, asked in ASKED.items()} == before
    traded.heal()
    assert call(traded, "/future/wallet") != before["/future/wallet"]


def in_background(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Begin something on a thread of its own; what it returns is put on the list."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    return thread, found


def test_stall(sim: Simulator) -> None:
    """A stalled call is accepted and not answered; healed, it is, with the books of then."""
    sim.stall_rest()
    with pytest.raises(requests.ReadTimeout):
        call(sim, "/future/wallet", timeout=SILENCE)
    assert sim.requests == [("GET", "/future/wallet")]
    thread, found = in_background(lambda: call(sim, "/future/position", ticker="BTCUSDT", position_mode=0))
    assert sim.wait_requests(2)
    sim.step(3)
    assert not found
    sim.heal()
    thread.join(5)
    assert len(found[0]["data"]) == 1
    assert call(sim, "/future/wallet")["code"] == 0


def test_closing_while_stalled() -> None:
    """Calls that hang do not keep the simulator from closing; they end without an answer."""
    with Simulator(tick=None) as sim:
        sim.stall_rest()
        with socket.create_connection(("127.0.0.1", sim.port), timeout=5) as sock:
            sock.sendall(b"GET /future/wallet HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sim.wait_requests(1)
            sim.close()
            assert sock.recv(100) == b""
