"""Bitget's words, those of both of its APIs; the same thing may be spelled in several ways (WIRE.md A.7)."""

from __future__ import annotations

from futures_stream.dialects.wire import Words
from futures_stream.vocabulary import (
    Effect,
    Liquidity,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    TimeInForce,
)

__all__ = [
    "EFFECT",
    "LIQUIDITY",
    "MARGIN_MODE",
    "ORDER_STATUS",
    "ORDER_TYPE",
    "POSITION_MODE",
    "POSITION_SIDE",
    "SIDE",
    "TIME_IN_FORCE",
]

SIDE = Words(Side, {"buy": Side.BUY, "sell": Side.SELL})
POSITION_SIDE = Words(PositionSide, {"long": PositionSide.LONG, "short": PositionSide.SHORT, "net": PositionSide.NET})
MARGIN_MODE = Words(
    MarginMode,
    {
        "cross": MarginMode.CROSS,
        "crossed": MarginMode.CROSS,
        "isolated": MarginMode.ISOLATED,
        "isolate": MarginMode.ISOLATED,
        "fixed": MarginMode.ISOLATED,  # so in the API before v2, and in its history of positions
    },
)
POSITION_MODE = Words(
    PositionMode,
    {
        "one_way": PositionMode.ONE_WAY,
        "one_way_mode": PositionMode.ONE_WAY,
        "single_hold": PositionMode.ONE_WAY,
        "hedge": PositionMode.HEDGE,
        "hedge_mode": PositionMode.HEDGE,
        "double_hold": PositionMode.HEDGE,
    },
)
ORDER_TYPE = Words(
    OrderType,
    {
        "limit": OrderType.LIMIT,
        "post_only": OrderType.LIMIT,
        "market": OrderType.MARKET,
        "take_profit": OrderType.TAKE_PROFIT,
        "stop_loss": OrderType.STOP_LOSS,
        "liquidation": OrderType.LIQUIDATION,
    },
)
ORDER_STATUS = Words(
    OrderStatus,
    {
        "new": OrderStatus.NEW,
        "live": OrderStatus.NEW,
        "init": OrderStatus.NEW,
        "partially_filled": OrderStatus.PARTIALLY_FILLED,
        "partial-fill": OrderStatus.PARTIALLY_FILLED,
        "partial_fill": OrderStatus.PARTIALLY_FILLED,
        "filled": OrderStatus.FILLED,
        "full-fill": OrderStatus.FILLED,
        "full_fill": OrderStatus.FILLED,
        "canceled": OrderStatus.CANCELED,
        "cancelled": OrderStatus.CANCELED,
        "rejected": OrderStatus.REJECTED,
        "expired": OrderStatus.EXPIRED,
        "triggered": OrderStatus.TRIGGERED,
    },
)
EFFECT = Words(Effect, {"open": Effect.OPEN, "close": Effect.CLOSE})
TIME_IN_FORCE = Words(
    TimeInForce,
    {
        "gtc": TimeInForce.GTC,
        "normal": TimeInForce.GTC,
        "ioc": TimeInForce.IOC,
        "fok": TimeInForce.FOK,
        "post_only": TimeInForce.POST_ONLY,
    },
)
LIQUIDITY = Words(
    Liquidity, {"maker": Liquidity.MAKER, "m": Liquidity.MAKER, "taker": Liquidity.TAKER, "t": Liquidity.TAKER}
)
