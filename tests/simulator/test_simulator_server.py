"""The simulator is a sound WebSocket and HTTP server, and leaves nothing behind."""

from __future__ import annotations

import functools
import random
import socket
import struct
import threading
from contextlib import ExitStack, closing

import pytest
import requests
from simulator_clients import bitget, bitmusa, hear, log_in, masked, raw, read_head, rest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from futures_stream.simulator import Exchange, Simulator
from futures_stream.simulator.front import accept_token


def closed_with(sock: socket.socket) -> int:
    """Read until the end and return the code of the close frame."""
    received = b""
    while part := sock.recv(4096):
        received += part
    assert received[-4:-2] == b"\x88\x02"
    code: int = struct.unpack("!H", received[-2:])[0]
    return code


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "127.0.0.1.example.org", ""])
def test_only_loopback(host: str) -> None:
    """The simulator listens on nothing that others can reach."""
    with pytest.raises(ValueError, match="loopback"):
        Simulator(host=host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "::1"])
def test_every_loopback_address(host: str) -> None:
    """Other loopback addresses work, and the endpoints name them."""
    try:
        sim = Simulator(host=host, tick=None).start()
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with sim, connect(str(sim.endpoints("bitget").ws_url)) as client:
        client.send('{"op":"ping"}')
        assert hear(client) == {"event": "pong"}


def test_endpoints_and_credentials(sim: Simulator) -> None:
    """The endpoints point to the port, and the repr tells it."""
    assert sim.endpoints("bitget").ws_url == f"ws://127.0.0.1:{sim.port}/mix/v1/stream"
    assert sim.endpoints("bitmusa").ws_url == f"ws://127.0.0.1:{sim.port}"
    assert sim.endpoints("bitget").rest_url == f"http://127.0.0.1:{sim.port}"
    assert "simulated-api-secret" not in repr(sim.credentials("bitget"))
    assert "simulated-auth-key" not in repr(sim.credentials("bitmusa"))
    assert str(sim.port) in repr(sim)


def test_lifecycle() -> None:
    """A simulator is started once or twice, closed once or twice, and never again."""
    sim = Simulator(tick=None)
    with pytest.raises(RuntimeError, match="not started"):
        sim.endpoints("bitget")
    assert sim.start() is sim.start()
    port = sim.port
    sim.close()
    sim.close()
    with pytest.raises(RuntimeError, match="closed"):
        sim.start()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    Simulator().close()


def test_markets_move_by_themselves() -> None:
    """With a tick the markets move without being told to."""
    with Simulator(tick=0.01) as sim, bitmusa(sim) as client:
        assert [hear(client)["stream"] for _ in range(5)]
        assert sim.wait_until(lambda: sim.books("bitget").steps > 10)


def test_waits_end_in_time(sim: Simulator) -> None:
    """A wait for what does not come ends after its timeout and says so."""
    assert not sim.wait_connections(None, 1, timeout=0.02)
    assert not sim.wait_requests(1, timeout=0)


def test_same_seed_same_texts() -> None:
    """Two simulators of one seed give the same keys and the same orders."""
    books = []
    for _ in range(2):
        with Simulator(seed=3, tick=None) as sim:
            sim.step(40)
            books.append([(each.order_id, each.price, each.status) for each in sim.books("bitmusa").orders])
    assert books[0] == books[1]


def test_ledger_is_what_was_received(sim: Simulator) -> None:
    """The ledger has each text frame once, by connection, in order."""
    with bitget(sim) as first, bitmusa(sim) as second:
        log_in(first, "orders", "account")
        sim.step(10)
        sim.send_text(None, "end")
        heard = [list(iter(functools.partial(each.recv, 5), "end")) for each in (first, second)]
    assert sim.wait_ledger(lambda ledger: [each.text for each in ledger].count("end") == 2)
    ledger = sim.ledger

    written = {
        number: [each.text for each in ledger if each.connection == number and each.text != "end"] for number in (1, 2)
    }
    assert written[1][-len(heard[0]) :] == heard[0]
    assert written[2] == heard[1]
    assert {each.exchange for each in ledger if each.connection == 2} == {"bitmusa"}
    assert [each.unix_ms for each in ledger] == sorted(each.unix_ms for each in ledger)


def test_accept_token() -> None:
    """The accept token is that of the RFC's example."""
    assert accept_token("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {}, 404),
        ("/mix/v1/stream/", {}, 404),
        ("/ws/future/unknown", {}, 401),
        ("/mix/v1/stream", {"Sec_WebSocket_Version": "8"}, 426),
        ("/mix/v1/stream", {"Sec_WebSocket_Key": "short"}, 400),
        ("/mix/v1/stream", {"Sec_WebSocket_Key": "!"}, 400),
        ("/mix/v1/stream", {"Connection": "close"}, 400),
        ("/mix/v1/stream", {"Upgrade": "h2c"}, 400),
    ],
)
def test_bad_upgrades_are_refused(sim: Simulator, path: str, headers: dict[str, str], status: int) -> None:
    """An upgrade request with anything wrong in it gets a plain HTTP error."""
    with closing(raw(sim, path, **headers)) as sock:
        assert read_head(sock).startswith(f"HTTP/1.1 {status} ".encode())
    assert sim.connections() == 0


