"""Who asks: a Bitget API key, and the login that it signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import ClassVar

from attrs import field, frozen

from futures_stream.dialects.base import Send
from futures_stream.dialects.credentials import Credentials, Secret, secret, usable

__all__ = ["BitgetCredentials", "login", "signature"]


@frozen
class BitgetCredentials(Credentials):
    """
    A Bitget API key; a read-only one with an address allow-list is enough and safest.

    Attributes:
        api_key: The key.
        api_secret: Its secret, which signs the login.
        passphrase: The passphrase chosen when the key was made.
    """

    prefixes: ClassVar[tuple[str, ...]] = ("FUTURES_STREAM_BITGET_", "BITGET_")

    api_key: Secret = field(converter=secret, validator=usable)
    api_secret: Secret = field(converter=secret, validator=usable)
    passphrase: Secret = field(converter=secret, validator=usable)


def signature(credentials: BitgetCredentials, timestamp: str) -> Secret:
    """Return what proves that we know the API secret, at *timestamp*."""
    message = timestamp + "GET" + "/user/verify"
    digest = hmac.new(credentials.api_secret.reveal().encode(), message.encode(), hashlib.sha256).digest()
    return Secret(base64.b64encode(digest).decode())


def login(credentials: BitgetCredentials, timestamp: str, sign: Secret) -> Send:
    """
    Return the login message.

    Args:
        credentials: Who asks.
        timestamp: Seconds since 1970. The document shows milliseconds in one place; seconds are right (WIRE.md A.2).
        sign: The :func:`signature` of that timestamp.
    """
    arg = {
        "apiKey": credentials.api_key.reveal(),
        "passphrase": credentials.passphrase.reveal(),
        "timestamp": timestamp,
        "sign": sign.reveal(),
    }
    return Send(json.dumps({"op": "login", "args": [arg]}, separators=(",", ":")), "login", "login")
