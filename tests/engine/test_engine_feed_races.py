"""The feed when several things happen at once, and when it is told to stop in the middle of something."""

from __future__ import annotations

import sys
import threading
from random import Random

import pytest
from engine_rig import (
    FINE,
    KEY_1,
    KEY_2,
    LOGGED_IN,
    Rig,
    code_answer,
    key_answer,
    order_push,
    reply_bitget,
    wallet_push,
)

from futures_stream import (
    Balance,
    Bitmusa,
    ChannelLost,
    Closed,
    ConnectFailed,
    Gap,
    Order,
    Record,
    Resynced,
    StreamFailed,
    SubscriptionRejected,
)
from futures_stream.dialects.base import Request, Response
from futures_stream.testing import HANG, STUCK, FakeServer

REFUSED = '{"event":"error","code":"60004","msg":"no"}'


def refuse(word: str):  # type: ignore[no-untyped-def]
    """Return what agrees to everything but one channel."""
    return lambda text: [REFUSED] if f'"{word}"' in text else [*reply_bitget(text)]


class Asking(threading.Thread):
    """Somebody who asks for a channel, and how that ended."""

    def __init__(self, rig: Rig, channel: str, timeout: float) -> None:
        super().__init__(name="asking")
        self.outcome: object = None
        self._ask = lambda: rig.stream.add_channels(channel, timeout=timeout)
        self.start()

    def run(self) -> None:
        """Ask."""
        try:
            self._ask()
        except Exception as error:
            self.outcome = error
        else:
            self.outcome = "confirmed"


# -- channels ---------------------------------------------------------------------------------------------------------


def test_add_channels_returns_when_confirmed() -> None:
    """The caller waits for the exchange's own word."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        server.replies = None
        asking = Asking(rig, "positions", 10)
        while "positions" not in (text := server.hear()):
            pass
        rig.settle(more=1)
        assert asking.outcome is None
        server.say(*reply_bitget(text))
        asking.join()

        assert asking.outcome == "confirmed"
        assert rig.stream.status.channels == ("positions", "orders")


def test_a_channel_that_is_refused_is_raised_to_who_asked() -> None:
    """The asker gets the refusal; the stream goes on without a notice for all the others."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        server.replies = refuse("positions")
        with pytest.raises(SubscriptionRejected):
            rig.stream.add_channels("positions")

        assert rig.state == "live"
        assert rig.told() == []
        assert rig.stream.status.channels == ("orders",)


def test_who_does_not_wait_any_more_is_told_by_a_notice() -> None:
    """A refusal that comes after the caller gave up waiting is not lost: it is a notice."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        server.replies = None
        asking = Asking(rig, "positions", 5)
        while "positions" not in server.hear():
            pass
        rig.settle(more=1)
        rig.clock.advance(5)
        asking.join()
        assert isinstance(asking.outcome, TimeoutError)

        told = rig.say(server, REFUSED)
        assert [type(record) for record in told] == [ChannelLost]


def test_a_channel_asked_for_while_away_is_confirmed_later() -> None:
    """Adding channels between two connections works: the next one subscribes them."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        rig.network.fail_dials(*[ConnectFailed("down")] * 3)
        server.drop()
        rig.settle()
        rig.clock.advance(0.01)
        asking = Asking(rig, "positions", 100)
        rig.settle(more=1)
        rig.clock.advance(60)
        asking.join()

        assert asking.outcome == "confirmed"


class Holding:
    """A monitor that holds up the I/O thread at the next balance, until it is let go."""

    def __init__(self) -> None:
        self.held, self.go = threading.Event(), threading.Event()

    def apply(self, record: Record) -> tuple[Record, ...]:
        """Wait, as no monitor should."""
        if isinstance(record, Balance):
            self.held.set()
            self.go.wait(10)
        return ()

    def due(self, now_ms: int) -> tuple[Record, ...]:
        """Say nothing."""
        return ()


