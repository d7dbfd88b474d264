"""Bitget's rows: one parser a channel. Every one reads what the document lists, and a few words of its kin."""

from __future__ import annotations

from decimal import Decimal

from futures_stream.dialects import table
from futures_stream.dialects.rows import Parser
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

_SIDE = Words(Side, {"buy": Side.BUY, "sell": Side.SELL})
_POSITION_SIDE = Words(PositionSide, {"long": PositionSide.LONG, "short": PositionSide.SHORT, "net": PositionSide.NET})
_MARGIN_MODE = Words(
    MarginMode,
    {
        "cross": MarginMode.CROSS,
        "crossed": MarginMode.CROSS,
        "isolated": MarginMode.ISOLATED,
        "fixed": MarginMode.ISOLATED,
    },
)
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
)
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
)
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
)
_EFFECT = Words(Effect, {"open": Effect.OPEN, "close": Effect.CLOSE})
_TIME_IN_FORCE = Words(
    TimeInForce,
    {
        "gtc": TimeInForce.GTC,
        "normal": TimeInForce.GTC,
        "ioc": TimeInForce.IOC,
        "fok": TimeInForce.FOK,
        "post_only": TimeInForce.POST_ONLY,
    },
)
_LIQUIDITY = Words(
    Liquidity, {"maker": Liquidity.MAKER, "m": Liquidity.MAKER, "taker": Liquidity.TAKER, "t": Liquidity.TAKER}
)


def _only_above_zero(price: Decimal) -> Decimal | None:
    return price if price > 0 else None  # Bitget's way to say that there is none (WIRE.md A.7)


def _status_by_size(size: Decimal | None) -> PositionStatus:
    if size is None:
        return PositionStatus.UNKNOWN
    return PositionStatus.OPEN if size else PositionStatus.CLOSED


# tests/frames/bitget/account.json
_balance = table.parser(
    Balance,
    timestamp=table.instant("timestamp", of_frame="said_at"),
    asset=table.text("marginCoin"),
    free=table.number("available"),
    locked=table.number("frozenBalance"),
    total=table.number("total"),
    unrealized_pnl=table.number("unrealizedPnl"),
    margin_mode=table.word(_MARGIN_MODE, "marginMode"),
    margin_ratio=table.number("marginRatio"),
    maintenance_margin=table.number("maintainMargin"),
    initial_margin=table.number("initialMargin"),
)

# tests/frames/bitget/positions.json
_position = table.parser(
    Position,
    symbol=table.text("symbol", of_frame="symbol"),
    timestamp=table.instant("timestamp", of_frame="said_at"),
    margin_asset=table.text("marginCoin"),
    side=table.word(_POSITION_SIDE, "positionSide", default=PositionSide.UNKNOWN),
    size=table.size("holdPosition"),
    entry_price=table.number("openPrice"),
    mark_price=table.number("markPrice"),
    liquidation_price=table.number("liquidationPrice", then=_only_above_zero),
    unrealized_pnl=table.number("unrealizedPnl"),
    leverage=table.number("leverage"),
    margin_mode=table.word(_MARGIN_MODE, "marginMode"),
    position_mode=table.word(_POSITION_MODE, "positionMode", "holdMode"),
    isolated_margin=table.number("isolatedMargin"),
    position_margin=table.number("positionMargin"),
    maintenance_margin=table.number("maintainMargin"),
    margin_ratio=table.number("marginRate"),
    status=table.derived(_status_by_size, "size"),
    created_at=table.instant("cTime"),
)

# tests/frames/bitget/orders.json
_order = table.parser(
    Order,
    symbol=table.text("symbol", of_frame="symbol"),
    timestamp=table.instant("timestamp", of_frame="said_at"),
    margin_asset=table.text("marginCoin"),
    order_id=table.text("orderId"),
    client_order_id=table.text("clientOid"),
    side=table.word(_SIDE, "side"),
    position_side=table.word(_POSITION_SIDE, "positionSide"),
    effect=table.word(_EFFECT, "tradeSide", "effect"),
    type=table.word(_ORDER_TYPE, "orderType", default=OrderType.UNKNOWN),
    price=table.number("price"),
    size=table.number("size"),
    filled=table.number("filledSize"),
    average_price=table.number("avgPrice"),
    leverage=table.number("leverage"),
    margin_mode=table.word(_MARGIN_MODE, "marginMode"),
    time_in_force=table.word(_TIME_IN_FORCE, "timeInForce", "force"),
    reduce_only=table.flag("reduceOnly"),
    status=table.word(_ORDER_STATUS, "status", default=OrderStatus.UNKNOWN),
    raw_status=table.text("status"),
    created_at=table.instant("cTime"),
)

# tests/frames/bitget/execution.json
_execution = table.parser(
    Execution,
    symbol=table.text("symbol", of_frame="symbol"),
    timestamp=table.instant("timestamp", of_frame="said_at"),
    trade_id=table.text("tradeId"),
    order_id=table.text("orderId"),
    side=table.word(_SIDE, "side"),
    price=table.number("price"),
    size=table.number("size"),
    fee=table.number("fee"),
    fee_asset=table.text("feeCurrency"),
    liquidity=table.word(_LIQUIDITY, "role"),
)

# tests/frames/bitget/liquidation.json
_liquidation_warning = table.parser(
    LiquidationWarning,
    symbol=table.text("symbol", of_frame="symbol"),
    timestamp=table.instant("timestamp", of_frame="said_at"),
    side=table.word(_POSITION_SIDE, "positionSide", default=PositionSide.UNKNOWN),
    margin_mode=table.word(_MARGIN_MODE, "marginMode"),
    margin_ratio=table.number("marginRatio"),
    liquidation_price=table.number("liquidationPrice"),
    current_price=table.number("currentPrice"),
    level=table.whole("warningLevel"),
)


PARSERS: dict[str, Parser] = {
    "account": _balance,
    "positions": _position,
    "orders": _order,
    "executions": _execution,
    "liquidations": _liquidation_warning,
}
"""How the rows of a channel (neutral word) are read."""
