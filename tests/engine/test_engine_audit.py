"""A stream that pushes nothing although it should is found out; and while it is down, the exchange is asked."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from engine_rig import KEY_2, Rig, key_answer, names

from futures_stream import (
    Bitmusa,
    ConfigError,
    ConnectFailed,
    ConnectionLost,
    Drift,
    Gap,
    Options,
    Order,
    Record,
    Resynced,
)
from futures_stream.dialects import Dialect
from futures_stream.dialects.base import Request, Response
from futures_stream.engine.budget import budget_at

D = Decimal


def order_row(order_id: str, filled: str) -> dict[str, Any]:
    """A row of the answer about open orders."""
    row = {"order_id": order_id, "ticker": "BTCUSDT", "status": 0, "order_qty": 5, "traded_qty": filled}
    return row | {"direction": 0, "position": 0, "order_type": 1, "margin_mode": 0}


def order_push(order_id: str, filled: str, status: str = "OPEN", at: int = 1) -> str:
    """A push about an order."""
    data = {"orderId": order_id, "ticker": "BTCUSDT", "status": status, "amount": "5", "tradedAmount": filled}
    return json.dumps({"stream": "future_order", "eventTime": at, "data": data})


class Account(Rig):
    """A stream, and what the exchange says of its account over REST; it is audited each minute."""

    def __init__(self, exchange: str | Dialect = "bitmusa", **asked: Any) -> None:
        super().__init__(exchange, channels=["orders"], **asked)
        self.orders: dict[str, str] = {}  # open ones, and how much of each is filled
        self.broken = False
        self.network.answer("GET", self._say)

    def _say(self, base_url: str, request: Request) -> Response:
        if self.broken:
            raise ConnectFailed("no answer", status=502)
        rows = [order_row(*order) for order in self.orders.items()] if request.path.endswith("/order") else []
        return Response(status=200, text=json.dumps({"code": 0, "message": "success", "data": rows}))

    def asked(self) -> int:
        """How often the exchange has been asked for the account."""
        return sum(called.method == "GET" for called in self.network.calls)

    def pass_time(self, seconds: float) -> list[Record]:
        """Let time pass, and return what was told in it but for the listen key's life."""
        self.clock.advance(seconds)
        return [record for record in self.told() if type(record).__name__ != "LeaseRenewed"]


@pytest.fixture
def account() -> Any:
    """An account with one open order, of which the stream has told."""
    with Account() as rig:
        rig.orders["1"] = "0"
        yield rig


def test_a_healthy_stream_is_asked_about_each_minute(account: Account) -> None:
    """Nothing is told of it."""
    account.open()
    before = account.asked()

    assert account.pass_time(600) == []
    assert 8 <= account.asked() - before <= 11
    assert account.stream.status.connects == 1


@pytest.mark.parametrize(
    ("change", "key", "stream", "rest"),
    [
        ({"1": "3"}, "1", D(0), D(3)),  # a fill
        ({}, "1", D(0), None),  # an end
        ({"1": "0", "2": "1"}, "2", None, D(1)),  # a beginning
    ],
)
def test_a_mute_stream_is_found_out(
    account: Account, change: dict[str, str], key: str, stream: Decimal | None, rest: Decimal | None
) -> None:
    """What differs twice is told and fetched, and the connection is replaced; then all is well."""
    account.open()
    account.pass_time(100)
    agreed = account.clock.unix_ms()
    account.orders.clear()
    account.orders.update(change)
    account.network.answer("POST", key_answer(KEY_2))
    told = account.pass_time(100)

    notices = [name for name in names(told) if name not in ("Order", "Snapshot")]
    assert notices == ["Drift", "Gap", "Resynced", "Live"]
    drift = next(record for record in told if isinstance(record, Drift))
    assert (drift.what, drift.key, drift.symbol, drift.stream, drift.rest) == (
        "orders",
        (key,),
        "BTCUSDT",
        stream,
        rest,
    )
    gap = next(record for record in told if isinstance(record, Gap))
    assert gap.since < agreed  # that both told the same then proves nothing of what had come and gone before
    assert "over REST" in gap.reason
    assert {each.order_id: str(each.filled) for each in told if isinstance(each, Order)} == change
    assert account.stream.status.connects == 2
    assert account.stream.status.blind_since is None
    account.network.accept()
    assert account.pass_time(600) == []


def test_the_gap_of_a_mute_stream_begins_at_its_last_push(account: Account) -> None:
    """That REST agreed since proves how the account stood then, not that nothing had come and gone in between."""
    server = account.open()
    account.orders["1"] = "1"
    account.say(server, order_push("1", "1"))
    pushed = account.clock.unix_ms()
    assert account.pass_time(300) == []
    account.orders.clear()
    gap = next(record for record in account.pass_time(100) if isinstance(record, Gap))

    assert gap.since == pushed


def test_what_is_pushed_meanwhile_is_no_drift(account: Account) -> None:
    """A push in the last five seconds, or while the exchange is asked, proves nothing; nor does a difference once."""
    server = account.open()
    for second in range(200):
        filled = str(second % 5)
        account.orders["1"] = filled  # REST is ahead of the push by a moment
        account.clock.advance(1)
        account.say(server, order_push("1", filled, at=second))
        assert account.told() == []

    assert account.pass_time(4) == []
    assert account.stream.status.connects == 1