def test_a_request_behind_bad_news_is_not_lost() -> None:
    """What lies in the box behind a failure is heard in the same turn."""
    monitor, gate, renewed = Holding(), threading.Event(), threading.Event()

    def dead(base_url: str, request: Request) -> Response:
        gate.wait(10)
        return code_answer(3022)

    def alive(base_url: str, request: Request) -> Response:
        renewed.set()  # what was posted before this call is in the box
        return FINE

    with Rig(Bitmusa(queryable=()), monitors=[monitor]) as rig:  # nothing else to ask over REST
        rig.network.answer("PUT", dead, alive)
        rig.network.answer("POST", key_answer(KEY_1), key_answer(KEY_2))
        rig.stream.start()
        rig.stream.wait_state("live")
        rig.network.accept().say(wallet_push("1"))
        monitor.held.wait(10)
        gate.set()
        renewed.wait(10)
        rig.stream.remove_channels("positions")
        monitor.go.set()
        rig.clock.advance(0)

        assert rig.network.accept().url.reveal().endswith(KEY_2)
        assert rig.stream.status.channels == ("account", "orders")


def test_who_asks_while_the_stream_ends_is_told() -> None:
    """A request that comes during the farewell is refused at once, not left waiting."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        server.answers_close = False
        rig.stream.stop()
        rig.settle()
        assert server.closing
        asking = Asking(rig, "positions", 3600)
        rig.settle(more=1)
        rig.clock.advance(1.1)
        asking.join(5)

        assert isinstance(asking.outcome, StreamFailed)


def test_who_asks_after_the_end_is_told() -> None:
    """A stream that has ended says so."""
    with Rig("bitget") as rig:
        rig.open()
        rig.stream.close()

        with pytest.raises(StreamFailed, match="has ended"):
            rig.stream.add_channels("orders")


# -- stopping ---------------------------------------------------------------------------------------------------------


def hanging_dial(rig: Rig) -> None:
    """Stop while a dial hangs."""
    rig.network.fail_dials(HANG)
    rig.stream.start()
    rig.settle(more=1)


def greeting(rig: Rig) -> None:
    """Stop while the exchange is silent."""
    rig.network.replies = None
    rig.start()
    assert rig.state == "greeting"


def backing_off(rig: Rig) -> None:
    """Stop between two connections."""
    rig.network.fail_dials(*[ConnectFailed("down")] * 2)
    rig.start()
    assert rig.state == "backing_off"


def live(rig: Rig) -> None:
    """Stop a healthy stream."""
    rig.open()


def mute(rig: Rig) -> None:
    """Stop while the other side takes nothing."""
    server = rig.open()
    server.answers_close = False


@pytest.mark.parametrize("situation", [hanging_dial, greeting, backing_off, live])
def test_stop_ends_every_state_at_once(situation) -> None:  # type: ignore[no-untyped-def]
    """Whatever the stream is doing, it ends when told to, without any time passing, and says Closed once."""
    with Rig("bitget") as rig:
        situation(rig)
        before = rig.clock.monotonic()
        rig.stream.stop()
        rig.stream.stop()
        rig.stream.close()
        rig.stream.close()

        assert rig.clock.monotonic() == before
        assert rig.state == "closed"
        (closed,) = [record for record in rig.told() if isinstance(record, Closed)]
        assert closed.error is None


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_stop_while_rest_hangs(method: str) -> None:
    """A listen key that does not come holds up nothing."""
    with Rig("bitmusa") as rig:
        rig.network.answer(method, HANG)
        rig.stream.start()
        rig.settle(more=1)
        rig.stream.close()

        assert rig.state == "closed"
        assert rig.clock.monotonic() == 1000.0


def test_stop_before_the_first_step() -> None:
    """A stream that is told to stop before it starts ends at once."""
    with Rig("bitget") as rig:
        rig.stream.stop()
        rig.stream.start()
        rig.stream.close()

        assert rig.kinds() == ["Closed"]
        assert rig.network.dials == []


def test_a_farewell_has_a_limit() -> None:
    """A peer that does not answer the close frame is left after a second; what it says until then is delivered."""
    with Rig("bitget") as rig:
        server = rig.open()
        server.answers_close = False
        rig.stream.stop()
        rig.settle()
        assert server.closing
        server.say(order_push("9"))
        rig.settle()
        rig.clock.advance(1.0)
        rig.stream.close()

        order, closed = rig.told()
        assert isinstance(order, Order)
        assert isinstance(closed, Closed)
        assert server.closed


def test_a_peer_that_takes_nothing_does_not_hold_up_the_end() -> None:
    """Not even the close frame can be written: the end comes all the same."""
    with Rig("bitget") as rig:
        server = rig.open()
        server.stall()
        rig.stream.stop()
        rig.settle()
        rig.clock.advance(1.1)
        rig.stream.close()

        assert rig.kinds() == ["Closed"]


def test_both_hanging_helpers_are_named() -> None:
    """What was abandoned in the system is named, the dial and the REST call alike."""
    with Rig("bitmusa") as rig:
        rig.network.answer("PUT", STUCK)
        rig.network.fail_dials(STUCK)
        rig.stream.start()
        rig.settle(more=2)
        with pytest.raises(TimeoutError) as failure:
            rig.stream.close()
        rig.network.release()

        assert "/connect" in str(failure.value)
        assert "/call" in str(failure.value)
        assert rig.state == "closed"
        rig.stream.close()


def test_stop_at_random_moments() -> None:
    """Opened and stopped at any moment, while threads switch as often as they can: nothing is left behind."""
    random = Random(3)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(120):
            with Rig(random.choice(["bitget", "bitmusa"])) as rig:
                rig.stream.start()
                spin = random.choice([0, 10, 100, 1000, 5000, 20000])
                for _ in range(random.randint(0, spin)):
                    pass
                if random.random() < 0.3:
                    while not rig.network.connections.empty():
                        rig.network.accept().drop()
                rig.stream.close()
                assert rig.kinds()[-1:] == ["Closed"]
                assert rig.state == "closed"
                while not rig.network.connections.empty():
                    assert rig.network.accept().closed
    finally:
        sys.setswitchinterval(before)


def test_drops_and_data_at_random() -> None:
    """Under random drops every record that a connection carried is delivered once, in order, and each gap is closed."""
    random = Random(11)
    with Rig("bitget", channels=["orders"]) as rig:
        rig.start()
        said: list[str] = []
        servers: list[FakeServer] = [rig.network.accept()]
        for number in range(300):
            while not rig.network.connections.empty():
                servers.append(rig.network.accept())
            server = servers[-1]
            if server.closed:
                rig.clock.advance(30)
                continue
            order = f"{number}"
            if random.random() < 0.1:
                server.drop(None, order_push(order))
            else:
                server.say(order_push(order))
            rig.settle()
            said.append(order)
        rig.clock.advance(60)
        told = rig.told()

        assert [record.order_id for record in told if isinstance(record, Order)] == said
        notices = [type(record).__name__ for record in told if not isinstance(record, Order)]
        assert notices[0] == "Live"
        assert notices[1:] == ["Gap", "Resynced", "Live"] * (len(notices) // 3)
        assert [record.seq for record in told] == [*range(1, len(told) + 1)]


def test_login_and_drop_in_one_piece() -> None:
    """A connection that greets, delivers and ends in one read is a loss like any other."""
    with Rig("bitget", channels=["orders"]) as rig:
        rig.network.replies = None
        rig.start()
        server = rig.network.accept()
        rig.network.replies = reply_bitget
        server.drop(None, LOGGED_IN, order_push("1"))
        rig.settle()

        assert rig.kinds() == ["Order", "Gap", "Resynced", "Live"]


def test_a_key_that_comes_too_late_is_not_used() -> None:
    """A listen key for a connection that nobody makes any more starts no dial."""
    with Rig("bitmusa") as rig:
        rig.network.answer("POST", HANG, key_answer(KEY_1))
        rig.stream.start()
        rig.settle(more=1)
        rig.clock.advance(60)

        assert len(rig.network.dials) == 1
        assert rig.state == "live"


def test_a_clock_that_is_set_back_in_a_gap_turns_no_gap_around() -> None:
    """It began before it was noticed, and ends no earlier than it began, whatever the wall clock says."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        rig.network.fail_dials(*[ConnectFailed("down")] * 3)
        server.drop()
        rig.settle()
        rig.clock.jump(-600.0)
        rig.clock.advance(60)
        gap, resynced = (record for record in rig.told() if isinstance(record, Gap | Resynced))

        assert gap.since <= (gap.timestamp or 0)
        assert resynced.since == gap.since <= resynced.until


def test_a_clock_that_is_set_back_in_a_gap_leaves_nothing_of_it_out() -> None:
    """What happened before it was set back has a later time than the gap's last moment, and lies in it all the same."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        rig.network.fail_dials(*[HANG] * 2)
        server.drop()
        rig.settle(more=1)
        rig.clock.advance(7)
        lost_at = rig.clock.unix_ms()
        rig.clock.jump(-600.0)
        rig.clock.advance(60)
        gap, resynced = (record for record in rig.told() if isinstance(record, Gap | Resynced))

        assert gap.since <= lost_at <= resynced.until
