"""The feed with Bitget's dialect: greeting, keepalive, loss, refusals."""

import json

import pytest
from engine_rig import LOGGED_IN, SECRETS, Rig, login_code, names, order_push, reply_bitget

from futures_stream import (
    Blind,
    ChannelLost,
    Closed,
    ConnectFailed,
    ConnectionLost,
    Gap,
    Live,
    LoginRejected,
    Options,
    Order,
    PeerSilent,
    RequestRejected,
    Resynced,
    StreamFailed,
    SubscriptionRejected,
    Throttled,
    Unreadable,
)
from futures_stream.dialects.bitget import Bitget
from futures_stream.testing import HANG, STUCK

DAY = 86_400.0
CHANNELS = ["account", "positions", "orders", "execution", "liquidation"]


def subscribed(message: str) -> str:
    """Return the channel that a subscription names."""
    return str(json.loads(message)["args"][0]["channel"])


# -- greeting ---------------------------------------------------------------------------------------------------------


def test_greeting_goes_step_by_step() -> None:
    """Nothing is subscribed before the login's answer, and one thing at a time after it."""
    with Rig("bitget") as rig:
        rig.network.replies = None
        rig.start()
        server = rig.network.accept()

        assert json.loads(server.hear())["op"] == "login"
        assert server.heard() == []

        rig.say(server, LOGGED_IN)
        for word in CHANNELS:
            assert rig.state == "greeting"
            message = server.hear()
            assert subscribed(message) == word
            assert server.heard() == []
            rig.say(server, *reply_bitget(message))

        assert rig.state == "live"


def test_live_is_told_before_anyone_can_see_it() -> None:
    """Who finds the stream live finds the notice in the queue."""
    with Rig("bitget") as rig:
        rig.start()

        (live,) = rig.told()
        assert isinstance(live, Live)
        assert live.channels == ("account", "positions", "orders", "executions", "liquidations")


@pytest.mark.parametrize("answers", range(6))
def test_each_answer_has_ten_seconds(answers: int) -> None:
    """A missing answer to the login, or to any subscription, ends the connection after 10 seconds, not before."""
    with Rig("bitget") as rig:
        said = [0]

        def reply(text: str) -> list[str]:
            if '"ping"' in text:
                return [*reply_bitget(text)]
            said[0] += 1
            return [*reply_bitget(text)] if said[0] <= answers else []

        rig.network.replies = reply
        rig.start()
        server = rig.network.accept()
        rig.clock.advance(9.9)
        assert rig.state == "greeting"
        assert not server.closed

        rig.network.replies = reply_bitget
        rig.clock.advance(0.2)

        assert server.closed
        assert rig.state == "live"
        assert rig.stream.status.connects == 2


def test_a_late_answer_gives_the_next_one_its_whole_time() -> None:
    """Each answer has a limit of its own: five slow ones are no slow greeting."""
    with Rig("bitget") as rig:
        rig.network.replies = None
        rig.start()
        server = rig.network.accept()
        for _ in range(6):
            rig.clock.advance(9)
            rig.say(server, *(reply for text in server.heard() for reply in reply_bitget(text)))

        assert rig.state == "live"
        assert rig.stream.status.connects == 1


def test_silence_while_greeting_is_told_and_retried() -> None:
    """An exchange that accepts and stays silent is left and tried again, with its reason in the status."""
    with Rig("bitget") as rig:
        rig.network.replies = None
        rig.start()
        rig.clock.advance(60)

        assert isinstance(rig.stream.status.error, PeerSilent)
        assert 3 <= rig.stream.status.connects <= 6
        assert rig.told() == []  # nothing was ever heard, so nothing can have been missed


@pytest.mark.parametrize(
    ("code", "error"),
    [("60001", LoginRejected), ("30005", LoginRejected), ("60005", RequestRejected), ("99999", LoginRejected)],
)
def test_fatal_codes_stop_the_stream(code: str, error: type[Exception]) -> None:
    """What cannot succeed is tried once, ends the stream, and says why."""
    with Rig("bitget") as rig:
        rig.network.replies = login_code(code)
        rig.stream.start()
        status = rig.stream.wait_open(None)

        assert status is not None
        assert isinstance(status.error, error)
        rig.stream.close()
        assert rig.state == "failed"
        rig.clock.advance(3600)
        assert len(rig.network.dials) == 1
        (closed,) = rig.told()
        assert isinstance(closed, Closed)
        assert closed.error is status.error


