"""Faults of REST that are in no list, from a server that shares no code with the simulator."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import evolve

from futures_stream import Bitmusa, Execution, Gap, LeaseRenewed, Live, Order, Origin, Resynced
from futures_stream.dialects.base import LeaseTerms
from tests.faults.effort import FULL
from tests.whole.meetings import REST, SOON, Meeting, orders, reconnects
from tests.whole.stranger import CANARIES, Line, order, push

DIALECT = Bitmusa(rest=REST)
KOREA = timezone(timedelta(hours=9))

pytestmark = pytest.mark.parametrize("meeting", ["bitmusa"], indirect=True)


def said(data: Any) -> tuple[int, bytes]:
    """Return an answer that is well."""
    return 200, json.dumps({"data": data, "code": 0, "message": "success"}).encode()


def match(name: str, seconds_ago: float = 0.0) -> dict[str, Any]:
    """Return the row of an execution."""
    at = datetime.fromtimestamp(time.time() - seconds_ago, KOREA)
    return {
        "id": name, "ticker": "BTCUSDT", "direction": "OPEN", "position": "BUY", "role": "MAKER", "order_id": "F1",
        "opposite_order_id": "F2", "traded_qty": "1", "traded_value": "0.5", "price": "0.5", "trading_fee": "0.1",
        "symbol": "USDT", "transaction_time": at.strftime("%Y-%m-%dT%H:%M:%S"),
    }  # fmt: skip


def resting(name: str, filled: int) -> dict[str, Any]:
    """Return the row of an open order."""
    return {
        "order_id": name, "ticker": "BTCUSDT", "direction": 0, "position": 0, "order_type": 1, "status": 0,
        "order_price": 0.5, "order_qty": 1000, "traded_qty": filled, "order_time": "2023-06-09T10:21:46",
    }  # fmt: skip


def new_keys() -> Callable[[str, str, dict[str, str]], tuple[int, bytes]]:
    """Return a desk that makes another key at each POST."""
    numbers = itertools.count()

    def rest(method: str, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        return said({"listenKey": f"{CANARIES[3]}{next(numbers)}"}) if method == "POST" else said([])

    return rest


def test_another_key_at_each_reconnect(meeting: Meeting) -> None:
    """The key that was asked for to connect with is the one to connect with, though it is another one than before."""
    meeting.stranger.rest = new_keys()
    meeting.open()
    for number in (1, 2, 3):
        meeting.stranger.wait_line(number).end()
        reconnects(meeting, meeting.stranger.lines[number - 1])

    assert [method for method, _ in meeting.stranger.calls].count("POST") == 4


def test_another_key_each_time_it_is_asked(meeting: Meeting) -> None:
    """An exchange that hands out a new key at each POST is believed each time: moved to, with every event accounted."""
    meeting.stranger.rest = new_keys()
    meeting.open(evolve(DIALECT, lease=LeaseTerms(life=60.0, renew_every=20.0, compare_every=0.3)))
    for number in range(3):
        meeting.stranger.wait_line(number + 2)
        for line in list(meeting.stranger.lines)[-2:]:  # both are told, as an exchange would
            line.say(*orders(meeting, f"n{number}"))
        meeting.until_order(f"n{number}")

    assert meeting.kinds(Gap)[0] == "Gap"


def test_a_page_instead_of_a_renewal(meeting: Meeting) -> None:
    """HTTP 200 with HTML is no renewal: the next one is tried soon, and nothing else happens."""
    pages = iter([b"<html><body>We are sorry</body></html>", b"", b"[]", b'{"code":"0x0"}'])

    def rest(method: str, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        if method == "PUT" and (page := next(pages, None)) is not None:
            return 200, page
        return meeting.stranger.usual_rest(method, path, asked)

    meeting.stranger.rest = rest
    meeting.open()
    line = meeting.stranger.wait_line(1)
    line.say(*orders(meeting, "after"))
    meeting.until_order("after")

    assert meeting.kinds(Gap, LeaseRenewed) == []


def test_pages_that_overlap_in_any_order_with_rows_twice(meeting: Meeting) -> None:
    """Executions of a blind time come once each, however the pages repeat and mix them."""
    pages = {
        "1": [match(f"t{number}") for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 9)],
        "2": [match(f"t{number}") for number in (8, 9, 3, 10, 10, 11, 12, 13, 14, 1)],
        "3": [match("t15"), match("t2"), match("t15")],
    }

    def rest(method: str, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        if path == "/future/trade/history":
            return said(pages[asked["page"]])
        if path == "/future/order":
            return said([resting("b", 2), resting("a", 1), resting("b", 2)])
        return meeting.stranger.usual_rest(method, path, asked)

    meeting.stranger.rest = rest
    meeting.open()
    meeting.stranger.wait_line(1).end()
    reconnects(meeting, meeting.stranger.lines[0])

    trades = [record.trade_id for record in meeting.told if isinstance(record, Execution)]
    assert sorted(trades) == sorted(f"t{number}" for number in range(1, 16))
    resynced = next(record for record in meeting.told if isinstance(record, Resynced))
    assert "balances" in resynced.proven


def test_a_thousand_rows_while_rest_is_asked(meeting: Meeting) -> None:
    """What is pushed while an older answer is on its way stays the last word about it."""
    asked_for, go_on = threading.Event(), threading.Event()
    blind = threading.Event()

    def rest(method: str, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        if path == "/future/order" and blind.is_set():
            asked_for.set()
            go_on.wait(SOON)
            return said([resting(f"o{number}", 1) for number in range(40)])
        return meeting.stranger.usual_rest(method, path, asked)

    meeting.stranger.rest = rest
    meeting.open()
    blind.set()
    meeting.stranger.wait_line(1).end()
    line = meeting.stranger.wait_line(2)
    assert asked_for.wait(SOON)
    line.say(push("bitmusa", *(order("bitmusa", f"o{number}", 5) for number in range(1000))))
    meeting.until_order("o999", 5)
    blind.clear()
    go_on.set()
    meeting.until(Live)

    last = {record.order_id: record for record in meeting.told if isinstance(record, Order)}
    assert len(last) == 1000
    assert {record.filled for record in last.values()} == {5}


def test_a_clock_that_is_a_day_behind(meeting: Meeting) -> None:
    """An exchange whose clock is a day off cannot be asked since when: nothing is called proven that is not known."""

    def rest(method: str, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        if path == "/future/trade/history":
            return said([match("t1", 86400.0)])
        return meeting.stranger.usual_rest(method, path, asked)

    meeting.stranger.rest = rest
    meeting.open()
    line = meeting.stranger.wait_line(1)
    line.say(
        push("bitmusa", order("bitmusa", "a", 1), ahead=-86400), push("bitmusa", order("bitmusa", "b"), ahead=86400)
    )
    meeting.until_order("b")
    line.end()
    reconnects(meeting, line)

    resynced = next(record for record in meeting.told if isinstance(record, Resynced))
    assert resynced.unexplained  # two orders that were open have gone, and nobody said how
    assert "orders" not in resynced.proven


def test_a_set_without_a_list_and_rows_that_are_none(meeting: Meeting) -> None:
    """Null for a list, numbers for rows, a row of another contract: not proven, and no state is invented."""
    answers: dict[str, Any] = {
        "/future/wallet": None,
        "/future/order": [1, None, "x", resting("a", 1) | {"ticker": "DOGE"}],
    }

    def rest(method: str, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        return said(answers[path]) if path in answers else meeting.stranger.usual_rest(method, path, asked)

    meeting.stranger.rest = rest
    meeting.open()
    meeting.stranger.wait_line(1).end()
    reconnects(meeting, meeting.stranger.lines[0])

    resynced = next(record for record in meeting.told if isinstance(record, Resynced))
    assert not {"balances", "orders"} & set(resynced.proven)
    assert not [one for one in meeting.told if isinstance(one, Order) and one.origin is Origin.SNAPSHOT]


@pytest.mark.skipif(not FULL, reason="takes ten seconds; the full matrix has it")
def test_rest_that_needs_just_less_than_its_limit(meeting: Meeting) -> None:
    """While an answer takes 9.9 seconds, events are delivered; then the stream is live."""
    slow, began = threading.Event(), threading.Event()
    patience = threading.Event()

    def rest(method: str, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        if slow.is_set() and path == "/future/wallet":
            began.set()
            patience.wait(9.9)
        return meeting.stranger.usual_rest(method, path, asked)

    meeting.stranger.rest = rest
    meeting.open()
    slow.set()
    meeting.stranger.wait_line(1).end()
    line: Line = meeting.stranger.wait_line(2)
    assert began.wait(SOON)
    line.say(*orders(meeting, "meanwhile"))
    meeting.until_order("meanwhile")
    assert meeting.kinds(Resynced) == []
    meeting.until(Live)
