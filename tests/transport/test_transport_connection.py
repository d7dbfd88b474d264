"""An upgraded connection, by the bytes on either side of it."""

import socket
import ssl
import threading

import pytest
from transport_peers import close_frame, frame, pump, pump_to_end, tcp_pair, text, unmasked

from futures_stream.errors import ConnectionLost
from futures_stream.transport.connection import StreamConnection

LARGEST = 1_000_000


@pytest.fixture
def pair():
    """A connection, and the socket at its other end."""
    ours, theirs = tcp_pair()
    connection = StreamConnection(ours, b"", LARGEST)
    yield connection, theirs
    connection.dispose()
    theirs.close()


def all_sent(theirs: socket.socket) -> list[tuple[int, bytes]]:
    """The frames that came, until the connection was closed."""
    data = b""
    try:
        while piece := theirs.recv(65536):
            data += piece
    except ConnectionError:
        pass
    return unmasked(data)


def test_nothing_to_receive(pair):
    """Where nothing has come, nothing is returned, and nothing waits."""
    connection, _ = pair

    assert list(connection.receive()) == []
    assert (connection.ended, connection.has_more, connection.wants_write, connection.frames) == (None, False, False, 0)


def test_messages_in_order(pair):
    """Everything that is there is returned by one call, in order."""
    connection, theirs = pair
    theirs.sendall(b"".join(text(str(number)) for number in range(1000)))

    assert pump(connection, lambda got: len(got) == 1000) == [str(number) for number in range(1000)]
    assert connection.frames == 1000


def test_what_came_behind_the_head():
    """Bytes that were read together with the upgrade's answer are the first messages, before any selector is asked."""
    ours, theirs = tcp_pair()
    connection = StreamConnection(ours, text("first") + text("second")[:4], LARGEST)

    assert connection.has_more
    assert connection.receive() == ["first"]
    assert not connection.has_more

    theirs.sendall(text("second")[4:])

    assert pump(connection, len) == ["second"]
    connection.dispose()
    theirs.close()


def test_send_ping_flush(pair):
    """What is queued goes out when flushed, masked, in order."""
    connection, theirs = pair
    connection.send('{"op": "login"}')
    connection.ping()

    assert connection.wants_write
    connection.flush()

    assert not connection.wants_write
    connection.dispose()
    assert all_sent(theirs) == [(1, b'{"op": "login"}'), (9, b"")]


def test_partial_writes():
    """A socket that takes little at a time gets every byte once."""
    ours, theirs = tcp_pair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    connection = StreamConnection(ours, b"", LARGEST)
    messages = [f"{number}:" + "x" * 60_000 for number in range(4)]
    for message in messages:
        connection.send(message)
    connection.close()
    connection.flush()
    assert connection.wants_write

    received = b""
    while connection.wants_write:
        connection.flush()
        received += theirs.recv(65536)
    connection.dispose()
    while piece := theirs.recv(65536):
        received += piece
    theirs.close()

    assert unmasked(received) == [*((1, message.encode()) for message in messages), (8, b"\x03\xe8")]


def test_ping_is_answered(pair):
    """A ping is answered while receiving, with its payload."""
    connection, theirs = pair
    theirs.sendall(frame(1, b"one ", fin=0) + frame(9, b"alive?") + frame(0, b"two"))

    assert pump(connection, len) == ["one two"]
    connection.dispose()
    assert all_sent(theirs) == [(10, b"alive?")]


def test_ping_flood(pair):
    """Ten thousand pings cost a handful of pongs, the newest answered last; the message behind them gets through."""
    connection, theirs = pair
    flood = b"".join(frame(9, b"%d" % number) for number in range(10_000))
    sender = threading.Thread(target=theirs.sendall, args=(flood + text("data"),))
    sender.start()

    assert pump(connection, len) == ["data"]
    sender.join(5)
    assert connection.frames == 10_001
    connection.dispose()
    pongs = all_sent(theirs)
    assert len(pongs) < 500
    assert pongs[-1] == (10, b"9999")


def test_pongs_are_counted(pair):
    """Pongs are no messages, but counted."""
    connection, theirs = pair
    theirs.sendall(frame(10) + frame(10, b"x") + text("data"))

    assert pump(connection, len) == ["data"]
    assert (connection.pongs, connection.frames) == (2, 3)


def test_peer_that_takes_nothing(pair):
    """What waits to be sent is bounded; beyond that the connection ends."""
    connection, theirs = pair
    theirs.sendall(text("last words"))
    messages = []
    for _ in range(1000):
        connection.send("x" * 60_000)
        connection.flush()
        if connection.has_more:
            break
    messages = pump_to_end(connection)

    assert messages in (["last words"], [])
    assert "send queue overflow" in str(connection.ended)


