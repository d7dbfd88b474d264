"""Records in the structures that ccxt gives, for programs that were written for those."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from futures_stream.records import Balance, Execution, Order, Position, Record
from futures_stream.trackers.arithmetic import product_of
from futures_stream.vocabulary import MarginMode, OrderStatus, PositionMode, PositionSide

__all__ = ["to_ccxt"]

_STATUSES = {
    OrderStatus.NEW: "open",
    OrderStatus.PARTIALLY_FILLED: "open",
    OrderStatus.TRIGGERED: "open",
    OrderStatus.FILLED: "closed",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.REJECTED: "rejected",
    OrderStatus.EXPIRED: "expired",
}


def to_ccxt(record: Record, floats: bool = True) -> dict[str, Any]:
    """
    Return a record as the dict that ccxt has for it: an order, a trade, a position or a balance.

    What the exchange did not say is None, as in ccxt. Two things are not ccxt's: ``symbol`` is spelled as the exchange
    spells it (``BTCUSDT``, not ``BTC/USDT:USDT``), and ``contracts`` is the size in the exchange's own unit.

    Args:
        record: An Order, Execution, Position or Balance.
        floats: Whether numbers are floats, as ccxt's are; otherwise they are Decimals, exact to the last digit.

    Raises:
        TypeError: ccxt has no structure for such a record.
    """
    for kind, write in _WRITERS.items():
        if isinstance(record, kind):
            written: dict[str, Any] = _numbers(write(record), floats)
            return written | {"info": dict(record.info)}
    known = ", ".join(kind.__name__ for kind in _WRITERS)
    raise TypeError(f"ccxt has no structure for a {type(record).__name__}; it has them for {known}")


def _order(record: Order) -> dict[str, Any]:
    return {
        "id": record.order_id,
        "clientOrderId": record.client_order_id,
        **_times(record, record.created_at),
        "lastTradeTimestamp": None,
        "lastUpdateTimestamp": record.timestamp,
        "symbol": record.symbol,
        "type": _word(record.type),
        "timeInForce": None if record.time_in_force is None else {"post_only": "PO"}.get(
            record.time_in_force, record.time_in_force.value.upper()
        ),
        "postOnly": None if record.time_in_force is None else record.time_in_force == "post_only",
        "reduceOnly": record.reduce_only,
        "side": _word(record.side),
        "price": record.price,
        "average": record.average_price or None,
        "amount": record.size,
        "filled": record.filled,
        "remaining": record.remaining,
        "cost": product_of(record.average_price or None, record.filled),
        "status": _STATUSES.get(record.status),
        "fee": None,
        "trades": [],
    }  # fmt: skip


def _trade(record: Execution) -> dict[str, Any]:
    fee = None if record.fee is None else {"cost": record.fee, "currency": record.fee_asset}
    return {
        "id": record.trade_id,
        "order": record.order_id,
        **_times(record, record.timestamp),
        "symbol": record.symbol,
        "type": None,
        "side": _word(record.side),
        "takerOrMaker": _word(record.liquidity),
        "price": record.price,
        "amount": record.size,
        "cost": record.cost,
        "fee": fee,
        "fees": [] if fee is None else [fee],
    }


def _position(record: Position) -> dict[str, Any]:
    sides = (PositionSide.LONG, PositionSide.SHORT)
    modes = {PositionMode.HEDGE: True, PositionMode.ONE_WAY: False}
    return {
        "id": None,
        **_times(record, record.timestamp),
        "symbol": record.symbol,
        "side": record.side.value if record.side in sides else None,
        "contracts": record.size,
        "contractSize": None,
        "entryPrice": record.entry_price,
        "markPrice": record.mark_price,
        "liquidationPrice": record.liquidation_price,
        "notional": record.notional,
        "unrealizedPnl": record.unrealized_pnl,
        "leverage": record.leverage,
        "marginMode": _word(record.margin_mode),
        "isolated": None if record.margin_mode is None else record.margin_mode is MarginMode.ISOLATED,
        "hedged": None if record.position_mode is None else modes.get(record.position_mode),
        "collateral": record.isolated_margin,
        "initialMargin": record.position_margin,
        "initialMarginPercentage": None,
        "maintenanceMargin": record.maintenance_margin,
        "maintenanceMarginPercentage": None,
        "marginRatio": record.margin_ratio,
        "percentage": None,
    }


def _balance(record: Balance) -> dict[str, Any]:
    figures = {"free": record.free, "used": record.locked, "total": record.total}
    asset = str(record.asset)
    by_figure: dict[str, Any] = {name: {asset: value} for name, value in figures.items()}
    return {**_times(record, record.timestamp), asset: figures, **by_figure}


_WRITERS: dict[type[Any], Callable[[Any], dict[str, Any]]] = {
    Order: _order,
    Execution: _trade,
    Position: _position,
    Balance: _balance,
}


def _times(record: Record, ms: int | None) -> dict[str, Any]:
    """Return ccxt's two times: milliseconds, and the same as text."""
    ms = record.timestamp if ms is None else ms
    if ms is None:
        return {"timestamp": None, "datetime": None}
    seconds = datetime.fromtimestamp(ms // 1000, timezone.utc)
    return {"timestamp": ms, "datetime": f"{seconds:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"}


def _word(word: Any) -> str | None:
    return None if word is None or word == "unknown" else str(word.value)


def _numbers(value: Any, floats: bool) -> Any:
    if isinstance(value, Decimal):
        return float(value) if floats else value
    if isinstance(value, dict):
        return {name: _numbers(inner, floats) for name, inner in value.items()}
    return [_numbers(inner, floats) for inner in value] if isinstance(value, list) else value
