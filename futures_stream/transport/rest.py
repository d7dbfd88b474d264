"""REST calls by requests, with its conveniences switched off that cost secrets, time or memory."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from functools import partial
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any, ClassVar
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError

from futures_stream.clock import Clock
from futures_stream.dialects.base import Request, Response
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConfigError
from futures_stream.transport.dialing import reach
from futures_stream.transport.errands import Errand
from futures_stream.transport.heads import Head, HeadFirstSocket, retry_after
from futures_stream.transport.patience import Patience
from futures_stream.transport.places import Place, Proxies, place_of

__all__ = ["Call"]

_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_ESSENTIAL = ("Content-Length", "Transfer-Encoding", "Content-Encoding", "Retry-After")
_CHUNK = 16384


class Call(Errand[Response]):
    """
    The errand of one REST call.

    Args:
        base_url: The API's base URL, any path prefix included.
        request: What to ask.
        timeout: Seconds in all.
        clock: What measures them.
        context: What TLS trusts.
        proxies: The proxies that lead there.
    """

    def __init__(
        self,
        base_url: str,
        request: Request,
        timeout: float,
        *,
        clock: Clock,
        context: ssl.SSLContext,
        proxies: Proxies,
    ) -> None:
        super().__init__(clock, timeout)
        self._base_url = base_url
        self._request = request
        self._context = context
        self._proxies = proxies

    def _do(self, patience: Patience) -> Response:
        request = self._request.signed(patience.clock.unix_ms())
        url = self._base_url.rstrip("/") + request.path
        if request.query:
            url += "?" + urlencode(request.query)
        place, target = place_of(url, ("https", "http"))
        with ExitStack() as open_sockets, requests.Session() as session:

            def connect() -> HeadFirstSocket:
                sock = reach(place, self._proxies.leading_to(place), self._context, patience)
                open_sockets.callback(sock.close)
                patience.phase = f"{request.label} at {place.authority}"
                return HeadFirstSocket(sock, patience, _essential)

            _make_austere(session)
            session.mount(f"{place.scheme}://", _Adapter(connect, place, Secret(target)))
            with closing(_ask(session, url, request, patience)) as answer:
                text = _read_text(answer, request.largest, patience)
                pause = retry_after(answer.headers.get("Retry-After"), patience.clock)
                return Response(status=answer.status_code, text=text, retry_after=pause, secrets=request.secrets)


def _ask(session: requests.Session, url: str, request: Request, patience: Patience) -> requests.Response:
    """Send a request and read the head of its answer."""
    try:
        return session.request(
            request.method,
            url,
            headers=_checked(request.headers),
            data=None if request.body is None else request.body.encode(),
            auth=_untouched,
            allow_redirects=False,
            stream=True,
        )
    except (requests.RequestException, HTTPError, HTTPException) as error:  # our own socket's errors are no such
        reason = f"no answer, or none in HTTP ({type(error).__name__})"
    raise patience.failure(reason)


def _make_austere(session: requests.Session) -> None:
    # Without this .netrc replaces our Authorization header, and proxies and trust come from the environment.
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # A small compressed answer can become hundreds of megabytes.
    session.headers["Accept-Encoding"] = "identity"
    session.headers["Connection"] = "close"


def _untouched(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the request's headers alone: with an authentication of its own requests looks for no other."""
    return prepared


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ConfigError(f"the header {name!r} holds something else than visible ASCII")
    return dict(headers)


def _read_text(answer: requests.Response, largest: int, patience: Patience) -> str:
    status = answer.status_code
    if answer.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise patience.failure("the answer is compressed although that was refused", status=status)
    parts: list[bytes] = []
    size = 0
    broken = None
    try:
        for part in answer.raw.stream(_CHUNK, decode_content=False):
            size += len(part)
            if size > largest:
                break
            parts.append(part)
    except HTTPError as error:
        broken = type(error).__name__
    if broken is not None:
        raise patience.failure(f"the answer broke off ({broken})", status=status)
    if size > largest:
        raise patience.failure(f"the answer is longer than {largest} bytes", status=status)
    try:
        return b"".join(parts).decode()
    except UnicodeDecodeError:
        garbled = patience.failure("the answer is not UTF-8", status=status)
    raise garbled


def _essential(head: Head) -> bytes | None:
    """Return as much of a head as requests needs; urllib3 logs what it cannot read of one."""
    if head.status < 200:
        return None
    lines = [b"HTTP/1.1 %d ." % head.status, *head.lines_for_library(*_ESSENTIAL), b"Connection: close"]
    return b"\r\n".join([*lines, b"", b""])


class _Adapter(HTTPAdapter):
    """
    Lends requests connections that are made by the same code and trust as the stream's.

    So there is one total deadline and one cancellation over every wait of a call, and no second way to be verified,
    resolved or led through a proxy.
    """

    def __init__(self, connect: Callable[[], HeadFirstSocket], place: Place, target: Secret) -> None:
        super().__init__()
        # A plain pool for https as well: encryption is below, and urllib3 is to do none of its own.
        self._pool = HTTPConnectionPool(place.host, place.port, retries=False)
        kind = _EncryptedConnection if place.encrypted else _Connection
        self._pool.ConnectionCls = partial(kind, connect, target)  # type: ignore[assignment]  # it is only called

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        return self._pool

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Do nothing: what is below has verified."""

    def request_url(self, *_: Any, **__: Any) -> str:
        return "/"  # urllib3 logs it; the connection knows better

    def close(self) -> None:
        self._pool.close()
        super().close()


class _Connection(HTTPConnection):
    # Whoever sets it on http.client, to see the traffic of his own, would print our headers as well.
    debuglevel = 0

    def __init__(self, connect: Callable[[], HeadFirstSocket], target: Secret, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connect_to_place = connect
        self._target = target

    def _new_conn(self) -> Any:
        return self._connect_to_place()

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:
        del url  # a placeholder
        super().putrequest(method, self._target.reveal(), skip_host, skip_accept_encoding)


class _EncryptedConnection(_Connection):
    default_port: ClassVar[int] = 443  # type: ignore[misc]  # urllib3 does so itself; the Host header leaves it out
