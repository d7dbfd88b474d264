"""No input of any bytes ends a thread, or takes long."""

from __future__ import annotations

import gc
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from futures_stream import Bitget, BitgetCredentials, Bitmusa, BitmusaCredentials, FuturesStreamError
from futures_stream.dialects.base import Control, Session
from futures_stream.errors import MessageNotUnderstood
from futures_stream.records import Record
from futures_stream.transport.connection import StreamConnection
from tests.faults.effort import how_many
from tests.faults.in_memory import order_push

EXAMPLES = how_many("FUZZ", 60, 3000)
LEAST = 0.25  # seconds of CPU for any input: the bound is per KB, and the smallest input costs a page fault, too
PER_KB = 0.05
CHANNELS = {"bitget": ("account", "positions", "orders", "executions", "liquidations")}


@pytest.fixture(autouse=True)
def _nothing_collected() -> Iterator[None]:
    """Keep the garbage collector out of what is measured: it walks through all that this process has ever tested."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def session_of(exchange: str) -> Session:
    """Return a session that has logged in."""
    dialect = Bitget() if exchange == "bitget" else Bitmusa()
    known = (
        BitgetCredentials("k" * 9, "s" * 9, "p" * 9) if exchange == "bitget" else BitmusaCredentials("a" * 9, "b" * 9)
    )
    channels = CHANNELS.get(exchange, ("account", "positions", "orders"))
    session = dialect.session(credentials=known, account="a", channels=channels, symbols=None)
    session.opened(1_700_000_000_000)
    if exchange == "bitget":
        session.receive('{"event":"login","code":0}', 0, 1)
    return session


def hear(session: Session, message: str | bytes) -> list[Record] | Control | FuturesStreamError:
    """Do with a message what the engine does."""
    if isinstance(message, bytes):
        return MessageNotUnderstood("not UTF-8 text")
    try:
        return session.receive(message, 1, 1)
    except FuturesStreamError as error:
        return error


def frame(payload: bytes, head: int = 0x81) -> bytes:
    """Put a payload into one frame of a server."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big") if size < 65536 else b""
    return bytes([head]) + (length or b"\x7f" + size.to_bytes(8, "big")) + payload


@pytest.fixture(params=["bitget", "bitmusa"])
def exchange(request: pytest.FixtureRequest) -> str:
    """Each exchange."""
    return str(request.param)


def through_the_transport(exchange: str, raw: bytes) -> list[Any]:
    """Send bytes over a socket, and return what the dialect makes of what the transport makes of them."""
    near, far = socket.socketpair()
    with far:
        near.setblocking(False)
        connection = StreamConnection(near, b"", 1 << 20)
        session, answers = session_of(exchange), []
        try:
            far.setblocking(False)
            sent = 0
            while connection.ended is None:
                if sent < len(raw):
                    sent += far.send(raw[sent : sent + 65536])
                    if sent == len(raw):
                        far.shutdown(socket.SHUT_WR)
                answers += [hear(session, message) for message in connection.receive()]
                connection.flush()
        finally:
            connection.dispose()
    return answers


PIECES = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=300).map(frame),
    st.text(max_size=200).map(lambda text: frame(text.encode("utf-8", "surrogatepass"))),
    st.sampled_from(["bitget", "bitmusa"]).map(lambda name: frame(order_push(name, 1).encode())),
    st.tuples(st.binary(max_size=100), st.integers(0, 255)).map(lambda made: frame(*made)),
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES, min_size=1, max_size=20))
def test_any_bytes(exchange: str, pieces: list[bytes]) -> None:
    """Any bytes at all end in records, answers or typed errors, and in no time."""
    raw = b"".join(pieces) or b"\x00"
    started = time.process_time()
    for answer in through_the_transport(exchange, raw):
        assert isinstance(answer, list | Control | FuturesStreamError)

    assert time.process_time() - started < LEAST + PER_KB * len(raw) / 1024


def _push(exchange: str, value: str) -> str:
    field = '"tradedAmount": 0' if exchange == "bitmusa" else '"filledSize": "0"'
    text = order_push(exchange, 1)
    assert field in text
    return text.replace(field, f"{field.partition(':')[0]}: {value}")


def hostile_texts() -> Iterator[tuple[str, str]]:
    """Yield what is meant to cost time or a thread, by the fault's row."""
    for value in ("1e3000000", "1e-3000000", '"1e3000000"', '"1e-3000000"', "1E999999999999"):
        yield "P9", value
    yield "P10", "1" * 5000
    yield "P10", '"' + "1" * 5000 + '"'
    yield "P10", "1." + "1" * 5000
    yield "P11", "[" * 100_000
    yield "P11", '{"a":' * 100_000
    yield "P11", "[" * 5000 + "]" * 5000
    yield "P12", '1, "status": "new", "status": "filled"'
    yield "P2", "1" + "," * 100_000
    yield "P8", "NaN"
    yield "P31", '"\\ud800\\u0000"'
    yield "X", '"' + "\\u0041" * 50_000 + '"'
    yield "X", '"' + "a" * 1_000_000 + '"'


@pytest.mark.parametrize(("row", "value"), list(hostile_texts()), ids=lambda each: each[:12])
def test_hostile_texts_cost_no_time(exchange: str, row: str, value: str) -> None:
    """A value that is meant to freeze a reader is a record, without that field perhaps, or an unreadable message."""
    text = _push(exchange, value)
    session = session_of(exchange)
    started = time.process_time()
    answer = hear(session, text)
    alone = hear(session, value)
    spent = time.process_time() - started

    assert isinstance(answer, list | MessageNotUnderstood), row
    assert isinstance(alone, Control | MessageNotUnderstood), row
    assert spent < LEAST + PER_KB * 2 * len(text) / 1024