@pytest.mark.parametrize(("code", "pause"), [("60002", 30.0), ("60003", 0.0)])
def test_too_many_connections_back_off(code: str, pause: float) -> None:
    """Being throttled is waited out, at least as long as was asked."""
    with Rig("bitget") as rig:
        rig.network.replies = login_code(code)
        rig.start()
        assert isinstance(rig.stream.status.error, Throttled)
        if pause:
            rig.clock.advance(pause - 0.1)
            assert len(rig.network.dials) == 1
        rig.network.replies = reply_bitget
        rig.clock.advance(60)

        assert rig.state == "live"


def test_retry_after_of_the_upgrade_is_honoured() -> None:
    """HTTP 429 with Retry-After keeps the stream away for that long."""
    with Rig("bitget") as rig:
        rig.network.fail_dials(ConnectFailed("429", status=429, retry_after=120.0))
        rig.start()
        rig.clock.advance(119.9)
        assert len(rig.network.dials) == 1
        rig.clock.advance(0.2)

        assert rig.state == "live"


def test_a_refused_channel_fails_the_open() -> None:
    """While the stream has never been live, a channel that is refused ends it."""
    with Rig("bitget") as rig:

        def refuse(text: str) -> list[str]:
            if '"positions"' in text:
                return ['{"event":"error","code":"60004","msg":"no"}']
            return [*reply_bitget(text)]

        rig.network.replies = refuse
        rig.stream.start()
        status = rig.stream.wait_open(None)

        assert status is not None
        assert isinstance(status.error, SubscriptionRejected)
        assert status.error.channel == "positions"


# -- keepalive --------------------------------------------------------------------------------------------------------


def test_pings_go_out_every_twenty_seconds() -> None:
    """The first ping 20 seconds after the connection, then one every 20."""
    with Rig("bitget") as rig:
        server = rig.open()
        server.heard()
        rig.clock.advance(19.9)
        assert server.heard() == []
        rig.clock.advance(0.1)
        assert server.heard() == ['{"op":"ping"}']
        rig.clock.advance(200)

        assert server.heard() == ['{"op":"ping"}'] * 10


def test_thirty_seconds_of_silence_are_death() -> None:
    """A peer that does not answer the ping is left 30 seconds after it was last heard."""
    with Rig("bitget") as rig:
        server = rig.open()
        server.replies = None
        rig.clock.advance(29.9)
        assert not server.closed
        rig.clock.advance(0.1)

        assert server.closed
        assert rig.state == "live"
        gap = rig.told()[0]
        assert isinstance(gap, Gap)
        assert "30 s" in gap.reason


def test_a_day_of_idling_needs_no_reconnect() -> None:
    """A healthy account on which nothing happens stays on one connection."""
    with Rig(Bitget(lifetime=None)) as rig:
        server = rig.open()
        rig.clock.advance(DAY)

        assert rig.stream.status.connects == 1
        assert rig.state == "live"
        assert rig.told() == []
        assert len([text for text in server.heard() if "ping" in text]) == DAY / 20


def test_wall_clock_jumps_disturb_nothing() -> None:
    """A wall clock that is set by a day, either way, neither drops nor silences anything."""
    with Rig("bitget") as rig:
        server = rig.open()
        for jump in (DAY, -2 * DAY):
            server.heard()
            rig.clock.jump(jump)
            rig.clock.advance(100)
            assert server.heard() == ['{"op":"ping"}'] * 6  # the first at once: the machine may have slept

        assert rig.stream.status.connects == 1


def test_a_peer_that_takes_nothing_is_left() -> None:
    """What cannot be written for 10 seconds ends the connection."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        server.stall()
        for _ in range(12):  # it goes on talking, so silence is not what ends it
            rig.clock.advance(3)
            server.say(order_push("1"))

        assert server.closed
        rig.network.connections.get(timeout=1)
        assert any(isinstance(record, Gap) and "taken nothing" in record.reason for record in rig.told())


# -- what is lost -----------------------------------------------------------------------------------------------------


def test_a_gap_begins_with_the_last_frame() -> None:
    """The gap's since is when something was last heard, and the gap is told before the next connection's records."""
    with Rig("bitget") as rig:
        server = rig.open()
        rig.clock.advance(5)
        heard_at = rig.clock.unix_ms()
        rig.say(server, order_push("1"))
        rig.clock.advance(7)
        rig.network.fail_dials(None, ConnectFailed("down"))
        server.drop(ConnectionLost("reset"))
        rig.settle()
        noticed_at = rig.clock.unix_ms()
        fresh = rig.network.accept()
        fresh.say(order_push("2"))
        rig.settle()

        gap, resynced, live, order = rig.told()
        assert isinstance(gap, Gap)
        assert (gap.since, gap.reason) == (heard_at, "reset")
        assert gap.timestamp == noticed_at == heard_at + 7000
        assert gap.channels == ("account", "positions", "orders", "executions", "liquidations")
        assert isinstance(resynced, Resynced)
        assert (resynced.since, resynced.until) == (heard_at, noticed_at)
        assert resynced.unproven == ("balances", "positions", "orders", "executions")
        assert not resynced.complete
        assert isinstance(live, Live)
        assert isinstance(order, Order)


def test_records_of_a_greeting_stand_behind_the_gap() -> None:
    """What the next connection pushes before it is live comes behind the gap, and is not held back."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        rig.network.replies = None
        server.drop()
        rig.settle()
        fresh = rig.network.accept()
        told = rig.say(fresh, LOGGED_IN, order_push("7"))

        assert names(told) == ["Gap", "Order", "Resynced", "Live"]  # data stands for the subscription's answer


