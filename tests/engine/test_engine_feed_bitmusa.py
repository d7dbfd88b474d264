"""The feed with Bitmusa's dialect: the listen key, and silence that means nothing."""

import pytest
from engine_rig import FINE, KEY_1, KEY_2, Rig, code_answer, key_answer, names, wallet_push

from futures_stream import (
    Balance,
    Bitmusa,
    ConnectFailed,
    Gap,
    LeaseLost,
    LeaseRenewed,
    Live,
    LoginRejected,
    Options,
    PeerSilent,
    Resynced,
    Throttled,
)
from futures_stream.dialects.base import Request, Response
from futures_stream.engine.budget import budget_at
from futures_stream.testing import HANG

DAY = 86_400.0
UNTOLD = {"LeaseRenewed"}


def test_the_key_comes_first() -> None:
    """The connection is made with the key that POST gave, and is live without another word."""
    with Rig("bitmusa") as rig:
        rig.start()
        server = rig.network.accept()

        assert server.url.reveal() == f"wss://websocket.bitmusa.com:60002/ws/future/{KEY_1}"
        assert server.heard() == []
        assert rig.methods == ["POST", "PUT"]
        assert sorted(rig.kinds()) == ["LeaseRenewed", "Live"]


def test_silence_alone_is_not_death() -> None:
    """A day without any message is no reason to reconnect; pings go out all the same."""
    with Rig(Bitmusa(lifetime=None)) as rig:
        server = rig.open()
        rig.clock.advance(DAY)

        assert rig.stream.status.connects == 1
        assert server.pings >= DAY / 20 - 1
        assert set(rig.kinds()) == UNTOLD
        assert rig.methods.count("PUT") > DAY / 3600


def test_a_peer_that_was_seen_to_answer_must_go_on_answering() -> None:
    """Once a pong has come, silence kills; and the next connection knows that, too."""
    with Rig("bitmusa") as rig:
        server = rig.open()
        server.answers_pings = True
        rig.clock.advance(45)
        server.answers_pings = False
        rig.clock.advance(24.9)  # the last pong came at 40
        assert not server.closed
        rig.clock.advance(0.2)
        assert server.closed
        told = rig.told()
        assert [name for name in names(told) if name not in UNTOLD] == ["Gap", "Resynced", "Live"]
        assert isinstance(told[0], Gap)
        assert told[0].since <= told[0].timestamp - 30_000

        silent = rig.network.accept()
        rig.clock.advance(30.1)
        assert silent.closed


def test_records_come_as_they_are_said() -> None:
    """A row a message, in order."""
    with Rig("bitmusa") as rig:
        server = rig.open()
        told = rig.say(server, wallet_push("1.5"), wallet_push("2.50"))

        assert [str(record.free) for record in told if isinstance(record, Balance)] == ["1.5", "2.50"]


def test_channels_are_picked_here() -> None:
    """What nobody listens to is not delivered, until it is asked for."""
    with Rig("bitmusa", channels=["orders"]) as rig:
        server = rig.open()
        assert rig.say(server, wallet_push("1")) == []
        rig.stream.add_channels("account", timeout=5)
        assert names(rig.say(server, wallet_push("2"))) == ["Balance"]
        rig.stream.remove_channels("account")
        rig.settle()
        assert rig.say(server, wallet_push("3")) == []


def test_a_replaced_key_means_a_gap_and_a_new_connection() -> None:
    """When the account has another key the old connection is dead, whatever it looks like."""
    with Rig("bitmusa") as rig:
        server = rig.open()
        rig.network.answer("PUT", code_answer(3022), FINE)
        rig.network.answer("POST", key_answer(KEY_2))
        rig.clock.advance(1320)

        assert server.closed
        assert rig.network.accept().url.reveal().endswith(KEY_2)
        told = [record for record in rig.told() if not isinstance(record, LeaseRenewed)]
        assert names(told) == ["Gap", "Resynced", "Live"]
        assert rig.state == "live"


