"""Faults that are in no list, from a server that shares no code with the simulator: the contract holds as well."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from attrs import evolve

from futures_stream import Bitget, Bitmusa, Gap, Live, Order, Snapshot, Unreadable
from tests.whole.meetings import REST, Meeting, orders, reconnects
from tests.whole.stranger import CANARIES, Line, frame, order, push

only_bitget = pytest.mark.parametrize("meeting", ["bitget"], indirect=True)


# -- frames ---------------------------------------------------------------------------------------------------------


def test_fragments_pings_and_a_close_in_the_middle(meeting: Meeting) -> None:
    """One message in pieces with pings between arrives; the next, cut by a close frame, does not, and is no record."""
    meeting.open()
    line = meeting.stranger.wait_line(1)
    first, second = orders(meeting, "whole", "torn")
    data = first.encode()
    line.raw(frame(data[:30], 1, final=False) + frame(b"one", 9) + frame(data[30:40], 0, final=False))
    line.raw(frame(b"two", 9) + frame(data[40:], 0))
    line.note(first)
    meeting.until_order("whole")
    line.raw(frame(second.encode()[:50], 1, final=False) + frame(b"three", 9) + frame(b"\x0f\xa0gone", 8))
    line.end()
    reconnects(meeting, line)

    assert set(line.pongs) & {b"one", b"two"}  # of several that come at once the newest is answered
    assert "4000" in next(record.reason for record in meeting.told if isinstance(record, Gap))


def test_data_behind_a_close_without_a_code(meeting: Meeting) -> None:
    """What follows a close frame is not data; the close needs no code."""
    meeting.open()
    line = meeting.stranger.wait_line(1)
    line.say(*orders(meeting, "before"))
    line.raw(frame(b"", 8) + frame(orders(meeting, "too late")[0].encode()))
    line.end()
    reconnects(meeting, line)

    assert "too late" not in {record.order_id for record in meeting.told if isinstance(record, Order)}


@pytest.mark.parametrize("by", ["wide", "mask"])
def test_frames_by_the_wrong_rules(meeting: Meeting, by: str) -> None:
    """A length in too many bytes, a masked frame: read right, or refused as a whole; never read wrong."""
    meeting.open()
    line = meeting.stranger.wait_line(1)
    text = orders(meeting, "odd")[0]
    line.raw(frame(text.encode(), **{by: True}))
    line.raw(frame(orders(meeting, "next")[0].encode()))
    found = meeting.read(lambda record: isinstance(record, Gap | Order))
    if isinstance(found, Order):
        assert found.order_id == "odd"
        line.note(text, orders(meeting, "next")[0])
        meeting.until_order("next")
    else:
        meeting.until(Live)


def test_pongs_to_pings_that_nobody_sent(meeting: Meeting) -> None:
    """Answers to nothing, in every form, are no news, and the largest ping is answered with what it held."""
    meeting.open()
    line = meeting.stranger.wait_line(1)
    line.raw(frame(b"never asked", 10) * 100 + frame(b"pong") * 10 + frame(b"x" * 125, 9))
    line.say(*orders(meeting, "after"))
    meeting.until_order("after")
    meeting.stranger.wait(lambda: b"x" * 125 in line.pongs, "the pong")

    assert meeting.kinds(Gap, Unreadable) == []


def test_an_event_a_byte_at_a_time_while_others_are_whole(meeting: Meeting) -> None:
    """Pieces of any size that TCP may make of frames are put together again, header and all."""
    meeting.open()
    line, random = meeting.stranger.wait_line(1), Random(1)
    texts = orders(meeting, *(f"n{number}" for number in range(60)))
    data = b"".join(frame(text.encode()) for text in texts)
    while data:
        size = random.choice([1, 2, 3, 7, 150, 400])
        line.raw(data[:size])
        data = data[size:]
    line.note(*texts)
    meeting.until_order("n59")

    assert meeting.kinds(Gap, Unreadable) == []


def test_the_upgrade_in_pieces_with_events_behind_it(meeting: Meeting) -> None:
    """The answer to the upgrade may end inside of a segment that already holds an event and a half."""
    texts = orders(meeting, "early", "half")
    halves = frame(texts[1].encode())
    meeting.stranger.upgrade = lambda right: right + frame(texts[0].encode()) + halves[:9]

    def opened(line: Line) -> None:
        line.raw(halves[9:])
        line.note(*texts)

    meeting.stranger.opened = opened
    meeting.open(live=False)
    meeting.until_order("early")
    meeting.until_order("half")
    meeting.stranger.upgrade = lambda right: right


@pytest.mark.parametrize(
    "spoil",
    [
        lambda right: right.replace(b"Accept: ", b"Accept: x"),
        lambda right: right[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        lambda right: right[:-2] + b"Sec-WebSocket-Protocol: chat\r\n\r\n",
        lambda right: right.replace(b"101 Switching", b"200 Switching"),
        lambda right: right.replace(b"Upgrade: websocket\r\n", b""),
        lambda right: right.replace(b"HTTP/1.1", b"HTTQ/9.9"),
    ],
    ids=["another's accept", "an extension", "a protocol", "200", "no upgrade", "no http"],
)
def test_upgrades_that_are_none(meeting: Meeting, spoil: Callable[[bytes], bytes]) -> None:
    """An answer that breaks the rules is no connection: nothing behind it is read, and the next try works."""
    trap = frame(orders(meeting, "trap")[0].encode())
    tries = iter([True, True])
    meeting.stranger.upgrade = lambda right: spoil(right) + trap if next(tries, False) else right
    meeting.open()

    assert "trap" not in {record.order_id for record in meeting.told if isinstance(record, Order)}


def test_it_hangs_up_right_behind_the_greeting(meeting: Meeting) -> None:
    """A server that greets well and closes with 1000, ten times, is one gap after the other, and no end."""
    left = iter(range(10))

    def answer(line: Line, message: dict[str, Any]) -> list[str]:
        if "liquidation" in str(message) and next(left, None) is not None:
            threading.Thread(target=lambda: (line.raw(frame(b"\x03\xe8", 8)), line.end())).start()
        return meeting.stranger.usual_answer(line, message)

    def opened(line: Line) -> None:
        if meeting.exchange == "bitmusa" and next(left, None) is not None:
            line.raw(frame(b"\x03\xe8", 8))
            line.end()

    meeting.stranger.answer, meeting.stranger.opened = answer, opened
    meeting.open(live=False)
    line = meeting.stranger.wait_line(11)
    line.say(*orders(meeting, "at last"))
    meeting.until_order("at last")
    assert len(meeting.stranger.lines) == 11


# -- what Bitget says -----------------------------------------------------------------------------------------------


@only_bitget
def test_acknowledgements_again_and_for_nothing(meeting: Meeting) -> None:
    """Each answer three times, a login's too, and answers to what nobody asked: live all the same, asked once."""
    foreign = json.dumps({"event": "subscribe", "arg": {"channel": "grids", "instId": "x", "instType": "FUTURES"}})

    def answer(line: Line, message: dict[str, Any]) -> list[str]:
        said = meeting.stranger.usual_answer(line, message)
        return [*said, *said, foreign, *said]

    meeting.stranger.answer = answer
    meeting.open()
    line = meeting.stranger.wait_line(1)
    line.say('{"event":"login","code":0}', foreign, *orders(meeting, "after"))
    meeting.until_order("after")

    asked = [message["args"][0]["channel"] for message in map(json.loads, line.heard) if message["op"] == "subscribe"]
    assert len(asked) == len(set(asked)) == 5
    assert meeting.kinds(Gap) == []


