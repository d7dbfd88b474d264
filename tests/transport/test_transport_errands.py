"""What every errand promises, whatever goes wrong in it."""

import threading

import pytest
from transport_peers import Peer

from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.dialects.base import Request
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
        (ValueError(SECRET), "trying failed: ValueError where none was expected"),
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
