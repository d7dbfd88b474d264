"""The byte proxy does what it says, and leaves nothing behind."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.byte_proxy import ByteProxy

SOON = 10.0  # seconds; generous, for a machine whose cores are busy


class Ends:
    """A client and the server's end of its connection, with a proxy between them."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(SOON)
        self.proxy = ByteProxy(self.listener.getsockname()[1])
        self.client, self.server = self.connect()

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Return both ends of a new connection."""
        client = socket.create_connection(("127.0.0.1", self.proxy.port), SOON)
        server, _ = self.listener.accept()
        server.settimeout(SOON)
        return client, server

    def close(self) -> None:
        """Give everything back."""
        self.proxy.close()
        for sock in (self.client, self.server, self.listener):
            sock.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Two ends and a proxy between them."""
    made = Ends()
    yield made
    made.close()


def take(sock: socket.socket, size: int) -> bytes:
    """Receive exactly so many bytes."""
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, f"ended after {data!r}"
        data += more
    return data


def test_bytes_pass_both_ways(ends: Ends) -> None:
    """A fair proxy changes nothing, an end included."""
    ends.client.sendall(b"ask" * 100_000)
    assert take(ends.server, 300_000) == b"ask" * 100_000
    ends.server.sendall(b"answer")
    assert take(ends.client, 6) == b"answer"
    ends.server.shutdown(socket.SHUT_WR)
    assert ends.client.recv(1) == b""
    ends.client.sendall(b"still")
    assert take(ends.server, 5) == b"still"


def test_delay(ends: Ends) -> None:
    """Each piece is under way as long as was said, and none overtakes another."""
    ends.proxy.set("down", delay=0.1)
    started = time.monotonic()
    ends.server.sendall(b"ab")

    assert take(ends.client, 2) == b"ab"
    assert time.monotonic() - started >= 0.1


def test_rate(ends: Ends) -> None:
    """No more bytes a second than were allowed."""
    ends.proxy.set("up", rate=10_000)
    started = time.monotonic()
    ends.client.sendall(bytes(2000))

    assert take(ends.server, 2000) == bytes(2000)
    assert time.monotonic() - started >= 0.15


def test_drip(ends: Ends) -> None:
    """One byte an interval."""
    ends.proxy.set("down", drip=0.02)
    started = time.monotonic()
    ends.server.sendall(b"12345")

    assert ends.client.recv(100) == b"1"
    assert take(ends.client, 4) == b"2345"
    assert time.monotonic() - started >= 0.08


def test_cut_after(ends: Ends) -> None:
    """Exactly so many bytes pass, then the connection is reset on both sides."""
    ends.proxy.set("down", cut_after=4)
    ends.server.sendall(b"123456789")

    assert take(ends.client, 4) == b"1234"
    with pytest.raises(ConnectionResetError):
        ends.client.recv(1)
    with pytest.raises(ConnectionResetError):
        ends.server.recv(1)


def test_black_hole_one_way(ends: Ends) -> None:
    """What goes one way is swallowed without a word, what goes the other way passes."""
    ends.proxy.set("up", black_hole=True)
    ends.client.sendall(b"lost")
    ends.server.sendall(b"heard")

    assert take(ends.client, 5) == b"heard"


@pytest.mark.parametrize("terms", [{}, {"delay": 0.01}, {"rate": 100}])
@pytest.mark.parametrize("lost", [b"", b"lost"])
def test_nothing_goes_on_behind_a_hole(ends: Ends, lost: bytes, terms: dict[str, float]) -> None:
    """TCP never leaves out bytes: one that has lost some ends behind the hole, any other goes on."""
    ends.proxy.set("up", black_hole=True)
    ends.client.sendall(lost)
    ends.server.sendall(b"heard")
    assert take(ends.client, 5) == b"heard"  # by now the proxy has had a turn with what was sent before
    ends.proxy.set("up", **terms)
    if not lost:
        ends.client.sendall(b"found")
        assert take(ends.server, 5) == b"found"
    else:
        with pytest.raises(ConnectionResetError):
            ends.server.recv(1)


