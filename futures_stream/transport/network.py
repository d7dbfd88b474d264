"""The way out to an exchange: what is trusted, which proxy leads there, and who measures the time."""

from __future__ import annotations

import socket
import ssl
from functools import cache, partial
from typing import TYPE_CHECKING

from futures_stream.clock import SYSTEM_CLOCK, Clock
from futures_stream.dialects.base import Request
from futures_stream.dialects.credentials import Secret, secret
from futures_stream.errors import ConfigError
from futures_stream.transport.held import EncryptedSocket

if TYPE_CHECKING:
    from futures_stream.transport.rest import Call
    from futures_stream.transport.upgrade import Dial

__all__ = ["Network"]


class Network:
    """
    The way out; satisfies :class:`futures_stream.engine.ports.Network`.

    Certificates are always verified, by one set of trusted authorities for the stream and for REST. Redirects are never
    followed, cookies never kept, compression never accepted, ``.netrc`` never read.

    Args:
        clock: What measures time.
        proxy: ``http://[user:password@]host:port`` of a proxy to go through, for everything; it is asked to CONNECT,
            and sees the host names only.
        ca_file: A file with the authorities to trust instead of the usual ones (certifi's).
        trust_env: Whether proxies may come from the environment (``https_proxy``, ``no_proxy`` …).
        max_message_size: Most bytes of a message; a longer one ends its connection.

    Raises:
        ConfigError: The proxy cannot be used, or the file cannot be read or holds no authority.

    Threads:
        Callable from any thread; nothing in it changes.
    """

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM_CLOCK,
        proxy: str | Secret | None = None,
        ca_file: str | None = None,
        trust_env: bool = False,
        max_message_size: int = 4 * 1024 * 1024,
    ) -> None:
        # Not at the top of the module: these bring requests, and with it most of what importing the package would take.
        # Who only reads records needs none of it; who connects has it before any time limit runs.
        from futures_stream.transport.connection import StreamConnection
        from futures_stream.transport.places import Proxies
        from futures_stream.transport.rest import Call
        from futures_stream.transport.upgrade import Dial

        hidden = None if proxy is None else secret(proxy)
        del proxy  # a traceback's variables may be printed, and it may hold a password
        self._proxies = Proxies.chosen(hidden, trust_env)
        self._context = context = _usual_trust() if ca_file is None else _trusting(ca_file)

        def connect(sock: socket.socket, received: bytes, clock_ahead: float | None) -> StreamConnection:
            return StreamConnection(sock, received, max_message_size, clock_ahead)

        self._dial = partial(Dial, clock=clock, context=context, proxies=self._proxies, connect=connect)
        self._call = partial(Call, clock=clock, context=context, proxies=self._proxies)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._proxies!r})"

    def dial(self, url: Secret, timeout: float) -> Dial:
        """Prepare a connection to *url*: name resolution, TCP, TLS and upgrade in *timeout* seconds in all."""
        return self._dial(url, timeout)

    def call(self, base_url: str, request: Request, timeout: float) -> Call:
        """Prepare a REST call, *timeout* seconds in all; every HTTP status is an answer."""
        return self._call(base_url, request, timeout)


@cache
def _usual_trust() -> ssl.SSLContext:
    """Return one context for all: it takes 20 ms and a megabyte to make, and nothing in it is ever changed."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    return _trusting(DEFAULT_CA_BUNDLE_PATH)


def _trusting(ca_file: str) -> ssl.SSLContext:
    # Not create_default_context: that obeys SSLKEYLOGFILE, and writes down what decrypts everything.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and host name
    context.sslsocket_class = EncryptedSocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    fault = None
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        fault = f"ca_file {ca_file!r} cannot be used ({reason}); it should be a PEM file with the authorities to trust"
    if fault is not None:
        raise ConfigError(fault)
    return context
