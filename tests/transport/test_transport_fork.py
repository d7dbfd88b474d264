"""What a forked child does with the sockets that it inherits; the parent is played by a second descriptor of each."""

import os
import socket
import threading

import pytest
from transport_peers import Peer, text

from futures_stream import transport
from futures_stream.dialects.credentials import Secret


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_sockets_are_closed_and_not_shut_down(network, trusting, authority, scheme):
    """After a fork the child's descriptor is closed, and the parent's connection goes on."""
    forked = threading.Event()

    def script(wire):
        wire.upgrade()
        forked.wait(10)
        wire.send(text("still here"))
        wire.rest()

    with Peer(script, context=authority.server("localhost") if scheme == "wss" else None) as peer:
        way = trusting if scheme == "wss" else network
        connection = way.dial(Secret(f"{scheme}://localhost:{peer.port}/key"), 5.0).run()
        with socket.socket(fileno=os.dup(connection.fileno())) as parents:
            while connection.receive():
                pass
            transport.after_fork()
            transport.after_fork()  # of a child's child
            assert connection.fileno() == -1
            forked.set()
            parents.settimeout(10)
            heard = parents.recv(100)

    assert heard == text("still here") if scheme == "ws" else len(heard) > 10
    connection.dispose()


def test_what_is_closed_does_not_matter(network):
    """A connection that was given back long ago is no concern of a child's."""
    with Peer(lambda wire: wire.upgrade()) as peer:
        connection = network.dial(Secret(f"ws://localhost:{peer.port}/key"), 5.0).run()
        connection.dispose()
        transport.after_fork()
    assert connection.fileno() == -1
