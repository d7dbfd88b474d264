"""An exchange's house rules: how often, how long, and how a connection is kept alive."""

from __future__ import annotations

from attrs import frozen

__all__ = ["CONNECTS", "LeaseTerms", "Limits", "Ping"]

Limits = tuple[tuple[int, float], ...]
"""At most so many in so many seconds, in pairs that all hold."""

CONNECTS: Limits = ((10, 10.0), (100, 300.0))
"""How often one address may connect where nobody says otherwise: a third of what Bitget allows (WIRE.md A.4)."""


@frozen(kw_only=True)
class Ping:
    """
    How a connection is kept alive.

    Attributes:
        text: What to send as a message; None for a WebSocket ping frame.
        every: Seconds between two.
        answered: Whether the exchange is known to answer. If it is not, silence only counts as death once it has been
            seen to answer (WIRE.md B.3 knows of no answer, and silence alone is not death).
    """

    text: str | None = None
    every: float = 20.0
    answered: bool = True


@frozen(kw_only=True)
class LeaseTerms:
    """
    How long a listen key lives, and how it is cared for.

    Attributes:
        life: Seconds that a key is valid after it was made or extended.
        renew_every: Seconds between two renewals; well inside ``life``, so that some may fail.
        compare_every: Seconds between two looks whether our key is still the account's: a renewal names no key, so it
            may extend another one (FAULTS.md §0.5).
    """

    life: float = 3600.0
    renew_every: float = 1200.0
    compare_every: float = 300.0
