"""
The events on the wire, and the same events as records: what the oracle compares.

It knows the wire by itself, and shares no code with the dialects, so that a misreading of theirs cannot hide here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from attrs import frozen

from futures_stream import Balance, Execution, LiquidationWarning, Order, Position, Record

Identity = tuple[str, ...]


@frozen
class Written:
    """
    One event that a server wrote.

    Attributes:
        connection: On which connection.
        unix_ms: When, in ms since 1970.
        identity: Which it was.
        full: Whether it was a row of a full set, as some exchanges begin a subscription with.
    """

    connection: int
    unix_ms: int
    identity: Identity
    full: bool = False


def _plain(value: Any) -> str:
    """Write a number, however it was spelled, in one way."""
    if value is None or value == "":
        return "-"
    number = Decimal(str(value))
    return format(number.normalize(), "f") if number else "0"


# -- what was written -----------------------------------------------------------------------------------------------


def _bitget(message: dict[str, Any]) -> Iterable[tuple[str, Identity]]:
    channel = str(message["arg"]["channel"])
    for row in message["data"]:
        if channel == "orders":
            yield "orders", ("order", row["orderId"], row["status"], _plain(row["filledSize"]))
        elif channel == "execution":
            yield "executions", ("execution", str(row["tradeId"]), row["orderId"], _plain(row["size"]))
        elif channel == "account":
            yield "account", ("balance", row["marginCoin"], _plain(row["available"]), _plain(row["frozenBalance"]))
        elif channel == "positions":
            size, profit = _plain(row["holdPosition"]), _plain(row["unrealizedPnl"])
            yield "positions", ("position", row["symbol"], row["positionSide"], size, profit)
        else:
            yield "liquidations", ("warning", row["symbol"])


_SIDES = {"BUY": "long", "SELL": "short"}


def _bitmusa(message: dict[str, Any]) -> Iterable[tuple[str, Identity]]:
    rows = message["data"] if isinstance(message["data"], list) else [message["data"]]
    for row in rows:
        if message["stream"] == "future_order":
            yield "orders", ("order", row["orderId"], row["status"], _plain(row["tradedAmount"]))
        elif message["stream"] == "future_wallet":
            yield "account", ("balance", row["asset"], _plain(row["free"]), _plain(row["locked"]))
        elif message["stream"] == "future_position":
            size, profit = _plain(row["amount"]), _plain(row["unpnl"])
            yield "positions", ("position", row["ticker"], _SIDES[row["position"]], size, profit)


def events_in(text: str) -> list[tuple[str, Identity]]:
    """Return the channel and identity of every event in a frame; nothing for one that is no push of events."""
    try:
        message = json.loads(text, parse_float=Decimal)
        if "stream" in message:
            return list(_bitmusa(message))
        return list(_bitget(message)) if "data" in message else []
    except (ValueError, TypeError, KeyError):
        return []  # what a test garbled is no event


def is_full(text: str) -> bool:
    """Tell whether a push is of a full set."""
    return '"action":"snapshot"' in text.replace(" ", "")


def written(entries: Iterable[Any], exchange: str, channels: Sequence[str]) -> list[Written]:
    """Return the events in a server's ledger that a stream of these channels was to hear."""
    return [
        Written(entry.connection, entry.unix_ms, identity, is_full(entry.text))
        for entry in entries
        if entry.exchange == exchange
        for channel, identity in events_in(entry.text)
        if channel in channels
    ]


# -- what was told --------------------------------------------------------------------------------------------------


def identity_of(record: Record) -> Identity | None:
    """Return which event a record is; None for a notice."""
    match record:
        case Order():
            return ("order", record.order_id or "", record.raw_status or "", _plain(record.filled))
        case Execution():
            return ("execution", record.trade_id or "", record.order_id or "", _plain(record.size))
        case Balance():
            return ("balance", record.asset or "", _plain(record.free), _plain(record.locked))
        case Position():
            size, profit = _plain(record.size), _plain(record.unrealized_pnl)
            return ("position", record.symbol or "", record.side.value, size, profit)
        case LiquidationWarning():
            return ("warning", record.symbol or "")
    return None
