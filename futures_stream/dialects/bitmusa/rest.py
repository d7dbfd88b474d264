"""What all of Bitmusa's REST calls have in common: who asks, what comes around the answer, what its codes mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from attrs import field, frozen

from futures_stream.dialects.base import Response, masked
from futures_stream.dialects.credentials import Credentials, Secret, secret, usable
from futures_stream.errors import (
    ConnectFailed,
    FuturesStreamError,
    LeaseLost,
    LoginRejected,
    MessageNotUnderstood,
    PermissionRefused,
    RequestRejected,
    Throttled,
    printable,
)

__all__ = ["BitmusaCredentials", "HttpRefused", "headers_of", "read_body", "without_tokens"]

HttpRefused = Callable[[int, float | None, str], FuturesStreamError | None]
"""What an HTTP status means by itself: status, seconds to wait, what was asked → the error, if it is one."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")  # a listen key has 44; a name that should be readable, fewer


@frozen
class BitmusaCredentials(Credentials):
    """
    Access to a Bitmusa account.

    Attributes:
        auth_key: Goes into ``Authorization: Bearer …``.
        api_key: Goes into ``x-api-key``.
    """

    prefixes: ClassVar[tuple[str, ...]] = ("FUTURES_STREAM_BITMUSA_", "BITMUSA_")

    auth_key: Secret = field(converter=secret, validator=usable)
    api_key: Secret = field(converter=secret, validator=usable)


def headers_of(credentials: BitmusaCredentials) -> dict[str, str]:
    """Return the headers of a call: there is no signature, the keys themselves are sent."""
    return {
        "Authorization": f"Bearer {credentials.auth_key.reveal()}",
        "x-api-key": credentials.api_key.reveal(),
        "Content-Type": "application/json",
    }


def read_body(response: Response, what: str, exchange: str, http_refused: HttpRefused) -> dict[str, Any]:
    """
    Return the body of an answer that says success.

    Bitmusa reports its errors in the body, with HTTP 200; a body without a code is judged by the HTTP status.

    Args:
        response: The answer.
        what: What was asked, in words for an error.
        exchange: The dialect's name.
        http_refused: What an HTTP status means by itself.

    Raises:
        FuturesStreamError: It says something else; of the class that the code means.
    """
    body = _object(response.text)
    code = _code(body.get("code"))
    if code is None or (code == "0" and response.status >= 300):
        raise http_refused(response.status, response.retry_after, what) or ConnectFailed(
            f"Bitmusa answered {what} with something else than its JSON; check rest_url, and whether a proxy answers",
            exchange=exchange,
            status=response.status,
        )
    if code != "0":
        raise _refusal(code, body, response, exchange, what)
    return body


def without_tokens(text: str) -> str:
    """Return a server's text with everything masked that is long enough to be a key or a listen key."""
    return _TOKEN.sub("***", text)


def _object(text: str) -> dict[str, Any]:
    """Return the JSON object that *text* is; an empty one for any other text, whose error might hold the key."""
    from futures_stream.dialects.wire import decode  # not at the top: it is needed by whoever connects only

    try:
        body = decode(text)
    except MessageNotUnderstood:
        return {}
    return body if isinstance(body, dict) else {}


def _code(code: Any) -> str | None:
    """Return a code as plain digits; None if it is none."""
    if isinstance(code, str):
        code = code.strip()
        return (code.lstrip("0") or "0") if code.isascii() and code.isdigit() and len(code) <= 10 else None
    return str(code) if type(code) is int and 0 <= code < 10**10 else None


def _refusal(code: str, body: dict[str, Any], response: Response, exchange: str, what: str) -> FuturesStreamError:
    """Return what a code other than 0 means (WIRE.md B.2)."""
    text = body.get("message")
    text = without_tokens(masked(text, response.secrets)) if isinstance(text, str) and text else "no text"
    said = f"code {code}: {printable(text)}"
    facts: dict[str, Any] = {"exchange": exchange, "code": code}
    if code in ("1001", "1003", "4000", "20006"):
        return LoginRejected(f"Bitmusa refused {what} ({said}); check auth_key and api_key", **facts)
    if code == "1002":
        return PermissionRefused(
            f"Bitmusa refused {what} ({said}); put this machine's address on the API key's list of allowed ones",
            **facts,
        )
    if code == "1005":
        return PermissionRefused(f"Bitmusa refused {what} ({said}); give the API key the futures permission", **facts)
    if code == "1012":
        return PermissionRefused(
            f"Bitmusa refused {what} ({said}); sub-accounts may not do this, use the main account's key", **facts
        )
    if code == "1011":
        return Throttled(
            f"Bitmusa counts too many requests ({said}); it is asked again later",
            retry_after=response.retry_after,
            **facts,
        )
    if code == "3022":
        return LeaseLost(f"Bitmusa refused {what} ({said}): there is no such key; a new one is asked for", **facts)
    if _is_callers_error(int(code)):
        return RequestRejected(
            f"Bitmusa calls {what} malformed ({said}), which this library sent; please report this defect", **facts
        )
    return ConnectFailed(
        f"Bitmusa could not answer {what} ({said}); it is asked again", status=response.status, **facts
    )


def _is_callers_error(code: int) -> bool:
    return 1006 <= code <= 1010 or 1014 <= code <= 1016 or 2000 <= code < 4000
