"""Records as lines for people: aligned columns, and the facts that matter for each kind."""

from __future__ import annotations

import json
from datetime import datetime, timezone

from futures_stream.cli.facts import facts_of
from futures_stream.errors import printable
from futures_stream.interop import to_dict
from futures_stream.records import (
    Balance,
    ChannelLost,
    Deleveraging,
    Equity,
    Gap,
    LiquidationWarning,
    Notice,
    Overflow,
    Record,
    RiskAlert,
    RiskRecord,
    Unreadable,
    kind_of,
)
from futures_stream.vocabulary import Origin

__all__ = ["Layout", "label"]

_KIND_WIDTH = 12
_SHORT = {
    "liquidation_warning": "warning",
    "trigger_order": "trigger",
    "position_result": "result",
    "deleveraging": "adl",
}
_DIM, _YELLOW, _RED, _OFF = "\x1b[2m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
_ALARMING = (ChannelLost, Gap, Overflow, RiskAlert, Unreadable)


def label(exchange: str, account: str) -> str:
    """Return how a stream is named in a line: the account only where it has been given a name."""
    return exchange if account == "default" else f"{exchange}/{account}"


class Layout:
    """
    Lays out lines; a column that something longer came for stays as wide.

    Args:
        names: The labels that will come.
        colours: Whether to mark notices and warnings by colours.
    """

    def __init__(self, names: tuple[str, ...] = (), *, colours: bool = False) -> None:
        self._name_width = max(map(len, names), default=0)
        self._symbol_width = 8
        self._colours = colours

    def line(self, record: Record, info: bool = False) -> str:
        """
        Return the line of a record: time (UTC), exchange and account, kind, symbol or asset, facts.

        Args:
            record: A record or notice.
            info: Whether the raw row stands at the end.
        """
        name = label(record.exchange, printable(record.account, 64))
        symbol = record.asset if isinstance(record, Balance | Equity) else record.symbol
        if symbol is None and isinstance(record, RiskRecord):
            symbol = record.asset
        symbol = "" if symbol is None else printable(symbol, 40)
        self._name_width = max(self._name_width, len(name))
        self._symbol_width = max(self._symbol_width, len(symbol))
        kind = kind_of(record)
        shown = f"{name:<{self._name_width}}  {_SHORT.get(kind, kind):<{_KIND_WIDTH}}  "
        # A notice about everything has no symbol, and its facts are long: they begin where the symbols do.
        if symbol or not isinstance(record, Notice):
            shown += f"{symbol:<{self._symbol_width}}  "
        shown += facts_of(record) + _remarks(record)
        if info and record.info:
            shown += f"  {json.dumps(to_dict(record, info=True)['info'])}"
        return self._coloured(record, _clock_time(record), shown.rstrip())

    def _coloured(self, record: Record, when: str, rest: str) -> str:
        if not self._colours:
            return f"{when}  {rest}"
        if isinstance(record, _ALARMING):
            rest = f"{_RED}{rest}{_OFF}"
        elif isinstance(record, LiquidationWarning | Deleveraging):
            rest = f"{_YELLOW}{rest}{_OFF}"
        elif isinstance(record, Notice):
            rest = f"{_DIM}{rest}{_OFF}"
        return f"{_DIM}{when}{_OFF}  {rest}"


def _clock_time(record: Record) -> str:
    """Return when it happened; when it was received if the exchange did not say."""
    ms = record.timestamp if record.timestamp is not None else record.received_ns // 1_000_000
    moment = datetime.fromtimestamp(ms / 1000, timezone.utc)
    return f"{moment:%H:%M:%S}.{ms % 1000:03d}"


def _remarks(record: Record) -> str:
    remarks = sorted(str(mark) for mark in record.marks)
    if record.origin is Origin.SNAPSHOT and not isinstance(record, Notice):
        remarks.insert(0, "snapshot")
    return f"  [{', '.join(remarks)}]" if remarks else ""
