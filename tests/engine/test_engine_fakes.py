"""The fake network itself: users test their own dialects with it."""

from __future__ import annotations

import selectors

import pytest
from engine_rig import Rig, order_push

from futures_stream import ConnectFailed, ConnectionLost
from futures_stream.dialects import Secret
from futures_stream.dialects.base import Request, Response
from futures_stream.engine.ports import Connection, Network
from futures_stream.testing import FakeClock, FakeConnection, FakeNetwork, FakeServer

GET = Request(method="GET", path="/x", label="look")


def joined() -> tuple[FakeConnection, FakeServer]:
    """Both ends of a connection."""
    server = FakeServer(Secret("wss://x/key"))
    return FakeConnection(server), server


def test_it_satisfies_the_engines_ports() -> None:
    """The type checker agrees that the fakes are what the engine needs."""
    network: Network = FakeNetwork(FakeClock())
    connection, server = joined()
    port: Connection = connection
    port.dispose()

    assert server.closed
    assert network.call("https://x", GET, 1) is not None


def test_messages_pongs_and_the_end_keep_their_order() -> None:
    """What came before the end is had before it is seen."""
    connection, server = joined()
    server.say("1", b"2")
    server.pong()
    server.drop(ConnectionLost("reset"), "3")
    server.say("after the end")

    assert connection.receive() == ["1", b"2", "3"]
    assert (connection.frames, connection.pongs) == (4, 1)
    assert str(connection.ended) == "reset"
    assert connection.receive() == []
    connection.dispose()


def test_the_descriptor_is_ready_when_something_was_said() -> None:
    """A selector works on it, as on a real socket."""
    connection, server = joined()
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        assert selector.select(0) == []
        server.say("1")
        assert len(selector.select(0)) == 1
        connection.receive()
        assert selector.select(0) == []
    connection.dispose()


def test_a_stalled_server_takes_nothing() -> None:
    """What is sent waits, and the socket is not ready to be written."""
    connection, server = joined()
    server.stall()
    connection.send("x")
    connection.ping()
    connection.close()
    connection.flush()

    assert connection.wants_write
    assert server.heard() == []
    assert not server.closing
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_WRITE)
        assert selector.select(0) == []
    connection.dispose()


def test_a_test_hears_what_was_sent() -> None:
    """Messages one by one, pings counted, the farewell seen; in vain is TimeoutError."""
    connection, server = joined()
    for text in ("a", "b"):
        connection.send(text)
    connection.ping()
    assert connection.wants_write
    connection.flush()

    assert (server.hear(), server.hear(), server.pings) == ("a", "b", 1)
    with pytest.raises(TimeoutError):
        server.hear(timeout=0.01)
    with pytest.raises(TimeoutError):
        server.wait_closed(timeout=0.01)
    connection.close()
    connection.send("too late")
    connection.flush()
    assert server.closing
    assert connection.receive() == []
    assert connection.ended is not None
    connection.dispose()
    server.wait_closed()
    server.say("nobody hears this")
    assert "closed" in repr(server)


def test_answers_are_given_in_turn_and_the_last_again() -> None:
    """A script of answers: responses, exceptions, functions."""
    network = FakeNetwork(FakeClock())
    fine = Response(status=200, text="{}")
    network.answer("GET", ConnectFailed("first"), lambda base_url, request: Response(status=201, text=base_url), fine)

    with pytest.raises(ConnectFailed, match="first"):
        network.call("https://x", GET, 1).run()
    assert network.call("https://x", GET, 1).run().text == "https://x"
    assert [network.call("https://x", GET, 1).run() for _ in range(3)] == [fine] * 3
    assert [called.method for called in network.calls] == ["GET"] * 5
    with pytest.raises(ConnectFailed, match="no answer to PUT"):
        network.call("https://x", Request(method="PUT", path="/", label="put"), 1).run()


def test_nobody_connected_is_an_error() -> None:
    """A test that waits in vain is told so."""
    with pytest.raises(TimeoutError, match="nobody connected"):
        FakeNetwork(FakeClock()).accept(timeout=0.01)


def test_a_cancelled_dial_brings_nothing() -> None:
    """A dial that is not wanted any more fails, and opens no socket."""
    network = FakeNetwork(FakeClock())
    dial = network.dial(Secret("wss://x"), 1)
    dial.cancel()

    with pytest.raises(ConnectFailed, match="cancelled"):
        dial.run()
    assert network.connections.empty()


def test_urls_stay_secret() -> None:
    """A listen key in a URL is not shown by the fakes."""
    with Rig("bitmusa") as rig:
        server = rig.open()
        rig.say(server, order_push("1"))

        assert "ListenKey" not in repr(server) + repr(rig.network.dials) + repr(rig.network.calls)
