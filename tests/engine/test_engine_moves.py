"""Moving to a new connection while other things happen: notices, changed channels, refusals, bans."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from engine_rig import SECRETS, Rig, names, order_push, reply_bitget

from futures_stream import Bitget, BitgetV2, BitgetV2Credentials, ConnectFailed, SubscriptionRejected
from futures_stream.engine.budget import budget_at
from futures_stream.testing import FakeServer

REFUSED = '{"event":"error","code":"60004","msg":"no"}'
MOVE = json.dumps({"event": "error", "code": "30033", "msg": "service upgrade"})


def reply_v2(text: str) -> Iterable[str]:
    """Answer a message as Bitget of today would that agrees to everything."""
    return ["pong"] if text == "ping" else reply_bitget(text)


class Leaving(Rig):
    """A stream of an exchange that asks to be left; nothing is asked over REST."""

    def __init__(self, **asked: Any) -> None:
        asked = {"channels": ["orders"], "credentials": BitgetV2Credentials(*SECRETS[:3])} | asked
        super().__init__(BitgetV2(queryable=()), **asked)
        self.network.replies = reply_v2
        self.threads = 1


def test_who_asks_to_be_left_again_while_he_is_being_left_is_not_left_twice() -> None:
    """A notice that comes once more on the connection that closes is about nothing any more."""
    with Leaving() as rig:
        old = rig.open()
        old.answers_close = False
        old.say(MOVE)
        rig.settle()
        assert old.closing
        old.say(MOVE)
        rig.settle()
        rig.clock.advance(20)

        assert rig.state == "live"
        assert rig.stream.status.connects == 2
        assert rig.network.accept().closed is False


def test_a_notice_that_is_repeated_does_not_keep_the_move_from_coming_about() -> None:
    """Each second another one, and the new connection takes three: it comes about all the same."""
    with Leaving() as rig:
        old = rig.open()
        rig.network.replies = None
        old.say(MOVE)
        rig.settle()
        new = rig.network.accept()
        for _ in range(3):
            rig.clock.advance(1)
            old.say(MOVE)
            rig.settle()
        assert not new.closed
        for text in new.heard():
            new.say(*reply_v2(text))
        rig.settle()
        for text in new.heard():
            new.say(*reply_v2(text))
        rig.settle()

        assert names(rig.told()) == ["Rotated"]
        assert rig.stream.status.connects == 2
        assert old.closed


def test_a_new_connection_that_asks_to_be_left_is_left_later() -> None:
    """The one that serves goes on."""
    with Leaving() as rig:
        old = rig.open()
        rig.network.replies = lambda text: [MOVE]
        old.say(MOVE)
        rig.settle()

        assert rig.state == "live"
        assert not old.closed


# -- channels ---------------------------------------------------------------------------------------------------------


class Moving(Rig):
    """A stream whose second connection is greeted by hand, one message at a time."""

    def __init__(self, **asked: Any) -> None:
        super().__init__(Bitget(lifetime=1000.0), **asked)

    def begin(self) -> tuple[FakeServer, FakeServer]:
        """Go live, and see the move begin; return the other ends of both connections."""
        old = self.open()
        self.network.replies = None
        self.clock.advance(939)
        while not self.network.connections.qsize():
            self.clock.advance(1)
        return old, self.network.accept()

    def answer(self, server: FakeServer, replies: Callable[[str], Iterable[str]] = reply_bitget) -> None:
        """Answer whatever the client says until it has nothing more to say."""
        while texts := server.heard():
            for text in texts:
                server.say(*replies(text))
            self.settle()


def test_a_channel_that_is_added_during_a_move_is_listened_to_after_it() -> None:
    """The connection that takes over is asked for it, too."""
    with Moving(channels=["orders"]) as rig:
        old, new = rig.begin()
        new.say('{"event":"login","code":0}')
        rig.settle()
        added = rig.stream._feed.add_channels(("positions",))
        rig.settle()
        assert added.wait(0)  # the old one has confirmed it
        heard: list[str] = []
        while texts := new.heard():
            heard += texts
            for text in texts:
                new.say(*reply_bitget(text))
            rig.settle()

        assert old.closed
        assert any('"positions"' in text for text in heard)
        assert rig.stream.status.channels == ("positions", "orders")


def test_a_channel_that_is_removed_during_a_move_is_not_listened_to_after_it() -> None:
    """The connection that takes over gives it up, too."""
    with Moving(channels=["orders", "positions"]) as rig:
        old, new = rig.begin()
        late: list[str] = []
        rig.answer(
            new, lambda text: late.extend(reply_bitget(text)) or [] if "positions" in text else reply_bitget(text)
        )
        rig.stream.remove_channels("positions")
        rig.settle()
        new.say(*late)
        rig.settle()
        rig.answer(new)

        assert old.closed
        assert new.closed is False
        assert names(rig.say(new, order_push("1"))) == ["Rotated", "Order"]
        assert rig.stream.status.channels == ("orders",)


def test_a_removed_channel_is_given_up_where_it_was_confirmed_already() -> None:
    """At the exchange, by the new connection."""
    with Moving(channels=["orders", "positions"]) as rig:
        _, new = rig.begin()
        new.say('{"event":"login","code":0}')
        rig.settle()
        heard = new.heard()
        new.say(*reply_bitget(heard[-1]))  # positions come first
        rig.settle()
        rig.stream.remove_channels("positions")
        rig.settle()
        heard = new.heard()

        assert any("unsubscribe" in text and '"positions"' in text for text in heard)


def test_the_last_channel_is_not_lost_in_a_move() -> None:
    """A refusal on the new connection leaves the old one; no later one takes over that listens to nothing."""
    with Moving(channels=["orders"]) as rig:
        old, new = rig.begin()
        rig.answer(new, lambda text: [*reply_bitget(text)] if "login" in text else [REFUSED])
        rig.settle()
        assert new.closed
        assert rig.stream.status.channels == ("orders",)
        rig.clock.advance(60.1)
        later = rig.network.accept()
        rig.answer(later, lambda text: [*reply_bitget(text)] if "login" in text else [REFUSED])

        assert not old.closed
        assert rig.state == "live"
        assert names(rig.say(old, order_push("1"))) == ["Order"]


def test_a_channel_that_is_refused_by_both_connections_is_lost_once() -> None:
    """Added during a move, and refused by both: who asked is told, and nobody else."""
    with Moving(channels=["orders"]) as rig:
        old, new = rig.begin()
        old.replies = lambda text: [REFUSED] if "positions" in text else reply_bitget(text)
        new.say('{"event":"login","code":0}')
        rig.settle()
        added = rig.stream._feed.add_channels(("positions",))
        rig.settle()
        with pytest.raises(SubscriptionRejected):
            added.wait(0)
        rig.answer(new, lambda text: [REFUSED] if "positions" in text else reply_bitget(text))

        assert names(rig.told()) == ["Rotated"]
        assert rig.stream.status.channels == ("orders",)


# -- refusals and bans ------------------------------------------------------------------------------------------------


def test_an_upgrade_that_is_refused_for_good_leaves_the_old_connection() -> None:
    """As a login that is refused does: another one serves, and goes on."""
    with Moving() as rig:
        rig.network.fail_dials(None, ConnectFailed("HTTP 401", status=401))
        old = rig.open()
        rig.clock.advance(985)
        rig.settle()

        assert rig.state == "live"
        assert names(rig.say(old, order_push("1"))) == ["Order"]


def test_a_ban_that_is_told_during_a_move_is_kept() -> None:
    """By this stream and all others at that host, for as long as the exchange says."""
    with Moving() as rig:
        rig.network.fail_dials(None, ConnectFailed("HTTP 429", status=429, retry_after=300.0))
        rig.open()
        rig.clock.advance(985)
        dialled = len(rig.network.dials)
        rig.clock.advance(250)
        assert len(rig.network.dials) == dialled == 2
        rig.clock.advance(120)

        assert len(rig.network.dials) == 3
        assert rig.stream.status.connects == 2


def test_a_ban_that_is_told_in_the_greeting_is_kept_too() -> None:
    """Whatever tells it."""
    with Moving() as rig:
        _, new = rig.begin()
        rig.network.replies = reply_bitget
        new.say('{"event":"error","code":"60002","msg":"too many connections"}')
        rig.settle()
        assert new.closed
        assert budget_at(rig.clock, rig.stream._plan.endpoints.ws_url, "connect", Bitget().limits).paused_for > 0


def test_a_connection_that_is_left_is_not_looked_at_for_ever() -> None:
    """Its ping comes due while it is asked to close: the thread sleeps all the same."""
    with Moving(channels=["orders", "positions"]) as rig:
        old, new = rig.begin()
        old.answers_close = False
        old.replies = reply_bitget
        ping_due = rig.clock.monotonic() + 20 - (rig.clock.monotonic() - 1000.0) % 20
        while (left := ping_due - 0.5 - rig.clock.monotonic()) > 0 or not old.closing:
            if left > 0:
                rig.clock.advance(min(left, 9.0))
            for text in new.heard():
                new.say(*reply_bitget(text))
            rig.settle()
        assert rig.clock.monotonic() < ping_due
        rig.clock.advance(5)

        assert old.closed


def test_a_pong_that_nobody_asked_for_is_no_answer() -> None:
    """It says nothing about what was under way later: an old connection that is dead by then is a gap."""
    with Moving(channels=["orders"]) as rig:
        old, new = rig.begin()
        old.say("pong")
        rig.settle()
        old.replies = None
        old.answers_close = False
        rig.answer(new)
        assert old.closing
        rig.clock.advance(1.1)

        assert "Gap" in names(rig.told())
        assert old.closed


def test_a_pong_is_an_answer() -> None:
    """The same, of one that lives: it said all that it had to say before it was left."""
    with Moving(channels=["orders"]) as rig:
        old, new = rig.begin()
        old.replies = reply_bitget
        old.answers_close = False
        rig.answer(new)
        assert old.closing
        rig.clock.advance(1.1)

        assert names(rig.told()) == ["Rotated"]
        assert old.closed
