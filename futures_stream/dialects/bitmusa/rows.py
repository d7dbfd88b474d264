"""The rows of Bitmusa's pushes: one parser a stream."""

from __future__ import annotations

from decimal import Decimal

from futures_stream.dialects import table
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
from futures_stream.dialects.rows import Parser
from futures_stream.records import Balance, Order, Position
from futures_stream.vocabulary import OrderStatus, OrderType, PositionSide, PositionStatus

__all__ = ["PARSERS"]


def _not_zero(price: Decimal) -> Decimal | None:
    return price or None  # 0 is Bitmusa's way to say that there is none


# tests/frames/bitmusa/future_wallet.json
_balance = table.parser(
    Balance,
    timestamp=table.instant(of_frame="said_at"),
    asset=table.text("asset"),
    free=table.number("free"),
    locked=table.number("locked"),
)

# tests/frames/bitmusa/future_order.json
_order = table.parser(
    Order,
    symbol=table.text("ticker"),
    timestamp=table.instant(of_frame="said_at"),
    order_id=table.text("orderId"),
    effect=table.word(EFFECT, "direction"),
    type=table.word(ORDER_TYPE, "type", default=OrderType.UNKNOWN),
    price=table.number("price"),
    size=table.number("amount"),
    filled=table.number("tradedAmount"),
    notional=table.number("value"),
    time_in_force=table.word(TIME_IN_FORCE, "tif"),
    status=table.word(ORDER_STATUS, "status", default=OrderStatus.UNKNOWN),
    raw_status=table.text("status"),
    created_at=table.instant("createdTime"),
    canceled_at=table.instant("canceledTime"),
    completed_at=table.instant("completedTime"),
)

# tests/frames/bitmusa/future_position.json.txt, with the trailing comma that the document prints
_position = table.parser(
    Position,
    symbol=table.text("ticker"),
    timestamp=table.instant(of_frame="said_at"),
    side=table.word(POSITION_SIDE, "position", default=PositionSide.UNKNOWN),
    size=table.size("amount"),
    entry_price=table.number("price"),
    liquidation_price=table.number("liquidPrice", then=_not_zero),
    unrealized_pnl=table.number("unpnl"),
    leverage=table.number("leverage"),
    margin_mode=table.word(MARGIN_MODE, "marginMode"),
    position_mode=table.word(POSITION_MODE, "positionMode"),
    notional=table.number("value"),
    status=table.word(POSITION_STATUS, "status", default=PositionStatus.UNKNOWN),
    raw_status=table.text("status"),
    created_at=table.instant("createdTime"),
    closed_at=table.instant("closeTime"),
)


PARSERS: dict[str, Parser] = {"account": _balance, "orders": _order, "positions": _position}
"""How the rows of a channel (neutral word) are read."""