def test_a_key_that_is_replaced_while_connecting_is_not_connected_with() -> None:
    """A dial under way with the old key is given up: it would end on a stream that says nothing any more."""
    with Rig("bitmusa") as rig:
        rig.network.fail_dials(HANG)
        rig.network.answer("PUT", code_answer(3022), FINE)
        rig.network.answer("POST", key_answer(KEY_1), key_answer(KEY_2))
        rig.start()

        assert rig.state == "live"
        assert rig.network.accept().url.reveal().endswith(KEY_2)
        assert rig.clock.monotonic() == 1000.0


def test_a_key_that_comes_after_the_connection_it_was_for_was_given_up_is_not_dialled_with() -> None:
    """A move asks for a key, and the serving connection is lost: the key finds a stream that waits for its retry."""
    with Rig("bitmusa") as rig:
        server = rig.open()
        gate = rig.clock.event()

        def late(base_url: str, request: Request) -> Response:
            gate.wait()
            return key_answer(KEY_2)

        rig.network.answer("PUT", code_answer(3022), FINE)
        rig.network.answer("POST", key_answer(KEY_2), late, key_answer(KEY_2))
        while rig.methods.count("POST") < 3:  # the key is replaced, and asked for to make another connection
            rig.clock.advance(1)
        host = Bitmusa().endpoints.ws_url or ""
        budget_at(rig.clock, host, "connect", Bitmusa().limits).pause(30)  # another stream was told to wait
        server.drop()
        rig.settle(more=1)
        assert rig.state == "backing_off"
        dialled = len(rig.network.dials)
        gate.set()
        rig.settle()
        assert (rig.state, len(rig.network.dials)) == ("backing_off", dialled)

        rig.clock.advance(60)
        assert rig.state == "live"


def test_a_clock_that_is_set_back_before_a_gap_is_noticed_leaves_nothing_of_it_out() -> None:
    """A key was replaced, what came then was not pushed, and the clock is set back before the exchange is asked."""
    with Rig("bitmusa") as rig:
        rig.open()
        rig.network.answer("POST", key_answer(KEY_2))
        rig.clock.advance(200)
        lost_at = rig.clock.unix_ms()
        rig.clock.jump(-600.0)
        rig.clock.advance(200)
        gap, resynced = (record for record in rig.told() if isinstance(record, Gap | Resynced))

        assert gap.since <= lost_at <= resynced.until


@pytest.mark.parametrize("pushed", [False, True])
def test_a_gap_of_a_key_that_anybody_may_replace_begins_where_it_was_sure(pushed: bool) -> None:
    """A pong is said on a connection whose key was replaced, too; a push is not."""
    with Rig("bitmusa") as rig:
        server = rig.open()
        confirmed_at = rig.clock.unix_ms()
        rig.clock.advance(10)
        if pushed:
            rig.say(server, wallet_push("1"))
        pushed_at = rig.clock.unix_ms()
        rig.clock.advance(10)
        rig.say(server, "pong")
        rig.network.answer("POST", key_answer(KEY_2))
        server.drop()
        rig.settle()
        (gap,) = (record for record in rig.told() if isinstance(record, Gap))

        assert gap.since == (pushed_at if pushed else confirmed_at)


def test_an_upgrade_that_does_not_know_the_key_gets_another() -> None:
    """HTTP 404 at the stream means a key that is gone: POST is asked again."""
    with Rig("bitmusa") as rig:
        rig.network.fail_dials(ConnectFailed("no upgrade", status=404))
        rig.network.answer("POST", key_answer(KEY_1), key_answer(KEY_2))
        rig.start()

        assert rig.state == "live"
        assert rig.network.accept().url.reveal().endswith(KEY_2)


def test_a_key_at_risk_is_told_and_the_connection_kept() -> None:
    """When the key may have run out, a gap is open until a renewal is accepted; the connection goes on meanwhile."""
    with Rig("bitmusa") as rig:
        server = rig.open()
        rig.network.answer("PUT", ConnectFailed("down"))
        rig.network.answer("POST", ConnectFailed("down"))
        rig.clock.advance(1800)
        heard_at = rig.clock.unix_ms()
        rig.say(server, wallet_push("1"))
        rig.clock.advance(3600)
        (gap,) = rig.told()
        assert isinstance(gap, Gap)
        assert gap.since == heard_at
        assert rig.state == "resyncing"
        assert names(rig.say(server, wallet_push("2"))) == ["Balance"]

        rig.network.answer("PUT", FINE)
        rig.clock.advance(60)
        assert [kind for kind in rig.kinds() if kind != "LeaseRenewed"] == ["Resynced", "Live"]
        assert rig.state == "live"
        assert rig.stream.status.connects == 1


