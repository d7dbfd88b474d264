"""
How Bitget says "nothing": ``""``, ``"0"``, ``"-1"``, null, or no field at all; what each means depends on the field.

The readers here judge by field. They take the reader of :class:`~futures_stream.dialects.rows.Readers` that does the
reading, so that a field that cannot be read is treated as everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

__all__ = ["fee_of", "first", "identity", "moment", "positive", "rate", "sum_of", "upper"]

_NO_ID = frozenset({"0", "-1"})

Number = Callable[[Any], Decimal | None]
Text = Callable[[Any], str | None]


def first(row: dict[str, Any], *names: str) -> Any:
    """Return the first of some fields that says anything; the stream and REST name the same thing differently."""
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def positive(number: Number, value: Any) -> Decimal | None:
    """Read a price, or the size of what happened: 0 and less mean that there is none."""
    exact = number(value)
    return exact if exact is not None and exact > 0 else None


def rate(number: Number, value: Any) -> Decimal | None:
    """Read a ratio, a margin or a leverage: 0 is one, less means that there is none."""
    exact = number(value)
    return exact if exact is not None and exact >= 0 else None


def moment(instant: Callable[[Any], int | None], value: Any) -> int | None:
    """Read a time in ms; -1 means that there is none."""
    return None if value == "-1" or value == -1 else instant(value)


def identity(text: Text, value: Any) -> str | None:
    """Read an id that the exchange gives: 0 and -1 mean that there is none."""
    said = text(value)
    return None if said in _NO_ID else said


def upper(text: Text, value: Any) -> str | None:
    """Read a contract or coin: upper case, as the stream spells them; REST's samples do not."""
    said = text(value)
    return None if said is None else said.upper()


def fee_of(details: Any, name: str, number: Number, text: Text) -> tuple[Decimal | None, str | None]:
    """
    Read what was charged, and in which coin; (None, None) if it was in several coins.

    Args:
        details: ``feeDetail``: a list with an entry for each coin, or one entry.
        name: The entry's field with the fee.
        number: Reads it.
        text: Reads the coin.
    """
    entries = details if type(details) is list else [] if details is None or details == "" else [details]
    total: Decimal | None = None
    coins = set()
    for entry in entries:
        if type(entry) is not dict:
            number([])  # unreadable, in the way that the reader has
            return None, None
        fee = number(entry.get(name))
        if fee is not None:
            total = fee if total is None else total + fee
            coins.add(upper(text, entry.get("feeCoin")))
    return (total, coins.pop()) if len(coins) == 1 else (None, None)


def sum_of(number: Number, *values: Any) -> Decimal | None:
    """Add what the exchange splits; None if a part is missing."""
    parts = [number(value) for value in values]
    return None if None in parts else sum((part for part in parts if part is not None), Decimal(0))
