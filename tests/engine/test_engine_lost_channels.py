"""A channel that the exchange took away is asked for again, and what was missed of it is told when it is back."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from engine_rig import Rig, names, reply_bitget

from futures_stream import Bitget, ChannelLost, Gap, Live, Resynced
from futures_stream.testing import FakeServer

HOUR = 3600.0
SOON = 16.0  # seconds after which it has been asked for once more
BOTH = ("positions", "orders")


class Grudge:
    """Answers as Bitget does that refuses positions as long as it is angry; counts how often it was asked for them."""

    def __init__(self) -> None:
        self.angry = True
        self.asked = 0

    def __call__(self, text: str) -> Iterable[str]:
        if '"subscribe"' in text and '"positions"' in text:
            self.asked += 1
            if self.angry:
                return ['{"event":"error","code":"60004","msg":"no"}']
        return reply_bitget(text)


def lose(rig: Rig) -> tuple[Grudge, FakeServer]:
    """Open a stream that loses its positions at a reconnect; return who refused, and the connection."""
    server = rig.open()
    grudge = rig.network.replies = Grudge()
    server.drop()
    rig.settle()
    assert names(rig.told()) == ["Gap", "ChannelLost", "Resynced", "Live"]
    assert rig.stream.status.channels == ("orders",)
    return grudge, rig.network.accept()


def positions_push() -> str:
    """A full set of no positions."""
    arg = {"instType": "FUTURES", "channel": "positions", "instId": "default"}
    return json.dumps({"action": "snapshot", "arg": arg, "data": [], "ts": 1_700_000_000_000})


def test_it_is_asked_for_again_and_its_gap_closed() -> None:
    """It is back, with a gap of its own that began when it was lost; the other channels are not in it."""
    with Rig("bitget", channels=BOTH) as rig:
        grudge, server = lose(rig)
        lost_at = rig.clock.unix_ms()
        grudge.angry = False
        rig.clock.advance(SOON)
        gap, resynced, live = rig.told()

        assert isinstance(gap, Gap)
        assert (gap.since, gap.channels) == (lost_at, ("positions",))
        assert "positions" in gap.reason
        assert isinstance(resynced, Resynced)
        assert (resynced.since, resynced.unproven) == (lost_at, ("positions",))
        assert isinstance(live, Live)
        assert rig.stream.status.channels == BOTH
        assert rig.stream.status.connects == 2
        assert names(rig.say(server, positions_push())) == ["Snapshot"]
        rig.clock.advance(HOUR)
        assert rig.told() == []


def test_it_is_asked_for_ever_more_seldom_and_told_once() -> None:
    """As long as it is refused nothing is told again, and the exchange is not pestered."""
    with Rig(Bitget(lifetime=None), channels=BOTH) as rig:
        grudge, _ = lose(rig)
        before = grudge.asked
        rig.clock.advance(HOUR)
        first = grudge.asked - before
        rig.clock.advance(23 * HOUR)
        rest = grudge.asked - before - first

        assert rig.told() == []
        assert rig.state == "live"
        assert rig.stream.status.channels == ("orders",)
        assert 6 <= first <= 20
        assert 23 * 5 <= rest <= 23 * 13


def test_who_gives_it_up_is_not_given_it_back() -> None:
    """A channel that was removed is not asked for."""
    with Rig("bitget", channels=BOTH) as rig:
        grudge, _ = lose(rig)
        before = grudge.asked
        rig.stream.remove_channels("positions")
        grudge.angry = False
        rig.clock.advance(HOUR)

        assert grudge.asked == before
        assert rig.told() == []


def test_who_asks_for_it_himself_has_its_gap_too() -> None:
    """add_channels() is another way to get it back, and what was missed of it is told just the same."""
    with Rig("bitget", channels=BOTH) as rig:
        grudge, _ = lose(rig)
        grudge.angry = False
        rig.stream.add_channels("positions", timeout=10)
        rig.settle()

        assert names(rig.told()) == ["Gap", "Resynced", "Live"]
        rig.clock.advance(HOUR)
        assert rig.told() == []


@pytest.mark.parametrize("angry", [True, False])
def test_a_connection_that_is_lost_meanwhile(angry: bool) -> None:
    """The next one is greeted without it, and then it is asked for again."""
    with Rig("bitget", channels=BOTH) as rig:
        grudge, server = lose(rig)
        server.drop()
        rig.clock.advance(1)
        assert names(rig.told()) == ["Gap", "Resynced", "Live"]
        grudge.angry = angry
        rig.clock.advance(2 * SOON)

        assert names(rig.told()) == ([] if angry else ["Gap", "Resynced", "Live"])
        assert not any(isinstance(record, ChannelLost) for record in rig.told())
