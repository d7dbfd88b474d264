"""Records in the forms that other tools want: plain dicts and lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs

from futures_stream.errors import FuturesStreamError
from futures_stream.records import Record, kind_of

__all__ = ["each_of", "to_dict", "to_dicts", "to_json"]

_DEEPEST = 64  # what is nested deeper in a raw row is shown as an ellipsis; no exchange does that on purpose


def to_dict(record: Record, info: bool = False) -> dict[str, Any]:
    """
    Return a record as a dict of plain values, which JSON can hold without losing a digit.

    ``kind`` comes first, then the record's fields in their order. A Decimal becomes text with the digits of the wire,
    an enum its word, a set a sorted list, an error a dict of its facts; None stays None.

    Args:
        record: A record or a notice.
        info: Whether to add the raw row, as ``info``.
    """
    plain: dict[str, Any] = {"kind": kind_of(record)}
    for attribute in attrs.fields(type(record)):
        if attribute.alias != "info":
            plain[attribute.name] = _plain(getattr(record, attribute.name))
    if info:
        plain["info"] = _plain(record.info)
    return plain


def to_dicts(records: Iterable[Record] | Mapping[Any, Record], info: bool = False) -> list[dict[str, Any]]:
    """
    Return records as dicts of plain values, as :func:`to_dict` does.

    Args:
        records: Records, or a mapping of them such as ``positions`` of a tracker's.
        info: Whether to add the raw rows, as ``info``.
    """
    return [to_dict(record, info) for record in each_of(records)]


def each_of(records: Iterable[Record] | Mapping[Any, Record]) -> Iterable[Record]:
    """Return the records of a mapping, or of anything else that has some; a single one by itself."""
    if isinstance(records, Record):
        return (records,)
    return records.values() if isinstance(records, Mapping) else records


def to_json(record: Record, info: bool = False) -> str:
    """
    Return a record as one line of JSON, in ASCII, without a line break at its end.

    Args:
        record: A record or a notice.
        info: Whether to add the raw row, as ``info``.
    """
    return json.dumps(to_dict(record, info))


def _plain(value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")  # the digits of the wire: str() would make 0E-8 of 0.00000000
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(_plain(inner, depth + 1) for inner in value)
    if isinstance(value, tuple | list):
        return [_plain(inner, depth + 1) for inner in value]
    if isinstance(value, Record):
        return to_dict(value)
    if isinstance(value, FuturesStreamError):
        return {
            "type": type(value).__name__,
            "message": value.message,
            "code": value.code,
            "channel": value.channel,
        }
    return str(value)
