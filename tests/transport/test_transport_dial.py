"""Dialling: from a URL to a connection, past everything that can be on the other side."""

import os
import re
import socket
import threading
from time import monotonic

import pytest
from transport_peers import Peer, Wire, black_hole, close_frame, pump, pump_to_end, text

from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConfigError, ConnectFailed
from futures_stream.transport import Network
from futures_stream.transport.dialing import connect_tcp
from futures_stream.transport.patience import Patience
from tests.independent_server import port_of, serving

LISTEN_KEY = "listenKeyThatNobodyMaySee"


def dial(network, peer, timeout=5.0):
    """Connect to a peer; the URL holds a listen key."""
    return network.dial(Secret(f"ws://127.0.0.1:{peer.port}/{LISTEN_KEY}?and=more"), timeout).run()


def refused(network, *scripts, timeout=5.0, **facts):
    """Return how connecting to a peer with some scripts fails."""
    with Peer(*scripts, **facts) as peer:
        started = monotonic()
        with pytest.raises(ConnectFailed) as caught:
            dial(network, peer, timeout)
        assert monotonic() - started < 2
    assert LISTEN_KEY not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    assert caught.value.__context__ is caught.value.__cause__ is None
    return caught.value


def test_against_an_independent_server(network):
    """A server that shares no line with us understands us, and we it."""

    def echo(websocket):
        websocket.send(websocket.request.path)
        for message in websocket:
            websocket.send(message)

    with serving(echo, compression="deflate") as server:
        connection = network.dial(Secret(f"ws://localhost:{port_of(server)}/stream?key=k"), 5.0).run()
        connection.send("ümläut")
        connection.ping()
        connection.flush()

        assert pump(connection, lambda got: len(got) == 2) == ["/stream?key=k", "ümläut"]
        pump(connection, lambda _: connection.pongs)
        connection.close()
        connection.flush()
        pump_to_end(connection)

        assert connection.ended.close_code == 1000
        connection.dispose()


def test_first_frame_together_with_the_answer(network):
    """Frames in the same segment as the answer 101 are messages, and a close behind them keeps its code."""
    with Peer(lambda wire: wire.upgrade(text("first") + text("second") + close_frame(4009))) as peer:
        connection = dial(network, peer)

        assert pump_to_end(connection) == ["first", "second"]
        assert connection.ended.close_code == 4009
        connection.dispose()


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (b"Date: Thu, 01 Jan 2032 00:00:00 GMT", "ahead"),
        (b"date:Fri, 01 Jan 2021 00:00:00 GMT", "behind"),
        (b"Date: yesterday", None),
        (b"Date: Thu, 99 Jan 99999999 00:00:00 GMT", None),
        (b"X-Date: Thu, 01 Jan 2032 00:00:00 GMT", None),
    ],
)
def test_the_servers_clock(network, date, expected):
    """The answer's date says how far the server's clock is ahead of ours; what is no date says nothing."""
    with Peer(lambda wire: (wire.upgrade(b"", date), wire.rest())) as peer:
        connection = dial(network, peer)
        ahead = connection.clock_ahead
        connection.dispose()

    assert (None if ahead is None else "ahead" if ahead > 0 else "behind") == expected


def test_answer_in_single_bytes(network):
    """The answer may come byte by byte, as long as it is in time."""

    def script(wire):
        for byte in wire.accepted(wire.head()) + text("x"):
            wire.send(bytes([byte]))
        wire.rest()

    with Peer(script) as peer:
        connection = dial(network, peer)

        assert pump(connection, len) == ["x"]
        connection.dispose()


