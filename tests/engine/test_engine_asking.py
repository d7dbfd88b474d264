"""Asking how the account stands: who asks is told the truth, and what could not be read is asked for."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from engine_rig import Rig, names

from futures_stream import Bitmusa, ConnectFailed, Drift, Execution, Gap, LoginRejected, Options, Order, Record
from futures_stream.dialects.base import Request, Response
from futures_stream.engine.promise import Promise
from futures_stream.testing import HANG, FakeServer

FRAMES = Path(__file__).parent.parent / "frames"


class Account(Rig):
    """A stream of orders, and what the exchange says of them over REST."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            Bitmusa(lifetime=None), channels=["orders"], options=Options(**({"audit_every": None} | options))
        )
        self.filled = "0"
        self.trades: list[dict[str, Any]] = []
        self.network.answer("GET", self.say)

    def say(self, base_url: str, request: Request) -> Response:
        """Answer a GET."""
        row = {"order_id": "1", "ticker": "BTCUSDT", "status": 0, "order_qty": 5, "traded_qty": self.filled}
        rows = [row | {"direction": 0, "position": 0, "order_type": 1}] if request.path.endswith("/order") else []
        rows = self.trades if "trade" in request.path else rows
        return Response(status=200, text=json.dumps({"code": 0, "message": "success", "data": rows}))

    def hear(self, server: FakeServer, *texts: str) -> None:
        """Let the server say something."""
        server.say(*texts)
        self.settle()

    def asked(self) -> int:
        """How often the exchange has been asked for the account."""
        return sum(called.method == "GET" for called in self.network.calls)

    def refresh(self) -> Promise:
        """Ask, and do not wait."""
        return self.stream._feed.refresh()

    def told_fills(self) -> list[str]:
        """Take what was told, and return how much of the order was filled each time."""
        return [str(record.filled) for record in self.told() if isinstance(record, Order)]


def test_who_asks_an_exchange_that_does_not_answer_is_told() -> None:
    """And not that all is well."""
    with Account() as rig:
        rig.open()
        rig.network.answer("GET", ConnectFailed("HTTP 502", status=502))
        promise = rig.refresh()
        rig.settle()

        with pytest.raises(ConnectFailed, match="502"):
            promise.wait(0)
        assert rig.state == "live"


def test_who_asks_and_is_refused_is_told() -> None:
    """Whatever the reason; a stream that was live goes on."""
    with Account() as rig:
        rig.open()
        said = json.dumps({"code": 1001, "message": "no"})
        rig.network.answer("GET", Response(status=200, text=said))
        promise = rig.refresh()
        rig.settle()

        with pytest.raises(LoginRejected):
            promise.wait(0)
        assert rig.state == "live"


def test_who_asks_while_the_exchange_is_asked_is_not_told_what_is_older() -> None:
    """The answer to a question from before does not know what happened since: it is asked once more."""
    with Account() as rig:
        rig.open()
        rig.network.answer("GET", HANG, rig.say)
        early = rig.refresh()
        rig.settle(more=1)
        late = rig.refresh()
        later = rig.refresh()
        rig.filled = "3"
        rig.clock.advance(10)

        with pytest.raises(ConnectFailed):
            early.wait(0)
        assert late.wait(0)
        assert later.wait(0)
        assert rig.told_fills() == ["3"]
        assert rig.asked() == 3  # at the start, in vain, and once for both


def test_who_asks_a_stream_that_is_being_repaired_is_told_when_it_is() -> None:
    """What was asked before he came is not enough."""
    with Account() as rig:
        server = rig.open()
        rig.network.answer("GET", HANG, rig.say)
        server.drop()
        rig.settle(more=1)
        assert rig.state == "resyncing"
        promise = rig.refresh()
        rig.clock.advance(10)

        assert promise.wait(0)
        assert rig.state == "live"
        assert names(rig.told())[-2:] == ["Order", "Snapshot"]  # behind Live


DOWN = ConnectFailed("HTTP 502", status=502)


@pytest.mark.parametrize("opening", [True, False])
def test_a_stream_that_went_live_without_an_answer_asks_until_there_is_one(opening: bool) -> None:
    """How the account stands is told as soon as the exchange says so, and until then nobody vouches for it."""
    with Account() as rig:
        rig.network.answer("GET", *[DOWN] * 3, rig.say) if opening else None
        server = rig.open()
        if not opening:
            rig.network.answer("GET", *[DOWN] * 4, rig.say)  # executions of the gap, too
            server.drop()
            rig.settle()
            rig.clock.advance(1)
        rig.told()
        assert rig.state == "live"
        assert not rig.stream.orders.trusted
        rig.clock.advance(6)
        asked = rig.asked()
        assert rig.kinds() == []
        rig.clock.advance(60)
        assert rig.kinds() == []
        assert rig.asked() == asked + 1
        rig.clock.advance(60)

        assert rig.kinds() == ["Order", "Snapshot"]
        assert rig.stream.orders.trusted
        asked = rig.asked()
        rig.clock.advance(3600)
        assert rig.asked() == asked


