"""While records come and nothing else, the loop looks at nothing else; and nothing is late by it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from engine_rig import BITGET, Rig, names, order_push, wallet_push

from futures_stream import Bitget, Bitmusa, ConnectionLost, MonitorFailed, Order, Record
from futures_stream.dialects.base import Ping, Request, Response
from futures_stream.dialects.credentials import Secret
from futures_stream.engine.budget import Budget
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.link import Link
from futures_stream.testing import FakeClock, FakeConnection, FakeServer

STEP = 0.1  # seconds between two records
LATE = 0.3  # seconds that anything may be late while records come


class Traffic:
    """A stream on whose connection a record comes every tenth of a second."""

    def __init__(self, rig: Rig, push: Callable[[str], str] = order_push) -> None:
        self.rig = rig
        self.push = push
        self.server: FakeServer = rig.open()
        self.count = 0
        self.told: list[Record] = []

    def go_on(self, seconds: float) -> list[Record]:
        """Let so much time pass with records in it, and return what was told beside them."""
        beside: list[Record] = []
        for _ in range(round(seconds / STEP)):
            self.count += 1
            told = self.rig.say(self.server, self.push(str(self.count)))
            assert told, "a record was held back"
            beside += told[1:]
            self.rig.clock.advance(STEP)
            beside += self.rig.told()
        return beside

    def until(self, happened: Callable[[], object], within: float) -> None:
        """Let time pass until something has happened, and see that it did within so many seconds."""
        began = self.rig.clock.monotonic()
        while not happened():
            self.go_on(STEP)
            assert self.rig.clock.monotonic() - began <= within + LATE, "it is late"


def test_pings_go_out_on_time() -> None:
    """The ping is due although no wait ever lasts until then."""
    with Rig("bitget", channels=["orders"]) as rig:
        traffic = Traffic(rig)
        traffic.server.heard()
        for _ in range(2):
            traffic.until(lambda: "ping" in "".join(traffic.server.heard()), within=20)

        assert traffic.count > 390


def test_a_planned_move_begins_on_time() -> None:
    """It does, and what comes on both connections is told once."""
    with Rig(Bitget(lifetime=100.0), channels=["orders"]) as rig:
        traffic = Traffic(rig)
        rig.clock.advance(93)
        traffic.until(lambda: rig.network.connections.qsize(), within=5)
        new = rig.network.accept()
        rig.settle()

        assert rig.state == "live"
        assert names(rig.say(new, order_push("new"))) == ["Order"]


def test_an_audit_is_asked_for_on_time() -> None:
    """The exchange is asked once a minute, whatever is pushed."""

    def nothing(base_url: str, request: Request) -> Response:
        return Response(status=200, text=json.dumps({"code": 0, "message": "success", "data": []}))

    with Rig("bitmusa", channels=["account", "orders"]) as rig:
        rig.network.answer("GET", nothing)
        traffic = Traffic(rig, wallet_push)

        def asked() -> int:
            return sum(called.method == "GET" for called in rig.network.calls)

        before = asked()
        rig.clock.advance(50)
        traffic.until(lambda: asked() > before, within=66 + 5 - 50)


class Watch:
    """A monitor that looks at the time."""

    def __init__(self) -> None:
        self.looked: list[int] = []

    def apply(self, record: Record) -> Iterable[Record]:
        """See a record."""
        return ()

    def due(self, now_ms: int) -> Iterable[Record]:
        """Look at the time; the third time is one too many."""
        self.looked.append(now_ms)
        if len(self.looked) > 6:
            raise ValueError
        return ()


def test_monitors_look_at_the_time_each_second() -> None:
    """They do, and are heard when they fail."""
    watch = Watch()
    with Rig("bitget", channels=["orders"], monitors=[watch]) as rig:
        traffic = Traffic(rig)
        beside = traffic.go_on(8)
        pauses = [later - earlier for earlier, later in zip(watch.looked, watch.looked[1:], strict=False)]

        assert [type(record) for record in beside] == [MonitorFailed]
        assert max(pauses) <= 1000 + LATE * 1000


def test_a_jump_of_the_wall_clock_is_noticed() -> None:
    """The connection is asked for a sign of life soon, although records come."""
    with Rig("bitget", channels=["orders"]) as rig:
        traffic = Traffic(rig)
        traffic.go_on(1)
        traffic.server.heard()
        rig.clock.jump(3600)
        traffic.until(lambda: "ping" in "".join(traffic.server.heard()), within=0)


def test_a_pong_is_more_than_records() -> None:
    """Who waits for one is told, though no message came with it."""
    server = FakeServer(Secret("ws://x"))
    delivery = Delivery("bitget", "a", FakeClock())
    session = Bitget().session(credentials=BITGET, account="a", channels=["orders"], symbols=None)
    link = Link(
        FakeConnection(server),
        session,
        ping=Ping(),
        silence_limit=30.0,
        answers=True,
        answer_limit=10.0,
        clock=FakeClock(),
        delivery=delivery,
        budget=lambda _: Budget((), FakeClock()),
        refused=lambda _: None,
    )
    heard = []
    for speak in (lambda: server.say(order_push("1")), server.pong, lambda: server.say(order_push("2"))):
        speak()
        heard.append(link.hear_records())
    link.connection.dispose()

    assert heard == [True, False, True]


@pytest.mark.parametrize("together", [True, False], ids=["in one piece", "behind it"])
def test_a_gap_is_told_at_once(together: bool) -> None:
    """The records that came before the end stand before the gap, and no time passes."""
    with Rig("bitget", channels=["orders"]) as rig:
        traffic = Traffic(rig)
        traffic.go_on(1)
        if together:
            traffic.server.drop(None, order_push("last"))
        else:
            traffic.server.say(order_push("last"))
            rig.settle()
            traffic.server.drop(ConnectionLost("gone"))
        rig.settle()

        assert names(rig.told())[:2] == ["Order", "Gap"]


def test_bad_news_between_records_is_acted_on_at_once() -> None:
    """What stands behind it in the same piece is told first."""
    with Rig("bitget", channels=["orders"]) as rig:
        traffic = Traffic(rig)
        traffic.go_on(1)
        refusal = json.dumps({"event": "error", "code": 30004, "msg": "log in first"})
        traffic.server.say(order_push("a"), refusal, order_push("b"))
        rig.settle()
        told = rig.told()

        assert [record.order_id for record in told if isinstance(record, Order)] == ["a", "b"]
        assert names(told)[:2] == ["Order", "Order"]
        assert rig.stream.status.connects == 2 or rig.state in ("failed", "backing_off")


def test_what_cannot_be_read_is_made_up_for_at_once() -> None:
    """The exchange is asked although only a record came with it, and no time passes."""
    with Rig("bitmusa", channels=["account", "orders"]) as rig:
        traffic = Traffic(rig, wallet_push)
        traffic.go_on(1)
        before = len(rig.network.calls)
        told = rig.say(traffic.server, wallet_push("7"), "{", wallet_push("8"))

        assert names(told)[:3] == ["Balance", "Unreadable", "Balance"]
        assert len(rig.network.calls) > before


def in_another_thread(call: Callable[[], Any]) -> Callable[[], None]:
    """Start a call, and return what waits for its end and raises what it raised."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def done() -> None:
        thread.join(10)
        assert not thread.is_alive()
        assert failed == []

    return done