def test_a_difference_that_vanishes_is_none(account: Account) -> None:
    """REST may lag behind: it is looked at twice."""
    account.open()
    before = account.asked()
    account.orders["1"] = "2"
    while account.asked() == before:
        assert account.pass_time(1) == []
    account.orders["1"] = "0"

    assert account.pass_time(300) == []
    assert account.stream.status.connects == 1


def test_a_question_that_fails_proves_nothing(account: Account) -> None:
    """However long REST is gone."""
    account.open()
    account.orders.clear()
    account.broken = True

    assert account.pass_time(600) == []
    account.broken = False
    assert "Drift" in names(account.pass_time(100))


def test_what_keeps_differing_is_asked_for_less_often(account: Account) -> None:
    """An exchange whose REST always contradicts its pushes is not hammered, nor is the consumer."""
    server = account.open()
    account.orders["1"] = "2"
    drifts = 0
    for _ in range(240):  # four hours
        account.say(server, order_push("1", "0", at=1))
        drifts += names(account.pass_time(60)).count("Drift")
        while not account.network.connections.empty():
            server = account.network.accept()

    assert 10 <= drifts <= 20


def test_no_audit_on_request() -> None:
    """None is never."""
    with Account(options=Options(audit_every=None)) as account:
        account.open()
        before = account.asked()

        assert account.pass_time(3600) == []
        assert account.asked() == before


def test_a_busy_host_is_asked_less_often(account: Account) -> None:
    """While more than half of the host's budget is spent, what can wait does."""
    account.open()
    before = account.asked()
    dialect = Bitmusa()
    budget = budget_at(account.clock, dialect.endpoints.rest_url or "", "rest", dialect.limits)
    for _ in range(60):
        for _ in range(20):
            budget.book()
        account.pass_time(10)

    assert account.asked() == before


# -- while the stream is down -----------------------------------------------------------------------------------------


def test_full_sets_keep_coming_while_the_stream_is_down(account: Account) -> None:
    """Inside of the one gap, each ten seconds; what was recovered is counted once it is over."""
    server = account.open()
    account.network.fail_dials(*[ConnectFailed("down")] * 1000)
    server.drop(ConnectionLost("dropped"))
    told = account.pass_time(35)
    assert names(told)[0] == "Gap"
    assert 3 <= names(told).count("Snapshot") <= 4
    account.orders["1"] = "4"
    told = account.pass_time(12)
    assert [(each.order_id, str(each.filled), each.origin) for each in told if isinstance(each, Order)][-1] == (
        "1",
        "4",
        "snapshot",
    )
    assert set(names(told)) == {"Order", "Snapshot"}
    account.network.let_dials_succeed()
    told = account.pass_time(31)

    assert names(told)[-2:] == ["Resynced", "Live"]
    resynced = next(record for record in told if isinstance(record, Resynced))
    assert resynced.recovered == 1
    assert resynced.unexplained  # four were filled, and no execution was found


def test_nothing_is_asked_while_the_stream_is_down_on_request() -> None:
    """None is never."""
    with Account(options=Options(poll_while_blind=None)) as account:
        server = account.open()
        before = account.asked()
        account.network.fail_dials(*[ConnectFailed("down")] * 1000)
        server.drop(ConnectionLost("dropped"))

        assert names(account.pass_time(600)) == ["Gap"]
        assert account.asked() == before


def test_a_message_that_cannot_be_read_is_made_up_for(account: Account) -> None:
    """It may have been about the account, so that is asked for; not more than once a minute, and not for news."""
    server = account.open()
    before = account.asked()
    assert names(account.say(server, '{"stream": "future_weather", "data": {}}')) == ["Unreadable"]
    assert account.asked() == before
    told = account.say(server, "{broken", "{broken")
    assert names(told)[:2] == ["Unreadable", "Unreadable"]
    assert names(told)[2:] == ["Order", "Snapshot"]
    asked = account.asked()
    account.say(server, "{broken")

    assert account.asked() == asked == before + 1
    assert account.stream.status.state == "live"


def test_the_account_is_asked_for_when_another_connection_serves() -> None:
    """What the new connection began with is not told, so what only that said would be missing."""
    with Account(Bitmusa(lifetime=200.0), options=Options(audit_every=None)) as account:
        account.orders["1"] = "0"
        account.open()
        account.orders["1"] = "2"
        told = account.pass_time(199)

        assert names(told) == ["Rotated", "Order", "Snapshot"]
        assert [str(each.filled) for each in told if isinstance(each, Order)] == ["2"]


@pytest.mark.parametrize("name", ["audit_every", "poll_while_blind", "max_blind"])
@pytest.mark.parametrize("seconds", [0, -1, "5", True])
def test_bad_options(name: str, seconds: Any) -> None:
    """They are refused, by name."""
    with pytest.raises(ConfigError, match=name):
        Options(**{name: seconds})
