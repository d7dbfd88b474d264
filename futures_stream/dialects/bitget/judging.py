"""What becomes of a value that Bitget's rows hold; it depends on the field what 0 and less mean (WIRE.md A.7)."""

from __future__ import annotations

from decimal import Decimal

from futures_stream.vocabulary import PositionStatus

__all__ = ["above_zero", "not_negative", "status_by_size"]


def above_zero(number: Decimal) -> Decimal | None:
    """Judge a price, or the size of what happened: 0 and less mean that there is none."""
    return number if number > 0 else None


def not_negative(number: Decimal) -> Decimal | None:
    """Judge a ratio, a margin or a leverage: 0 is one, less means that there is none."""
    return number if number >= 0 else None


def status_by_size(size: Decimal | None) -> PositionStatus:
    """Return whether a position of that size is open."""
    if size is None:
        return PositionStatus.UNKNOWN
    return PositionStatus.OPEN if size else PositionStatus.CLOSED
