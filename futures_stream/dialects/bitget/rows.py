"""Bitget's rows: one parser a channel. Every one reads what the document lists, and a few words of its kin."""

from __future__ import annotations

from futures_stream.dialects import table
from futures_stream.dialects.bitget.judging import above_zero, status_by_size
from futures_stream.dialects.bitget.words import (
    EFFECT,
    LIQUIDITY,
    MARGIN_MODE,
    ORDER_STATUS,
    ORDER_TYPE,
    POSITION_MODE,
    POSITION_SIDE,
    SIDE,
    TIME_IN_FORCE,
)
from futures_stream.dialects.rows import Parser
from futures_stream.records import Balance, Execution, LiquidationWarning, Order, Position
from futures_stream.vocabulary import OrderStatus, OrderType, PositionSide

__all__ = ["PARSERS"]

# tests/frames/bitget/account.json
_balance = table.parser(
    Balance,
    timestamp=table.instant("timestamp", of_frame="said_at"),
    asset=table.text("marginCoin"),
    free=table.number("available"),
    locked=table.number("frozenBalance"),
    total=table.number("total"),
    unrealized_pnl=table.number("unrealizedPnl"),
    margin_mode=table.word(MARGIN_MODE, "marginMode"),
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
    side=table.word(POSITION_SIDE, "positionSide", default=PositionSide.UNKNOWN),
    size=table.size("holdPosition"),
    entry_price=table.number("openPrice"),
    mark_price=table.number("markPrice"),
    liquidation_price=table.number("liquidationPrice", then=above_zero),
    unrealized_pnl=table.number("unrealizedPnl"),
    leverage=table.number("leverage"),
    margin_mode=table.word(MARGIN_MODE, "marginMode"),
    position_mode=table.word(POSITION_MODE, "positionMode", "holdMode"),
    isolated_margin=table.number("isolatedMargin"),
    position_margin=table.number("positionMargin"),
    maintenance_margin=table.number("maintainMargin"),
    margin_ratio=table.number("marginRate"),
    status=table.derived(status_by_size, "size"),
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
    side=table.word(SIDE, "side"),
    position_side=table.word(POSITION_SIDE, "positionSide"),
    effect=table.word(EFFECT, "tradeSide", "effect"),
    type=table.word(ORDER_TYPE, "orderType", default=OrderType.UNKNOWN),
    price=table.number("price"),
    size=table.number("size"),
    filled=table.number("filledSize"),
    average_price=table.number("avgPrice"),
    leverage=table.number("leverage"),
    margin_mode=table.word(MARGIN_MODE, "marginMode"),
    time_in_force=table.word(TIME_IN_FORCE, "timeInForce", "force"),
    reduce_only=table.flag("reduceOnly"),
    status=table.word(ORDER_STATUS, "status", default=OrderStatus.UNKNOWN),
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
    side=table.word(SIDE, "side"),
    price=table.number("price"),
    size=table.number("size"),
    fee=table.number("fee"),
    fee_asset=table.text("feeCurrency"),
    liquidity=table.word(LIQUIDITY, "role"),
)

# tests/frames/bitget/liquidation.json
_liquidation_warning = table.parser(
    LiquidationWarning,
    symbol=table.text("symbol", of_frame="symbol"),
    timestamp=table.instant("timestamp", of_frame="said_at"),
    side=table.word(POSITION_SIDE, "positionSide", default=PositionSide.UNKNOWN),
    margin_mode=table.word(MARGIN_MODE, "marginMode"),
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