def test_added_channels_are_confirmed_at_once() -> None:
    """They are asked for, and whoever waits for them is told, while records come and no time passes but his wait."""
    with Rig("bitget", channels=["orders"]) as rig:
        traffic = Traffic(rig)
        traffic.go_on(1)
        traffic.server.heard()
        done = in_another_thread(lambda: rig.stream.add_channels("positions", "account", timeout=5))
        asked = [traffic.server.hear(), traffic.server.hear()]
        done()

        assert all("subscribe" in text for text in asked)
        assert names(rig.say(traffic.server, order_push("x"))) == ["Order"]
        assert traffic.go_on(1) == []


def test_an_answer_that_stays_away_among_records_is_missed() -> None:
    """Ten seconds after it was asked for, the connection is left."""
    with Rig("bitget", channels=["orders"]) as rig:
        traffic = Traffic(rig)
        traffic.server.replies = None
        traffic.server.heard()
        with pytest.raises(TimeoutError):
            rig.stream.add_channels("positions", timeout=0)
        traffic.server.hear()
        traffic.until(lambda: rig.stream.status.connects > 1 or rig.state != "live", within=10)


def test_a_stop_is_obeyed_at_once() -> None:
    """The end is asked for while records come."""
    with Rig(Bitmusa(), channels=["account"]) as rig:
        traffic = Traffic(rig, wallet_push)
        traffic.go_on(1)
        rig.stream.stop()
        rig.stream.close()

        assert names(rig.told())[-1] == "Closed"
