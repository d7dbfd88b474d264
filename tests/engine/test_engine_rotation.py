"""Moving to a new connection on purpose: made before the old one is given up."""

import json
from collections.abc import Iterable

import pytest
from engine_rig import KEY_1, KEY_2, PONG, Rig, key_answer, names, order_push, reply_bitget

from futures_stream import Bitget, Bitmusa, ConnectFailed, Gap, Order, Record, Rotated
from futures_stream.testing import HANG, FakeServer

REFUSED_TIME = '{"event":"error","code":"30013","msg":"timestamp"}'
DAY = 86_400.0
PLANNED = 0.94 * DAY  # seconds after which a move may begin; it has at the latest after 0.98 of a day


def order_ids(records: list[Record]) -> list[str | None]:
    """Return the ids of the orders among some records."""
    return [record.order_id for record in records if isinstance(record, Order)]


def second_connection(rig: Rig) -> FakeServer:
    """Let time pass until the stream of a 1000-second lifetime begins to move, and return the new other end."""
    rig.clock.advance(939)
    for _ in range(50):
        if rig.network.connections.qsize():
            break
        rig.clock.advance(1)
    return rig.network.accept()


def test_a_connection_is_replaced_before_the_exchange_cuts_it() -> None:
    """Within a day there is a second connection, subscribed to everything, and no gap."""
    with Rig("bitget") as rig:
        old = rig.open()
        rig.clock.advance(PLANNED - 1)
        assert rig.stream.status.connects == 1
        rig.clock.advance(0.04 * DAY + 2)
        new = rig.network.accept()
        rig.settle()

        assert names(rig.told()) == ["Rotated"]
        assert rig.state == "live"
        assert old.closed
        assert len([text for text in new.heard() if "subscribe" in text]) == 5
        assert order_ids(rig.say(new, order_push("1"))) == ["1"]


def test_both_connections_tell_once_and_in_order() -> None:
    """What the old one still says comes first, and what only the new one says comes behind it."""
    with Rig(Bitget(lifetime=1000.0), channels=["orders"]) as rig:
        old = rig.open()
        rig.network.replies = None  # the new connection is greeted by hand
        new = second_connection(rig)
        new.say('{"event":"login"}')
        rig.settle()
        old.say(order_push("1"), order_push("2"))
        new.say(order_push("2"), order_push("3"))  # stands for the subscription's answer: it serves from now on
        rig.settle()
        told = rig.told()

        assert order_ids(told) == ["1", "2", "3"]
        assert order_ids(rig.say(new, order_push("4"))) == ["4"]
        assert rig.stream.status.connects == 2


def test_a_move_that_fails_costs_nothing_and_is_tried_again() -> None:
    """The old connection goes on, and a minute later there is another try."""
    with Rig(Bitget(lifetime=1000.0)) as rig:
        old = rig.open()
        rig.network.fail_dials(ConnectFailed("no"))
        rig.clock.advance(985)
        assert rig.state == "live"
        assert order_ids(rig.say(old, order_push("1"))) == ["1"]
        rig.clock.advance(61)
        rig.network.accept()
        rig.settle()

        assert [type(record) for record in rig.told()] == [Rotated]


def test_a_move_is_forgotten_when_the_connection_is_lost_meanwhile() -> None:
    """Then it is a loss like any other: a gap, and one new connection."""
    with Rig(Bitget(lifetime=1000.0)) as rig:
        old = rig.open()
        rig.network.fail_dials(HANG)
        rig.clock.advance(985)
        old.drop()
        rig.settle()

        assert names(rig.told()) == ["Gap", "Resynced", "Live"]
        assert rig.state == "live"


def test_a_new_connection_that_is_refused_leaves_the_old_one() -> None:
    """Credentials that are refused while another connection serves are not the end yet."""
    with Rig(Bitget(lifetime=1000.0)) as rig:
        old = rig.open()
        rig.network.replies = lambda text: ['{"event":"error","code":"60001","msg":"no"}']
        rig.clock.advance(985)

        assert rig.state == "live"
        assert order_ids(rig.say(old, order_push("1"))) == ["1"]


