"""The rows of Bitget's pushes, spelled as its documents spell them."""

from __future__ import annotations

from decimal import Decimal

from futures_stream.simulator.values import (
    BookedBalance,
    BookedEvent,
    BookedExecution,
    BookedOrder,
    BookedPosition,
    BookedWarning,
)

Row = dict[str, object]


def row_of(event: BookedEvent) -> tuple[str, str, Row]:
    """Put *event* into Bitget's words: the channel, what an instId must name to get it, and the row."""
    if isinstance(event, BookedBalance):
        return "account", event.asset, account_row(event)
    if isinstance(event, BookedPosition):
        return "positions", event.symbol, position_row(event)
    if isinstance(event, BookedOrder):
        return "orders", event.symbol, order_row(event)
    if isinstance(event, BookedExecution):
        return "execution", event.symbol, execution_row(event)
    return "liquidation", event.symbol, warning_row(event)


def account_row(balance: BookedBalance) -> Row:
    return {
        "marginCoin": balance.asset,
        "available": _text(balance.available),
        "total": _text(balance.equity),
        "unrealizedPnl": _text(balance.unrealized_pnl),
        "marginMode": "cross",
        "marginRatio": _text(balance.margin_ratio),
        "maintainMargin": _text(balance.maintenance_margin),
        "initialMargin": _text(balance.initial_margin),
        "frozenBalance": _text(balance.frozen),
        "timestamp": balance.unix_ms,
    }


def position_row(position: BookedPosition) -> Row:
    return {
        "symbol": position.symbol,
        "positionSide": position.side,
        "holdPosition": _text(position.size),
        "openPrice": _text(position.entry_price),
        "markPrice": _text(position.mark_price),
        "unrealizedPnl": _text(position.unrealized_pnl),
        "leverage": str(position.leverage),
        "marginMode": "isolated",
        "isolatedMargin": _text(position.margin),
        "positionMargin": _text(position.margin),
        "maintainMargin": _text(position.maintenance_margin),
        "marginRate": _text(position.margin_ratio),
        "liquidationPrice": _text(position.liquidation_price),
        "timestamp": position.unix_ms,
    }


def order_row(order: BookedOrder) -> Row:
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "side": order.side,
        # The documents know two types; the others are market orders that somebody else placed for us.
        "orderType": "limit" if order.type == "limit" else "market",
        "price": _text(order.price),
        "size": _text(order.size),
        "filledSize": _text(order.filled),
        "avgPrice": _text(order.average_price),
        "leverage": str(order.leverage),
        "marginMode": "isolated",
        "status": order.status,
        "timestamp": order.unix_ms,
    }


def execution_row(execution: BookedExecution) -> Row:
    return {
        "tradeId": execution.trade_id,
        "orderId": execution.order_id,
        "symbol": execution.symbol,
        "side": execution.side,
        "price": _text(execution.price),
        "size": _text(execution.size),
        "fee": _text(execution.fee),
        "feeCurrency": execution.fee_asset,
        "role": execution.liquidity,
        "timestamp": execution.unix_ms,
    }


def warning_row(warning: BookedWarning) -> Row:
    return {
        "symbol": warning.symbol,
        "positionSide": warning.side,
        "marginMode": "isolated",
        "marginRatio": _text(warning.margin_ratio),
        "liquidationPrice": _text(warning.liquidation_price),
        "currentPrice": _text(warning.current_price),
        "warningLevel": str(warning.level),
        "timestamp": warning.unix_ms,
    }


def _text(number: Decimal) -> str:
    return format(number, "f")
