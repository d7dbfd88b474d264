"""
Sums and products of money, exact, whatever decimal context the caller's thread has.

A context of its own, with more digits than any exchange sends and without traps: a number that is absurd makes an
absurd result, never an exception in the middle of a fold.
"""

from __future__ import annotations

from decimal import Context, Decimal

__all__ = ["added", "divided", "product_of", "subtracted"]

_EXACT = Context(prec=80, traps=[])
_READABLE = Context(prec=28, traps=[])


def added(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the sum; None if either is unknown."""
    return None if one is None or other is None else _EXACT.add(one, other)


def subtracted(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return what is left of *one*; None if either is unknown."""
    return None if one is None or other is None else _EXACT.subtract(one, other)


def product_of(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the product; None if either is unknown."""
    return None if one is None or other is None else _EXACT.multiply(one, other)


def divided(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the quotient, to 28 digits; None if either is unknown, or there is none."""
    if one is None or not other:
        return None
    quotient = _READABLE.divide(one, other)
    return quotient if quotient.is_finite() else None
