"""A connection that may be mute: nothing says that all is well before another one serves, and no doubt is forgotten."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from engine_rig import FINE, KEY_1, KEY_2, Rig, code_answer, key_answer, names

from futures_stream import (
    Bitmusa,
    ConnectFailed,
    ConnectionLost,
    Gap,
    LoginRejected,
    Order,
    Record,
)
from futures_stream.clock import Event
from futures_stream.dialects.base import LeaseTerms, Request, Response
from futures_stream.testing import HANG, STUCK, FakeClock


class Account(Rig):
    """A stream of Bitmusa's, and what the exchange says of its account over REST."""

    def __init__(self, dialect: Bitmusa | None = None, **asked: Any) -> None:
        super().__init__(dialect or Bitmusa(), **({"channels": ["orders"]} | asked))
        self.orders: dict[str, str] = {}  # open ones, and how much of each is filled
        self.network.answer("GET", self.say_how_it_stands)

    def say_how_it_stands(self, base_url: str, request: Request) -> Response:
        """Answer a GET."""
        row = {"ticker": "BTCUSDT", "status": 0, "order_qty": 5, "direction": 0, "position": 0, "order_type": 1}
        rows = [row | {"order_id": each, "traded_qty": filled} for each, filled in self.orders.items()]
        data = rows if request.path.endswith("/order") else []
        return Response(status=200, text=json.dumps({"code": 0, "message": "success", "data": data}))

    def news(self) -> list[Record]:
        """Take what was told but for the listen key's life."""
        return [record for record in self.told() if type(record).__name__ not in ("LeaseRenewed", "Order", "Snapshot")]


def lost_key(gate: Event) -> Any:
    """Return an answer to PUT that comes when the gate opens: there is no such key."""

    def answer(base_url: str, request: Request) -> Response:
        gate.wait(10)
        return code_answer(3022)

    return answer


def test_a_key_that_is_replaced_while_the_account_is_asked_for_is_not_forgotten() -> None:
    """The stream goes live on the connection that has the other key, not on the one that says nothing any more."""
    gate = threading.Event()
    with Account() as rig:
        rig.network.answer("PUT", lost_key(gate), FINE)
        rig.network.answer("POST", key_answer(KEY_1), key_answer(KEY_2))
        rig.network.fail_dials(None, HANG)
        rig.stream.start()
        rig.stream.wait_state("resyncing")
        gate.set()
        rig.settle(more=1)  # the dial with the other key hangs

        assert rig.state == "resyncing"
        assert "Live" not in names(rig.news())
        rig.clock.advance(30)
        assert rig.state == "live"
        assert rig.network.dials[-1].reveal().endswith(KEY_2)
        assert names(rig.news())[-1] == "Live"


