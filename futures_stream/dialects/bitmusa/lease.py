"""The listen key that Bitmusa hands out over REST."""

from __future__ import annotations

import re

from futures_stream.dialects.base import Request, Response
from futures_stream.dialects.bitmusa.rest import BitmusaCredentials, HttpRefused, headers_of, read_body
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConnectFailed

__all__ = ["listen_key_request", "read_listen_key"]

_PATH = "/future/userDataStream"
_METHODS = {"create": "POST", "renew": "PUT", "release": "DELETE"}
_LISTEN_KEY = re.compile(r"[A-Za-z0-9_-]{16,256}").fullmatch


def listen_key_request(verb: str, credentials: BitmusaCredentials) -> Request:
    """
    Return the call that creates, renews or releases the listen key; the key belongs to the account and is not named.

    Args:
        verb: ``create``, ``renew`` or ``release``.
        credentials: Who asks.
    """
    return Request(
        method=_METHODS[verb],
        path=_PATH,
        label=f"{verb} the listen key",
        headers=headers_of(credentials),
        secrets=(credentials.auth_key, credentials.api_key),
    )


def read_listen_key(verb: str, response: Response, exchange: str, http_refused: HttpRefused) -> Secret | None:
    """
    Read the answer to a :func:`listen_key_request`: the key after ``create``, None after the others.

    Args:
        verb: ``create``, ``renew`` or ``release``.
        response: The answer.
        exchange: The dialect's name.
        http_refused: What an HTTP status means by itself.

    Raises:
        FuturesStreamError: As the code means.
    """
    what = f"the request to {verb} the listen key"
    body = read_body(response, what, exchange, http_refused)
    if verb != "create":
        return None
    data = body.get("data")
    key = data.get("listenKey") if isinstance(data, dict) else None
    if not isinstance(key, str) or not _LISTEN_KEY(key):
        raise ConnectFailed(
            f"Bitmusa's answer to {what} holds no usable key; it is asked again", exchange=exchange, code="0"
        )
    return Secret(key)
