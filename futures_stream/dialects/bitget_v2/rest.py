"""What all of Bitget's REST answers have in common: what is around the data, and what codes mean (WIRE.md A.8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from futures_stream.dialects.base import Response, masked
from futures_stream.dialects.bitget_v2.refusals import wrong_account
from futures_stream.dialects.wire import decode
from futures_stream.errors import (
    ClockSkew,
    ConfigError,
    ConnectFailed,
    FuturesStreamError,
    LoginRejected,
    MessageNotUnderstood,
    PermissionRefused,
    RequestRejected,
    Throttled,
    printable,
)

__all__ = ["NO_SUCH_ORDER", "HttpRefused", "read_body"]

HttpRefused = Callable[[int, float | None, str], FuturesStreamError | None]
"""What an HTTP status means by itself: status, seconds to wait, what was asked → the error, if it is one."""

NO_SUCH_ORDER = frozenset({"40109", "40768", "43001"})

_SUCCESS = frozenset({"0", "00000"})
_TOKEN = re.compile(r"[A-Za-z0-9+/=_-]{32,}")  # a key or a signature, should a server say one back to us
_KEY = {
    "40001": "the API key is missing",
    "40002": "the signature is missing",
    "40003": "the signature is missing",
    "40006": "check the API key",
    "40009": "check the API secret",
    "40011": "the passphrase is missing",
    "40012": "check the API key and the passphrase",
    "40037": "check the API key: Bitget does not know it",
}
_CLOCK = frozenset({"40004", "40005", "40008"})
_PERMISSION = {
    "40013": "Bitget calls the account's state abnormal: ask Bitget",
    "40014": "give the API key the permission to read futures",
    "40016": "Bitget wants the account to be verified first",
}
_ADDRESS = frozenset({"40018", "40038"})
_TOO_MANY = frozenset({"429", "30006", "30007", "30014", "40429"})
_PARAMETER = frozenset({"00171", "00172", "400171", "400172", "40017", "40019", "40020", "40034", "40102", "40808"})


def read_body(response: Response, what: str, exchange: str, http_refused: HttpRefused) -> dict[str, Any]:
    """
    Return the body of an answer that says success.

    Bitget's errors have a code in the body, whatever their HTTP status; a body without one is judged by the status.

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
    if code is None or (code in _SUCCESS and response.status >= 300):
        raise http_refused(response.status, response.retry_after, what) or ConnectFailed(
            f"Bitget answered {what} with something else than its JSON; check rest_url, and whether a proxy answers",
            exchange=exchange,
            status=response.status,
        )
    if code not in _SUCCESS:
        raise _refusal(code, body, response, exchange, what)
    return body


def _object(text: str) -> dict[str, Any]:
    try:
        body = decode(text)
    except MessageNotUnderstood:
        return {}
    return body if isinstance(body, dict) else {}


def _code(code: Any) -> str | None:
    """Return a code as text; None if it is none."""
    if isinstance(code, str):
        code = code.strip()
        return code if code.isascii() and code.isdigit() and len(code) <= 10 else None
    return str(code) if type(code) is int and 0 <= code < 10**10 else None


def _refusal(code: str, body: dict[str, Any], response: Response, exchange: str, what: str) -> FuturesStreamError:
    """Return what a code other than success means."""
    text = body.get("msg")
    hidden = _TOKEN.sub("***", masked(text, response.secrets)) if isinstance(text, str) and text else "no text"
    words = printable(hidden)
    said = f"code {code}: {words}"
    facts: dict[str, Any] = {"exchange": exchange, "code": code}
    if code == "40085":
        return wrong_account(said, **facts)
    if code in _KEY:
        return LoginRejected(f"Bitget refused {what} ({said}); {_KEY[code]}", **facts)
    if code in _CLOCK:
        return ClockSkew(f"Bitget refused the time of {what} ({said}); set this machine's clock", **facts)
    if code in _PERMISSION:
        return PermissionRefused(f"Bitget refused {what} ({said}); {_PERMISSION[code]}", **facts)
    if code in _ADDRESS:
        return PermissionRefused(
            f"Bitget refused {what} ({said}); put this machine's address on the API key's list of allowed ones", **facts
        )
    if code in _TOO_MANY or response.status == 429:
        return Throttled(
            f"Bitget counts too many requests ({said}); it is asked again later",
            retry_after=response.retry_after,
            **facts,
        )
    if code in NO_SUCH_ORDER:
        return RequestRejected(f"Bitget knows no such order ({said})", **facts)
    if code in _PARAMETER:
        return _parameter_refused(words, said, facts, what)
    return ConnectFailed(f"Bitget could not answer {what} ({said}); it is asked again", status=response.status, **facts)


def _parameter_refused(words: str, said: str, facts: dict[str, Any], what: str) -> FuturesStreamError:
    """Return what it means that a parameter was refused: a setting, if it is one of those that users make."""
    about = words.lower()
    if "producttype" in about.replace(" ", ""):
        return ConfigError(
            f"Bitget knows no such product type ({said}); products are USDT-FUTURES, COIN-FUTURES and USDC-FUTURES",
            **facts,
        )
    if "symbol" in about or "instid" in about:
        return ConfigError(f"Bitget does not take that symbol ({said}); leave symbols out, or check them", **facts)
    return RequestRejected(
        f"Bitget calls {what} malformed ({said}), which this library sent; please report this defect", **facts
    )
