"""Bitmusa's rows: one parser a stream."""

from __future__ import annotations

from typing import Any

from futures_stream.dialects.rows import Frame, Parser, Readers
from futures_stream.dialects.wire import Words
from futures_stream.records import Balance, Order, Position
from futures_stream.vocabulary import (
    Effect,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    PositionStatus,
    TimeInForce,
)

__all__ = ["PARSERS"]

_POSITION_SIDE = Words(
    PositionSide,
    {
        "buy": PositionSide.LONG,
        "long": PositionSide.LONG,
        "sell": PositionSide.SHORT,
        "short": PositionSide.SHORT,
    },
)
_MARGIN_MODE = Words(
    MarginMode,
    {"isolated": MarginMode.ISOLATED, "cross": MarginMode.CROSS, "crossed": MarginMode.CROSS},
)
_POSITION_MODE = Words(
    PositionMode, {"oneway": PositionMode.ONE_WAY, "one_way": PositionMode.ONE_WAY, "hedge": PositionMode.HEDGE}
)
_POSITION_STATUS = Words(
    PositionStatus,
    {
        "open": PositionStatus.OPEN,  # in the example, not in the list
        "user_close": PositionStatus.CLOSED,
        "close": PositionStatus.CLOSED,
        "closed": PositionStatus.CLOSED,
        "force_close": PositionStatus.LIQUIDATED,
        "liquidation": PositionStatus.LIQUIDATED,
        "take_profit": PositionStatus.TAKE_PROFIT,
        "stop_loss": PositionStatus.STOP_LOSS,
    },
)
_EFFECT = Words(Effect, {"open": Effect.OPEN, "close": Effect.CLOSE})
_ORDER_TYPE = Words(
    OrderType,
    {
        "market": OrderType.MARKET,
        "limit": OrderType.LIMIT,
        "take_profit": OrderType.TAKE_PROFIT,
        "stop_loss": OrderType.STOP_LOSS,
        "liquidation": OrderType.LIQUIDATION,
    },
)
_ORDER_STATUS = Words(
    OrderStatus,
    {
        "trading": OrderStatus.NEW,
        "new": OrderStatus.NEW,
        "partial": OrderStatus.PARTIALLY_FILLED,
        "partially_filled": OrderStatus.PARTIALLY_FILLED,
        "filled": OrderStatus.FILLED,
        "completed": OrderStatus.FILLED,
        "cancelled": OrderStatus.CANCELED,
        "canceled": OrderStatus.CANCELED,
        "rejected": OrderStatus.REJECTED,
        "expired": OrderStatus.EXPIRED,
        "triggered": OrderStatus.TRIGGERED,
    },
)
_TIME_IN_FORCE = Words(
    TimeInForce,
    {
        "gtc": TimeInForce.GTC,
        "ioc": TimeInForce.IOC,
        "fok": TimeInForce.FOK,
        "post_only": TimeInForce.POST_ONLY,
    },
)


# tests/frames/bitmusa/future_wallet.json
def _balance(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Balance:
    marks, number, _, _, instant, text, _ = readers
    said = row.get
    return Balance(
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
    return Order(
        exchange=frame.exchange,
        account=frame.account,
        symbol=text(said("ticker")),
        timestamp=instant(frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        marks=marks,
        info=row,
        order_id=text(said("orderId")),
        effect=_EFFECT(said("direction"), unknown),
        type=_ORDER_TYPE(said("type"), unknown) or OrderType.UNKNOWN,
        price=number(said("price")),
        size=number(said("amount")),
        filled=number(said("tradedAmount")),
        notional=number(said("value")),
        time_in_force=_TIME_IN_FORCE(said("tif"), unknown),
        status=_ORDER_STATUS(status, unknown) or OrderStatus.UNKNOWN,
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
    return Position(
        exchange=frame.exchange,
        account=frame.account,
        symbol=text(said("ticker")),
        timestamp=instant(frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        marks=marks,
        info=row,
        side=_POSITION_SIDE(said("position"), unknown) or PositionSide.UNKNOWN,
        size=magnitude(said("amount")),
        entry_price=number(said("price")),
        liquidation_price=number(said("liquidPrice")) or None,  # 0 is Bitmusa's way to say that there is none
        unrealized_pnl=number(said("unpnl")),
        leverage=number(said("leverage")),
        margin_mode=_MARGIN_MODE(said("marginMode"), unknown),
        position_mode=_POSITION_MODE(said("positionMode"), unknown),
        notional=number(said("value")),
        status=_POSITION_STATUS(status, unknown) or PositionStatus.UNKNOWN,
        raw_status=text(status),
        created_at=instant(said("createdTime")),
        closed_at=instant(said("closeTime")),
    )


PARSERS: dict[str, Parser] = {"account": _balance, "orders": _order, "positions": _position}
"""How the rows of a channel (neutral word) are read."""
