"""Who asks Bitget today: the same key as ever, under a name of its own, and what it signs over REST."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import ClassVar
from urllib.parse import urlencode

from attrs import frozen

from futures_stream.dialects.base import Request
from futures_stream.dialects.bitget.login import BitgetCredentials
from futures_stream.dialects.credentials import Secret

__all__ = ["BitgetV2Credentials", "RestSigner"]


@frozen
class BitgetV2Credentials(BitgetCredentials):
    """
    A Bitget API key; a read-only one with an address allow-list is enough and safest.

    Attributes:
        api_key: The key.
        api_secret: Its secret, which signs the login and every REST call (HMAC; RSA keys cannot be used).
        passphrase: The passphrase chosen when the key was made.
    """

    prefixes: ClassVar[tuple[str, ...]] = (
        "FUTURES_STREAM_BITGET_V2_",
        "FUTURES_STREAM_BITGET_",
        "BITGET_V2_",
        "BITGET_",
    )


@frozen
class RestSigner:
    """
    Signs a call as WIRE.md A.8 says: time in ms, method, path with its query, and body.

    Attributes:
        credentials: Who asks.
    """

    credentials: BitgetCredentials

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must not be shown should a server say it back."""
        return (self.credentials.api_key, self.credentials.api_secret, self.credentials.passphrase)

    def __call__(self, request: Request, unix_ms: int) -> dict[str, str]:
        """Return the headers for *request* sent at *unix_ms*; its query is in ascending order already."""
        timestamp = str(unix_ms)
        target = request.path + (f"?{urlencode(request.query)}" if request.query else "")
        message = f"{timestamp}{request.method}{target}{request.body or ''}"
        digest = hmac.new(self.credentials.api_secret.reveal().encode(), message.encode(), hashlib.sha256).digest()
        return {
            "ACCESS-KEY": self.credentials.api_key.reveal(),
            "ACCESS-SIGN": base64.b64encode(digest).decode(),
            "ACCESS-TIMESTAMP": timestamp,
            "ACCESS-PASSPHRASE": self.credentials.passphrase.reveal(),
        }
