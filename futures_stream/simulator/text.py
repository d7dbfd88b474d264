"""JSON text with exact numbers: a Decimal is written as it is, never by way of a float."""

from __future__ import annotations

import json
from decimal import Decimal

import attrs


@attrs.frozen(kw_only=True)
class Answer:
    """Hold what one end says to a message: *texts* in order, then a close frame with the code *close*, if any."""

    texts: tuple[str, ...] = ()
    close: int | None = None


def plain(number: Decimal) -> str:
    """Write *number* without exponent and without trailing zeros."""
    return format(number.normalize(), "f") if number else "0"


def render(value: object) -> str:
    """
    Write *value* as compact JSON; Decimals become JSON numbers with exactly their digits.

    No text in *value* may begin or end with a NUL.
    """
    return _ENCODER.encode(value).replace(_BEGIN, "").replace(_END, "")


def _mark(value: object) -> str:
    if isinstance(value, Decimal):
        return f"\0{plain(value)}\0"
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


# The C encoder has no way to write a number that is neither int nor float. It is several times faster than writing each
# value ourselves, so Decimals go through it as marked strings, whose quotes are then taken off.
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_mark)
_BEGIN, _END = r'"\u0000', r'\u0000"'
