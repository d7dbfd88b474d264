"""Where to connect to, and by which proxy: URLs taken apart, with nothing secret in what can be shown."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from attrs import field, frozen

from futures_stream.dialects.base import is_loopback
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConfigError

__all__ = ["NO_PROXIES", "Place", "Proxies", "Proxy", "place_of"]

_PORTS = {"ws": 80, "http": 80, "wss": 443, "https": 443}
_TARGET = re.compile(r"/[\x21-\x22\x24-\x7e]*")  # visible ASCII without '#'


@frozen
class Place:
    """
    An end of a connection.

    Attributes:
        scheme: ``ws``, ``wss``, ``http`` or ``https``.
        host: Name or address, in ASCII, without brackets.
        port: Port.
    """

    scheme: str
    host: str
    port: int

    @property
    def encrypted(self) -> bool:
        """Whether it is reached by TLS."""
        return self.scheme in ("wss", "https")

    @property
    def authority(self) -> str:
        """``host:port``, as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@frozen
class Proxy:
    """
    An HTTP proxy that is asked to CONNECT.

    Attributes:
        host: Name or address.
        port: Port.
        authorization: The value of Proxy-Authorization, if it wants one.
    """

    host: str
    port: int
    authorization: Secret | None = field(default=None, repr=False)


@frozen
class Proxies:
    """
    Which proxy leads where.

    Attributes:
        always: The one that was set by hand; it leads everywhere.
        environment: What the environment names, by scheme (``https``, ``http``, ``all``).
    """

    always: Proxy | None = None
    environment: Mapping[str, Proxy] = field(factory=dict)

    @classmethod
    def chosen(cls, proxy: Secret | None, trust_env: bool) -> Proxies:
        """
        Read the settings.

        Args:
            proxy: The URL of a proxy for everything; a secret, it may hold a password.
            trust_env: Whether the environment may name some.

        Raises:
            ConfigError: A proxy cannot be used; its URL is not shown, it may hold a password.
        """
        if proxy is not None:
            return cls(_read_proxy("proxy", proxy))
        if not trust_env:
            return cls()
        found = {
            scheme: Secret(url if "://" in url else f"http://{url}")
            for scheme, url in getproxies().items()
            if scheme in ("http", "https", "all") and url
        }
        return cls(
            environment={scheme: _read_proxy(f"the environment's {scheme}_proxy", url) for scheme, url in found.items()}
        )

    def leading_to(self, place: Place) -> Proxy | None:
        """Return the proxy that leads to a place; None to go there directly."""
        proxy = self.always or self._of_environment(place)
        # Seen from a proxy elsewhere "this machine" is the proxy's, and what is not encrypted would go to it.
        astray = proxy is not None and is_loopback(place.host) and not is_loopback(proxy.host)
        return None if astray else proxy

    def _of_environment(self, place: Place) -> Proxy | None:
        if not self.environment or proxy_bypass(place.host) or proxy_bypass(place.authority):
            return None
        return self.environment.get("https" if place.encrypted else "http") or self.environment.get("all")


NO_PROXIES = Proxies()
"""Directly everywhere."""


def place_of(url: str, schemes: tuple[str, ...]) -> tuple[Place, str]:
    """
    Take a URL apart.

    Args:
        url: The URL; it may hold a secret in its path or query.
        schemes: Those allowed.

    Returns:
        The place, and the target to ask for there.

    Raises:
        ConfigError: It cannot be used. The message says the host at most.
    """
    fault = None
    try:
        parts = urlsplit(url)
        place = _place(parts)
    except ValueError:  # it quotes the URL, so it must not hang on as the context
        fault = f"this is not a {schemes[0]} URL with a host and a port below 65536"
    if fault is not None:
        raise ConfigError(fault)
    if parts.scheme not in schemes:
        raise ConfigError(f"the URL for {place.host} should begin with {' or '.join(f'{s}://' for s in schemes)}")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"the URL for {place.host} should hold no user and no password")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # urlsplit drops line breaks and tabs in silence, so the whole text is looked at and not only its parts.
    if not _TARGET.fullmatch(target) or any(not "!" <= char <= "~" or char == "#" for char in url):
        raise ConfigError(f"the URL for {place.host} holds a space, a '#' or a character outside ASCII")
    return place, target


def _place(parts: SplitResult) -> Place:
    host = parts.hostname or ""
    if not host:
        raise ValueError
    port = parts.port if parts.port is not None else _PORTS.get(parts.scheme, 0)
    # UnicodeError is a ValueError: a name that is no host name fails here, before it is sent anywhere.
    return Place(parts.scheme, host if ":" in host else host.encode("idna").decode(), port)


def _read_proxy(name: str, url: Secret) -> Proxy:
    proxy = _proxy_of(url)
    if isinstance(proxy, str):  # raised here, where no variable holds a password
        raise ConfigError(f"{name} {proxy}")
    return proxy


def _proxy_of(url: Secret) -> Proxy | str:
    """Return the proxy that a URL names, or what is wrong with it."""
    try:
        parts = urlsplit(url.reveal())
        host, port = parts.hostname, parts.port or 80
    except (ValueError, TypeError, AttributeError):
        return "is not a URL"
    if parts.scheme != "http" or not host or parts.path.strip("/") or parts.query:
        return "should look like http://[user:password@]host:port; other kinds of proxies are not supported"
    if parts.username is None:
        return Proxy(host, port)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return Proxy(host, port, Secret("Basic " + base64.b64encode(login).decode()))