def test_a_stream_that_went_live_and_was_refused_asks_no_more() -> None:
    """What is refused for good is refused again."""
    with Account() as rig:
        server = rig.open()
        rig.network.answer("GET", Response(status=200, text=json.dumps({"code": 1001, "message": "no"})))
        server.drop()
        rig.settle()
        rig.clock.advance(1)
        asked = rig.asked()
        rig.clock.advance(3600)

        assert rig.state == "live"
        assert rig.asked() == asked


def test_what_cannot_be_read_is_made_up_for_later_if_not_now() -> None:
    """Not more than once a minute, but no message is forgotten."""
    with Account() as rig:
        server = rig.open()
        before = rig.asked()
        rig.hear(server, "{broken")
        assert rig.asked() == before + 1
        rig.filled = "2"
        rig.clock.advance(30)
        rig.hear(server, "{broken", "{broken")
        assert rig.asked() == before + 1
        rig.told()
        rig.clock.advance(30)

        assert rig.asked() == before + 2
        assert rig.told_fills() == ["2"]
        rig.clock.advance(600)
        assert rig.asked() == before + 2


def test_what_cannot_be_read_while_the_exchange_is_asked_is_asked_for_again() -> None:
    """The questions were asked before it came."""
    with Account() as rig:
        server = rig.open()
        rig.network.answer("GET", HANG, rig.say)
        rig.refresh()
        rig.settle(more=1)
        server.say("{broken")
        rig.clock.advance(10)

        assert rig.asked() == 3


# -- what only answers tell -------------------------------------------------------------------------------------------


def fill_push(filled: str) -> str:
    """A push about the one order."""
    row = {"orderId": "1", "ticker": "BTCUSDT", "status": "OPEN", "amount": "5", "tradedAmount": filled}
    return json.dumps({"stream": "future_order", "eventTime": 1, "data": row})


def test_asking_again_and_again_does_not_hide_that_a_stream_is_mute() -> None:
    """What was fetched is known then, and the audit finds no difference: that no push came gives it away."""
    with Account(audit_every=60.0) as rig:
        rig.open()
        agreed = rig.clock.unix_ms()
        told: list[Record] = []
        for second in range(40):
            rig.filled = "2" if second >= 10 else "0"
            rig.refresh()
            rig.clock.advance(1.0)
            told += rig.told()
        drift = next(record for record in told if isinstance(record, Drift))
        gap = next(record for record in told if isinstance(record, Gap))

        assert (drift.key, str(drift.stream), str(drift.rest)) == (("1",), "0", "2")
        assert gap.since <= agreed + 11_000
        assert rig.stream.status.connects == 2
        assert rig.state == "live"


def test_an_answer_that_is_ahead_of_its_push_is_no_drift() -> None:
    """The push may be under way."""
    with Account(audit_every=60.0) as rig:
        server = rig.open()
        rig.filled = "2"
        rig.refresh()
        rig.clock.advance(3.0)
        rig.hear(server, fill_push("2"))
        rig.clock.advance(50.0)

        assert "Drift" not in names(rig.told())
        assert rig.stream.status.connects == 1


def test_an_order_that_is_gone_from_the_answer_and_was_not_pushed_is_drift() -> None:
    """It ended, and nobody was told."""
    with Account(audit_every=60.0) as rig:
        rig.open()
        rig.network.answer("GET", Response(status=200, text='{"code": 0, "message": "success", "data": []}'))
        rig.refresh()
        rig.clock.advance(5.0)

        assert "Drift" in names(rig.told())


# -- what was under way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [3, 9, 55])
def test_what_was_under_way_with_the_last_message_is_asked_for(late: int) -> None:
    """It happened before that message came, which is when the gap begins, by as much as the network was slow."""
    with Account() as rig:
        begun = rig.clock.unix_ms()
        (trade,) = json.loads((FRAMES / "bitmusa" / "rest_trade_history.json").read_text())["data"][:1]
        server = rig.open()
        rig.clock.advance(1)
        said_at = rig.clock.unix_ms()
        rig.trades = [trade | {"id": 7, "transaction_time": shown(said_at + 1000 - begun)}]
        rig.clock.advance(late)
        row = {"orderId": "1", "ticker": "BTCUSDT", "status": "OPEN", "amount": "5", "tradedAmount": "1"}
        rig.hear(server, json.dumps({"stream": "future_order", "eventTime": said_at, "data": row}))
        server.drop()
        rig.settle()
        rig.clock.advance(2)
        told = rig.told()
        (gap,) = (record for record in told if isinstance(record, Gap))

        assert gap.since == said_at + late * 1000
        assert [record.trade_id for record in told if isinstance(record, Execution)] == ["7"]


def shown(ms: int) -> str:
    """Write a time so long after the clocks' beginning as Korea's clocks show it."""
    return (datetime(2023, 11, 15, 7, 13, 20) + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S")