def test_ipv6(network):
    """An address of the sixth version, in brackets, is as good as any."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        heads = []

        def serve_one():
            sock, _ = listener.accept()
            with sock:
                wire = Wire(sock)
                heads.append(wire.upgrade(text("x")))
                wire.rest()

        thread = threading.Thread(target=serve_one)
        thread.start()
        connection = network.dial(Secret(f"ws://[::1]:{listener.getsockname()[1]}/"), 5.0).run()

        assert pump(connection, len) == ["x"]
        connection.dispose()
        thread.join(5)
    assert b"\r\nHost: [::1]:" in heads[0]


def test_request(network):
    """The request asks for the whole target, and says nothing else that is not needed."""
    heads = []
    with Peer(lambda wire: heads.append(wire.upgrade())) as peer:
        dial(network, peer).dispose()

    lines = heads[0].decode().split("\r\n")
    assert lines[0] == f"GET /{LISTEN_KEY}?and=more HTTP/1.1"
    names = {line.partition(":")[0] for line in lines[1:]}
    assert names == {"Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"}
    assert f"Host: 127.0.0.1:{peer.port}" in lines


def test_path_may_be_missing(network):
    """A URL without a path asks for the root."""
    heads = []
    with Peer(lambda wire: heads.append(wire.upgrade())) as peer:
        network.dial(Secret(f"ws://127.0.0.1:{peer.port}"), 5.0).run().dispose()

    assert heads[0].startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, b"Retry-After: 7", 7.0),
        (503, b"retry-after:120", 120.0),
        (503, b"Retry-After: Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        (
            429,
            b"Retry-After: Fri, 01 Jan 2100 00:00:00 GMT",
            pytest.approx(4102444800 - SYSTEM_CLOCK.unix_ms() / 1000, abs=7200),  # counted from the collection on
        ),
        (418, b"Retry-After: soon", None),
        (403, b"X: y", None),
        (404, b"Retry-After: -5", None),
        (500, b"Retry-After: " + b"9" * 400, None),
    ],
)
def test_refused_upgrade(network, status, header, seconds):
    """A refusal is told with its status, and with the pause that it asks for."""
    error = refused(network, lambda wire: (wire.head(), wire.send(b"HTTP/1.1 %d No\r\n%s\r\n\r\n" % (status, header))))

    assert (error.status, error.retry_after) == (status, seconds)
    assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(network, status):
    """A redirect is an error; the other origin hears nothing."""
    with Peer() as other:
        location = b"Location: ws://127.0.0.1:%d/\r\nContent-Length: 0" % other.port
        error = refused(
            network, lambda wire: (wire.head(), wire.send(b"HTTP/1.1 %d X\r\n%s\r\n\r\n" % (status, location)))
        )

        assert error.status == status
        assert "redirect" in str(error)
        assert other.heard_nothing()


def test_large_error_body_is_not_read(network):
    """The body of a refusal is not waited for, however long it says it is."""

    def script(wire):
        wire.head()
        wire.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 10000000000\r\n\r\n<html>")
        wire.rest()

    assert refused(network, script).status == 503


def test_captive_portal(network):
    """A page instead of a WebSocket is named as such, and not quoted."""
    error = refused(network, lambda wire: (wire.head(), wire.send(b"HTTP/1.1 200 OK\r\n\r\n<h1>Welcome</h1>")))

    assert error.status == 200
    assert "portal" in str(error)
    assert "Welcome" not in str(error)


@pytest.mark.parametrize(
    "banner", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x15\x03\x03\0\2\2\x16", b"PRI * HTTP/2.0\r\n\r\n", b"\0" * 100]
)
def test_not_http(network, banner):
    """Something else than HTTP is recognised by its first bytes, while the connection stays open."""
    error = refused(network, lambda wire: (wire.send(banner), wire.rest()))

    assert "does not speak HTTP" in str(error)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 1010 X\r\n\r\n"])
def test_not_quite_http(network, answer):
    """An answer without a status is no answer."""
    assert "HTTP" in str(refused(network, lambda wire: (wire.head(), wire.send(answer))))


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101 Switching"])
def test_closed_early(network, answer):
    """A connection that ends before the answer is complete is told as that."""
    assert "closed" in str(refused(network, lambda wire: (wire.head(), wire.send(answer))))


def test_reset_early(network):
    """So is one that is reset."""
    assert "reset" in str(refused(network, lambda wire: (wire.head(), wire.reset())))


def test_endless_head(network):
    """A head without an end is given up after 64 KiB."""

    def script(wire):
        wire.head()
        wire.send(b"HTTP/1.1 101 X\r\n")
        for _ in range(2000):
            wire.send(b"X-Filler: " + b"x" * 990 + b"\r\n")

    assert "no end" in str(refused(network, script))


def test_drip_in_the_head(network):
    """A byte now and then does not stretch the time limit."""

    def script(wire):
        wire.head()
        wire.send(b"HTTP/1.1 101 X\r\n")
        pause = threading.Event()
        while True:
            wire.send(b"x")
            pause.wait(0.02)

    error = refused(network, script, timeout=0.3)

    assert re.search(r"the upgrade at 127.0.0.1:\d+ failed: not done within 0.3 s", str(error))


def test_silence(network):
    """A server that accepts and says nothing is given up in time, by name."""
    assert "within 0.2 s" in str(refused(network, lambda wire: wire.rest(), timeout=0.2))


@pytest.mark.parametrize(
    "line",
    [
        b"Sec-WebSocket-Extensions: permessage-deflate",
        b"sec-websocket-extensions:x",
        b"Sec-WebSocket-Protocol: chat",
    ],
)
def test_forced_extras(network, line):
    """An extension or a subprotocol that nobody asked for is refused."""
    assert "forced" in str(refused(network, lambda wire: wire.upgrade(b"", line)))


@pytest.mark.parametrize(
    "lines",
    [
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm90IGl0",
        b"Upgrade: websocket\r\nConnection: Upgrade",
        b"Connection: Upgrade",
        b"",
    ],
)
def test_not_a_websocket(network, lines):
    """A 101 without the right proof is refused."""
    error = refused(network, lambda wire: (wire.head(), wire.send(b"HTTP/1.1 101 X\r\n" + lines + b"\r\n\r\n")))

    assert "not that of a WebSocket server" in str(error)


def test_connection_refused(network):
    """A closed port is told at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ConnectFailed, match=rf"connecting to 127.0.0.1:{port} failed: connection refused"):
        network.dial(Secret(f"ws://127.0.0.1:{port}/"), 5.0).run()


