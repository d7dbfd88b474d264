"""What every errand promises, whatever goes wrong in it."""

import threading
from contextlib import suppress

import pytest
from transport_peers import Peer

from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.dialects.base import Request
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConnectFailed
from futures_stream.transport.errands import Errand

SECRET = "sEcReT0123"


class Failing(Errand):
    """An errand that fails with an exception of others."""

    def __init__(self, error):
        super().__init__(SYSTEM_CLOCK, 5.0)
        self.error = error

    def _do(self, patience):
        patience.phase = "trying"
        try:
            raise KeyError(SECRET)
        except KeyError:
            raise self.error from None


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(24, "Too many open files", SECRET), "trying failed: too many open files"),
        (ConnectFailed("as it is"), "as it is"),
    ],
)
def test_foreign_exceptions_stay_inside(error, says):
    """An exception of others becomes one of ours, and nothing of it hangs on."""
    with pytest.raises(ConnectFailed) as caught:
        Failing(error).run()

    assert str(caught.value) == says
    assert caught.value.__context__ is caught.value.__cause__ is None


@pytest.mark.parametrize("bug", [ValueError, KeyError, TypeError, AttributeError, RuntimeError, MemoryError, Exception])
def test_a_bug_is_no_failed_connection(bug):
    """What nobody foresaw is no passing trouble, which would be tried again for ever: it comes out as it is."""
    error = bug(SECRET)
    with pytest.raises(bug) as caught:
        Failing(error).run()

    assert caught.value is error


NAMES = [b"Content-Length", b"Transfer-Encoding", b"Content-Encoding", b"Retry-After", b"Connection", b"Date"]
UPGRADES = [b"Upgrade", b"Connection", b"Sec-WebSocket-Accept", b"Sec-WebSocket-Protocol", b"Retry-After", b"Date"]
VALUES = [b"", b"\xff", b"0", b"-1", b"1, 2", b"1, 1", b"9" * 5000, b"chunked", b"chunked, chunked", b"gzip", b"\xb2"]
VALUES += [b"\0", b": :"]
BODIES = [b"", b"{}", b"0\r\n\r\n", b"zz\r\n", b"-1\r\nx", b"\xff\r\n", b"5;\xff\r\nabc"]
BODIES += [b"1\r\nab\r\n0\r\n\xff: \xff\r\n\r\n"]


def hostile(wire, name, value, body, status):
    """Answer with that header, and go away."""
    head = wire.head()
    if status == 101:
        lines = wire.accepted(head).removesuffix(b"\r\n\r\n").split(b"\r\n")
        lines = [line for line in lines if not line.startswith(name)] + [name + b": " + value]
        wire.send(b"\r\n".join([*lines, b"", b""]) + body)
    else:
        wire.send(b"HTTP/1.1 %d X\r\n%b: %b\r\n\r\n%b" % (status, name, value, body))


@pytest.mark.parametrize("status", [101, 200])
def test_no_answer_is_a_bug(network, status):
    """Whatever a server says: it is an answer, or a failed connection."""
    answers = [(name, value, b"") for name in (UPGRADES if status == 101 else NAMES) for value in VALUES]
    if status == 200:
        answers += [(b"Transfer-Encoding", b"chunked", body) for body in BODIES]
    with Peer(*(lambda wire, answer=answer: hostile(wire, *answer, status) for answer in answers)) as peer:
        for _ in answers:
            if status == 101:
                errand = network.dial(Secret(f"ws://127.0.0.1:{peer.port}/"), 5.0)
            else:
                request = Request(method="GET", path="/", label="asking")
                errand = network.call(f"http://127.0.0.1:{peer.port}", request, 5.0)
            with suppress(ConnectFailed):
                result = errand.run()
                if status == 101:
                    result.dispose()


def test_large_body(network):
    """A body that is larger than the sockets' buffers is sent whole."""
    size = 8_000_000
    heard = []

    def script(wire):
        wire.head()
        received = len(wire.heard)
        while received < size:
            received += len(wire.sock.recv(65536))
        heard.append(received)
        wire.send(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")

    with Peer(script) as peer:
        network.call(
            f"http://127.0.0.1:{peer.port}",
            Request(method="POST", path="/", label="sending", body="x" * size),
            5.0,
        ).run()

    assert heard == [size]


@pytest.mark.parametrize("cancel", [True, False])
def test_peer_that_takes_nothing(network, cancel):
    """Sending to a peer that takes nothing can be cancelled, and has a limit."""
    reached = threading.Event()
    done = threading.Event()

    def script(wire):
        wire.head()
        reached.set()
        done.wait(5)

    with Peer(script) as peer:
        request = Request(method="POST", path="/", label="sending", body="x" * 20_000_000)
        errand = network.call(f"http://127.0.0.1:{peer.port}", request, 30.0 if cancel else 0.3)
        canceller = threading.Thread(target=lambda: (reached.wait(5), cancel and errand.cancel()))
        canceller.start()
        with pytest.raises(ConnectFailed, match="cancelled" if cancel else "not done within 0.3 s"):
            errand.run()
        canceller.join(5)
        done.set()
