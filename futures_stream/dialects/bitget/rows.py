"""Bitget's rows: one parser a channel. Every one reads what the document lists, and a few words of its kin."""

from __future__ import annotations

from typing import Any

from futures_stream.dialects.construction import quick
from futures_stream.dialects.rows import Frame, Parser, Readers
from futures_stream.dialects.wire import Words
from futures_stream.records import Balance, Execution, LiquidationWarning, Order, Position
from futures_stream.vocabulary import (
    Effect,
    Liquidity,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    PositionStatus,
    Side,
    TimeInForce,
)

__all__ = ["PARSERS"]

_new_balance = quick(Balance)
_new_position = quick(Position)
_new_order = quick(Order)
_new_execution = quick(Execution)
_new_liquidation_warning = quick(LiquidationWarning)

_SIDE = Words(Side, {"buy": Side.BUY, "sell": Side.SELL}).read
_POSITION_SIDE = Words(
    PositionSide, {"long": PositionSide.LONG, "short": PositionSide.SHORT, "net": PositionSide.NET}
).read
_MARGIN_MODE = Words(
    MarginMode,
    {
        "cross": MarginMode.CROSS,
        "crossed": MarginMode.CROSS,
        "isolated": MarginMode.ISOLATED,
        "fixed": MarginMode.ISOLATED,
    },
).read
_POSITION_MODE = Words(
    PositionMode,
    {
        "one_way": PositionMode.ONE_WAY,
        "one_way_mode": PositionMode.ONE_WAY,
        "single_hold": PositionMode.ONE_WAY,
        "hedge": PositionMode.HEDGE,
        "hedge_mode": PositionMode.HEDGE,
        "double_hold": PositionMode.HEDGE,
    },
).read
_ORDER_TYPE = Words(
    OrderType,
    {
        "limit": OrderType.LIMIT,
        "post_only": OrderType.LIMIT,
        "market": OrderType.MARKET,
        "take_profit": OrderType.TAKE_PROFIT,
        "stop_loss": OrderType.STOP_LOSS,
        "liquidation": OrderType.LIQUIDATION,
    },
).read
_ORDER_STATUS = Words(
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
).read
_EFFECT = Words(Effect, {"open": Effect.OPEN, "close": Effect.CLOSE}).read
_TIME_IN_FORCE = Words(
    TimeInForce,
    {
        "gtc": TimeInForce.GTC,
        "normal": TimeInForce.GTC,
        "ioc": TimeInForce.IOC,
        "fok": TimeInForce.FOK,
        "post_only": TimeInForce.POST_ONLY,
    },
).read
_LIQUIDITY = Words(
    Liquidity, {"maker": Liquidity.MAKER, "m": Liquidity.MAKER, "taker": Liquidity.TAKER, "t": Liquidity.TAKER}
).read