def test_a_loss_while_at_risk_is_the_same_gap() -> None:
    """A connection that ends while its key is doubted opens no second gap."""
    with Rig("bitmusa") as rig:
        server = rig.open()
        rig.network.answer("PUT", ConnectFailed("down"))
        rig.network.answer("POST", ConnectFailed("down"))
        rig.clock.advance(4000)
        server.drop()
        rig.settle()
        rig.clock.advance(100)
        assert rig.state == "backing_off"
        rig.network.answer("POST", key_answer(KEY_1))
        rig.network.answer("PUT", FINE)
        rig.clock.advance(60)

        assert [kind for kind in rig.kinds() if kind != "LeaseRenewed"] == ["Gap", "Resynced", "Live"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_refused_credentials_end_the_stream(method: str) -> None:
    """What REST refuses for good is not tried again."""
    with Rig("bitmusa") as rig:
        rig.network.answer(method, code_answer(1001))
        rig.stream.start()
        rig.stream.wait_state("failed")
        rig.stream.close()

        assert isinstance(rig.stream.status.error, LoginRejected)
        assert rig.methods.count(method) == 1


def test_throttling_of_the_key_is_waited_out() -> None:
    """Too many POSTs: the next one comes when it is allowed."""
    with Rig("bitmusa") as rig:
        rig.network.answer("POST", code_answer(1011, retry_after=77.0), key_answer(KEY_1))
        rig.start()
        assert isinstance(rig.stream.status.error, Throttled)
        rig.clock.advance(76.9)
        assert rig.methods == ["POST"]
        rig.clock.advance(0.2)

        assert rig.state == "live"


def test_a_hanging_post_is_retried() -> None:
    """A POST without an answer is given up after 10 seconds, and another made."""
    with Rig("bitmusa") as rig:
        rig.network.answer("POST", HANG, key_answer(KEY_1))
        rig.stream.start()
        rig.settle(more=1)
        rig.clock.advance(9.9)
        assert rig.state == "connecting"
        rig.clock.advance(0.2)

        assert rig.state == "live"


@pytest.mark.parametrize("release", [True, False])
def test_the_key_is_deleted_only_on_request(release: bool) -> None:
    """close() leaves the account's key alone, unless it was asked to give it back."""
    with Rig("bitmusa", options=Options(release_listen_key=release)) as rig:
        rig.open()
        rig.stream.close()

        assert ("DELETE" in rig.methods) is release


def test_every_reconnect_asks_for_the_active_key() -> None:
    """The key in a URL is never an old one."""
    with Rig("bitmusa") as rig:
        server = rig.open()
        rig.network.answer("POST", key_answer(KEY_2))
        server.drop()
        rig.settle()

        assert rig.network.accept().url.reveal().endswith(KEY_2)


def test_a_mute_peer_at_open_is_no_failure() -> None:
    """Bitmusa owes no greeting: an open connection is live."""
    with Rig("bitmusa") as rig:
        rig.start()

        assert [type(record) for record in rig.told() if not isinstance(record, LeaseRenewed)] == [Live]
        assert not isinstance(rig.stream.status.error, PeerSilent | LeaseLost)


def test_a_machine_that_slept_renews_its_key_and_asks_for_a_sign_of_life() -> None:
    """After two hours of sleep the key is extended, compared, and the connection is pinged, with the first wake-up."""
    with Rig("bitmusa") as rig:
        server = rig.open()
        rig.clock.advance(1)
        pings = server.pings
        rig.clock.suspend(7200)
        rig.clock.advance(20)

        assert rig.methods[2:] == ["PUT", "POST"]
        assert server.pings > pings