class Slow:
    """A monitor that holds up the I/O thread at its second look at the time until *meanwhile* is over."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._looks = 0
        self._meanwhile = meanwhile

    def apply(self, record: Record) -> tuple[Record, ...]:
        """Say nothing."""
        return ()

    def due(self, now_ms: int) -> tuple[Record, ...]:
        """Wait, as no monitor should."""
        self._looks += 1
        if self._looks == 2:
            self._meanwhile()
        return ()


def test_a_key_that_is_replaced_before_the_greeting_is_not_connected_with() -> None:
    """The connection that has just been made is left at once: both news come together, when it has not begun."""
    clock, renewed = FakeClock(), threading.Event()
    gate = clock.event()

    def fine(base_url: str, request: Request) -> Response:
        renewed.set()  # that the key was replaced was told before
        return FINE

    def meanwhile() -> None:
        rig.network.release()
        for thread in threading.enumerate():
            if thread.name.endswith("/connect"):
                thread.join(10)
        gate.set()
        renewed.wait(10)

    with Account(clock=clock, monitors=[Slow(meanwhile)]) as rig:
        rig.network.answer("PUT", lost_key(gate), fine)
        rig.network.answer("POST", key_answer(KEY_1), key_answer(KEY_2))
        rig.network.fail_dials(STUCK, HANG)
        rig.stream.start()
        rig.settle(more=2)  # the dial is stuck, the answer waits for the gate, and the monitor has had its first look
        rig.clock.advance(1.0)
        rig.settle(more=1)

        assert rig.network.dials[0].reveal().endswith(KEY_1)
        assert rig.network.dials[1].reveal().endswith(KEY_2)
        assert rig.network.accept().closed
        assert rig.state == "connecting"
        assert names(rig.news()) == []


def test_what_is_asked_of_a_mute_stream_does_not_close_its_gap() -> None:
    """What was missed is fetched at once; but what happens until another connection serves is missed as well."""
    with Account() as rig:
        rig.open()
        rig.orders["1"] = "2"
        rig.network.fail_dials(HANG)
        told = []
        for _ in range(40):
            rig.clock.advance(2)
            told += rig.told()
            if "Gap" in names(told):
                break
        rig.settle(more=1)
        told += rig.told()
        assert "Order" in names(told)
        assert "Resynced" not in names(told)
        assert rig.state == "resyncing"
        rig.clock.advance(75)

        assert rig.state == "live"
        assert rig.stream.status.connects == 2
        assert names(rig.news()) == ["Resynced", "Live"]


def test_a_key_at_risk_while_the_account_is_asked_for() -> None:
    """The stream does not go live on a connection whose key has run out, as far as anybody knows."""
    with Account(Bitmusa(lease=LeaseTerms(life=100.0, renew_every=40.0, compare_every=1e9))) as rig:
        server = rig.open()
        rig.network.answer("PUT", ConnectFailed("down"))
        rig.network.answer("POST", ConnectFailed("down"))
        rig.clock.advance(200)
        assert names(rig.news()) == ["Gap"]
        assert rig.state == "resyncing"
        rig.stream._feed.refresh()
        rig.clock.advance(10)
        assert rig.state == "resyncing"
        rig.network.answer("POST", key_answer(KEY_1))
        rig.network.answer("PUT", FINE)
        rig.clock.advance(130)

        assert rig.state == "live"
        assert names(rig.news()) == ["Resynced", "Live"]
        assert not server.closed


def test_a_refusal_of_the_key_during_a_move_is_the_end() -> None:
    """Nobody extends it any more: the connection that serves would fall silent, and nobody would be told."""
    with Account(Bitmusa(lifetime=1000.0, lease=LeaseTerms(renew_every=300.0, compare_every=1e9))) as rig:
        rig.open()
        rig.network.fail_dials(*[ConnectFailed("down")] * 1000)
        rig.clock.advance(985)
        rig.network.let_dials_succeed()
        rig.network.fail_dials(*[HANG] * 1000)
        rig.network.answer("PUT", code_answer(1001))
        rig.clock.advance(400)

        assert rig.state == "failed"
        assert isinstance(rig.stream.status.error, LoginRejected)


# -- since when -------------------------------------------------------------------------------------------------------


def test_a_replaced_key_is_a_gap_since_it_was_last_known_to_be_ours() -> None:
    """Pongs come from whoever holds the socket; they do not say that anything is pushed."""
    with Account() as rig:
        server = rig.open()
        server.answers_pings = True
        rig.clock.advance(1000)
        compared = max(called.at for called in rig.network.calls if called.method == "POST")
        compared_at = rig.clock.unix_ms() - (rig.clock.monotonic() - compared) * 1000
        rig.network.answer("POST", key_answer(KEY_2))
        rig.clock.advance(331)
        gap = next(record for record in rig.news() if isinstance(record, Gap))

        assert gap.since <= compared_at
        assert rig.state == "live"


def test_a_key_at_risk_is_a_gap_since_it_ran_out() -> None:
    """Not since the last pong, which may be younger."""
    with Account(Bitmusa(lease=LeaseTerms(life=100.0, renew_every=40.0, compare_every=1e9))) as rig:
        server = rig.open()
        server.answers_pings = True
        begun = rig.clock.unix_ms()
        rig.network.answer("PUT", ConnectFailed("down"))
        rig.network.answer("POST", ConnectFailed("down"))
        rig.clock.advance(200)
        gap = next(record for record in rig.news() if isinstance(record, Gap))

        assert gap.since <= begun + 100_000


# -- what is asked when another connection serves ---------------------------------------------------------------------


def test_nothing_is_asked_before_what_was_held_back_is_told() -> None:
    """An answer that is older than a full set of the new connection's, which is left out, would make up for nothing."""
    with Account(Bitmusa(lifetime=1000.0)) as rig:
        old = rig.open()
        old.answers_close = False
        rig.clock.advance(939)
        while not rig.network.connections.qsize():
            rig.clock.advance(1)
        new = rig.network.accept()
        rig.settle()
        assert old.closing
        assert names(rig.news()) == ["Rotated"]
        asked = len(rig.network.calls)
        row = {"orderId": "1", "ticker": "BTCUSDT", "status": "OPEN", "amount": "5", "tradedAmount": "1"}
        new.say(json.dumps({"stream": "future_order", "eventTime": 1, "data": row}))
        rig.settle()
        assert len(rig.network.calls) == asked
        assert rig.told() == []
        rig.orders["1"] = "2"
        old.drop(ConnectionLost("closed as we asked", close_code=1000, heard_out=True))
        rig.settle()
        told = [record for record in rig.told() if isinstance(record, Order)]

        assert len(rig.network.calls) > asked
        assert [(str(order.filled), order.origin) for order in told] == [("1", "push"), ("2", "snapshot")]
