"""Faults on demand do what they say, and end when healed."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import Any

import pytest
from simulator_clients import (
    CHANNELS,
    arg,
    bitget,
    bitmusa,
    hear,
    is_mute,
    log_in,
    login_message,
    raw,
    read_head,
    rest,
    say,
    subscribe_message,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from futures_stream.simulator import Exchange, Simulator

EXCHANGES: tuple[Exchange, ...] = ("bitget", "bitmusa")


def opened(stack: ExitStack, sim: Simulator, exchange: Exchange) -> ClientConnection:
    """Open a client that hears of everything."""
    client = stack.enter_context(bitget(sim) if exchange == "bitget" else bitmusa(sim))
    if exchange == "bitget":
        log_in(client, *CHANNELS)
    return client


def until_closed(client: ClientConnection) -> list[Any]:
    """Read until the connection ends."""
    heard = []
    try:
        while True:
            heard.append(client.recv(5))
    except ConnectionClosed:
        return heard


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize(("how", "code"), [("rst", 1006), ("fin", 1006), ("close", 1012)])
def test_drop_ends_connections(sim: Simulator, open_all: ExitStack, exchange: Exchange, how: Any, code: int) -> None:
    """A drop ends the connections of one exchange in the way asked for, and leaves the other's."""
    clients = {each: opened(open_all, sim, each) for each in EXCHANGES}
    other: Exchange = "bitmusa" if exchange == "bitget" else "bitget"
    sim.drop(exchange, how)

    until_closed(clients[exchange])
    assert clients[exchange].close_code == code
    assert sim.wait_connections(exchange, 0)
    assert sim.connections(other) == sim.connections() == 1


@pytest.mark.parametrize("how", ["fin", "close"])
def test_gentle_drop_delivers_first(sim: Simulator, open_all: ExitStack, how: Any) -> None:
    """What was queued before a gentle drop still comes."""
    client = opened(open_all, sim, "bitmusa")
    sim.step(5)
    sim.drop(how=how)

    heard = until_closed(client)
    assert len(heard) > 5
    assert sim.wait_ledger(lambda ledger: [each.text for each in ledger] == heard)


def test_rst_is_a_reset(sim: Simulator) -> None:
    """The hard drop is a TCP reset."""
    with raw(sim) as sock:
        read_head(sock)
        sim.drop("bitget", "rst")
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_half_open_is_dead_but_open(sim: Simulator, open_all: ExitStack) -> None:
    """A half-open connection answers nothing, new ones work, and healing resets the old."""
    old = opened(open_all, sim, "bitmusa")
    sim.half_open("bitmusa")
    assert sim.wait_connections("bitmusa", 0)
    new = opened(open_all, sim, "bitmusa")
    sim.step()

    assert hear(new)["stream"] == "future_order"
    assert is_mute(old)
    assert not old.ping().wait(0.1)
    sim.heal()
    until_closed(old)
    assert old.close_code == 1006
    assert sim.connections("bitmusa") == 1


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_silent_connections_are_accepted_and_mute(sim: Simulator, open_all: ExitStack, exchange: Exchange) -> None:
    """A silent exchange upgrades, then says nothing to new connections; healed, it speaks."""
    old = opened(open_all, sim, exchange)
    sim.silent(exchange)
    new = open_all.enter_context(bitget(sim) if exchange == "bitget" else bitmusa(sim))
    new.send(login_message())
    sim.step(2)

    assert is_mute(new)
    assert not new.ping().wait(0.1)
    hear(old)
    sim.heal()
    assert new.ping().wait(5)


def test_stop_accepting_refuses_upgrades(sim: Simulator) -> None:
    """While nobody is let in, upgrades get 503 with Retry-After; REST goes on."""
    sim.stop_accepting(retry_after=2.5)
    with pytest.raises(InvalidStatus) as caught, bitget(sim):
        pass
    assert caught.value.response.status_code == 503
    assert caught.value.response.headers["Retry-After"] == "2.5"
    assert rest(sim).json()["code"] == 0

    sim.resume_accepting()
    with bitget(sim) as client:
        assert say(client, '{"op":"ping"}') == {"event": "pong"}


def test_refuse_login_a_number_of_times(sim: Simulator) -> None:
    """Good logins are refused as often as asked for."""
    sim.refuse_login(code="60002", times=2)
    for _ in range(2):
        with bitget(sim) as client:
            assert say(client, login_message()) == {
                "event": "error",
                "code": "60002",
                "msg": "Connection limit exceeded",
            }
    with bitget(sim) as client:
        assert say(client, login_message())["event"] == "login"


def test_refuse_rest(sim: Simulator) -> None:
    """Good REST calls are refused with the code, status and Retry-After asked for."""
    sim.refuse_rest(code=1011, status=429, times=1, retry_after=7)
    refused, accepted = rest(sim), rest(sim)

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    assert refused.json() == {"data": None, "code": 1011, "message": "too many requests"}
    assert accepted.json()["code"] == 0


def test_standing_refusals_end_with_heal(sim: Simulator) -> None:
    """Refusals without a number last until healed."""
    sim.refuse_rest(code=999)
    sim.refuse_login()
    sim.refuse_subscription("orders")
    sim.mute_acks()
    assert [rest(sim).json()["code"] for _ in range(3)] == [999] * 3
    sim.heal()

    assert rest(sim).json()["code"] == 0
    with bitget(sim) as client:
        log_in(client, "orders")


def test_refuse_subscription_of_one_channel(sim: Simulator) -> None:
    """One channel is refused, the others are not."""
    sim.refuse_subscription("execution", code="60003")
    with bitget(sim) as client:
        log_in(client, "orders")
        assert say(client, subscribe_message(arg("execution")))["code"] == "60003"


