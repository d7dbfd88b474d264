"""Where an exchange is, and whether what travels there may be read on the way."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from attrs import field, frozen

from futures_stream.errors import ConfigError

__all__ = ["Endpoints", "is_loopback"]

_NO_BASE_URL = re.compile(r"[^\x21-\x7e]|[@?#\\]")


@frozen
class Endpoints:
    """
    Where an exchange is.

    Attributes:
        ws_url: The stream's URL (for exchanges with a listen key: the part before it). None: the dialect's own.
        rest_url: The REST API's base URL, any path prefix included. None: the dialect's own.

    Raises:
        ConfigError: A URL is not one, or holds what does not belong into a base URL (user, password, query, fragment).
    """

    ws_url: str | None = field(default=None)
    rest_url: str | None = field(default=None)

    def __attrs_post_init__(self) -> None:
        _check_url("ws_url", self.ws_url, ("wss", "ws"))
        _check_url("rest_url", self.rest_url, ("https", "http"))

    def filled_from(self, defaults: Endpoints) -> Endpoints:
        """Return these endpoints with what is missing taken from *defaults*."""
        return Endpoints(self.ws_url or defaults.ws_url, self.rest_url or defaults.rest_url)

    def refuse_plaintext(self) -> None:
        """
        Make sure that nothing secret travels in the clear.

        Raises:
            ConfigError: A URL is ``ws://`` or ``http://`` and not to this machine.
        """
        for name, url in (("ws_url", self.ws_url), ("rest_url", self.rest_url)):
            parts = urlsplit(url or "")
            if parts.scheme in ("ws", "http") and not is_loopback(parts.hostname or ""):
                raise ConfigError(
                    f"{name} ({parts.scheme}://{parts.hostname}) is not encrypted and not on this machine; "
                    f"use {parts.scheme}s://, "
                    "or say Options(allow_plaintext=True) if your credentials may be read on the way"
                )


def is_loopback(host: str) -> bool:
    """Tell whether a host name is this machine: ``localhost`` or a literal loopback address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_url(name: str, url: str | None, schemes: tuple[str, ...]) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or 0 < parts.port < 65536
        host = parts.hostname
    except (ValueError, TypeError, AttributeError):
        raise ConfigError(f"{name} is not a URL such as {schemes[0]}://host[:port][/path]") from None
    wanted = f"{schemes[0]}://host[:port][/path]"
    if parts.scheme not in schemes or not host or not port_is_fine:
        raise ConfigError(f"{name} should look like {wanted}")
    # The whole text is looked at, not only its parts: urlsplit drops line breaks, and an empty part is a part as well.
    if _NO_BASE_URL.search(url):
        raise ConfigError(f"{name} should look like {wanted}, without user, password, query, fragment or spaces")
