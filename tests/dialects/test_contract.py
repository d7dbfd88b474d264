"""What every dialect in the registry keeps, so that a further one is known to fit."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import json
import pkgutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from attrs import evolve
from dialect_sessions import begin, credentials_of, greet, secrets_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import futures_stream.dialects
from futures_stream.dialects import DIALECTS, Dialect, Endpoints, find_dialect
from futures_stream.dialects.base import KINDS, Control, Query, Request, Response, Send, Session
from futures_stream.errors import ConfigError, FatalError, FuturesStreamError, MessageNotUnderstood, TransientError
from futures_stream.records import Notice, Record, Snapshot
from futures_stream.vocabulary import Channel

IMPURE = {
    "asyncio",
    "concurrent",
    "http",
    "logging",
    "multiprocessing",
    "queue",
    "requests",
    "select",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib3",
    "websocket",
}
dialects = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
FRAMES = Path(__file__).parent.parent / "frames"
RECORDED = {name: sorted(path.read_text(encoding="utf-8") for path in (FRAMES / name).iterdir()) for name in DIALECTS}


def modules() -> list[ModuleType]:
    """Return every module of the package of dialects."""
    package = futures_stream.dialects
    names = [info.name for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [package, *(importlib.import_module(name) for name in names)]


# --- facts ---


@dialects
def test_named(dialect: Dialect) -> None:
    """A dialect is found by its name, which is lower case, and has a title for people."""
    assert find_dialect(dialect.name) is DIALECTS[dialect.name] is dialect
    assert find_dialect(dialect) is dialect
    assert dialect.name == dialect.name.lower()
    assert dialect.title
    with pytest.raises(ConfigError, match=dialect.name):
        find_dialect("nowhere")


@dialects
def test_channels(dialect: Dialect) -> None:
    """Channels are neutral words; an exchange's own are understood; others are refused with a list."""
    assert set(dialect.channels) <= {str(channel) for channel in Channel}
    assert dialect.resolve_channels(None) == tuple(dialect.channels)
    assert dialect.resolve_channels(list(dialect.channels.values())) == tuple(dialect.channels)
    assert dialect.resolve_channels([Channel.ORDERS, "account"]) == ("account", "orders")
    assert dialect.resolve_channels("orders") == ("orders",)
    assert dialect.kinds(dialect.channels) == tuple(KINDS[word] for word in dialect.channels if word in KINDS)
    with pytest.raises(ConfigError, match="orders"):
        dialect.resolve_channels(["tickers"])
    with pytest.raises(ConfigError):
        dialect.resolve_channels([])


@dialects
def test_figures(dialect: Dialect) -> None:
    """Pings come in time, renewals leave room for failures, and URLs are encrypted."""
    assert dialect.ping.every < dialect.silence_limit
    if dialect.lease is not None:
        assert 2 * dialect.lease.renew_every < dialect.lease.life
    dialect.endpoints.refuse_plaintext()
    assert dialect.rest_roots
    assert all(isinstance(caveat, str) and caveat.endswith(".") for caveat in dialect.caveats)


@dialects
def test_elsewhere(dialect: Dialect) -> None:
    """A dialect can be had at another place, whole or in part, and is not changed itself."""
    there = dialect.at(Endpoints(ws_url="ws://127.0.0.1:9/x"))
    assert there.ws_url == "ws://127.0.0.1:9/x"
    assert there.rest_url == dialect.endpoints.rest_url
    assert evolve(dialect, endpoints=there).endpoints == there
    assert dialect.at(None) == dialect.endpoints
    assert dialect.unreachable_hint(there) is None
    assert hash(dialect.name) == hash(find_dialect(dialect.name).name)


@dialects
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 418, 429, 500, 503])
def test_refused_upgrade(dialect: Dialect, status: int) -> None:
    """Whatever status an upgrade is refused with, there is an error for it that says so."""
    error = dialect.upgrade_refused(status, 7.0)
    assert isinstance(error, TransientError | FatalError)
    assert str(status) in str(error)


# --- conversation ---


@dialects
def test_greets(dialect: Dialect) -> None:
    """A session whose requests are all accepted is greeted, awaits nothing, and listens to all it was asked to."""
    session = begin(dialect)
    assert not session.greeted
    greet(session)
    assert session.greeted
    assert session.awaiting is None
    assert session.subscribed == set(dialect.channels)


@dialects
def test_names_what_it_awaits(dialect: Dialect) -> None:
    """Whenever something was sent that is to be answered, the session says what."""
    session = begin(dialect)
    control = session.opened(1)
    assert bool(control.sends) == (session.awaiting is not None)


