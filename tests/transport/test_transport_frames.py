"""The decoder: bytes in, cut anyhow; messages out."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transport_peers import close_frame, frame, text, unmasked

from futures_stream.transport.frames import BINARY, CLOSE, PING, PONG, TEXT, Decoder, encode

LARGEST = 100_000


def decoded(*pieces: bytes, largest: int = LARGEST) -> tuple[list, Decoder]:
    """Messages that come out of some pieces, and the decoder afterwards."""
    decoder = Decoder(largest)
    messages = []
    for piece in pieces:
        decoder.feed(piece)
        messages += decoder.decode(1000)
    return messages, decoder


CONVERSATION = (
    text('{"a": 1}')
    + frame(1, b"one ", fin=0)
    + frame(9, b"are you there")
    + frame(0, "tw\u00f6 ".encode(), fin=0)
    + frame(10, b"")
    + frame(0, b"three")
    + frame(2, b"\xff\xfe")
    + text("x" * 130)
    + frame(1, b"")
    + text("y" * 66_000)
    + close_frame(1012, "restart")
)
MESSAGES = ['{"a": 1}', "one tw\u00f6 three", b"\xff\xfe", "x" * 130, "", "y" * 66_000]


def test_cut_at_every_byte():
    """Wherever the stream is cut in two, the same messages come out."""
    for cut in [*range(420), len(CONVERSATION) - 1]:
        messages, decoder = decoded(CONVERSATION[:cut], CONVERSATION[cut:])

        assert messages == MESSAGES, cut
        assert (decoder.frames, decoder.pongs, decoder.take_pings()) == (11, 1, [b"are you there"])
        assert decoder.close == (1012, "restart")


def test_byte_by_byte():
    """Even single bytes make whole messages."""
    messages, decoder = decoded(*(CONVERSATION[at : at + 1] for at in range(len(CONVERSATION))))

    assert messages == MESSAGES
    assert decoder.close == (1012, "restart")


MESSAGE = st.tuples(
    st.sampled_from([1, 2]),
    st.lists(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)), min_size=1, max_size=4),
    st.lists(st.sampled_from([9, 10]), max_size=3),
)


@settings(deadline=None)
@given(st.lists(MESSAGE, max_size=8), st.data())
def test_any_frames_cut_anyhow(conversation, data):
    """Any sequence of frames, cut anyhow and decoded in any portions, gives the same messages."""
    wire, expected = b"", []
    for opcode, parts, controls in conversation:
        waiting = list(controls)
        for index, part in enumerate(parts):
            wire += frame(opcode if index == 0 else 0, part, fin=int(index == len(parts) - 1))
            if waiting:
                wire += frame(waiting.pop(), b"!")
        whole = b"".join(parts)
        try:
            expected.append(whole.decode())
        except UnicodeDecodeError:
            expected.append(whole)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=10)))
    most = data.draw(st.integers(1, 5))

    decoder, messages = Decoder(LARGEST), []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        decoder.feed(wire[start:end])
        while decoder.has_more:
            messages += decoder.decode(most)

    assert messages == expected
    assert not decoder.finished


PAYLOAD = st.one_of(
    st.binary(max_size=130),
    st.text(max_size=60).map(str.encode),
    st.sampled_from([0, 1, 125, 126, 300, 65_535, 65_536, LARGEST, LARGEST + 1]).map(lambda size: b"x" * size),
)
TEXT_FRAME = st.builds(frame, st.just(1), PAYLOAD)
RIGHT = st.one_of(
    TEXT_FRAME,
    TEXT_FRAME,
    st.builds(frame, st.sampled_from([2, 9, 10]), st.binary(max_size=125)),
    st.builds(lambda one, two: frame(1, one, fin=0) + frame(9) + frame(0, two), PAYLOAD, PAYLOAD),
    st.binary(max_size=9).map(lambda some: b"\x81\x7e" + len(some).to_bytes(2, "big") + some),  # longer than need be
)
WRONG = st.one_of(
    st.builds(frame, st.sampled_from([1, 2, 9]), PAYLOAD, rsv=st.sampled_from([1, 2, 4])),
    st.builds(frame, st.sampled_from([1, 2, 9]), PAYLOAD, masked=st.just(True)),
    st.builds(frame, st.sampled_from([0, 3, 8, 9, 11]), PAYLOAD, fin=st.sampled_from([0, 1])),
    st.builds(frame, st.sampled_from([1, 2]), PAYLOAD, fin=st.just(0)),  # wrong if another message follows
    st.binary(max_size=12),
)
WIRE = st.tuples(st.lists(RIGHT, max_size=6), st.lists(WRONG, max_size=1), st.lists(RIGHT, max_size=6)).map(
    lambda parts: b"".join(b"".join(part) for part in parts)
)


@settings(max_examples=200, deadline=None)
@given(WIRE, st.lists(st.floats(0, 1), max_size=5), st.sampled_from([1, 2, 3, 1000]))
@example(frame(1, b"x" * 300, masked=True) + text("y" * 300), [], 1000)
@example(frame(1, b"x", fin=0) + text("inside") + frame(0, b"y"), [], 1000)
@example(text("x" * 0x8101), [2.5 / 0x8105], 1000)  # what follows the cut looks like a frame
@example(text("a") + frame(1, b"\xff") + text("b"), [0.5], 1000)
def test_fast_path_is_the_slow_one(wire, cuts, most):
    """Right frames and wrong ones, cut anyhow: the fast path says what websocket-client's code says, always."""
    cuts = sorted(int(cut * len(wire)) for cut in cuts)

    fast, slow = Decoder(LARGEST), Decoder(LARGEST, fast=False)
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        for decoder in (fast, slow):
            decoder.feed(wire[start:end])
        while fast.has_more or slow.has_more:
            assert fast.decode(most) == slow.decode(most)
            assert _state(fast) == _state(slow)
    assert fast.decode(most) == slow.decode(most) == []