def test_no_such_name(network):
    """A name that does not exist is told with the name, and nothing more."""
    with pytest.raises(ConnectFailed, match=r"resolving no-such-host.invalid failed: .*check the name") as caught:
        network.dial(Secret(f"wss://no-such-host.invalid/{LISTEN_KEY}"), 5.0).run()

    assert LISTEN_KEY not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://host/",
        "ws://host:99999/",
        "ws://host:port/",
        "ws:///path",
        "host",
        "",
        "ws://user:secret@host/",
        "ws://host/a b",
        "ws://host/a\r\nX: y",
        "ws://host/a\tb",
        "ws://host/#secret",
        "ws://host/\u00fc",
        "ws://" + "x" * 70 + "/",
    ],
)
def test_urls_that_cannot_be(network, url):
    """A URL that makes no sense, or would smuggle something, is refused before anything is sent, and not quoted."""
    with pytest.raises(ConfigError) as caught:
        network.dial(Secret(url), 5.0).run()

    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_black_hole_does_not_use_up_the_time():
    """While the first address never answers the second is tried and wins."""
    hole, fillers = black_hole()
    with socket.create_server(("127.0.0.1", 0)) as good, Patience(SYSTEM_CLOCK, 2.0) as patience:
        addresses = [(socket.AF_INET, hole.getsockname()), (socket.AF_INET, good.getsockname())]
        started = monotonic()
        sock = connect_tcp(addresses, patience)

        assert sock.getpeername() == good.getsockname()
        assert monotonic() - started < 1
        sock.close()
    for open_socket in (hole, *fillers):
        open_socket.close()


def test_all_addresses_fail():
    """When no address answers, each different reason is told once."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with Patience(SYSTEM_CLOCK, 2.0) as patience, pytest.raises(ConnectFailed) as caught:
        connect_tcp([(socket.AF_INET, address)] * 3, patience)

    assert str(caught.value).count("connection refused") == 1


def test_a_family_that_is_missing_is_passed_over():
    """An address of a kind that this machine cannot use does not stop the others."""
    with socket.create_server(("127.0.0.1", 0)) as good, Patience(SYSTEM_CLOCK, 2.0) as patience:
        connect_tcp(
            [(250, ("x", 1)), (socket.AF_INET, ("no-such-host.invalid", 1)), (socket.AF_INET, good.getsockname())],
            patience,
        ).close()


def test_black_hole_ends_in_time(network):
    """A host that never answers is given up in time, in the phase that it was."""
    hole, fillers = black_hole()
    port = hole.getsockname()[1]
    with pytest.raises(ConnectFailed, match=rf"connecting to 127.0.0.1:{port} failed: not done within 0.2 s"):
        network.dial(Secret(f"ws://127.0.0.1:{port}/"), 0.2).run()
    for open_socket in (hole, *fillers):
        open_socket.close()


def test_cookies_go_nowhere(network):
    """A cookie that one server sets, or that the process has from elsewhere, reaches no server."""
    import websocket

    websocket._handshake.CookieJar.set("stale=1; Domain=127.0.0.1")
    heads = []
    cookie = b"Set-Cookie: session=1; Domain=127.0.0.1"
    try:
        with Peer(lambda wire: wire.upgrade(b"", cookie), lambda wire: heads.append(wire.upgrade())) as peer:
            dial(network, peer).dispose()
            dial(network, peer).dispose()
        jar = dict(websocket._handshake.CookieJar.jar)
    finally:
        websocket._handshake.CookieJar.jar.clear()

    assert b"ookie" not in heads[0]
    assert "session" not in str(jar)


def test_max_message_size():
    """The bound on a message is the network's."""
    with Peer(lambda wire: (wire.upgrade(text("x" * 100) + text("x" * 101)), wire.rest())) as peer:
        connection = dial(Network(max_message_size=100), peer)

        assert pump_to_end(connection) == ["x" * 100]
        assert "more than 100 bytes" in str(connection.ended)
        connection.dispose()


def test_keepalive_options(network):
    """The system is told to notice a peer that is gone, and not to hold small messages back."""
    with Peer(lambda wire: (wire.upgrade(), wire.rest())) as peer:
        connection = dial(network, peer)
        with socket.socket(fileno=socket.dup(connection.fileno())) as sock:
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not os.get_blocking(connection.fileno())
        connection.dispose()