@dialects
def test_knows_its_own_pong(dialect: Dialect) -> None:
    """An echo of the ping with "pong" in it, and the pongs of other exchanges, are no news."""
    session = begin(dialect)
    greet(session)
    own = [] if dialect.ping.text is None else [dialect.ping.text.replace("ping", "pong")]
    for text in [*own, "pong", '{"op":"pong"}', '{"event":"pong"}', '"pong"']:
        assert session.receive(text, 1, 1) == Control(label="pong")
    assert session.greeted


@dialects
def test_names_the_unreadable(dialect: Dialect) -> None:
    """What cannot be read is said with its text, and the session goes on."""
    session = begin(dialect)
    greet(session)
    for text in ("not json at all", "{}", "[]", "7"):
        with pytest.raises(MessageNotUnderstood) as caught:
            session.receive(text, 1, 1)
        assert caught.value.text == text
        assert str(caught.value)
    assert session.greeted


@dialects
def test_channels_come_and_go(dialect: Dialect) -> None:
    """Every channel can be given up and asked for again."""
    session = begin(dialect)
    greet(session)
    session.unsubscribe(list(dialect.channels))
    assert session.subscribed == frozenset()
    assert isinstance(session.subscribe(list(dialect.channels)), Control)
    assert isinstance(session.proceed(), Control)
    assert session.take_sends() == ()
    assert session.greeted


@dialects
def test_records_say_where_they_come_from(dialect: Dialect) -> None:
    """Every record of a recorded frame has its exchange, account, time of receipt and seq."""
    session = begin(dialect)
    greet(session)
    told = set()
    for text in RECORDED[dialect.name]:
        try:
            answer = session.receive(text, 99, 41)
        except FuturesStreamError:
            continue
        for seq, record in enumerate(answer if isinstance(answer, list) else (), 41):
            told.add(type(record))
            assert (record.exchange, record.account) == (dialect.name, "main")
            assert (record.received_ns, record.seq) == (99, seq)
            assert isinstance(record, Notice) or record.info
    of_frames_that_nobody_recorded = {"deleveraging"} & set(dialect.channels)
    assert len(told - {Snapshot}) == len(dialect.channels) - len(of_frames_that_nobody_recorded)


# --- questions over REST ---


def questions(dialect: Dialect, **asked: Any) -> tuple[Query, ...]:
    """Return all questions of a dialect about two contracts."""
    said: dict[str, Any] = {"kinds": tuple(KINDS.values()), "symbols": ["A", "B"], "since": 1, **asked}
    return dialect.queries(credentials_of(dialect), **said)


@dialects
def test_queries(dialect: Dialect) -> None:
    """What can be asked for over REST, and nothing else, is asked for by GET; the same question is the same value."""
    queries = questions(dialect)
    assert {query.kind for query in queries} == set(dialect.queryable) <= set(KINDS.values())
    assert {query.request.method for query in queries} <= {"GET"}
    assert {query.symbol for query in queries} <= {None, "A", "B"}
    assert all(query.page == 1 and query.since in (None, 1) for query in queries)
    assert queries == questions(dialect, symbols=["A", "B", "A"])
    assert questions(dialect, kinds=[]) == questions(dialect, kinds=["prices"]) == ()
    assert bool(dialect.limits.get("rest")) >= bool(queries)


@dialects
@pytest.mark.parametrize("kind", KINDS.values())
def test_unprovable(dialect: Dialect, kind: str) -> None:
    """What cannot be asked for can never be proven, and a reason is given."""
    if kind not in dialect.queryable:
        assert dialect.title in (dialect.unprovable(kind, None) or "")
        assert dialect.title in (dialect.unprovable(kind, ["A"]) or "")
    assert dialect.unprovable(kind, None) or not dialect.unprovable(kind, ["A"])


@dialects
@pytest.mark.parametrize("text", ["", "[]", "{}", "<html>", '{"code":0}', '{"code":0,"data":7}', '{"code":1}', "7"])
@pytest.mark.parametrize("status", [200, 404, 500])
def test_no_answer(dialect: Dialect, text: str, status: int) -> None:
    """What is no answer is never taken for an empty one, and no secret is in the error."""
    for query in questions(dialect):
        with pytest.raises(FuturesStreamError) as caught:
            dialect.read_answer(query, Response(status=status, text=text), account="main", received_ns=1)
        assert not any(value in f"{vars(caught.value)}" for value in secrets_of(dialect).values())


# --- secrets ---


