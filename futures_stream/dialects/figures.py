"""What an exchange means by the figures that all exchanges have words for."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from attrs import frozen

__all__ = ["Figures"]


@frozen(kw_only=True)
class Figures:
    """
    What a dialect's figures mean, as far as its documents tell.

    Attributes:
        total: What :attr:`Balance.total <futures_stream.records.Balance>` is: the ``equity``, with the profit of open
            positions, or the ``wallet`` without; None if that is not known.
        margin_ratio: What a margin ratio is, in words; None if the exchange tells none.
        liquidated_at: The margin ratio at which the exchange takes over; None if that is not known.
        linear: Whether a contract's profit is its size times the difference of prices, in the margin asset; else mark
            prices cannot be computed out of profits.
        not_linear: Product families of which that is not so.
        pooled: Whether a balance's maintenance margin is that of all assets together, which the one asset's equity does
            not cover alone.
    """

    total: Literal["equity", "wallet"] | None = None
    margin_ratio: str | None = None
    liquidated_at: Decimal | None = None
    linear: bool = False
    not_linear: frozenset[str] = frozenset()
    pooled: bool = False