def test_scope(ends: Ends) -> None:
    """Terms for the open connections do not concern those that come."""
    ends.proxy.set("both", scope="open", black_hole=True)
    client, server = ends.connect()
    with client, server:
        server.sendall(b"hello")
        assert take(client, 5) == b"hello"
        ends.server.sendall(b"lost")
        ends.proxy.set("both", scope="new", delay=1.0)
        server.sendall(b"again")
        assert take(client, 5) == b"again"


def test_split(ends: Ends) -> None:
    """A piece is torn at the byte that was named."""
    ends.proxy.set("down", split_at=3)
    ends.server.sendall(b"123456")

    assert ends.client.recv(100) == b"123"
    assert take(ends.client, 3) == b"456"


def test_stalled(ends: Ends) -> None:
    """A source that nobody reads from finds its window closed, and open again after healing."""
    ends.proxy.set("up", stalled=True)
    ends.client.setblocking(False)
    sent = 0
    with pytest.raises(BlockingIOError):
        while True:
            sent += ends.client.send(bytes(65536))
    ends.proxy.heal()

    assert len(take(ends.server, sent)) == sent


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_cut(ends: Ends, how: str) -> None:
    """Every connection ends on both sides, in the way that was asked for."""
    ends.proxy.cut(how)
    for sock in (ends.client, ends.server):
        if how == "fin":
            assert sock.recv(1) == b""
        else:
            with pytest.raises(ConnectionResetError):
                sock.recv(1)
    assert ends.proxy.connections == 0


def test_impersonate(ends: Ends) -> None:
    """New clients are answered with bytes of the test's choice, once they have asked."""
    ends.proxy.impersonate(b"SSH-2.0-OpenSSH_9.2\r\n")
    with socket.create_connection(("127.0.0.1", ends.proxy.port), SOON) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert take(client, 21) == b"SSH-2.0-OpenSSH_9.2\r\n"
        assert client.recv(1) == b""


def test_endless_answer(ends: Ends) -> None:
    """An answer may have no end."""
    ends.proxy.impersonate(b"X-More: and more\r\n", again_and_again=True)
    with socket.create_connection(("127.0.0.1", ends.proxy.port), SOON) as client:
        client.sendall(b"GET")
        assert len(take(client, 200_000)) == 200_000


def test_nobody_behind_it(dead_port: int) -> None:
    """A server that is not there is a reset for the client, and nothing for the proxy."""
    with ByteProxy(dead_port) as proxy:
        with pytest.raises(ConnectionResetError):  # by the connect, if the reset is quick
            with socket.create_connection(("127.0.0.1", proxy.port), SOON) as client:
                client.recv(1)


def test_close_leaves_nothing(ends: Ends) -> None:
    """Closing ends the thread and every socket, whatever waits in them; a second time does nothing."""
    ends.proxy.set(delay=100.0)
    ends.server.sendall(b"never")
    ends.proxy.close()
    ends.proxy.close()

    assert not any(thread.name == "byte proxy" for thread in threading.enumerate())
    with pytest.raises(ConnectionResetError):
        ends.client.recv(1)


def test_many_threads_toggle(ends: Ends) -> None:
    """Terms may change from any thread while bytes flow, and no byte is lost or doubled."""
    stop = threading.Event()

    def toggle() -> None:
        while not stop.is_set():
            ends.proxy.set("down", delay=0.001)
            ends.proxy.heal()

    threads = [threading.Thread(target=toggle) for _ in range(3)]
    for thread in threads:
        thread.start()
    payload = bytes(range(256)) * 2000
    sender = threading.Thread(target=ends.server.sendall, args=(payload,))
    sender.start()
    received = take(ends.client, len(payload))
    stop.set()
    for thread in (*threads, sender):
        thread.join(SOON)

    assert received == payload