@dialects
def test_shows_no_secret(dialect: Dialect) -> None:
    """No repr of anything that a dialect makes shows a secret, although what is sent holds them."""
    session = begin(dialect)
    control = session.opened(1_700_000_000_000)
    made: list[Any] = [session, control, *control.sends, vars(session)]
    if dialect.lease is not None:
        made += [dialect.lease_request(verb, credentials_of(dialect)) for verb in ("create", "renew", "release")]
    for thing in made:
        for value in secrets_of(dialect).values():
            assert value not in repr(thing)
            assert value not in str(thing)
    assert not any(value in repr(questions(dialect)) for value in secrets_of(dialect).values())
    assert all(isinstance(send, Send) and send.label for send in control.sends)
    assert all(isinstance(thing, Request) for thing in made[4 + len(control.sends) - 1 :])


@dialects
def test_errors_hold_no_secret(dialect: Dialect) -> None:
    """Secrets that a server says back to us are in no error, whatever it says around them."""
    values = list(secrets_of(dialect).values())
    echo = " ".join(values)
    for text in (
        echo,
        json.dumps(echo),
        json.dumps({"event": "error", "code": 60001, "msg": echo}),
        json.dumps({"event": "error", "code": "1", "msg": echo}),
        json.dumps({"event": "odd", "msg": echo}),
        json.dumps({"stream": "odd", "data": echo}),
    ):
        session = begin(dialect)
        session.opened(1)
        with pytest.raises(FuturesStreamError) as caught:
            session.receive(text, 1, 1)
        for value in values:
            assert value not in f"{caught.value!r} {caught.value} {vars(caught.value)}"


# --- purity ---


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_pure(module: ModuleType) -> None:
    """No module of a dialect imports anything that can wait."""
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & IMPURE


# --- anything at all ---

SURVIVES = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
WORDS = (
    "event op action arg data channel instId instType code msg stream eventTime ts login subscribe unsubscribe "
    "error update snapshot orders account positions execution liquidation default future_order future_wallet "
    "future_position pong ping timestamp holdPosition amount status ticker symbol orderId price order_id id direction "
    "position content transaction_time entry_time qty traded_qty total_wallet_balance "
    "fill orders-algo positions-history equity marginCoin total baseVolume feeDetail tradeSide holdSide entrustedList "
    "fillList endId uTime"
)
words = st.sampled_from(WORDS.split())
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | words | st.floats()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=4), inner, max_size=6),
    max_leaves=20,
)


def survives(session: Session, text: str) -> None:
    """Assert that a text gives records, a control or one of our errors."""
    with contextlib.suppress(FuturesStreamError):
        answer = session.receive(text, 1, 1)
        assert isinstance(answer, Control) or all(isinstance(record, Record) for record in answer)


@dialects
@SURVIVES
@given(text=st.text(max_size=60))
def test_survives_any_text(dialect: Dialect, text: str) -> None:
    """Any text at all raises nothing but our own errors."""
    session = begin(dialect)
    session.opened(1)
    survives(session, text)


@dialects
@SURVIVES
@given(value=values)
def test_survives_any_json(dialect: Dialect, value: Any) -> None:
    """Any JSON value, of words that the dialect knows, raises nothing but our own errors."""
    session = begin(dialect)
    session.opened(1)
    survives(session, json.dumps(value))
    greet(session)
    survives(session, json.dumps(value))


@dialects
@SURVIVES
@given(data=st.data())
def test_survives_any_change(dialect: Dialect, data: st.DataObject) -> None:
    """A recorded frame with any of its values replaced, at any depth, raises nothing but our own errors."""
    text = data.draw(st.sampled_from(RECORDED[dialect.name])).replace('"null",', '"null"')
    message = json.loads(text)
    place: Any = message
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(values)
        break
    session = begin(dialect)
    greet(session)
    survives(session, json.dumps(message))


@dialects
@SURVIVES
@given(value=values, rows=st.lists(values, max_size=3))
def test_survives_any_answer(dialect: Dialect, value: Any, rows: list[Any]) -> None:
    """Any JSON value in the place of an answer, its data or its rows raises nothing but our own errors."""
    for query in questions(dialect)[:8]:
        for body in (value, {"code": 0, "data": value}, {"code": 0, "data": rows}):
            response = Response(status=200, text=json.dumps(body))
            with contextlib.suppress(FuturesStreamError):
                answer = dialect.read_answer(query, response, account="main", received_ns=1)
                assert len(answer.keys) == len(answer.records)
                assert all((record.seq, record.received_ns) == (0, 1) for record in answer.records)
                assert not answer.whole or all(answer.keys)


def test_importing_is_cheap() -> None:
    """The dialects are imported without the libraries that talk to the world."""
    assert importlib.util.find_spec("futures_stream.dialects") is not None
    for module in modules():
        assert not {"requests", "websocket"} & set(vars(sys.modules[module.__name__]))
