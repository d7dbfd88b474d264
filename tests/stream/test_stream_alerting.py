"""A user's function that is called with each alert: on its own thread, bounded, and its faults are notices."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from engine_rig import Rig, order_push
from test_stream_views import Later, position_row, push

from futures_stream import MonitorFailed, RiskAlert, RiskMonitor, RiskRecord, ShutdownTimeout
from futures_stream.records import Record
from futures_stream.stream import alerting

LIMITS = {"unrealized_pnl": -10, "quiet": 0}


class Phone:
    """What somebody does with alerts: takes note of them, may hang, may fail."""

    def __init__(self, fails: type[BaseException] | None = None, *, busy: bool = False) -> None:
        self.heard: list[tuple[str, str | None, str]] = []
        self.rang = threading.Semaphore(0)
        self.free = threading.Event()
        self._fails = fails
        if not busy:
            self.free.set()

    def __call__(self, alert: RiskRecord) -> None:
        """Ring."""
        self.heard.append((type(alert).__name__, alert.symbol, threading.current_thread().name))
        self.rang.release()
        self.free.wait(20)
        if self._fails is not None:
            raise self._fails("no line")


def losing(symbol: str, pnl: str, when: int) -> str:
    """A push of a position with that profit."""
    return push("positions", position_row(symbol, "1", when=when) | {"unrealizedPnl": pnl})


def rig_with(phone: Any, **limits: Any) -> Rig:
    """A stream with a risk monitor."""
    return Rig("bitget", monitors=[RiskMonitor(LIMITS | limits, on_alert=phone)])


def failures(records: list[Record]) -> list[str]:
    """What was told of failures."""
    return [f"{record.monitor}: {record.error}" for record in records if isinstance(record, MonitorFailed)]


def test_it_is_called_on_a_thread_of_its_own() -> None:
    """With each alert and what takes it back, in order; the queue has the same."""
    phone = Phone()
    with rig_with(phone) as rig:
        server = rig.open()
        told = rig.say(server, losing("BTCUSDT", "-50", 1), losing("BTCUSDT", "-1", 2))
        for _ in range(2):
            assert phone.rang.acquire(timeout=10)
        assert phone.heard == [
            ("RiskAlert", "BTCUSDT", "futures-stream/bitget/default/alerts"),
            ("RiskCleared", "BTCUSDT", "futures-stream/bitget/default/alerts"),
        ]
        assert [type(record).__name__ for record in told if isinstance(record, RiskRecord)][-2:] == [
            "RiskAlert",
            "RiskCleared",
        ]
        rig.stream.close()
        assert not [thread for thread in threading.enumerate() if thread.name.endswith("/alerts")]


def test_without_a_function_there_is_no_such_thread() -> None:
    """Who wants none pays for none."""
    with Rig("bitget", monitors=[RiskMonitor()]) as rig:
        rig.open()
        assert not [thread for thread in threading.enumerate() if thread.name.endswith("/alerts")]


@pytest.mark.parametrize("fails", [ValueError, SystemExit, KeyboardInterrupt])
def test_what_it_raises_is_a_notice(fails: type[BaseException]) -> None:
    """It is called the next time all the same, and the stream and its monitor go on."""
    phone = Phone(fails)
    with rig_with(phone) as rig:
        server = rig.open()
        told = list[Record]()
        for number, symbol in enumerate(("BTCUSDT", "ETHUSDT")):
            told += rig.say(server, losing(symbol, "-50", number))
            assert phone.rang.acquire(timeout=10)
        while len(failures(told)) < 2:  # each is told at the next look at the time, once it has been raised
            rig.clock.advance(1)
            told += rig.told()
        assert failures(told) == [f"RiskMonitor: on_alert raised {fails.__name__}: no line"] * 2
        assert rig.state == "live"


def test_one_that_hangs_holds_up_nothing_and_is_bounded() -> None:
    """Records come as ever; what finds no room in its box is told, once, and how many they were."""
    phone = Phone(busy=True)
    with rig_with(phone) as rig:
        server = rig.open()
        told = rig.say(server, losing("A0", "-50", 1))
        assert phone.rang.acquire(timeout=10)
        most = alerting._MOST_WAITING
        told += rig.say(server, *[losing(f"A{number}", "-50", 1) for number in range(1, most + 11)])
        told += rig.say(server, order_push("1"))
        assert sum(isinstance(record, RiskAlert) for record in told) == most + 11
        assert failures(told) == ["RiskMonitor: on_alert takes too long: it is not called with what finds no room"]
        phone.free.set()
        for _ in range(most):
            assert phone.rang.acquire(timeout=10)
        told = rig.say(server, losing("B", "-50", 1))
        assert failures(told) == ["RiskMonitor: on_alert was not called with 10 alerts"]


def test_closing_names_a_function_that_hangs() -> None:
    """It is not waited for longer than asked, and it can be closed again when it is free."""
    phone = Phone(busy=True)
    with rig_with(phone) as rig:
        server = rig.open()
        rig.say(server, losing("BTCUSDT", "-50", 1))
        assert phone.rang.acquire(timeout=10)
        closing = Later(lambda: rig.stream.close(timeout=1.0))
        rig.stream.wait_state("closed", timeout=10)
        while closing.is_alive():
            rig.clock.advance(0.5)
        assert isinstance(closing.end, ShutdownTimeout)
        assert "alerts" in str(closing.end)
        phone.free.set()


def test_stopping_from_inside_is_fine_and_closing_is_refused() -> None:
    """The thread cannot wait for itself: close() there is an error that is told, and the stream ends all the same."""
    rig = Rig("bitget", monitors=[RiskMonitor(LIMITS, on_alert=lambda alert: rig.stream.close())])
    with rig:
        server = rig.open()
        server.say(losing("BTCUSDT", "-50", 1))
        rig.stream.wait_state("closed", timeout=10)


def test_alerts_that_wait_at_the_end_are_handed_over() -> None:
    """close() loses no alert that the function is quick enough for."""
    phone = Phone(busy=True)
    with rig_with(phone) as rig:
        server = rig.open()
        rig.say(server, *[losing(f"A{number}", "-50", 1) for number in range(20)])
        assert phone.rang.acquire(timeout=10)
        closing = Later(rig.stream.close)
        rig.stream.wait_state("closed", timeout=10)
        phone.free.set()
        assert closing.end is None
        assert len(phone.heard) == 20
