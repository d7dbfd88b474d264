"""
How Bitget says "nothing": ``""``, ``"0"``, ``"-1"``, null, or no field at all; what each means depends on the field.

What is here judges by field: what becomes of a value that was read, and how the few are read that no plain reader can.
Those read through the readers that they are given, so that what is unreadable is treated as everywhere else.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from futures_stream.dialects.rows import Frame, Readers, readers_with
from futures_stream.dialects.wire import FieldUnreadable, decode, instant
from futures_stream.errors import MessageNotUnderstood

__all__ = ["READERS", "fees", "real_id", "sum_of"]

_NO_ID = frozenset({"0", "-1"})
_OPENS = ("[", "{")


def _moment(value: Any) -> int | None:
    """Read a time in ms; -1 means that there is none."""
    try:
        return instant(value)
    except FieldUnreadable:
        if value in ("-1", -1):
            return None
        raise


READERS = readers_with(_moment)
"""The readers for Bitget's rows."""


def real_id(text: str) -> str | None:
    """Judge an id that the exchange gives: 0 and -1 mean that there is none."""
    return None if text in _NO_ID else text


def sum_of(readers: Readers, _: Frame, *values: Any) -> Decimal | None:
    """Add what the exchange splits; None if a part is missing."""
    parts = [readers.number(value) for value in values]
    return None if None in parts else sum((part for part in parts if part is not None), Decimal(0))


def fees(readers: Readers, _: Frame, details: Any, alone: Any = None) -> tuple[Decimal | None, str | None]:
    """
    Read what was charged, and in which coin; (None, None) if it was in several coins.

    Args:
        readers: The readers.
        details: ``feeDetail``: a list with an entry for each coin, or one entry; or JSON text of either. In those of
            executions the fee is called ``totalFee``, in those of orders ``fee``.
        alone: A fee that is told without its coin, and counts if there are no details.
    """
    if type(details) is str and details[:1] in _OPENS:
        details = _decoded(details)
    entries = details if type(details) is list else () if details is None or details == "" else (details,)
    total: Decimal | None = None
    coins = set()
    for entry in entries:
        if entry is None:
            continue
        if type(entry) is not dict:
            readers.number([])  # unreadable, in the way that the reader has
            return None, None
        fee = readers.number(entry.get("totalFee"))
        if fee is None:
            fee = readers.number(entry.get("fee"))
        if fee is not None:
            total = fee if total is None else total + fee
            coin = readers.text(entry.get("feeCoin"))
            coins.add(None if coin is None else coin.upper())
    if len(coins) == 1:
        return total, coins.pop()
    return (None, None) if alone is None else (readers.number(alone), None)


def _decoded(text: str) -> Any:
    """Return what JSON text says; the text itself if it is none."""
    try:
        return decode(text)
    except MessageNotUnderstood:
        return text
