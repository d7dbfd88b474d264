"""How one row of an order stands to what is known of it: what it says anew, what it leaves out, what it takes back."""

from __future__ import annotations

from attrs import evolve

from futures_stream.records import Order
from futures_stream.trackers.tracker import filled_in

__all__ = ["LASTING", "following", "says_less", "says_new"]

LASTING = (
    "symbol",
    "product",
    "margin_asset",
    "order_id",
    "client_order_id",
    "side",
    "position_side",
    "effect",
    "type",
    "price",
    "size",
    "average_price",
    "leverage",
    "margin_mode",
    "time_in_force",
    "reduce_only",
    "created_at",
)
"""What stays as it is until a row says something else."""

_NEWS = ("status", "raw_status", "size", "price", "average_price", "client_order_id", "notional", "leverage")
"""What a row must say otherwise, besides what is filled, to be more than a repetition."""


def following(before: Order, told: Order) -> tuple[Order, bool]:
    """Return the order after a row that is not older than it, and whether the row takes back what was filled."""
    after = filled_in(told, before, LASTING) if says_less(told, before) else told
    was, now = before.filled, told.filled
    if was is None or (now is not None and now >= was):
        return after, False
    return evolve(after, filled=was), now is not None


def says_new(told: Order, known: Order, order: Order) -> bool:
    """Tell whether a row says something that neither the row before it nor, where that is silent, earlier ones did."""
    for name in _NEWS:
        value = getattr(told, name)
        if value is not None:
            said = getattr(known, name)
            if value != (getattr(order, name) if said is None else said):
                return True
    return False


def says_less(newer: Order, older: Order) -> bool:
    """Tell whether a row leaves out what another one says, of what stays unless something else is said."""
    return (
        (newer.client_order_id is None and older.client_order_id is not None)
        or (newer.side is None and older.side is not None)
        or (newer.price is None and older.price is not None)
        or (newer.size is None and older.size is not None)
        or (newer.effect is None and older.effect is not None)
        or (newer.position_side is None and older.position_side is not None)
        or (newer.average_price is None and older.average_price is not None)
        or (newer.leverage is None and older.leverage is not None)
        or (newer.margin_mode is None and older.margin_mode is not None)
        or (newer.margin_asset is None and older.margin_asset is not None)
        or (newer.time_in_force is None and older.time_in_force is not None)
        or (newer.reduce_only is None and older.reduce_only is not None)
        or (newer.created_at is None and older.created_at is not None)
        or (newer.symbol is None and older.symbol is not None)
    )
