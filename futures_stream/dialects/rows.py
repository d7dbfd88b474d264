"""
From the rows of one message to records: what all dialects do alike.

A dialect's part is a *parser* for each kind of row, a plain function that calls a record's class with keywords. It
reads every field through the :class:`Readers` that it is given. They are strict at first; a row with a field that
cannot be read is parsed once more with lenient ones, so that one bad field costs that field and nothing else.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from attrs import define

from futures_stream.dialects.wire import (
    KEYS_ARE_SHARED,
    FieldUnreadable,
    flag,
    instant,
    magnitude,
    number,
    text_of,
    whole,
    with_shared_keys,
)
from futures_stream.records import Record, Unreadable
from futures_stream.vocabulary import Mark, Origin

__all__ = ["Frame", "Parser", "ReaderPair", "Readers", "read_rows", "readers_with"]

_LONGEST_SHOWN = 4096
_NO_MARKS: frozenset[Mark] = frozenset()

FieldT = TypeVar("FieldT")


@define
class Frame:
    """
    What the rows of one message have in common.

    Attributes:
        exchange: The dialect's name.
        account: The label that the stream was opened with.
        product: The exchange's product family, if it said one.
        symbol: The symbol that the message is about, if it is about one.
        said_at: The message's own time as the exchange said it, not yet read.
        received_ns: When it was read.
        origin: Pushed, or rows of a full set.
        unknown: Where words that nobody knew are counted.
        hide: Masks what must not be shown of a text.
    """

    exchange: str
    account: str
    product: str | None
    symbol: str | None
    said_at: Any
    received_ns: int
    origin: Origin
    unknown: Counter[str]
    hide: Callable[[str], str] = str


class Readers(NamedTuple):
    """
    How a parser reads fields, and how it marks the record; unpacked in this order.

    Attributes:
        marks: The record's marks.
        number: A number, exactly.
        size: A number that is not negative.
        whole: A whole number.
        instant: A time in ms.
        text: An id or name.
        flag: A yes or no.
    """

    marks: frozenset[Mark]
    number: Callable[[Any], Decimal | None]
    size: Callable[[Any], Decimal | None]
    whole: Callable[[Any], int | None]
    instant: Callable[[Any], int | None]
    text: Callable[[Any], str | None]
    flag: Callable[[Any], bool | None]


Parser = Callable[[dict[str, Any], Frame, int, Readers], Record]
"""A row, its frame, its ``seq`` and the readers → a record."""


def _lenient(read: Callable[[Any], FieldT | None]) -> Callable[[Any], FieldT | None]:
    def read_or_none(value: Any) -> FieldT | None:
        try:
            return read(value)
        except FieldUnreadable:
            return None

    return read_or_none


_STRICT = Readers(_NO_MARKS, number, magnitude, whole, instant, text_of, flag)
_LENIENT = Readers(
    frozenset({Mark.UNREADABLE_FIELD}),
    _lenient(number),
    _lenient(magnitude),
    _lenient(whole),
    _lenient(instant),
    _lenient(text_of),
    _lenient(flag),
)
ReaderPair = tuple[Readers, Readers]
"""Strict readers, and lenient ones."""

_USUAL = (_STRICT, _LENIENT)


def readers_with(instant: Callable[[Any], int | None]) -> ReaderPair:
    """Return readers for an exchange that writes times in a way of its own, which *instant* reads."""
    return _STRICT._replace(instant=instant), _LENIENT._replace(instant=_lenient(instant))


def read_rows(parse: Parser, rows: Iterable[Any], frame: Frame, seq: int, readers: ReaderPair = _USUAL) -> list[Record]:
    """
    Return a record for each row, in order; an ``Unreadable`` notice in the place of what is no row.

    Args:
        parse: Reads one row.
        rows: The rows as decoded.
        frame: What they have in common.
        seq: The ``seq`` of the first.
        readers: The readers, where an exchange needs others.
    """
    strict, lenient = readers
    records: list[Record] = []
    for row in rows:
        if type(row) is not dict:
            records.append(_unreadable(row, frame, seq))
        else:
            row = row if KEYS_ARE_SHARED else with_shared_keys(row)
            try:
                records.append(parse(row, frame, seq, strict))
            except FieldUnreadable:
                records.append(parse(row, frame, seq, lenient))
        seq += 1
    return records


def _unreadable(row: Any, frame: Frame, seq: int) -> Unreadable:
    try:
        text = frame.hide(json.dumps(row, default=str))[:_LONGEST_SHOWN]
    except (ValueError, RecursionError):  # it was decoded, but is nested a little too deep for the way back
        text = ""
    return Unreadable(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=frame.symbol,
        received_ns=frame.received_ns,
        seq=seq,
        text=text,
        error=f"a row should be a JSON object, this is a {type(row).__name__}",
    )