@only_bitget
def test_acknowledgements_that_answer_the_wrong_question(meeting: Meeting) -> None:
    """Acknowledged in another order than asked: nothing counts as subscribed that was not answered itself."""
    held: list[str] = []

    def answer(line: Line, message: dict[str, Any]) -> list[str]:
        said = meeting.stranger.usual_answer(line, message)
        if message["op"] != "subscribe":
            return said
        # Each topic's answer comes behind one for a topic that has not been asked for yet.
        other = json.dumps({"event": "subscribe", "arg": {"channel": "liquidation", "instType": "FUTURES"}})
        held.append(other)
        return [other, *said]

    meeting.stranger.answer = answer
    stream = meeting.open()

    assert len(held) == 5
    assert set(stream.status.channels) == {"account", "positions", "orders", "executions", "liquidations"}


@only_bitget
def test_an_old_set_behind_newer_pushes(meeting: Meeting) -> None:
    """A set that the server repeats in the middle is delivered where it came, and said to be a set."""
    meeting.open()
    line = meeting.stranger.wait_line(1)
    line.say(
        push("bitget", order("bitget", "7", 1), action="snapshot"),
        push("bitget", order("bitget", "7", 5)),
        push("bitget", order("bitget", "7", 1), action="snapshot"),
        push("bitget", order("bitget", "7", 9)),
    )
    meeting.until_order("7", 9)

    filled = [int(record.filled or 0) for record in meeting.told if isinstance(record, Order)]
    assert filled == [1, 5, 1, 9]
    assert meeting.kinds(Snapshot) == ["Snapshot", "Snapshot"]


