"""The upgrade to a WebSocket, by websocket-client's own code over a socket of ours."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

from futures_stream.clock import Clock
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConnectFailed
from futures_stream.transport.connection import StreamConnection
from futures_stream.transport.dialing import reach
from futures_stream.transport.errands import Errand
from futures_stream.transport.heads import Head, HeadFirstSocket, retry_after, seconds_ahead
from futures_stream.transport.library import WebSocket, WebSocketException
from futures_stream.transport.patience import Patience
from futures_stream.transport.places import Place, Proxies, place_of

__all__ = ["Dial"]

_REQUEST_LINE = b"GET / HTTP/1.1\r\n"
_ESSENTIAL = ("Upgrade", "Connection", "Sec-WebSocket-Accept")


class Dial(Errand[StreamConnection]):
    """
    The errand of connecting to a stream.

    Args:
        url: Where to; a secret, its path may hold a listen key.
        timeout: Seconds in all.
        clock: What measures them.
        context: What TLS trusts.
        proxies: The proxies that lead there.
        connect: Makes a connection of the upgraded socket, of what has come behind the head of the answer, and of the
            seconds by which the server's clock is ahead of ours.
    """

    def __init__(
        self,
        url: Secret,
        timeout: float,
        *,
        clock: Clock,
        context: ssl.SSLContext,
        proxies: Proxies,
        connect: Callable[[socket.socket, bytes, float | None], StreamConnection],
    ) -> None:
        super().__init__(clock, timeout)
        self._url = url
        self._context = context
        self._proxies = proxies
        self._connect = connect

    def _do(self, patience: Patience) -> StreamConnection:
        place, target = place_of(self._url.reveal(), ("wss", "ws"))
        sock = reach(place, self._proxies.leading_to(place), self._context, patience)
        try:
            patience.phase = f"the upgrade at {place.authority}"
            answer = _upgrade(sock, place, Secret(target), patience)
            patience.check()
            return self._connect(sock, answer.unread, answer.clock_ahead)
        except BaseException:
            sock.close()
            raise


def _upgrade(sock: socket.socket, place: Place, target: Secret, patience: Patience) -> _UpgradeSocket:
    """Upgrade; return what knows the answer, and what came behind its head."""
    if place.encrypted and not isinstance(sock, ssl.SSLSocket):
        # websocket-client does not wrap a socket that is handed to it, whatever the URL says.
        raise patience.failure("the connection is not encrypted; nothing was sent")
    prepared = _UpgradeSocket(sock, target, patience)
    refused = None
    try:
        library: Any = WebSocket(skip_utf8_validation=True)
        library.connect(
            # Not the target: the library's trace, its errors and its frames' locals would hold it.
            f"{place.scheme}://{place.authority}/",
            socket=prepared,
            redirect_limit=0,
            suppress_origin=True,
        )
    except WebSocketException as error:
        refused = f"the answer 101 is not that of a WebSocket server ({type(error).__name__})"
    if refused is not None:
        raise patience.failure(refused)
    return prepared


class _UpgradeSocket(HeadFirstSocket):
    """
    Stands between websocket-client and the socket for the length of the upgrade.

    It puts the target, which is a secret, into the request; sends no cookie, wherever it comes from (the library's jar
    is one for the whole process); and shows the library no answer but 101, and of that no more than it needs.

    Attributes:
        clock_ahead: Seconds by which the server's clock is ahead of ours, as its answer says; None if it does not.
    """

    def __init__(self, sock: socket.socket, target: Secret, patience: Patience) -> None:
        super().__init__(sock, patience, self._accepted)
        self.clock_ahead: float | None = None
        self._target = target

    def send(self, data: bytes) -> int:
        if not data.startswith(_REQUEST_LINE) or not data.endswith(b"\r\n\r\n"):
            raise self._patience.failure("this version of websocket-client asks in another way than is known here")
        lines = data.split(b"\r\n")
        lines[0] = f"GET {self._target.reveal()} HTTP/1.1".encode()
        self.sendall(b"\r\n".join(line for line in lines if not line.lower().startswith(b"cookie:")))
        return len(data)

    def _accepted(self, head: Head) -> bytes:
        self.clock_ahead = seconds_ahead(head.value("Date"), self._patience.clock)
        return _accepted(self._patience, head)


def _accepted(patience: Patience, head: Head) -> bytes:
    """Return as much of a head as the library needs to check it."""
    if head.status != 101:
        raise _refusal(head, patience)
    if head.value("Sec-WebSocket-Extensions") is not None:
        raise patience.failure("an extension was forced on us that nobody asked for")
    if head.value("Sec-WebSocket-Protocol") is not None:
        raise patience.failure("a subprotocol was forced on us that nobody asked for")
    return b"\r\n".join([b"HTTP/1.1 101 Switching Protocols", *head.lines_for_library(*_ESSENTIAL), b"", b""])


def _refusal(head: Head, patience: Patience) -> ConnectFailed:
    if 300 <= head.status < 400:
        hint = "redirects are not followed, since credentials would go along; check the URL"
    elif head.status < 300:
        hint = "this is no WebSocket; check the URL, and that no captive portal answers instead"
    elif head.status in (429, 503):
        hint = "too many requests, or overloaded; wait"
    else:
        hint = "refused"
    return patience.failure(
        f"HTTP {head.status} instead of 101: {hint}",
        status=head.status,
        retry_after=retry_after(head.value("Retry-After"), patience.clock),
    )
