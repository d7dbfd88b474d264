"""
Which of its kind a record is about: what engine, dialects and trackers tell one piece of state from another by.

Pure functions of one record. Words in a key are members of open enums, which equal and hash as their text: a key that
went through text and back is still the same key.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

from futures_stream.records import Balance, Execution, Order, Position, PositionResult, Record, TriggerOrder
from futures_stream.vocabulary import PositionSide, PositionStatus

__all__ = ["EVENTS", "Key", "amount_of", "as_text", "is_open", "key_of", "keyed", "signed_size"]

Key = tuple[object, ...]

EVENTS = frozenset({"executions", "closed_positions"})
"""The kinds that are told once, when they happen: there is no set of them."""


def keyed(record: Record) -> tuple[str, Key] | None:
    """
    Return the kind of state that a record tells, and which one of that kind; None for what is no state.

    Keys are (asset,), (symbol, side, margin mode), (order id,), (symbol, trade id), a trigger order's (order id,), and
    (symbol, side, time of opening) of a position that was closed: REST was seen to leave its id out.
    """
    if isinstance(record, Order):
        return None if record.order_id is None else ("orders", (record.order_id,))
    if isinstance(record, Position):
        return None if record.symbol is None else ("positions", (record.symbol, record.side, record.margin_mode))
    if isinstance(record, Execution):
        return None if record.trade_id is None else ("executions", (record.symbol, record.trade_id))
    if isinstance(record, Balance):
        return None if record.asset is None else ("balances", (record.asset,))
    if isinstance(record, PositionResult):
        key = (record.symbol, record.side, record.created_at)
        return None if record.symbol is None or record.created_at is None else ("closed_positions", key)
    if isinstance(record, TriggerOrder):
        return None if record.order_id is None else ("trigger_orders", (record.order_id,))
    return None


def key_of(record: Record) -> tuple[str | None, ...] | None:
    """Return what tells *record* from the others of its set, as plain text; None if it has no such key."""
    found = keyed(record)
    return None if found is None else as_text(found[1])


def as_text(key: Key) -> tuple[str | None, ...]:
    """Return a key as a notice tells it: plain text, the same as :func:`key_of` gives."""
    return tuple(_plain(part) for part in key)


def is_open(record: Record) -> bool:
    """Tell whether what a record tells of still exists; a balance always does."""
    if isinstance(record, Position):
        return record.size != 0 and record.status in (PositionStatus.OPEN, PositionStatus.UNKNOWN)
    return not (isinstance(record, Order) and record.status.final)


def amount_of(record: Record | None) -> Decimal | None:
    """Return the one quantity of a record that only what happens to the account can change; None if it has none."""
    if isinstance(record, Order):
        return record.filled
    return record.size if isinstance(record, Position) else None


def signed_size(position: Position) -> Decimal | None:
    """Return a position's size, negative for a short one; None if it is not known."""
    if position.size is None:
        return None
    return -position.size if position.side is PositionSide.SHORT else position.size


def _plain(part: object) -> str | None:
    if part is None:
        return None
    return str(part.value) if isinstance(part, Enum) else str(part)