def _state(decoder: Decoder) -> tuple:
    violation = decoder.violation and (str(decoder.violation), decoder.violation.code)
    counts = (decoder.frames, decoder.pongs, decoder.binaries, decoder.take_pings())
    return *counts, decoder.close, violation, decoder.has_more, decoder.finished


@given(st.binary(max_size=200))
def test_garbage_never_raises(garbage):
    """Whatever comes, the decoder goes on, waits or names a violation; it never raises."""
    messages, decoder = decoded(garbage, garbage)

    assert all(isinstance(message, str | bytes) for message in messages)
    assert decoder.violation is None or decoder.violation.code in (1002, 1009)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (frame(1, b"x", rsv=4), "reserved bits"),
        (frame(1, b"x", rsv=1), "reserved bits"),
        (frame(3, b"x"), "unknown opcode 3"),
        (frame(11, b"x"), "unknown opcode 11"),
        (frame(1, b"x", masked=True), "masked"),
        (frame(1, b"x" * 300, masked=True), "masked"),
        (frame(9, b"x", fin=0), "control frame"),
        (frame(10, b"x", fin=0), "control frame"),
        (frame(9, b"x" * 126), "control frame"),
        (frame(10, b"x" * 126), "control frame"),
        (frame(8, b"x" * 126), "control frame"),
        (frame(0, b"x"), "continuation"),
        (frame(1, b"x", fin=0) + frame(1, b"y"), "inside a fragmented"),
        (frame(2, b"x", fin=0) + frame(2, b"y", fin=0), "inside a fragmented"),
        (frame(8, b"x"), "close"),
        (close_frame(999), "999"),
        (close_frame(1005), "1005"),
        (close_frame(1006), "1006"),
    ],
)
def test_violations(broken, says):
    """What the protocol forbids ends the decoding, behind what came before and ahead of what follows."""
    messages, decoder = decoded(text("before") + broken + text("after"))

    assert messages == ["before"]
    assert decoder.violation.code == 1002
    assert says in str(decoder.violation)
    assert decoder.decode(10) == []


@pytest.mark.parametrize(
    "head", [b"\x81\x7f\x40" + b"\0" * 7, b"\x82\x7f" + b"\xff" * 8, b"\x81\x7f\0\0\0\0\0\x01\x86\xa1"]
)
def test_too_long_a_frame_is_refused_by_its_header(head):
    """A frame that says it is longer than allowed is refused before any of it has come."""
    _, decoder = decoded(head)

    assert decoder.violation.code == 1009


