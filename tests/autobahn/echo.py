"""
An echo client on the library's own transport, for the Autobahn testsuite's fuzzing server.

What an application decides is decided here, as the testsuite wants it: what came in a binary frame goes back in one,
and a text that is not UTF-8 ends the connection (a stream tells it in a notice and goes on). All else is the transport.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable
from functools import partial

from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConnectionLost
from futures_stream.transport.connection import StreamConnection
from futures_stream.transport.frames import BINARY, encode
from futures_stream.transport.places import Proxies
from futures_stream.transport.unsent import Unsent
from futures_stream.transport.upgrade import Dial

_LARGEST = 32 * 1024 * 1024  # group 9 goes up to 16 MiB
_INVALID_PAYLOAD = 1007
_PATIENCE = 60.0  # seconds that a case may take


class EchoConnection(StreamConnection):
    """The transport's connection, with what only an echo needs: longer answers, in binary too, and a reason to fail."""

    def __init__(self, sock: socket.socket, received: bytes, clock_ahead: float | None = None, *, fast: bool) -> None:
        super().__init__(sock, received, _LARGEST, clock_ahead, fast=fast)
        self._unsent = Unsent(2 * _LARGEST)

    def echo(self, message: str | bytes, binary: bool) -> None:
        """Send back what came."""
        if not binary and isinstance(message, bytes):
            self._say_goodbye(_INVALID_PAYLOAD)
        elif isinstance(message, str) and not binary:
            self.send(message)
        elif not self._closing:
            self._enqueue(encode(message, BINARY))


def converse(url: str, fast: bool, hear: Callable[[EchoConnection, str | bytes, bool], None]) -> ConnectionLost:
    """
    Connect, hand every message to *hear*, and return why the connection ended.

    Args:
        url: Where to.
        fast: Whether the fast path is used.
        hear: Told the connection, a message, and whether it is binary.
    """
    dial = Dial(
        Secret(url),
        10.0,
        clock=SYSTEM_CLOCK,
        context=ssl.create_default_context(),
        proxies=Proxies(),
        connect=partial(EchoConnection, fast=fast),
    )
    connection = dial.run()
    assert isinstance(connection, EchoConnection)
    try:
        while connection.ended is None:
            before = connection.binaries
            messages = connection.receive()
            binaries = connection.binaries - before
            if binaries not in (0, len(messages)):
                raise RuntimeError("text and binary came at once; which is which cannot be told")
            for message in messages:
                hear(connection, message, bool(binaries))
            connection.flush()
            _wait(connection)
        return connection.ended
    finally:
        connection.dispose()


def _wait(connection: EchoConnection) -> None:
    if connection.ended is not None or connection.has_more:
        return
    writers = [connection] if connection.wants_write else []
    ready = select.select([connection], writers, [], _PATIENCE)
    if not any(ready):
        raise TimeoutError(f"nothing happened for {_PATIENCE:g} s")