# tests/frames/bitget/account.json
def _balance(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Balance:
    marks, number, _, _, instant, text, _ = readers
    said = row.get
    return _new_balance(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        timestamp=instant(said("timestamp")) or instant(frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        asset=text(said("marginCoin")),
        free=number(said("available")),
        locked=number(said("frozenBalance")),
        total=number(said("total")),
        unrealized_pnl=number(said("unrealizedPnl")),
        margin_mode=_MARGIN_MODE(said("marginMode"), frame.unknown),
        margin_ratio=number(said("marginRatio")),
        maintenance_margin=number(said("maintainMargin")),
        initial_margin=number(said("initialMargin")),
    )


# tests/frames/bitget/positions.json
def _position(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Position:
    marks, number, magnitude, _, instant, text, _ = readers
    said, unknown = row.get, frame.unknown
    size = magnitude(said("holdPosition"))
    liquidation_price = number(said("liquidationPrice"))
    if liquidation_price is not None and liquidation_price <= 0:
        liquidation_price = None  # Bitget's way to say that there is none (WIRE.md A.7)
    return _new_position(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=text(said("symbol")) or frame.symbol,
        timestamp=instant(said("timestamp")) or instant(frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        margin_asset=text(said("marginCoin")),
        side=_POSITION_SIDE(said("positionSide"), unknown) or PositionSide.UNKNOWN,
        size=size,
        entry_price=number(said("openPrice")),
        mark_price=number(said("markPrice")),
        liquidation_price=liquidation_price,
        unrealized_pnl=number(said("unrealizedPnl")),
        leverage=number(said("leverage")),
        margin_mode=_MARGIN_MODE(said("marginMode"), unknown),
        position_mode=_POSITION_MODE(said("positionMode") or said("holdMode"), unknown),
        isolated_margin=number(said("isolatedMargin")),
        position_margin=number(said("positionMargin")),
        maintenance_margin=number(said("maintainMargin")),
        margin_ratio=number(said("marginRate")),
        status=PositionStatus.UNKNOWN if size is None else PositionStatus.OPEN if size else PositionStatus.CLOSED,
        created_at=instant(said("cTime")),
    )


# tests/frames/bitget/orders.json
def _order(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Order:
    marks, number, _, _, instant, text, flag = readers
    said, unknown = row.get, frame.unknown
    status = said("status")
    return _new_order(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=text(said("symbol")) or frame.symbol,
        timestamp=instant(said("timestamp")) or instant(frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        margin_asset=text(said("marginCoin")),
        order_id=text(said("orderId")),
        client_order_id=text(said("clientOid")),
        side=_SIDE(said("side"), unknown),
        position_side=_POSITION_SIDE(said("positionSide"), unknown),
        effect=_EFFECT(said("tradeSide") or said("effect"), unknown),
        type=_ORDER_TYPE(said("orderType"), unknown) or OrderType.UNKNOWN,
        price=number(said("price")),
        size=number(said("size")),
        filled=number(said("filledSize")),
        average_price=number(said("avgPrice")),
        leverage=number(said("leverage")),
        margin_mode=_MARGIN_MODE(said("marginMode"), unknown),
        time_in_force=_TIME_IN_FORCE(said("timeInForce") or said("force"), unknown),
        reduce_only=flag(said("reduceOnly")),
        status=_ORDER_STATUS(status, unknown) or OrderStatus.UNKNOWN,
        raw_status=text(status),
        created_at=instant(said("cTime")),
    )


# tests/frames/bitget/execution.json
def _execution(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Execution:
    marks, number, _, _, instant, text, _ = readers
    said = row.get
    return _new_execution(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=text(said("symbol")) or frame.symbol,
        timestamp=instant(said("timestamp")) or instant(frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        trade_id=text(said("tradeId")),
        order_id=text(said("orderId")),
        side=_SIDE(said("side"), frame.unknown),
        price=number(said("price")),
        size=number(said("size")),
        fee=number(said("fee")),
        fee_asset=text(said("feeCurrency")),
        liquidity=_LIQUIDITY(said("role"), frame.unknown),
    )


# tests/frames/bitget/liquidation.json
def _liquidation_warning(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> LiquidationWarning:
    marks, number, _, whole, instant, text, _ = readers
    said, unknown = row.get, frame.unknown
    return _new_liquidation_warning(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=text(said("symbol")) or frame.symbol,
        timestamp=instant(said("timestamp")) or instant(frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        side=_POSITION_SIDE(said("positionSide"), unknown) or PositionSide.UNKNOWN,
        margin_mode=_MARGIN_MODE(said("marginMode"), unknown),
        margin_ratio=number(said("marginRatio")),
        liquidation_price=number(said("liquidationPrice")),
        current_price=number(said("currentPrice")),
        level=whole(said("warningLevel")),
    )


PARSERS: dict[str, Parser] = {
    "account": _balance,
    "positions": _position,
    "orders": _order,
    "executions": _execution,
    "liquidations": _liquidation_warning,
}
"""How the rows of a channel (neutral word) are read."""
