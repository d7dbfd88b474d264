"""The rows of Bitmusa's pushes: one parser a stream."""

from __future__ import annotations

from typing import Any

from futures_stream.dialects.bitmusa.words import (
    EFFECT,
    MARGIN_MODE,
    ORDER_STATUS,
    ORDER_TYPE,
    POSITION_MODE,
    POSITION_SIDE,
    POSITION_STATUS,
    TIME_IN_FORCE,
)
from futures_stream.dialects.construction import quick
from futures_stream.dialects.rows import Frame, Parser, Readers
from futures_stream.records import Balance, Order, Position
from futures_stream.vocabulary import OrderStatus, OrderType, PositionSide, PositionStatus

__all__ = ["PARSERS"]

_new_balance = quick(Balance)
_new_order = quick(Order)
_new_position = quick(Position)


# tests/frames/bitmusa/future_wallet.json
def _balance(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Balance:
    marks, number, _, _, instant, text, _ = readers
    said = row.get
    return _new_balance(
        exchange=frame.exchange,
        account=frame.account,
        timestamp=instant(frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        marks=marks,
        info=row,
        asset=text(said("asset")),
        free=number(said("free")),
        locked=number(said("locked")),
    )


# tests/frames/bitmusa/future_order.json
def _order(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Order:
    marks, number, _, _, instant, text, _ = readers
    said, unknown = row.get, frame.unknown
    status = said("status")
    return _new_order(
        exchange=frame.exchange,
        account=frame.account,
        symbol=text(said("ticker")),
        timestamp=instant(frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        marks=marks,
        info=row,
        order_id=text(said("orderId")),
        effect=EFFECT(said("direction"), unknown),
        type=ORDER_TYPE(said("type"), unknown) or OrderType.UNKNOWN,
        price=number(said("price")),
        size=number(said("amount")),
        filled=number(said("tradedAmount")),
        notional=number(said("value")),
        time_in_force=TIME_IN_FORCE(said("tif"), unknown),
        status=ORDER_STATUS(status, unknown) or OrderStatus.UNKNOWN,
        raw_status=text(status),
        created_at=instant(said("createdTime")),
        canceled_at=instant(said("canceledTime")),
        completed_at=instant(said("completedTime")),
    )


# tests/frames/bitmusa/future_position.json.txt, with the trailing comma that the document prints
def _position(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Position:
    marks, number, magnitude, _, instant, text, _ = readers
    said, unknown = row.get, frame.unknown
    status = said("status")
    return _new_position(
        exchange=frame.exchange,
        account=frame.account,
        symbol=text(said("ticker")),
        timestamp=instant(frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        marks=marks,
        info=row,
        side=POSITION_SIDE(said("position"), unknown) or PositionSide.UNKNOWN,
        size=magnitude(said("amount")),
        entry_price=number(said("price")),
        liquidation_price=number(said("liquidPrice")) or None,  # 0 is Bitmusa's way to say that there is none
        unrealized_pnl=number(said("unpnl")),
        leverage=number(said("leverage")),
        margin_mode=MARGIN_MODE(said("marginMode"), unknown),
        position_mode=POSITION_MODE(said("positionMode"), unknown),
        notional=number(said("value")),
        status=POSITION_STATUS(status, unknown) or PositionStatus.UNKNOWN,
        raw_status=text(status),
        created_at=instant(said("createdTime")),
        closed_at=instant(said("closeTime")),
    )


PARSERS: dict[str, Parser] = {"account": _balance, "orders": _order, "positions": _position}
"""How the rows of a channel (neutral word) are read."""
