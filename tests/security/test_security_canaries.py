"""
Canary secrets: random strings in the place of every secret, and not one of them is shown anywhere.

The other side is not the simulator but a server of its own, since that one must say the secrets back to us.
"""

from __future__ import annotations

import json
import secrets
from decimal import Decimal
from typing import Any

import attrs
import pytest

from futures_stream import (
    BitgetCredentials,
    BitmusaCredentials,
    Closed,
    Gap,
    LeaseRenewed,
    Live,
    LoginRejected,
    OpenTimeout,
    Stream,
    Unreadable,
    open_stream,
)
from futures_stream.errors import FuturesStreamError
from futures_stream.simulator import Simulator
from tests.security.everything import (
    all_that_is_told,
    leaked,
    of_error,
    of_memory_dump,
    of_process,
    of_record,
    of_thing,
)
from tests.whole.independent import BITMUSA, bitget_server, bitmusa_server

PATIENCE = 10.0
SPELLINGS = [
    pytest.param(lambda secret: secret, id="plain"),
    pytest.param(lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"), id="slashes"),
    pytest.param(
        lambda secret: "".join(each if each.isalnum() else f"\\u{ord(each):04x}" for each in secret), id="unicode"
    ),
    pytest.param(lambda secret: "".join(each if each.isalnum() else f"%{ord(each):02X}" for each in secret), id="url"),
]


def canary(beginning: str = "cAnArY") -> str:
    """A secret that nobody else has, with every kind of character that some encoding spells otherwise."""
    return f'{beginning}-{secrets.token_hex(8)}/"\\+={secrets.token_hex(4)}'


def tails(canaries: list[str]) -> list[str]:
    """What of the secrets must be found nowhere: a half is too much, however the rest is spelled."""
    return [part for each in canaries for part in (each[:22], each[-8:])]


def until(stream: Stream, kind: type, limit: int = 50) -> list[Any]:
    """Read until a record of some class has come."""
    got: list[Any] = []
    while not got or not isinstance(got[-1], kind):
        got.append(stream.get(timeout=PATIENCE))
        assert len(got) < limit, got
    return got


def shown_of(stream: Stream) -> str:
    """All of a stream but its records."""
    return "\n".join(
        [
            of_thing(stream.status),
            repr(stream),
            str(stream),
            repr(stream.queue),
            repr(stream.stats()),
            of_process(),
            of_memory_dump(),
        ]
    )


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_whatever_the_exchange_says_back(spelled: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A login, a reconnect and a close, amid messages that repeat the secrets: none is in any notice, log or error."""
    canaries = [canary() for _ in range(3)]
    signs: list[str] = []

    def accept(arg: dict[str, Any]) -> Any:
        signs.append(arg["sign"])
        return {"event": "login", "code": 0, "msg": canaries[1]}

    texts: list[str] = []
    with all_that_is_told(capsys) as told, bitget_server(accept) as peer:
        credentials = BitgetCredentials(*canaries)
        with open_stream("bitget", credentials, endpoints=peer.endpoints, channels=["orders"]) as stream:
            for secret in (*canaries, *signs):
                word = spelled(secret)
                peer.say(f"{{not json {word}")
                peer.say(f'{{"arg": {{"channel": "orders"}}, "action": "update", "data": ["{_quoted(word)}"]}}')
                peer.say(f'{{"arg": {{"channel": "{_quoted(word)}"}}, "data": []}}')
                peer.say(f'{{"event": "error", "code": "{_quoted(word)}", "msg": "{_quoted(word)}"}}')
                texts += [of_record(record) for _ in range(4) for record in until(stream, Unreadable)]
            peer.connections[-1].close_socket()
            texts += [of_record(record) for record in until(stream, Gap)]
            stream.wait_state("live", timeout=PATIENCE)
            texts.append(shown_of(stream))
        texts += [of_record(record) for record in until(stream, Closed)]

    wanted = tails([*canaries]) + [part for sign in signs for part in (sign[:20], sign[20:40])]
    assert len(signs) == 2
    assert "***" in "".join(texts)
    assert told.text
    assert not leaked(wanted, told.text, *texts)


def _quoted(word: str) -> str:
    """Return a word as it can stand in a JSON text, if it cannot already."""
    try:
        json.loads(f'"{word}"')
    except ValueError:
        return json.dumps(word)[1:-1]
    return word


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_a_login_that_is_refused(spelled: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal that repeats what it refuses is an error without it, and so are the variables of its traceback."""
    canaries = [canary() for _ in range(3)]
    signs: list[str] = []

    def refuse(arg: dict[str, Any]) -> Any:
        signs.append(arg["sign"])
        said = " ".join(spelled(secret) for secret in (*canaries, arg["sign"]))
        return {"event": "error", "code": "60001", "msg": f"no such key {said}"}

    with all_that_is_told(capsys) as told, bitget_server(refuse) as peer:
        with pytest.raises(LoginRejected, match="no such key") as caught:
            open_stream("bitget", BitgetCredentials(*canaries), endpoints=peer.endpoints)
        shown = str(caught.value) + repr(vars(caught.value))

    wanted = tails(canaries) + [part for sign in signs for part in (sign[:20], sign[20:40])]
    assert signs
    assert not leaked(wanted, told.text, shown, of_memory_dump())


def test_rest_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """REST that refuses, repeats the keys, or gives something that is no listen key, shows none of it."""
    key = f"{secrets.token_hex(20)}!"  # not of the grammar, so that it is quoted by whoever quotes
    answers: list[tuple[Any, float]] = [
        ((200, {"code": 1001, "message": "unknown canary-auth or canary-api"}), PATIENCE),
        ((200, {"code": 999, "message": "unknown canary-auth or canary-api"}), 0.2),
        ((502, f"canary-auth canary-api {key}".encode()), 0.2),
        ((200, {"code": 0, "data": {"listenKey": key}}), 0.2),
    ]
    texts = []
    with all_that_is_told(capsys) as told:
        for answer, timeout in answers:
            with bitmusa_server(create=lambda answer=answer: answer) as peer:  # type: ignore[misc]
                with pytest.raises((LoginRejected, OpenTimeout)) as caught:
                    open_stream("bitmusa", BITMUSA, endpoints=peer.endpoints, timeout=timeout)
                texts.append(str(caught.value) + repr(vars(caught.value)) + str(caught.value.__cause__))

    assert not leaked(["canary-auth", "canary-api", key[:20]], told.text, of_memory_dump(), *texts)


def test_wrong_keys_at_the_simulator(capsys: pytest.CaptureFixture[str]) -> None:
    """Keys that are refused are in no error, and in no variable of its traceback."""
    canaries = [canary() for _ in range(3)]
    with all_that_is_told(capsys) as told, Simulator(tick=None) as sim:
        with pytest.raises(FuturesStreamError) as first:
            open_stream("bitget", BitgetCredentials(*canaries), endpoints=sim.endpoints("bitget"))
        with pytest.raises(FuturesStreamError) as second:
            open_stream("bitmusa", BitmusaCredentials(*canaries[:2]), endpoints=sim.endpoints("bitmusa"))

    assert not leaked(tails(canaries), told.text, of_error(first.value), of_error(second.value))


def test_a_listen_key_in_every_phase(capsys: pytest.CaptureFixture[str]) -> None:
    """Granted, extended, said back, lost with its connection, replaced: the key in the address is shown nowhere."""
    keys: list[str] = []
    texts: list[str] = []

    def create() -> tuple[int, Any]:
        keys.append(secrets.token_hex(22))
        return 200, {"code": 0, "data": {"listenKey": keys[-1]}}

    with all_that_is_told(capsys) as told, bitmusa_server(create=create) as peer:
        with open_stream("bitmusa", BITMUSA, endpoints=peer.endpoints) as stream:
            texts += [of_record(record) for record in until(stream, LeaseRenewed)]
            peer.say(f"{{not json {keys[0]}", {"stream": keys[0]}, {"stream": "future_order", "data": [keys[0]]})
            texts += [of_record(record) for _ in range(3) for record in until(stream, Unreadable)]
            peer.connections[-1].close_socket()
            texts += [of_record(record) for record in until(stream, Gap)]
            stream.wait_state("live", timeout=PATIENCE)
            texts.append(shown_of(stream))
        texts += [of_record(record) for record in until(stream, Closed)]

    assert [path.rpartition("/")[2] for path in peer.paths] == keys
    assert len(keys) == 2
    assert not leaked(["canary-auth", "canary-api", *keys], told.text, *texts)


def test_variables_of_a_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    """What a crash reporter prints of a refusal's traceback holds neither keys nor what the exchange said of them."""
    canaries = [canary() for _ in range(3)]

    def refuse(arg: dict[str, Any]) -> Any:
        return {"event": "error", "code": "60001", "msg": f"no such key {canaries[0]}"}

    with bitget_server(refuse) as peer, pytest.raises(LoginRejected) as caught:
        open_stream("bitget", BitgetCredentials(*canaries), endpoints=peer.endpoints)

    assert not leaked(tails(canaries), of_error(caught.value))


def test_bytes_that_are_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    """A message that is not even UTF-8 is shown without what it says back."""
    canaries = [canary() for _ in range(3)]
    with all_that_is_told(capsys) as told, bitget_server(lambda arg: {"event": "login", "code": 0}) as peer:
        with open_stream("bitget", BitgetCredentials(*canaries), endpoints=peer.endpoints) as stream:
            peer.connections[-1].send(b"\xff " + canaries[2].encode())
            texts = [of_record(record) for record in until(stream, Unreadable)]

    assert "***" in texts[-1]
    assert not leaked(tails(canaries), told.text, *texts)


def test_a_close_frame_that_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    """The reason in a close frame reaches the log and the gap without what it says back."""
    canaries = [canary() for _ in range(3)]
    with all_that_is_told(capsys) as told, bitget_server(lambda arg: {"event": "login", "code": 0}) as peer:
        with open_stream("bitget", BitgetCredentials(*canaries), endpoints=peer.endpoints) as stream:
            peer.connections[-1].close(1008, f"unknown key {canaries[0]}")
            texts = [of_record(record) for record in until(stream, Gap)]

    assert "unknown key ***" in texts[-1]
    assert not leaked(tails(canaries), told.text, *texts)


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_no_account_data_in_logs(exchange: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """At no level does a log tell what an account holds or does: no id, no amount, no price."""
    facts: set[str] = set()
    with all_that_is_told(capsys) as told, Simulator(tick=None, seed=secrets.randbits(32)) as sim:
        with open_stream(exchange, sim.credentials(exchange), endpoints=sim.endpoints(exchange)) as stream:
            until(stream, Live, limit=500)
            sim.step(20)
            sim.garble(exchange=exchange)
            for record in until(stream, Unreadable, limit=5000):
                told_of = attrs.asdict(record, recurse=False).values()
                facts |= {str(value) for value in told_of if isinstance(value, Decimal) and len(str(value)) > 5}
                facts |= {
                    each for each in (getattr(record, "order_id", None), getattr(record, "trade_id", None)) if each
                }
            sim.drop(exchange)
            until(stream, Live, limit=500)

    assert len(facts) > 10
    assert "is live" in told.text
    assert not leaked(facts, *(line for line in told.lines if not line.startswith("websocket:")))
