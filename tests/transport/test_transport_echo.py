"""The echo client that the Autobahn testsuite is run against, which is too slow to be run here."""

from __future__ import annotations

import pytest
from websockets.sync.server import ServerConnection

from tests.autobahn.echo import EchoConnection, converse
from tests.independent_server import port_of, serving


@pytest.mark.parametrize("fast", [True, False])
def test_what_came_goes_back_as_it_came(fast: bool) -> None:
    """Texts and binaries, by a server that shares no line with the client."""
    said: list[str | bytes] = ["text", "ü" * 100_000, b"\x00\xff"]
    came: list[str | bytes] = []

    def ask(connection: ServerConnection) -> None:
        for message in said:
            connection.send(message)
            came.append(connection.recv(10.0))

    with serving(ask, max_size=None) as server:
        ended = converse(f"ws://127.0.0.1:{port_of(server)}/", fast, EchoConnection.echo)

    assert came == said
    assert ended.close_code == 1000
