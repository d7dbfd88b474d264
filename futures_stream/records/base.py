"""What all records and notices have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

from attrs import field, fields, frozen

from futures_stream.markup import html_facts
from futures_stream.vocabulary import Mark, Origin

__all__ = ["Record", "kind_of"]

_EMPTY: dict[str, Any] = {}
_NO_MARKS: frozenset[Mark] = frozenset()
_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@frozen(kw_only=True)
class Record:
    """
    What all records and notices have in common.

    Attributes:
        exchange: The dialect's name, such as ``bitget``.
        account: The label that the stream was opened with.
        product: The exchange's product family (its instType or the like), where it has any.
        symbol: The contract, as the exchange spells it; None on a balance.
        timestamp: When it happened, in ms since 1970 by the exchange's clock: the row's own update time, else the
            message's.
        received_ns: When this machine read it, in ns since 1970.
        seq: Rising number within a stream; what is missed in an :class:`Overflow` leaves a hole.
        origin: Pushed, or a row of a full set.
        marks: What is unusual about it; mostly empty.
        info: The raw row as the exchange sent it, read-only; numbers are Decimal or int, never float.
    """

    exchange: str
    account: str
    product: str | None = None
    symbol: str | None = None
    timestamp: int | None = None
    received_ns: int = 0
    seq: int = 0
    origin: Origin = Origin.PUSH
    marks: frozenset[Mark] = _NO_MARKS
    # A plain dict inside, so that a record can be pickled and copied; a read-only view outside, made when asked for.
    _info: dict[str, Any] = field(default=_EMPTY, repr=False, eq=False)

    @property
    def info(self) -> Mapping[str, Any]:
        """The raw row as the exchange sent it, read-only."""
        return MappingProxyType(self._info)

    @property
    def datetime(self) -> datetime | None:
        """The timestamp as an aware UTC datetime."""
        return None if self.timestamp is None else datetime.fromtimestamp(self.timestamp / 1000, timezone.utc)

    def _repr_html_(self) -> str:
        """Show the record as a small table in a notebook: what is known, and the time in UTC; all of it escaped."""
        told = {each.name: getattr(self, each.name) for each in fields(type(self)) if each.repr}
        known = {name: value for name, value in told.items() if value is not None and value != frozenset()}
        return html_facts(type(self).__name__, known)


def kind_of(record: Record | type[Record]) -> str:
    """Return the name of a record's class in snake case, as JSONL prints it: ``liquidation_warning``."""
    name = record.__name__ if isinstance(record, type) else type(record).__name__
    return _INNER_CAPITAL.sub("_", name).lower()
