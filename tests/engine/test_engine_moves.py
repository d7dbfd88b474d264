"""Moving to a new connection while other things happen: notices, changed channels, refusals, bans."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from engine_rig import SECRETS, Rig, names, reply_bitget

from futures_stream import BitgetV2, BitgetV2Credentials

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
