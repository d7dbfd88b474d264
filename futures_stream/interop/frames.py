"""Records as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs

from futures_stream.errors import ConfigError
from futures_stream.interop.plain import each_of
from futures_stream.records import Record, kind_of

if TYPE_CHECKING:
    import pandas

__all__ = ["to_pandas"]

_NANOSECONDS = "received_ns"
_MILLISECONDS = frozenset({"timestamp", "since", "until"})
_MOMENT = "_at"  # created_at, closed_at …: all in ms


def to_pandas(
    records: Iterable[Record] | Mapping[Any, Record], floats: bool = False, info: bool = False
) -> pandas.DataFrame:
    """
    Return records as a table, a row each.

    ``kind`` is the first column, then come the fields in their order; what a record of another class does not have is
    missing in its row. Times are timestamps in UTC, words are text. Needs pandas: ``pip install
    'futures-stream[pandas]'``.

    Args:
        records: Records, or a mapping of them such as ``positions`` of a tracker's.
        floats: Whether numbers become floats, with which pandas computes fast and not exactly; otherwise they are
            Decimals, exact to the last digit.
        info: Whether to add the raw rows, as ``info``.

    Raises:
        ConfigError: pandas is not installed.
    """
    try:
        import numpy as np
        import pandas as pd
    except ImportError:
        raise ConfigError("to_pandas() needs pandas; install it: pip install 'futures-stream[pandas]'") from None
    rows = [_row(record, floats, info) for record in each_of(records)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: dict[str, Any] = {}
    for name in names:
        values = [row.get(name) for row in rows]
        unit: Any = _unit_of(name)  # numpy, where it is installed, wants to know which units it can be
        if unit is not None:
            moments = np.array([np.datetime64("NaT" if value is None else value, unit) for value in values])
            columns[name] = pd.Series(moments).dt.tz_localize("UTC")
        elif floats and any(isinstance(value, float) for value in values):
            columns[name] = pd.Series([float("nan") if value is None else value for value in values], dtype="float64")
        else:
            columns[name] = pd.Series(values, dtype="int64" if name == "seq" else "object")
    return pd.DataFrame(columns, columns=names)


def _row(record: Record, floats: bool, info: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": kind_of(record)}
    for attribute in attrs.fields(type(record)):
        if attribute.alias != "info":
            row[attribute.name] = _cell(getattr(record, attribute.name), floats)
    if info:
        row["info"] = dict(record.info)
    return row


def _cell(value: Any, floats: bool) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return float(value) if floats else value
    if isinstance(value, frozenset):
        return tuple(sorted(str(each) for each in value))
    return value


def _unit_of(name: str) -> str | None:
    if name == _NANOSECONDS:
        return "ns"
    return "ms" if name in _MILLISECONDS or name.endswith(_MOMENT) else None