def test_failed_reconnects_are_one_gap() -> None:
    """However many tries it takes, the consumer is told of one gap and one end of it."""
    with Rig("bitget") as rig:
        server = rig.open()
        rig.network.fail_dials(*[ConnectFailed("down")] * 8)
        server.drop()
        rig.settle()
        assert rig.stream.status.blind_since is not None
        rig.clock.advance(300)

        assert rig.kinds() == ["Gap", "Resynced", "Live"]
        assert rig.stream.status.blind_since is None
        assert rig.stream.status.error is None
        assert len(rig.network.dials) == 10


def test_a_connection_that_dies_while_greeting_does_not_open_another_gap() -> None:
    """A gap that is open stays the same gap."""
    with Rig("bitget") as rig:
        server = rig.open()
        rig.network.replies = None
        server.drop()
        for _ in range(3):
            rig.clock.advance(35)
            rig.network.accept().drop()
        rig.network.replies = reply_bitget
        rig.clock.advance(100)

        kinds = rig.kinds()
        assert kinds.count("Gap") == kinds.count("Resynced") == kinds.count("Live") == 1
        assert kinds[0] == "Gap"


def test_the_first_retry_is_at_once_and_the_next_are_not() -> None:
    """One loss costs no time; an exchange that accepts and drops is not hammered."""
    with Rig("bitget") as rig:
        server = rig.open()
        server.drop()
        rig.settle()
        assert rig.state == "live"

        for _ in range(60):
            while not rig.network.connections.empty():
                rig.network.accept().drop()
            rig.clock.advance(1)

        assert rig.stream.status.connects < 25


def test_a_stable_spell_forgives() -> None:
    """After a minute of being live the next loss is retried at once again."""
    with Rig("bitget") as rig:
        server = rig.open()
        for _ in range(5):
            rig.clock.advance(60)
            server.drop()
            rig.settle()
            assert rig.state == "live"
            server = rig.network.accept()


def test_all_channels_are_resubscribed() -> None:
    """A new connection subscribes what is wanted by now: added ones too, removed ones not."""
    with Rig("bitget", channels=["orders", "positions"]) as rig:
        server = rig.open()
        rig.stream.add_channels("account", timeout=5)
        rig.stream.remove_channels("positions")
        rig.settle()
        server.drop()
        rig.settle()
        fresh = rig.network.accept()

        assert [subscribed(text) for text in fresh.heard() if "subscribe" in text] == ["account", "orders"]
        assert rig.stream.status.channels == ("account", "orders")


def test_data_behind_bad_news_is_delivered() -> None:
    """What arrived together with the end of a connection, or behind a refusal, is not lost."""
    with Rig("bitget") as rig:
        server = rig.open()
        server.drop(None, order_push("1"), order_push("2"))
        rig.settle()
        assert rig.kinds() == ["Order", "Order", "Gap", "Resynced", "Live"]

        server = rig.network.accept()
        server.say('{"event":"error","code":"60003","msg":"slow down"}', order_push("3"))
        rig.settle()
        assert rig.kinds()[:2] == ["Order", "Gap"]


def test_data_behind_a_fatal_refusal_is_delivered() -> None:
    """Even a stream that fails delivers first what it has received."""
    with Rig("bitget") as rig:
        server = rig.open()
        server.say('{"event":"error","code":"60001","msg":"no"}', order_push("3"))
        rig.stream.wait_state("failed")
        rig.stream.close()

        assert rig.kinds() == ["Order", "Closed"]


def test_unreadable_messages_are_told_and_the_stream_goes_on() -> None:
    """Garbage is a notice at its place; the messages around it are delivered."""
    with Rig("bitget") as rig:
        server = rig.open()
        first, garbage, binary, last = rig.say(server, order_push("1"), '{"arg":', b"\xff\x00", order_push("2"))

        assert isinstance(first, Order)
        assert isinstance(garbage, Unreadable)
        assert garbage.text == '{"arg":'
        assert isinstance(binary, Unreadable)
        assert isinstance(last, Order)
        assert [record.seq for record in (first, garbage, binary, last)] == [*range(first.seq, first.seq + 4)]
        assert rig.state == "live"