@only_bitget
def test_a_refusal_out_of_nowhere(meeting: Meeting) -> None:
    """A channel that is refused long after it was acknowledged, and an error about nothing: told, and survived."""
    meeting.open()
    line = meeting.stranger.wait_line(1)
    arg = {"channel": "positions", "instType": "FUTURES", "instId": "default"}
    line.say(
        json.dumps({"event": "error", "code": "60004", "msg": "Invalid subscription", "arg": arg}),
        json.dumps({"event": "error", "code": 30001, "msg": f"what about {CANARIES[0]}?"}),
        *orders(meeting, "after"),
    )
    meeting.until_order("after")

    told = [record for record in meeting.told if type(record).__name__ in ("ChannelLost", "Unreadable", "Gap")]
    assert len(told) == 2


@only_bitget
def test_the_servers_clock_is_a_day_off(meeting: Meeting) -> None:
    """Times that the server says are its own business: what comes is delivered, and gaps are measured by our clock."""
    meeting.open()
    line = meeting.stranger.wait_line(1)
    late, early = order("bitget", "a") | {"timestamp": "946684800000"}, order("bitget", "b") | {"uTime": 10**15}
    line.say(push("bitget", late), push("bitget", early))
    meeting.until_order("b")
    line.end()
    reconnects(meeting, line)

    gap = next(record for record in meeting.told if isinstance(record, Gap))
    assert abs(gap.since - (gap.timestamp or 0)) < 60_000


def test_nothing_but_the_lowest_layer_is_alive(meeting: Meeting) -> None:
    """A server that never answers and never speaks, while TCP is well: dead where pings are known to be answered."""
    silent = {"silence_limit": 0.6, "lifetime": None}
    mute = threading.Event()
    usual = meeting.stranger.usual_answer
    meeting.stranger.answer = lambda line, message: [] if mute.is_set() and line.number == 1 else usual(line, message)
    dialect = evolve(
        Bitget() if meeting.exchange == "bitget" else Bitmusa(rest=REST),
        ping=evolve((Bitget if meeting.exchange == "bitget" else Bitmusa)().ping, every=0.2),
        **silent,
    )
    meeting.stranger.answers_pings = False
    meeting.open(dialect)
    mute.set()
    if meeting.exchange == "bitget":
        reconnects(meeting, meeting.stranger.wait_line(1))
    else:
        line = meeting.stranger.lines[0]
        meeting.stranger.wait(lambda: line.pings >= 8, "eight pings")  # more than two silence limits
        line.say(*orders(meeting, "after"))
        meeting.until_order("after")
        assert meeting.kinds(Gap) == []


def test_a_rotation_from_a_connection_that_is_dead_already(meeting: Meeting) -> None:
    """What a black hole has swallowed before the old connection was left lies in a gap, though nobody noticed it."""
    dialect = Bitget() if meeting.exchange == "bitget" else Bitmusa(rest=REST)
    meeting.open(evolve(dialect, lifetime=1.0))
    line = meeting.stranger.wait_line(1)
    line.say(*orders(meeting, "heard"))
    meeting.until_order("heard")
    line.swallowed = True
    line.say(*orders(meeting, "swallowed"))
    following = meeting.stranger.wait_line(2)
    meeting.stranger.wait(lambda: line.farewell is not None, "the farewell to the old connection")
    following.say(*orders(meeting, "after"))
    meeting.until_order("after")