def test_rest_keeps_the_connection(sim: Simulator) -> None:
    """Several REST calls go over one connection, bodies are read, and methods without meaning are refused."""
    url = str(sim.endpoints("bitmusa").rest_url)
    with requests.Session() as session:
        assert session.post(f"{url}/elsewhere", data=b"x" * 1000, timeout=5).status_code == 404
        assert session.get(f"{url}/future/userDataStream", timeout=5).json()["code"] == 4000
        assert session.post(f"{url}/future/userDataStream", data=b"x" * 100_000, timeout=5).status_code == 413
        assert session.get(url, timeout=5).status_code == 404
    assert [method for method, _ in sim.requests] == ["POST", "GET", "GET"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x02hi", 1002),
        (masked(0, b"hi"), 1002),
        (masked(1, b"h", fin=False) + masked(1, b"i"), 1002),
        (masked(9, b"hi", fin=False), 1002),
        (masked(3, b"hi"), 1002),
        (masked(0x41, b"hi"), 1002),
        (masked(8, b"x"), 1002),
        (masked(8, b"\x03\xed"), 1002),
        (masked(1, b"\xff"), 1007),
        (b"\x81\x02hi" + masked(1, b'{"op":"ping"}'), 1002),
        (masked(8, b"\x0b\xb8") + masked(1, b'{"op":"ping"}'), 3000),
        (masked(2, b"hi"), 1003),
        (b"\x81\xff" + struct.pack("!Q", 1 << 40) + bytes(8), 1009),
        (masked(8, b"\x0b\xb8bye"), 3000),
        (masked(8, b""), 1000),
    ],
)
def test_broken_frames_close_the_connection(sim: Simulator, sent: bytes, code: int) -> None:
    """A frame that is unmasked or otherwise illegal is answered by a close frame with its code."""
    with closing(raw(sim)) as sock:
        read_head(sock)
        sock.sendall(sent)
        assert closed_with(sock) == code
    assert sim.wait_connections(None, 0)


def test_frames_may_come_in_pieces(sim: Simulator) -> None:
    """A message may be fragmented, with a ping between, and come byte by byte."""
    ping = b'{"op":"ping"}'
    sent = masked(1, ping[:5], fin=False) + masked(9, b"?") + masked(0, b"", fin=False) + masked(0, ping[5:])
    with closing(raw(sim)) as sock:
        read_head(sock)
        for byte in sent:
            sock.sendall(bytes([byte]))
        answer = b""
        while len(answer) < 21:
            answer += sock.recv(100)

    assert answer == b"\x8a\x01?" + b'\x81\x10{"event":"pong"}'


def test_protocol_pings_are_answered_unless_told_not_to(sim: Simulator) -> None:
    """Protocol pings get pongs, or not."""
    with bitget(sim) as client:
        assert client.ping("mark").wait(5)
    with Simulator(tick=None, websocket_pong=False) as mute, bitget(mute) as client:
        assert not client.ping("mark").wait(0.1)


def test_close_is_proper(open_all: ExitStack) -> None:
    """Closing the simulator closes its connections with 1001."""
    with Simulator(tick=None) as sim:
        client = open_all.enter_context(bitget(sim))
    with pytest.raises(ConnectionClosed):
        client.recv(5)
    assert client.close_code == 1001


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
@pytest.mark.parametrize("state", ["half_open", "silent", "slow", "flood"])
def test_close_in_every_state(open_all: ExitStack, exchange: Exchange, state: str) -> None:
    """Nothing that goes on can keep the simulator from closing."""
    with Simulator(tick=0.01) as sim:
        if state == "silent":
            sim.silent()
        key = rest(sim).json()["data"]["listenKey"]
        path = "/mix/v1/stream" if exchange == "bitget" else f"/ws/future/{key}"
        open_all.enter_context(closing(raw(sim, path)))
        assert sim.wait_connections(exchange, 1)
        if state == "flood":
            sim.flood(exchange, 10**9)
        elif state != "silent":
            getattr(sim, state)(exchange)


def test_close_with_visitors_who_say_nothing(open_all: ExitStack) -> None:
    """Visitors in the middle of a request do not hold up the close."""
    with Simulator(tick=None) as sim:
        for sent in (b"", b"GET", b"POST /future/userDataStream HTTP/1.1\r\nContent-Length: 9\r\n\r\n"):
            sock = open_all.enter_context(closing(socket.create_connection(("127.0.0.1", sim.port), timeout=5)))
            sock.sendall(sent)
        rest(sim)


def test_slow_reader_is_reset() -> None:
    """A peer that does not read is reset when too much waits for it, and the others go on."""
    with Simulator(tick=None, backlog=20) as sim, closing(raw(sim)) as sock, bitget(sim) as client:
        read_head(sock)
        assert sim.wait_connections("bitget", 2)
        sent = 0
        while sim.connections("bitget") == 2 and sent < 1000:
            sim.send_text("bitget", "x" * 100_000)
            assert len(client.recv(5)) == 100_000
            sent += 1
        assert sim.connections("bitget") == 1
        client.send('{"op":"ping"}')
        assert hear(client) == {"event": "pong"}


def test_closing_at_random_moments() -> None:
    """Whenever it is closed, amid clients that come and go, nothing stays behind."""
    choices = random.Random(11)
    for _ in range(12):
        with Simulator(tick=0.001) as sim:
            stop = threading.Event()

            def visit(sim: Simulator = sim, stop: threading.Event = stop) -> None:
                while not stop.is_set():
                    try:
                        with closing(raw(sim)) as sock:
                            sock.recv(64)
                    except OSError:
                        return

            visitors = [threading.Thread(target=visit) for _ in range(3)]
            for each in visitors:
                each.start()
            sim.wait_until(lambda: False, timeout=choices.random() / 50)
            if choices.random() < 0.5:
                sim.drop(how=choices.choice(["rst", "fin", "close"]))
        stop.set()
        for each in visitors:
            each.join()
