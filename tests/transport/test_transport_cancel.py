"""Cancelling: from any thread, in any phase, and soon."""

import threading
from time import monotonic

import pytest
from transport_peers import Peer, black_hole, tcp_pair

from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.dialects.base import Request
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConnectFailed
from futures_stream.transport import Network
from futures_stream.transport.dialing import reach
from futures_stream.transport.patience import READ, Patience
from futures_stream.transport.places import Place

ASK = Request(method="GET", path="/v1/time", label="asking the time")


class Running:
    """An errand in a thread of its own."""

    def __init__(self, errand):
        self.errand = errand
        self.failure = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self.errand.run()
        except ConnectFailed as failure:
            self.failure = failure

    def cancel(self):
        """Cancel it, several times; return how it ended, which must be soon."""
        started = monotonic()
        self.errand.cancel()
        self.errand.cancel()
        self._thread.join(5)
        assert not self._thread.is_alive()
        assert monotonic() - started < 0.5
        return self.failure


def errands(way, port, scheme):
    """Both kinds of errand to a port."""
    secure = "s" if scheme else ""
    yield way.dial(Secret(f"ws{secure}://localhost:{port}/key"), 30.0)
    yield way.call(f"http{secure}://localhost:{port}", ASK, 30.0)


def test_while_connecting(network):
    """A connection that does not come about can be cancelled."""
    hole, fillers = black_hole()
    for errand in errands(network, hole.getsockname()[1], ""):
        assert str(Running(errand).cancel()) == "cancelled"
    for open_socket in (hole, *fillers):
        open_socket.close()


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("scheme", ["", "s"])
@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 101 X\r\nX: y", b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\nabc"]
)
def test_while_waiting_for_an_answer(network, kind, scheme, beginning):
    """A handshake, a head or a body that does not come can be cancelled."""
    reached = threading.Event()

    def script(wire):
        wire.sock.recv(1)
        wire.send(beginning)
        reached.set()
        wire.rest()

    with Peer(script) as peer:
        running = Running(list(errands(network, peer.port, scheme))[kind])
        assert reached.wait(5)
        failure = running.cancel()

    # What the peer has sent may be wrong by itself, and noticed first.
    assert str(failure) == "cancelled" or beginning


def test_while_the_proxy_thinks():
    """A proxy that does not answer can be cancelled."""
    reached = threading.Event()
    with Peer(lambda wire: (wire.head(), reached.set(), wire.rest())) as proxy:
        way = Network(proxy=f"http://127.0.0.1:{proxy.port}")
        running = Running(way.dial(Secret("wss://host.example/"), 30.0))
        assert reached.wait(5)

        assert str(running.cancel()) == "cancelled"


class CancelledInResolution(Patience):
    """Is cancelled as soon as a name is being resolved, which nothing can interrupt."""

    @property
    def phase(self):
        """What is being tried."""
        return self._phase

    @phase.setter
    def phase(self, words):
        self._phase = words
        if words.startswith("resolving"):
            self.cancel()


def test_while_resolving(network):
    """A resolution that returns to nobody is the last step: nothing is connected to."""
    with Peer() as peer:
        patience = CancelledInResolution(SYSTEM_CLOCK, 5.0)
        with patience, pytest.raises(ConnectFailed, match="cancelled"):
            reach(Place("ws", "localhost", peer.port), None, network._context, patience)

        assert peer.heard_nothing()


@pytest.mark.parametrize("kind", [0, 1])
def test_before_it_begins(network, kind):
    """What was cancelled before it began connects to nothing."""
    with Peer() as peer:
        errand = list(errands(network, peer.port, ""))[kind]
        errand.cancel()
        with pytest.raises(ConnectFailed, match="cancelled"):
            errand.run()

        assert peer.heard_nothing()


def test_after_it_has_finished(network):
    """Cancelling what has finished does nothing; the connection is its taker's."""
    with Peer(lambda wire: (wire.upgrade(), wire.rest())) as peer:
        errand = network.dial(Secret(f"ws://127.0.0.1:{peer.port}/"), 5.0)
        connection = errand.run()
        errand.cancel()

        assert connection.ended is None
        connection.dispose()


def test_many_cancel_at_once():
    """Any number of threads may cancel the same errand while it comes and goes."""
    ours, theirs = tcp_pair()
    for _ in range(50):
        patience = Patience(SYSTEM_CLOCK, 5.0)
        threads = [threading.Thread(target=patience.cancel) for _ in range(4)]
        with patience:
            for thread in threads:
                thread.start()
            with pytest.raises(ConnectFailed):
                patience.wait_for(ours, READ)
        for thread in threads:
            thread.join(5)
    ours.close()
    theirs.close()
