"""Bounds against a server that means harm: in bytes, in labels, in what a line of a log may hold."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import attrs
import pytest

from futures_stream import BitgetCredentials, Gap, Live, Order, Stream, Unreadable, open_stream
from futures_stream import errors as errors_module
from futures_stream.cli.lines import Layout
from futures_stream.dialects import DIALECTS, Dialect
from futures_stream.dialects.base import Request, Response
from futures_stream.dialects.counts import count_odd
from futures_stream.dialects.wire import decode
from futures_stream.errors import FuturesStreamError, MessageNotUnderstood, printable
from futures_stream.interop import to_json
from futures_stream.simulator import Simulator
from futures_stream.transport import Network, connection, frames, heads
from tests.security.everything import all_that_is_told

PATIENCE = 10.0
HOSTILE = [
    "a\r\nCRITICAL forged line",
    "\x1b[2J\x1b]0;title\x07",
    "\u2028next\u2029line\x85",
    "\u202eright to left\u202c\u2066\u2069\u200f\u061c",
    "\u200b\ufeff\u00ad",
    "\x00\x7f\x9b31m",
    "\ud800",
    "x" * 100_000,
    "\x1b" * 100_000,
    "\U000e0001" * 10_000,
]
ERRORS = [
    kind
    for _, kind in inspect.getmembers(errors_module, inspect.isclass)
    if issubclass(kind, FuturesStreamError) and kind.__module__ == errors_module.__name__
]
CREDENTIALS = {
    name: dialect.credentials(**dict.fromkeys((each.name for each in attrs.fields(dialect.credentials)), "xxxx"))
    for name, dialect in DIALECTS.items()
}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_one_function_makes_texts_fit_to_be_seen(text: str) -> None:
    """Nothing that draws, ends a line or turns its direction is left, and the length is bounded as it is shown."""
    for limit in (40, 200, 4096):
        shown = printable(text, limit)
        assert shown.isprintable()
        assert len(shown.partition("… (")[0]) <= limit
        assert len(shown) <= limit + 30
    assert printable("plain \u00fc \u65e5 \U0001f600") == "plain \u00fc \u65e5 \U0001f600"
    assert printable("a\\\n\u202e") == "a\\\\n\\u202e"


@pytest.mark.parametrize("kind", ERRORS)
def test_no_error_of_ours_can_hold_anything_else(kind: type[FuturesStreamError]) -> None:
    """Whoever makes an error, a dialect of the user's own too: its texts are fit to be seen, and bounded."""
    for text in HOSTILE:
        error = kind(f"it said {text}", exchange="x", code=text, channel=text)
        for shown in (str(error), error.message, error.args[0], error.code, error.channel):
            assert shown.isprintable()
            assert len(shown) <= 4096 + 30


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", DIALECTS)
def test_what_dialects_make_of_hostile_texts(name: str, text: str) -> None:
    """Codes, messages, channels and words of an exchange reach errors, labels and counters escaped and bounded."""
    dialect, shown = DIALECTS[name], []
    for event in ("error", "login", "subscribe", text):
        messages = [
            {"event": event, "code": text, "msg": text, "op": text, "arg": {"channel": text, "instId": text}},
            {"arg": {"channel": text, "instType": text, "instId": text}, "action": text, "data": [{"side": text}]},
            {"arg": {"channel": "orders"}, "action": text, "data": [{"side": text, "status": text}]},
            {"stream": text, "data": {}},
            {"stream": "future_order", "data": {"status": text, "effect": text}},
        ]
        for message in messages:
            session = _session(dialect)
            session.opened(1)
            try:
                answer = session.receive(json.dumps(message), 1, 1)
            except FuturesStreamError as error:
                shown += [str(error), str(error.code), str(error.channel)]
            else:
                shown += [getattr(answer, "label", "")]
            shown += [*session.unknown, *session.oddities, str(session.awaiting)]
    for status in (200, 400):
        for code in (1001, 999, 3022, text):
            body = json.dumps({"code": code, "message": text, "data": {"listenKey": text}})
            if dialect.lease is not None:
                with pytest.raises(FuturesStreamError) as caught:
                    dialect.read_lease("create", Response(status=status, text=body))
                shown += [str(caught.value), str(caught.value.code)]
    assert all(each.isprintable() for each in shown)
    assert max(map(len, shown)) <= 600


def _session(dialect: Dialect):  # type: ignore[no-untyped-def]
    return dialect.session(
        credentials=CREDENTIALS[dialect.name], account="x", channels=dialect.resolve_channels(None), symbols=None
    )


def test_no_line_of_a_log_is_forged(capsys: pytest.CaptureFixture[str]) -> None:
    """Over a real stream: unreadable frames and a close reason that would forge lines or draw on a terminal."""
    layout, lines = Layout(), []
    with all_that_is_told(capsys) as told, Simulator(tick=None) as sim:
        credentials = sim.credentials("bitget")
        with open_stream("bitget", credentials, endpoints=sim.endpoints("bitget"), channels=["orders"]) as stream:
            sim.wait_connections("bitget", 1)
            for text in HOSTILE:
                if text != "\ud800":  # no UTF-8
                    sim.send_text("bitget", text)
                sim.send_text("bitget", json.dumps({"event": text, "code": text, "msg": text}))
            reason = "\r\nforged \x1b[31m \u202e".encode()
            sim.send_bytes("bitget", (1008).to_bytes(2, "big") + reason, opcode=8)
            record = None
            while not isinstance(record, Gap):
                record = stream.get(timeout=PATIENCE)
                lines += [layout.line(record), to_json(record)]
                if isinstance(record, Unreadable):
                    assert len(record.text) <= 4096
                    assert len(record.error) <= 1000
                    assert record.text[:40] not in repr(record)

    ours = [line for line in told.lines if line.startswith("futures_stream")]
    assert ours
    assert all(line.isprintable() for line in [*ours, *lines])
    assert max(map(len, ours)) <= 2000