def test_a_channel_that_is_lost_later_does_not_end_the_stream() -> None:
    """Once live, a refused channel is a notice, and the others go on, after a reconnect too."""
    with Rig("bitget", channels=["orders", "positions"]) as rig:
        server = rig.open()

        def refuse(text: str) -> list[str]:
            if '"positions"' in text:
                return ['{"event":"error","code":"60004","msg":"no"}']
            return [*reply_bitget(text)]

        rig.network.replies = refuse
        server.drop()
        rig.settle()

        told = rig.told()
        assert names(told) == ["Gap", "ChannelLost", "Resynced", "Live"]
        assert isinstance(told[1], ChannelLost)
        assert told[1].channel == "positions"
        assert rig.stream.status.channels == ("orders",)
        assert rig.state == "live"


def test_the_last_channel_that_is_lost_ends_the_stream() -> None:
    """A stream that listens to nothing would be a lie."""
    with Rig("bitget", channels=["orders"]) as rig:
        server = rig.open()
        refusal = '{"event":"error","code":"60004","msg":"no"}'
        rig.network.replies = lambda text: [refusal] if "subscribe" in text else [*reply_bitget(text)]
        server.drop()
        rig.stream.wait_state("failed")
        rig.stream.close()

        assert isinstance(rig.stream.status.error, SubscriptionRejected)


def test_max_blind_ends_the_stream() -> None:
    """Who says how long he can be blind is told when it was too long."""
    with Rig("bitget", options=Options(max_blind=90)) as rig:
        server = rig.open()
        rig.clock.advance(50)
        rig.network.fail_dials(*[ConnectFailed("down")] * 1000)
        server.drop()
        rig.settle()
        rig.clock.advance(89)
        assert rig.state == "backing_off"
        rig.clock.advance(2)

        rig.stream.close()
        assert isinstance(rig.stream.status.error, Blind)
        assert "down" in str(rig.stream.status.error)
        assert rig.kinds() == ["Gap", "Closed"]


# -- dialling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [HANG, STUCK])
def test_a_hanging_dial_is_abandoned(outcome: object) -> None:
    """A dial that hangs in the system is given up after its time, and another one made."""
    with Rig("bitget") as rig:
        rig.network.fail_dials(outcome)  # type: ignore[arg-type]
        rig.stream.start()
        rig.settle(more=1)
        rig.clock.advance(10.9)
        assert rig.state == "connecting"
        rig.clock.advance(0.2)

        assert rig.state == "live"
        assert len(rig.network.dials) == 2


def test_a_dial_that_comes_home_too_late_is_thrown_away() -> None:
    """A connection that nobody waits for any more is closed, not leaked and not used."""
    with Rig("bitget") as rig:
        rig.network.fail_dials(STUCK)
        rig.stream.start()
        rig.settle(more=1)
        rig.clock.advance(12)
        assert rig.stream.status.connects == 1
        rig.network.accept()
        rig.network.release()
        rig.settle()

        assert rig.stream.status.connects == 1


# -- bugs of ours, or of a user's dialect -----------------------------------------------------------------------------


class Broken(Bitget):
    """A dialect with a defect."""

    def session(self, **asked):  # type: ignore[no-untyped-def]
        """Begin a conversation that stumbles over the first message."""
        session = super().session(**asked)

        def stumble(text: str, received_ns: int, seq: int) -> None:
            raise ZeroDivisionError(f"{SECRETS} {text}")

        session.receive = stumble  # type: ignore[method-assign,assignment]
        return session


class Stillborn(Bitget):
    """A dialect that cannot even begin."""

    def session(self, **asked):  # type: ignore[no-untyped-def]
        """Begin no conversation."""
        raise ZeroDivisionError(str(SECRETS))


@pytest.mark.parametrize("dialect", [Broken(), Stillborn()])
def test_a_defect_ends_loudly_and_without_secrets(dialect: Bitget) -> None:
    """An exception that nobody foresaw ends the stream, names itself, shows no secret, and leaves no socket."""
    with Rig(dialect) as rig:
        rig.stream.start()
        status = rig.stream.wait_open(None)
        rig.stream.close()

        assert status is not None
        assert isinstance(status.error, StreamFailed)
        assert "ZeroDivisionError" in str(status.error)
        assert not [secret for secret in SECRETS if secret in str(status.error)]
        assert status.error.__cause__ is None
        assert status.error.__context__ is None
        assert rig.kinds() == ["Closed"]
        assert rig.network.accept().closed
