"""
Bitmusa's words, in both of its spellings: text on the stream and in the trade history, numbers elsewhere over REST.

The document lists the numbers of position, direction, margin mode, position mode and of the order types 0 and 1; the
others are those that an open client of Bitmusa's reads, in the order of the document's own lists.
"""

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
    PositionStatus,
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
    "POSITION_STATUS",
    "TIME_IN_FORCE",
]

POSITION_SIDE = Words(
    PositionSide,
    {
        "buy": PositionSide.LONG,
        "long": PositionSide.LONG,
        "sell": PositionSide.SHORT,
        "short": PositionSide.SHORT,
        "0": PositionSide.LONG,
        "1": PositionSide.SHORT,
    },
)
MARGIN_MODE = Words(
    MarginMode,
    {
        "isolated": MarginMode.ISOLATED,
        "cross": MarginMode.CROSS,
        "crossed": MarginMode.CROSS,
        "0": MarginMode.ISOLATED,
        "1": MarginMode.CROSS,
    },
)
POSITION_MODE = Words(
    PositionMode,
    {
        "oneway": PositionMode.ONE_WAY,
        "one_way": PositionMode.ONE_WAY,
        "hedge": PositionMode.HEDGE,
        "0": PositionMode.ONE_WAY,
        "1": PositionMode.HEDGE,
    },
)
POSITION_STATUS = Words(
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
        "0": PositionStatus.OPEN,
    },
)
EFFECT = Words(Effect, {"open": Effect.OPEN, "close": Effect.CLOSE, "0": Effect.OPEN, "1": Effect.CLOSE})
ORDER_TYPE = Words(
    OrderType,
    {
        "market": OrderType.MARKET,
        "limit": OrderType.LIMIT,
        "take_profit": OrderType.TAKE_PROFIT,
        "stop_loss": OrderType.STOP_LOSS,
        "liquidation": OrderType.LIQUIDATION,
        "0": OrderType.MARKET,
        "1": OrderType.LIMIT,
        "2": OrderType.TAKE_PROFIT,
        "3": OrderType.STOP_LOSS,
        "4": OrderType.LIQUIDATION,
    },
)
ORDER_STATUS = Words(
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
TIME_IN_FORCE = Words(
    TimeInForce,
    {
        "gtc": TimeInForce.GTC,
        "ioc": TimeInForce.IOC,
        "fok": TimeInForce.FOK,
        "post_only": TimeInForce.POST_ONLY,
        "0": TimeInForce.GTC,
        "1": TimeInForce.IOC,
        "2": TimeInForce.FOK,
    },
)
LIQUIDITY = Words(
    Liquidity, {"taker": Liquidity.TAKER, "maker": Liquidity.MAKER, "0": Liquidity.TAKER, "1": Liquidity.MAKER}
)