def test_close_by_the_exchange(pair):
    """Its code and reason are told, escaped; it gets its answer; what came before is returned."""
    connection, theirs = pair
    theirs.sendall(text("a") + text("b") + close_frame(1012, "restart\x1b[31m") + text("never"))

    assert pump_to_end(connection) == ["a", "b"]
    assert isinstance(connection.ended, ConnectionLost)
    assert connection.ended.close_code == 1012
    assert str(connection.ended) == "closed by the exchange: 1012 restart\\x1b[31m"
    connection.dispose()
    assert all_sent(theirs) == [(8, (1012).to_bytes(2, "big"))]


def test_close_without_a_code(pair):
    """A close frame without a code is told as such."""
    connection, theirs = pair
    theirs.sendall(frame(8))

    pump_to_end(connection)

    assert connection.ended.close_code is None
    assert "without a code" in str(connection.ended)


@pytest.mark.parametrize("attempt", range(5))
def test_close_code_survives_a_reset(pair, attempt):
    """Data and code are never lost to the RST behind them."""
    connection, theirs = pair
    theirs.sendall(text("fill") + close_frame(4009, "too many"))
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    theirs.close()

    assert pump_to_end(connection) == ["fill"]
    assert connection.ended.close_code == 4009


def test_reset(pair):
    """An RST ends the connection, behind everything that came before it."""
    connection, theirs = pair
    theirs.sendall(text("x" * 50_000) + text("y"))
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    theirs.close()

    assert pump_to_end(connection) == ["x" * 50_000, "y"]
    assert "reset" in str(connection.ended)
    assert connection.ended.close_code is None
    assert connection.ended.__context__ is None


def test_sending_into_a_dead_connection(pair):
    """A write that fails does not lose what has come before."""
    connection, theirs = pair
    theirs.sendall(text("before"))
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    theirs.close()
    connection.send("x")
    connection.flush()
    connection.send("y")
    connection.flush()

    assert connection.has_more
    assert pump_to_end(connection) == ["before"]
    assert "sending failed" in str(connection.ended)


def test_end_in_the_middle_of_a_frame(pair):
    """A half frame is never a message; the end is told."""
    connection, theirs = pair
    theirs.sendall(text("whole") + text("half of it")[:7])
    theirs.close()

    assert pump_to_end(connection) == ["whole"]
    assert "without a close frame" in str(connection.ended)


def test_more_frames_than_one_call_returns(pair):
    """One call's work is bounded, nothing is lost by it, and the end waits for its turn."""
    connection, theirs = pair
    theirs.sendall(text("x") * 10_000 + close_frame(1001))
    messages = connection.receive()
    while not messages:
        messages = connection.receive()

    assert len(messages) < 10_000
    assert connection.has_more
    assert connection.ended is None
    assert len(messages) + len(pump_to_end(connection)) == 10_000
    assert connection.ended.close_code == 1001


def test_reason_that_is_no_text(pair):
    """A close frame whose reason is not UTF-8 breaks the protocol; the exchange's code is not lost by that."""
    connection, theirs = pair
    theirs.sendall(frame(8, b"\x0f\xa9too many\xff"))

    pump_to_end(connection)
    assert connection.ended.close_code == 4009
    assert str(connection.ended).startswith("protocol error: the reason of a close frame")
    connection.dispose()
    assert all_sent(theirs) == [(8, (1007).to_bytes(2, "big"))]


def test_violation(pair):
    """A broken protocol ends the connection after what came before, and the exchange is told."""
    connection, theirs = pair
    theirs.sendall(text("fine") + frame(3, b"?") + text("never"))

    assert pump_to_end(connection) == ["fine"]
    assert str(connection.ended).startswith("protocol error: unknown opcode 3")
    connection.dispose()
    assert all_sent(theirs) == [(8, (1002).to_bytes(2, "big"))]


def test_too_long_a_message(pair):
    """A frame of 2^62 bytes is refused by its header, with the code for that."""
    connection, theirs = pair
    theirs.sendall(b"\x81\x7f\x40" + b"\0" * 7)

    assert pump_to_end(connection) == []
    assert "more than 1000000 bytes" in str(connection.ended)
    connection.dispose()
    assert all_sent(theirs) == [(8, (1009).to_bytes(2, "big"))]


def test_closing_delivers_what_is_in_flight(pair):
    """After our own close frame everything is still received, until the exchange says goodbye too."""
    connection, theirs = pair
    connection.close()
    connection.close()
    connection.send("too late")
    connection.ping()
    connection.flush()
    theirs.sendall(text("fill 1") + frame(9, b"?") + text("fill 2"))

    assert pump(connection, lambda got: len(got) == 2) == ["fill 1", "fill 2"]
    assert connection.ended is None

    theirs.sendall(text("fill 3") + close_frame(1000))

    assert pump_to_end(connection) == ["fill 3"]
    assert "as we asked" in str(connection.ended)
    connection.dispose()
    assert all_sent(theirs) == [(8, (1000).to_bytes(2, "big"))]