def test_muted_acks_still_count(sim: Simulator) -> None:
    """A subscription without acknowledgement is pushed to all the same."""
    sim.mute_acks()
    with bitget(sim) as client:
        log_in(client)
        client.send(subscribe_message(arg("orders")))
        assert say(client, '{"op":"ping"}') == {"event": "pong"}
        sim.step()
        assert hear(client)["arg"] == arg("orders")


@pytest.mark.parametrize("close", [False, True])
def test_expire_key(sim: Simulator, open_all: ExitStack, close: bool) -> None:
    """An expired key makes its stream silent, or closes it; PUT fails and POST gives another."""
    client = opened(open_all, sim, "bitmusa")
    key = rest(sim).json()["data"]["listenKey"]
    sim.expire_key(close=close)
    sim.step()

    if close:
        assert until_closed(client) == []
    else:
        assert is_mute(client)
    assert rest(sim, "PUT").json()["code"] == 3022
    assert rest(sim).json()["data"]["listenKey"] != key


def test_replace_key(sim: Simulator, open_all: ExitStack) -> None:
    """Another program's new key closes our stream, refuses our key and is given out by POST."""
    client = opened(open_all, sim, "bitmusa")
    key = rest(sim).json()["data"]["listenKey"]
    sim.replace_key()

    assert until_closed(client) == []
    with pytest.raises(InvalidStatus), bitmusa(sim, key):
        pass
    assert rest(sim, "PUT").json()["code"] == 0
    with bitmusa(sim) as client:
        sim.step()
        hear(client)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_garble_send_text_and_send_bytes(sim: Simulator, open_all: ExitStack, exchange: Exchange) -> None:
    """Any text, frame or bytes can be sent as they are."""
    client = opened(open_all, sim, exchange)
    sim.garble(exchange=exchange)
    sim.send_text(exchange, '{"é":1}')
    sim.send_bytes(exchange, b"\x00\xff", opcode=2)
    sim.send_bytes(exchange, b"\x81\x03abc")

    assert [client.recv(5) for _ in range(4)] == ["{not json", '{"é":1}', b"\x00\xff", "abc"]
    sim.send_bytes(exchange, b"\xff\xff\xff")
    until_closed(client)


def test_duplicate_repeats_one_event(sim: Simulator, open_all: ExitStack) -> None:
    """The next event frame comes twice, those after it once."""
    client = opened(open_all, sim, "bitmusa")
    sim.duplicate("bitmusa")
    sim.step()
    heard = [client.recv(5) for _ in range(3)]

    assert heard[0] == heard[1] != heard[2]
    assert is_mute(client)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_flood(sim: Simulator, open_all: ExitStack, exchange: Exchange) -> None:
    """A flood is many readable updates of one order, in the ledger, with a rising filled size."""
    client = opened(open_all, sim, exchange)
    sim.flood(exchange, 2000)
    texts = [client.recv(5) for _ in range(2000)]
    rows = [json.loads(text)["data"] for text in texts]

    filled = [float(row[0]["filledSize"] if exchange == "bitget" else row["tradedAmount"]) for row in rows]
    assert filled == sorted(set(filled))
    assert sim.wait_ledger(lambda ledger: [each.text for each in ledger[-2000:]] == texts)
    assert is_mute(client)


def test_flood_needs_a_subscription(sim: Simulator) -> None:
    """On Bitget a flood goes to those who have subscribed to orders."""
    with bitget(sim) as client:
        log_in(client, "positions")
        sim.flood("bitget", 10)
        assert is_mute(client)


def test_slow_writes_at_the_rate(sim: Simulator) -> None:
    """A slow exchange needs the time that its rate implies, and its ledger only has what was written whole."""
    with bitget(sim) as client:
        sim.slow("bitget", 2000)
        begun = time.monotonic()
        for _ in range(3):
            sim.send_text("bitget", "x" * 200)
        assert len(sim.ledger) < 3
        assert [client.recv(5) for _ in range(3)] == ["x" * 200] * 3
        assert time.monotonic() - begun > 0.2
        sim.heal()
        sim.send_text("bitget", "y" * 100_000)
        client.recv(5)


def test_slow_needs_a_rate(sim: Simulator) -> None:
    """A rate must be positive."""
    with pytest.raises(ValueError, match="positive"):
        sim.slow("bitget", 0)


def test_skew_moves_the_server_clock(sim: Simulator) -> None:
    """A server whose clock is a minute ahead refuses our time, accepts its own, and says its own."""
    sim.skew(60)
    with bitget(sim) as client:
        assert say(client, login_message())["code"] == "30014"
    with bitget(sim) as client:
        assert say(client, login_message(str(int(time.time()) + 60)))["code"] == 0
        say(client, subscribe_message(arg("account")))
        assert hear(client)["data"][0]["timestamp"] > (time.time() + 50) * 1000


@pytest.mark.parametrize("control", ["half_open", "silent", "drop", "duplicate", "flood", "slow"])
def test_unknown_exchange_is_refused(sim: Simulator, control: str) -> None:
    """A fault for an exchange that does not exist is the caller's mistake."""
    with pytest.raises(ValueError, match="no exchange 'bitgte'"):
        getattr(sim, control)("bitgte")


def test_unknown_channel_is_refused(sim: Simulator) -> None:
    """A channel that does not exist cannot be refused."""
    with pytest.raises(ValueError, match="no channel 'trades'"):
        sim.refuse_subscription("trades")


def test_unknown_drop_is_refused(sim: Simulator) -> None:
    """There are three ways to drop."""
    with pytest.raises(ValueError, match="how must be"):
        sim.drop(how="softly")  # type: ignore[arg-type]
