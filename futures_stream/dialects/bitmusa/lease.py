"""Who asks Bitmusa, the listen key that it hands out over REST, and what its error codes mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from attrs import field, frozen

from futures_stream.dialects.base import Request, Response
from futures_stream.dialects.credentials import Credentials, Secret, secret, usable
from futures_stream.dialects.wire import decode
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

__all__ = ["BitmusaCredentials", "listen_key_request", "read_listen_key", "without_tokens"]

_PATH = "/future/userDataStream"
_METHODS = {"create": "POST", "renew": "PUT", "release": "DELETE"}
_LISTEN_KEY = re.compile(r"[A-Za-z0-9_-]{16,256}").fullmatch
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
        headers={
            "Authorization": f"Bearer {credentials.auth_key.reveal()}",
            "x-api-key": credentials.api_key.reveal(),
            "Content-Type": "application/json",
        },
    )


def read_listen_key(
    verb: str,
    response: Response,
    exchange: str,
    http_refused: Callable[[int, float | None, str], FuturesStreamError | None],
) -> Secret | None:
    """
    Read the answer to a :func:`listen_key_request`: the key after ``create``, None after the others.

    Bitmusa reports its errors in the body, with HTTP 200; a body without a code is judged by the HTTP status.

    Args:
        verb: ``create``, ``renew`` or ``release``.
        response: The answer.
        exchange: The dialect's name.
        http_refused: What an HTTP status means by itself.

    Raises:
        FuturesStreamError: As the code means.
    """
    what = f"the request to {verb} the listen key"
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
    if verb != "create":
        return None
    data = body.get("data")
    key = data.get("listenKey") if isinstance(data, dict) else None
    if not isinstance(key, str) or not _LISTEN_KEY(key):
        raise ConnectFailed(
            f"Bitmusa's answer to {what} holds no usable key; it is asked again", exchange=exchange, code=code
        )
    return Secret(key)


def without_tokens(text: str) -> str:
    """Return a server's text with everything masked that is long enough to be a key or a listen key."""
    return _TOKEN.sub("***", text)


def _object(text: str) -> dict[str, Any]:
    """Return the JSON object that *text* is; an empty one for any other text, whose error might hold the key."""
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
    said = f"code {code}: {printable(without_tokens(text)) if isinstance(text, str) and text else 'no text'}"
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
