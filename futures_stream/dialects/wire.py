"""
Reading what a wire says: JSON text, numbers, times and words, exactly or not at all.

A number here is ASCII, has at most 40 digits and an exponent of at most two: everything longer is either a mistake or
an attack (``int(Decimal("1e3000000"))`` runs for minutes with the interpreter's lock held), and ``Decimal`` itself
would accept "NaN", "1_0" and digits of other scripts.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, NoReturn, TypeVar

from futures_stream.dialects.counts import count_odd
from futures_stream.errors import MessageNotUnderstood, printable

try:
    import msgspec
except ImportError:
    msgspec = None  # type: ignore[assignment,unused-ignore]

__all__ = [
    "KEYS_ARE_SHARED",
    "LAST_INSTANT",
    "NUMBERS",
    "FieldUnreadable",
    "Words",
    "decode",
    "decode_tolerant",
    "flag",
    "instant",
    "magnitude",
    "number",
    "text_of",
    "whole",
    "with_shared_keys",
]

_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?").fullmatch
_LONGEST_NUMBER = 48  # 40 digits, sign, point, "e-12" and a little: checked before any pattern runs
_MOST_DIGITS = 40
_LARGEST = 10**_MOST_DIGITS
_INSTANT_DIGITS = 20  # fewer than that are read at once
_NOTHING = frozenset({"", "null"})
_YES = frozenset({"yes", "true", "1"})
_NO = frozenset({"no", "false", "0"})
_NEEDS_A_VALUE = frozenset({"", "[", "{", ",", ":"})
_MOST_REPAIRS = 16
_MOST_REMEMBERED = 4096  # numbers, half a megabyte

WordT = TypeVar("WordT", bound=Enum)


class FieldUnreadable(ValueError):
    """A field is there, but what it says is not what such a field can say."""


class _Numbers(dict[str, Decimal]):
    """
    What texts of our grammar are as numbers, remembered for the few thousand that came last.

    Prices and sizes repeat: most were read a moment ago. A text outside of the grammar is a KeyError.

    Threads:
        Callable from any thread: what two of them remember at the same time is the same.
    """

    __slots__ = ()

    def __missing__(self, text: str) -> Decimal:
        if (len(text) > _MOST_DIGITS and not _is_short_enough(text)) or not _NUMBER(text):
            raise KeyError
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        exact = self[text] = Decimal(text)
        return exact


NUMBERS = _Numbers()
"""The numbers that are remembered; a look at it is a short cut, and no more."""

LAST_INSTANT = 10**14
"""The year 5138: what is later is not a time in ms."""


def number(value: Any) -> Decimal | None:
    """
    Return a wire number exactly; None for what means "not set" (absent, null, ``""``, ``"null"``).

    Raises:
        FieldUnreadable: It is something else than a number.
    """
    if type(value) is str:
        try:
            return NUMBERS[value]
        except KeyError:
            if value in _NOTHING:
                return None
    elif value is None:
        return None
    elif type(value) is Decimal:
        return value  # made by the decoder, which has checked it
    elif type(value) is int and -_LARGEST < value < _LARGEST:
        return Decimal(value)
    raise FieldUnreadable


def magnitude(value: Any) -> Decimal | None:
    """
    Return a wire number that cannot be negative; None for what means "not set".

    Raises:
        FieldUnreadable: It is something else than a number, or a negative one.
    """
    exact = number(value)
    if exact is not None and exact < 0:
        raise FieldUnreadable
    return exact


def whole(value: Any) -> int | None:
    """
    Return a whole number; None for what means "not set" (absent, null, ``""``, ``"null"``).

    Raises:
        FieldUnreadable: It is something else than a whole number.
    """
    exact = number(value)
    if exact is None:
        return None
    result = int(exact)  # the grammar bounds the exponent
    if result != exact:
        raise FieldUnreadable
    return result


def instant(value: Any) -> int | None:
    """
    Return a time in ms since 1970; None for what means "not set" (absent, null, ``""``, ``"null"``, 0).

    Raises:
        FieldUnreadable: It is not a time, or not one in milliseconds that this millennium will see.
    """
    if type(value) is int:
        since_1970: int | None = value
    elif type(value) is str and len(value) < _INSTANT_DIGITS and value.isascii() and value.isdigit():
        since_1970 = int(value)  # as nearly all times come; the same as by way of the number
    else:
        since_1970 = whole(value)
    if since_1970 is None or since_1970 == 0:
        return None
    if 0 < since_1970 < LAST_INSTANT:
        return since_1970
    raise FieldUnreadable


def flag(value: Any) -> bool | None:
    """
    Return a yes or no, as a JSON boolean or in words; None for what means "not set".

    Raises:
        FieldUnreadable: It is neither.
    """
    if value is None or value is True or value is False:
        return value
    word = value.lower() if type(value) is str else str(value) if type(value) is int and value in (0, 1) else "?"
    if word in _NOTHING:
        return None
    if word in _YES or word in _NO:
        return word in _YES
    raise FieldUnreadable


def text_of(value: Any) -> str | None:
    """
    Return an id or name as text; numbers become their digits, ``""`` and null None.

    Raises:
        FieldUnreadable: It is neither text nor a whole number.
    """
    if type(value) is str:
        return value or None
    if value is None:
        return None
    if type(value) is int and -_LARGEST < value < _LARGEST:
        return str(value)
    raise FieldUnreadable


def _is_short_enough(text: str) -> bool:
    if len(text) > _LONGEST_NUMBER:
        return False
    return sum(char.isdigit() for char in text.partition("e")[0].partition("E")[0]) <= _MOST_DIGITS


def _real(text: str) -> Decimal | str:
    # What JSON calls a number and our grammar does not stays the text it was, and no field will read it.
    try:
        return NUMBERS[text]
    except KeyError:
        return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_strict = json.JSONDecoder(parse_float=_real, parse_constant=_refuse_constant).decode
# msgspec's errors are ValueErrors in newer versions only.
_fast_refuses = (ValueError, RecursionError) if msgspec is None else (ValueError, RecursionError, msgspec.MsgspecError)
_fast: Callable[[str], Any] | None = None if msgspec is None else msgspec.json.Decoder(float_hook=_real).decode


KEYS_ARE_SHARED = _fast is not None
"""Whether the keys of decoded objects are the same strings; msgspec makes them so, the standard library does not."""


def with_shared_keys(row: dict[str, Any]) -> dict[str, Any]:
    """Return a decoded object whose keys are the same strings as those of other objects: a third less memory."""
    return dict(zip(map(sys.intern, row), row.values(), strict=True))


def decode(text: str) -> Any:
    """
    Return the value of a JSON text; numbers with a point or an exponent are Decimal, to the last digit.

    With the ``[fast]`` extra installed msgspec reads it; what msgspec refuses the standard library reads once more, so
    that the result, and what is refused, is the same.

    Raises:
        MessageNotUnderstood: It is not JSON, nested too deeply, or a number in it has thousands of digits.
    """
    if _fast is not None:
        try:
            return _fast(text)
        except _fast_refuses:
            pass  # the standard library decides
    try:
        return _strict(text)
    except (ValueError, RecursionError) as error:
        reason = f"{type(error).__name__}: {printable(error)}"
    raise MessageNotUnderstood(f"not JSON: {reason}", text=text)


def decode_tolerant(text: str) -> Any:
    """
    Return the value of a text that is JSON but for trailing commas, as Bitmusa's own documentation prints it.

    Raises:
        MessageNotUnderstood: It is not even that.
    """
    repaired = text
    for _ in range(_MOST_REPAIRS):
        try:
            return _strict(repaired)
        except json.JSONDecodeError as error:
            comma = _trailing_comma(repaired, error.pos)
            if comma is None:
                break
            repaired = repaired[:comma] + repaired[comma + 1 :]
        except (ValueError, RecursionError):
            break
    return decode(text)


def _trailing_comma(text: str, at: int) -> int | None:
    """Return where the comma is that the decoder stumbled over at *at* (3.13 points at it, others behind it)."""
    comma = at if text[at : at + 1] == "," else len(text[:at].rstrip()) - 1
    if comma < 0 or text[comma] != ",":
        return None
    before, follows = text[:comma].rstrip()[-1:], text[comma + 1 :].lstrip()[:1]
    return comma if before not in _NEEDS_A_VALUE and follows in ("}", "]") else None


class Words(Generic[WordT]):
    """
    An exchange's own words for an open enum.

    A word is looked up as it is, then in lower case; one that nobody knows becomes ``UNKNOWN`` and is counted in
    *unknown*.

    Args:
        kind: The enum.
        words: The exchange's words, in lower case, and what they mean.

    Attributes:
        known: What each of them means, and what means that nothing was said.
    """

    __slots__ = ("_kind", "known")

    def __init__(self, kind: type[WordT], words: Mapping[str, WordT]) -> None:
        self._kind = kind
        self.known: dict[str | None, WordT | None] = {None: None, "": None, "null": None}
        self.known.update(words)

    def read(self, word: Any, unknown: Counter[str]) -> WordT | None:
        """Return what *word* means; None if nothing was said."""
        try:
            return self.known[word]
        except (KeyError, TypeError):  # TypeError: what cannot be looked up is no word
            return self._look_further(word, unknown)

    __call__ = read

    def _look_further(self, word: Any, unknown: Counter[str]) -> WordT | None:
        # What is neither a word nor a number may be nested deeper than str() can follow: its type has to do.
        said = str(word).strip().lower() if isinstance(word, str | int) else f"<{type(word).__name__}>"
        if said in self.known:
            return self.known[said]
        count_odd(unknown, f"{self._kind.__name__}:{printable(said, 40)}")
        return self._kind("unknown")