def test_a_move_after_this_machines_clock_was_set_wrong_signs_the_exchanges_time() -> None:
    """Else it would be refused until the exchange cuts the old connection, which is a gap."""
    with Rig(Bitget(lifetime=1000.0), channels=["orders"]) as rig:
        rig.open()
        rig.clock.jump(-600.0)
        rig.network.clock_ahead = 600.0

        def judge(text: str) -> Iterable[str]:
            message = json.loads(text)
            if message["op"] != "login":
                return reply_bitget(text)
            late = rig.clock.unix_ms() + 600_000 - int(message["args"][0]["timestamp"]) * 1000
            return [REFUSED_TIME] if late > 30_000 else reply_bitget(text)

        rig.network.replies = judge
        rig.clock.advance(985)
        assert rig.kinds() == []
        rig.clock.advance(61)

        assert rig.kinds() == ["Rotated"]
        assert rig.state == "live"


def test_a_replaced_key_is_a_gap_and_then_another_connection() -> None:
    """The account's key is another one now: the new connection is made first, and the gap is told at once."""
    with Rig("bitmusa") as rig:
        old = rig.open()
        rig.network.answer("POST", key_answer(KEY_2))
        rig.clock.advance(301)
        new = rig.network.accept()
        rig.settle()

        assert new.url.reveal().endswith(KEY_2)
        assert old.url.reveal().endswith(KEY_1)
        assert old.closed
        assert [name for name in names(rig.told()) if name != "LeaseRenewed"] == ["Gap", "Resynced", "Live"]


def test_closing_in_the_middle_of_a_move() -> None:
    """Both connections are closed, whatever the move has come to."""
    with Rig(Bitget(lifetime=1000.0)) as rig:
        old = rig.open()
        rig.network.replies = None
        new = second_connection(rig)
        rig.stream.close()

        assert old.closed
        assert new.closed
        assert names(rig.told()) == ["Closed"]


def left_behind(rig: Rig, old: FakeServer) -> list[Record]:
    """Move while the old connection does not answer the close frame, and return what was told of it."""
    old.answers_close = False
    second_connection(rig)
    rig.clock.advance(1)
    assert old.closed
    assert rig.state == "live"
    assert rig.stream.status.connects == 2
    return [record for record in rig.told() if type(record).__name__ != "LeaseRenewed"]


def test_an_old_connection_that_says_nothing_any_more_is_a_gap() -> None:
    """It was dead before it was left, perhaps: what it would have said since its last frame may be missing."""
    with Rig(Bitget(lifetime=1000.0, silence_limit=200.0)) as rig:
        old = rig.open()
        rig.clock.advance(900)
        old.replies = None
        told = left_behind(rig, old)
        gap = next(record for record in told if isinstance(record, Gap))

        assert names(told) == ["Rotated", "Gap", "Resynced", "Live"]
        assert 20_000 <= (gap.timestamp or 0) - gap.since <= 100_000  # at the last pong


def test_an_old_connection_that_answers_a_ping_was_heard_out() -> None:
    """A pong to a ping that went out when the new connection served: whatever was pushed before has come before it."""
    with Rig(Bitget(lifetime=1000.0)) as rig:
        old = rig.open()
        assert names(left_behind(rig, old)) == ["Rotated"]


def test_an_old_connection_that_answers_a_ping_and_is_cut() -> None:
    """How it ends behind the answer is of no importance."""
    with Rig(Bitget(lifetime=1000.0)) as rig:
        old = rig.open()
        old.answers_close = False
        second_connection(rig)
        old.drop()
        rig.settle()

        assert names(rig.told()) == ["Rotated"]


def test_the_answer_to_an_earlier_ping_proves_nothing() -> None:
    """It may have been under way since before the new connection served."""
    with Rig(Bitget(lifetime=1000.0, silence_limit=200.0)) as rig:
        old = rig.open()
        old.answers_close = False
        rig.clock.advance(930)
        old.replies = None
        second_connection(rig)  # the pings meanwhile have no answer
        old.say(PONG)
        rig.clock.advance(1)

        assert names(rig.told()) == ["Rotated", "Gap", "Resynced", "Live"]


@pytest.mark.parametrize("answers", [True, False])
def test_an_old_connection_that_answers_websocket_pings(answers: bool) -> None:
    """The same for an exchange that is pinged by frames, if it answers them."""
    with Rig(Bitmusa(lifetime=1000.0)) as rig:
        old = rig.open()
        old.answers_pings = answers

        assert names(left_behind(rig, old))[:2] == (["Rotated"] if answers else ["Rotated", "Gap"])