def test_figures() -> None:
    """The bounds that the documentation names."""
    assert inspect.signature(Network).parameters["max_message_size"].default == 4 * 1024 * 1024
    assert Request(method="GET", path="/", label="x").largest == 65536
    assert heads._LARGEST == 65536
    assert frames._MOST_FRAGMENTS == 1000
    assert connection._UNSENT == 262144
    bitmusa = DIALECTS["bitmusa"]
    known = CREDENTIALS["bitmusa"]
    asked = bitmusa.queries(known, kinds=bitmusa.queryable, symbols=["BTCUSDT"], since=1)
    assert {query.request.largest for query in asked} == {4 * 1024 * 1024}
    assert {bitmusa.lease_request(verb, known).largest for verb in ("create", "renew", "release")} == {65536}


def test_names_that_a_server_makes_up_are_few() -> None:
    """Counters keep a hundred names, whatever a server invents; each is short."""
    counter: Counter[str] = Counter()
    for number in range(10_000):
        count_odd(counter, f"word {number}")

    assert len(counter) == 100


def test_names_of_many_connections_are_few() -> None:
    """A server that invents other words on each connection cannot fill the memory either."""
    with Simulator(tick=None) as sim:
        credentials = sim.credentials("bitget")
        with open_stream("bitget", credentials, endpoints=sim.endpoints("bitget"), channels=["orders"]) as stream:
            for number in range(3):
                until(stream, Live)
                rows = [{"orderId": "1", "status": f"word {number} {row}"} for row in range(60)]
                arg = {"channel": "orders", "instType": "FUTURES", "instId": "default"}
                sim.send_text("bitget", json.dumps({"action": "update", "arg": arg, "data": rows}))
                until(stream, Order)
                assert 60 <= len(stream.stats().unknown_words) <= 100
                sim.drop("bitget")
                until(stream, Gap)


def until(stream: Stream, kind: type) -> None:
    """Read until a record of some class has come."""
    while not isinstance(stream.get(timeout=PATIENCE), kind):
        pass


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_a_row_that_is_none_is_shown_in_part(dialect: Dialect) -> None:
    """A megabyte in the place of a row is a notice of four kilobytes."""
    own = dialect.channels["orders"]
    for row in ("x" * 1_000_000, ["x" * 1000] * 1000, 10**39):
        message = {"stream": own, "arg": {"channel": own}, "action": "update", "data": [row]}
        (record,) = _session(dialect).receive(json.dumps(message), 1, 1)
        assert isinstance(record, Unreadable)
        assert len(record.text) <= 4096
        assert len(record.error) <= 200


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 50_000, '{"a": NaN}', '{"a": -Infinity}', '{"a": ' + "9" * 5000 + "}", "'a'", "\ufeff{}"],
)
def test_texts_that_are_no_json(text: str) -> None:
    """Depth, NaN, endless numbers, quotes of another kind, a byte order mark: one typed error, and short."""
    with pytest.raises(MessageNotUnderstood) as caught:
        decode(text)

    assert len(str(caught.value)) <= 300
    assert caught.value.__context__ is caught.value.__cause__ is None


def test_the_last_of_two_values_counts() -> None:
    """Of a key that stands twice in an object the last value counts, with either decoder; there is only one reading."""
    text = '{"status": "filled", "status": "new"}'
    assert decode(text) == json.JSONDecoder().decode(text) == {"status": "new"}


# -- descriptors ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux lists a process's descriptors")
@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_no_child_inherits_a_socket(exchange: str) -> None:
    """A program that is started by this one, even with everything left open, has no socket of a stream."""
    before = _sockets("self")
    with Simulator(tick=None) as sim:
        credentials = sim.credentials(exchange)  # type: ignore[call-overload]
        with open_stream(exchange, credentials, endpoints=sim.endpoints(exchange)):  # type: ignore[arg-type]
            mine = {fd: name for fd, name in _sockets("self").items() if name not in before.values()}
            child = subprocess.Popen(["sleep", "30"], close_fds=False)
            try:
                theirs = set(_sockets(str(child.pid)).values())
            finally:
                child.kill()
                child.wait()

    assert len(mine) >= 4
    assert not [fd for fd in mine if fd in theirs]
    assert not theirs & set(mine.values())


def _sockets(process: str) -> dict[int, str]:
    found = {}
    for entry in Path(f"/proc/{process}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.startswith("socket:"):
            found[int(entry.name)] = target
    return found


def test_simulated_keys_say_what_they_are() -> None:
    """Whoever finds one in a file or a log knows that it is worth nothing; real keys do not open the simulator."""
    with Simulator(tick=None) as sim:
        for exchange in ("bitget", "bitmusa"):
            credentials = sim.credentials(exchange)  # type: ignore[call-overload]
            for field in attrs.fields(type(credentials)):
                assert getattr(credentials, field.name).reveal().startswith("simulated-")
        with pytest.raises(FuturesStreamError):
            open_stream("bitget", BitgetCredentials("real", "real", "real"), endpoints=sim.endpoints("bitget"))
