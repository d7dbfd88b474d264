"""
What the error codes of Bitget's stream mean (WIRE.md A.3).

They belong to the stream: REST has its own, with other meanings for some of the same numbers.
"""

from __future__ import annotations

from futures_stream.dialects.bitget.refusals import Refusal
from futures_stream.dialects.bitget.topics import Topic
from futures_stream.errors import (
    ClockSkew,
    FuturesStreamError,
    LoginRejected,
    PermissionRefused,
    SubscriptionRejected,
    Throttled,
)

__all__ = ["Refusal", "login_rejected", "move_asked", "refusal", "subscription_rejected", "wrong_account"]

FORGOT_LOGIN = "30004"
MOVE = "30033"
_PAUSE_AFTER_CUT = 30.0  # seconds; who is over the limit again at once is banned (WIRE.md A.4)
_UNIFIED = "40085"


def refusal(refused: Refusal) -> FuturesStreamError | None:
    """
    Return what a code means by itself; None if that depends on what is outstanding.

    It does for 30001, 30002, 30003 and 30016, which refuse a subscription or a login, for 30004, and for a code that
    nobody knows.
    """
    code, said, facts = refused.code, refused.said, refused.facts
    if code in ("30005", "30011", "30012", "30015"):
        return login_rejected(refused)
    if code in ("30013", "30014"):
        return ClockSkew(f"Bitget refused the login's time ({said}); set this machine's clock", **facts)
    if code == "30006":
        return Throttled(f"Bitget counts too many messages ({said}); the stream backs off", **facts)
    if code == "30007":
        return Throttled(
            f"Bitget counts too many messages and cuts the connection ({said}); close other programs that use this "
            "key or address",
            retry_after=_PAUSE_AFTER_CUT,
            **facts,
        )
    if code == _UNIFIED:
        return wrong_account(said, **facts)
    return None


def move_asked(refused: Refusal) -> str | None:
    """Return why Bitget asks to move to another connection; None if it does not."""
    return f"Bitget announces a service upgrade ({refused.said})" if refused.code == MOVE else None


def login_rejected(refused: Refusal) -> LoginRejected:
    """Return the refusal of a login."""
    said, facts = refused.said, refused.facts
    if refused.code == "30003":
        return LoginRejected(f"Bitget knows no login there ({said}); check that ws_url ends in /v2/ws/private", **facts)
    known = {
        "30011": "check the API key",
        "30012": "check the passphrase",
        "30015": "check the API secret",
    }
    what = known.get(
        refused.code or "", "check API key, secret and passphrase, the key's permissions and its allowed addresses"
    )
    return LoginRejected(f"Bitget refused the login ({said}); {what}", **facts)


def wrong_account(said: str, **facts: str | None) -> PermissionRefused:
    """Return that the account is a unified one, which this API does not serve."""
    return PermissionRefused(
        f"this is a unified account, which needs Bitget's API v3; bitget-v2 serves classic accounts only ({said}): "
        "use a key of a classic account, or switch this one back to classic at Bitget",
        **facts,
    )


def subscription_rejected(refused: Refusal, topic: Topic, *, others: bool) -> SubscriptionRejected:
    """Return the refusal of *topic*; *others* tells whether its channel goes on for other product families."""
    known = {
        "30001": f"it does not exist for {topic.name}: check products, or leave the channel out",
        "30016": f"check products (now {topic.name})",
    }
    what = known.get(refused.code or "", "leave the channel out, or give the key the permission to read futures")
    return SubscriptionRejected(
        f"Bitget refused {topic.channel} of {topic.name} ({refused.said}); {what}",
        channel=topic.channel,
        product=topic.name if others else None,
        **refused.facts,
    )