def test_largest_message_is_allowed():
    """A message of exactly the allowed size passes."""
    messages, _ = decoded(text("x" * LARGEST))

    assert messages == ["x" * LARGEST]


def test_fragments_are_bounded_together():
    """The size of a message is that of all its fragments."""
    messages, decoder = decoded(frame(1, b"x" * 60_000, fin=0) + frame(9) + frame(0, b"x" * 40_001))

    assert messages == []
    assert decoder.violation.code == 1009


def test_bound_is_of_one_message_only():
    """A long fragmented message leaves the next one its whole allowance."""
    one = frame(1, b"x" * 60_000, fin=0) + frame(0, b"x" * 40_000)

    assert decoded(one + one)[0] == ["x" * LARGEST] * 2


def test_empty_fragments_come_to_an_end():
    """A message in endless empty fragments is refused after a thousand."""
    _, decoder = decoded(*[frame(1, b"", fin=0)], *[frame(0, b"", fin=0)] * 1200)

    assert decoder.violation.code == 1009
    assert decoder.frames == 1000


@pytest.mark.parametrize("payload", [b"\xff", b"abc\xc3", "\u20ac".encode()[:2], b"\xed\xa0\x80"])
@pytest.mark.parametrize("opcode", [1, 2])
def test_not_utf8_stays_bytes(payload, opcode):
    """What is not UTF-8 is handed on as it came, and the next message is fine."""
    assert decoded(frame(opcode, payload) + text("next"))[0] == [payload, "next"]


def test_binary_that_is_text():
    """A binary frame that holds UTF-8 is text."""
    assert decoded(frame(2, b'{"pong": 1}'))[0] == ['{"pong": 1}']


def test_utf8_across_fragments():
    """A character cut in two by fragments is whole in the message."""
    euro = "\u20ac".encode()

    assert decoded(frame(1, euro[:1], fin=0) + frame(0, euro[1:]))[0] == ["\u20ac"]


def test_pings_are_kept_in_order():
    """All pings are to be answered, in their order, once."""
    _, decoder = decoded(frame(9, b"1") + frame(9, b"2") + text("x"))

    assert decoder.take_pings() == [b"1", b"2"]
    assert decoder.take_pings() == []


def test_newest_pings_are_kept():
    """Of a flood of pings only the newest are to be answered."""
    _, decoder = decoded(*(frame(9, str(number).encode()) for number in range(100)))

    assert decoder.take_pings() == [str(number).encode() for number in range(84, 100)]


def test_binaries_are_counted():
    """Messages that came in binary frames are counted, once each, however they were cut."""
    _, decoder = decoded(text("a") + frame(2, b"b") + frame(2, b"c", fin=0) + frame(0, b"d", fin=0) + frame(0, b"e"))

    assert decoder.binaries == 2


def test_nothing_behind_a_close_frame():
    """A close frame is the end, whatever follows."""
    messages, decoder = decoded(text("a") + close_frame(4009) + text("b"))

    assert messages == ["a"]
    assert decoder.close == (4009, "")
    assert not decoder.has_more


def test_reason_that_is_no_text():
    """A close frame whose reason is not UTF-8 is a violation; its code is known all the same."""
    _, decoder = decoded(frame(8, b"\x03\xf4restart\xff"))

    assert decoder.violation.code == 1007
    assert decoder.close == (1012, "restart\N{REPLACEMENT CHARACTER}")


def test_close_without_code():
    """A close frame need not say why."""
    assert decoded(frame(8))[1].close == (None, "")


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG])
@pytest.mark.parametrize("size", [0, 1, 125])
def test_encode(opcode, size):
    """Our frames are masked, and hold what was put in."""
    assert unmasked(encode(b"x" * size, opcode)) == [(opcode, b"x" * size)]


@given(st.text())
def test_a_server_reads_what_a_client_writes(words):
    """The decoder in a server's role reads masked frames, and refuses others."""
    decoder = Decoder(LARGEST, masked=True)
    decoder.feed(encode(words) + encode(b"\x03\xe8", CLOSE))

    assert decoder.decode(10) == [words]
    assert decoder.close == (1000, "")

    decoder = Decoder(LARGEST, masked=True)
    decoder.feed(encode(words, masked=False))
    decoder.decode(10)

    assert "unmasked" in str(decoder.violation)
