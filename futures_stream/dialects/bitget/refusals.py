"""
What Bitget's error codes mean.

60001 to 60005 are those of the document. The 300xx are those that the real server spoke at the same URL until it was
switched off (WIRE.md A.3). Both belong to this dialect alone: elsewhere the same numbers mean other things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from futures_stream.dialects.base import masked
from futures_stream.dialects.bitget.topics import ALL, Topic
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import (
    ClockSkew,
    ConnectionLost,
    FuturesStreamError,
    LoginRejected,
    RequestRejected,
    SubscriptionRejected,
    Throttled,
    TransientError,
    printable,
)

__all__ = ["Refusal", "login_rejected", "refusal", "subscription_rejected"]

_SUCCESS = frozenset({"", "0", "00000"})
_PAUSE_BEFORE_CONNECTING = 30.0  # seconds; two programs that drive each other out must not duel (FAULTS A7)


@frozen
class Refusal:
    """
    What an answer says about its success.

    Attributes:
        exchange: The dialect's name.
        code: The error code as text, None for success.
        said: Code and text, printable and without our secrets.
    """

    exchange: str
    code: str | None
    said: str

    @classmethod
    def read(cls, message: Mapping[str, Any], exchange: str, secrets: Sequence[Secret]) -> Refusal:
        """Read an answer: codes come as int, string, empty, null or not at all."""
        code, text = message.get("code"), message.get("msg")
        code = str(code).strip() if isinstance(code, str | int) else "" if code is None else f"<{type(code).__name__}>"
        code = None if code in _SUCCESS else printable(masked(code, secrets), 40)
        words = printable(masked(text, secrets)) if isinstance(text, str) and text else "no text"
        return cls(exchange, code, f"{'no code' if code is None else f'code {code}'}: {words}")

    @property
    def facts(self) -> dict[str, Any]:
        """What every error carries."""
        return {"exchange": self.exchange, "code": self.code}


def refusal(refused: Refusal) -> FuturesStreamError | None:
    """
    Return what a code means by itself; None if that depends on what is outstanding.

    It does for 60004, 30001, 30002, 30003 and 30016, which refuse a subscription, and for a code that nobody knows.
    """
    code, said, facts = refused.code, refused.said, refused.facts
    if code in ("60001", "30005", "30011", "30012", "30015"):
        return login_rejected(refused)
    if code in ("30013", "30014"):
        return ClockSkew(f"Bitget refused the login's time ({said}); set this machine's clock", **facts)
    if code == "30004":
        return TransientError(f"Bitget forgot the login ({said}); log in again on a new connection", **facts)
    if code == "60002":
        return Throttled(
            f"Bitget counts too many connections ({said}); close other programs that use this key or address",
            retry_after=_PAUSE_BEFORE_CONNECTING,
            **facts,
        )
    if code in ("60003", "30006", "30007"):
        return Throttled(f"Bitget counts too many messages ({said}); the stream backs off", **facts)
    if code == "60005":
        return RequestRejected(
            f"Bitget calls a message malformed that this library sent ({said}); please report this defect", **facts
        )
    if code == "30033":
        return ConnectionLost(f"Bitget announces a service upgrade ({said}); connect again", **facts)
    return None


def login_rejected(refused: Refusal) -> LoginRejected:
    """Return the refusal of a login."""
    return LoginRejected(
        f"Bitget refused the login ({refused.said}); check API key, secret and passphrase", **refused.facts
    )


def subscription_rejected(refused: Refusal, topic: Topic) -> SubscriptionRejected:
    """Return the refusal of *topic*."""
    symbol = None if topic.name == ALL else topic.name
    of = "" if symbol is None else f" of {printable(symbol, 40)}"
    return SubscriptionRejected(
        f"Bitget refused {topic.channel}{of} ({refused.said}); leave it out, or check symbol and permissions",
        channel=topic.channel,
        symbol=symbol,
        **refused.facts,
    )