def test_not_utf8(pair):
    """Bytes that are no text come as bytes, and the connection lives."""
    connection, theirs = pair
    theirs.sendall(frame(1, b"\xc3\x28") + frame(2, b"pong"))

    assert pump(connection, lambda got: len(got) == 2) == [b"\xc3\x28", "pong"]
    assert connection.ended is None


def test_dispose(pair):
    """The descriptor goes back at once; everything else is quiet afterwards."""
    connection, _ = pair
    connection.send("never")
    connection.dispose()
    connection.dispose()

    assert connection.fileno() == -1
    assert connection.ended is not None
    assert list(connection.receive()) == []
    connection.send("x")
    connection.flush()
    assert (connection.wants_write, connection.has_more) == (False, False)


def tls_pair(authority):
    """A connection by TLS, and its other end."""
    ours, theirs = tcp_pair()
    context = ssl.create_default_context(cafile=authority.file)
    server = authority.server("localhost")
    wrapped = []
    shaker = threading.Thread(target=lambda: wrapped.append(server.wrap_socket(theirs, server_side=True)))
    shaker.start()
    ours.setblocking(True)
    secure = context.wrap_socket(ours, server_hostname="localhost")
    shaker.join(5)
    secure.setblocking(False)
    return StreamConnection(secure, b"", LARGEST), wrapped[0]


def test_two_frames_in_one_tls_record(authority):
    """Two frames in one record are both returned, though the socket is silent after the first read."""
    connection, theirs = tls_pair(authority)
    theirs.sendall(text("one") + text("two"))

    assert pump(connection, lambda got: len(got) == 2) == ["one", "two"]
    connection.dispose()
    theirs.close()


def test_large_messages_over_tls(authority):
    """Messages of many records are put together, in both directions."""
    connection, theirs = tls_pair(authority)
    sender = threading.Thread(target=theirs.sendall, args=(text("x" * 900_000),))
    sender.start()
    connection.send("y" * 100_000)

    assert pump(connection, len) == ["x" * 900_000]
    sender.join(5)
    data = b""
    while len(data) < 100_000:
        data += theirs.recv(65536)
    assert unmasked(data) == [(1, b"y" * 100_000)]
    connection.dispose()
    theirs.close()


@pytest.mark.parametrize("polite", [True, False])
def test_end_of_tls(authority, polite):
    """An end with or without TLS's own goodbye is an end, behind what came before."""
    connection, theirs = tls_pair(authority)
    theirs.sendall(text("before"))
    if polite:
        theirs.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            theirs.unwrap()
    theirs.close()

    assert pump_to_end(connection) == ["before"]
    assert isinstance(connection.ended, ConnectionLost)
    connection.dispose()


class Obstinate(socket.socket):
    """A socket whose TLS must write before it can read, or read before it can write."""

    refusals: dict

    def recv(self, size, flags=0):
        """Receive, unless it must write first."""
        if self.refusals.pop("recv", None):
            raise ssl.SSLWantWriteError
        return super().recv(size, flags)

    def send(self, payload, flags=0):
        """Send, unless it must read first."""
        if self.refusals.pop("send", None):
            raise ssl.SSLWantReadError
        return super().send(payload, flags)


@pytest.fixture
def obstinate():
    """A connection over an obstinate socket, the socket, and its other end."""
    ours, theirs = tcp_pair()
    sock = Obstinate(fileno=ours.detach())
    sock.setblocking(False)
    sock.refusals = {}
    connection = StreamConnection(sock, b"", LARGEST)
    yield connection, sock, theirs
    connection.dispose()
    theirs.close()


def test_reading_that_must_write_first(obstinate):
    """It waits for room to write, and then reads at once."""
    connection, sock, theirs = obstinate
    theirs.sendall(text("x"))
    sock.refusals["recv"] = True

    assert list(connection.receive()) == []
    assert connection.wants_write
    assert not connection.has_more

    connection.flush()

    assert not connection.wants_write
    assert connection.has_more
    assert pump(connection, len) == ["x"]


def test_writing_that_must_read_first(obstinate):
    """It waits for something to read, and then writes the same bytes."""
    connection, sock, theirs = obstinate
    connection.send("y")
    sock.refusals["send"] = True
    connection.flush()

    assert not connection.wants_write

    theirs.sendall(text("x"))

    assert pump(connection, len) == ["x"]
    connection.dispose()
    assert all_sent(theirs) == [(1, b"y")]
