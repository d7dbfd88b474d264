"""Bitget's rows of orders: of the stream, of REST, and of orders that wait for a price."""

from __future__ import annotations

from futures_stream.dialects import table
from futures_stream.dialects.bitget.judging import above_zero, not_negative
from futures_stream.dialects.bitget.words import (
    LIQUIDITY,
    MARGIN_MODE,
    ORDER_STATUS,
    ORDER_TYPE,
    POSITION_MODE,
    POSITION_SIDE,
    SIDE,
    TIME_IN_FORCE,
)
from futures_stream.dialects.bitget_v2.fields import fees, real_id
from futures_stream.dialects.bitget_v2.words import (
    PRICE_SOURCE,
    TRIGGER,
    TRIGGER_STATUS,
    is_of_whole_position,
    meaning_of_trade_side,
)
from futures_stream.records import Order, TriggerOrder
from futures_stream.vocabulary import OrderStatus, OrderType, TriggerStatus, TriggerType

__all__ = ["read_fetched_order", "read_order", "read_trigger_order"]

_TRIGGERED = tuple(status for status in TriggerStatus if status is not TriggerStatus.WAITING)

_COMMON = {
    "symbol": table.text("instId", "symbol", then=str.upper),
    "timestamp": table.instant("uTime", of_frame="said_at"),
    "margin_asset": table.text("marginCoin", then=str.upper),
    "order_id": table.text("orderId", then=real_id),
    "client_order_id": table.text("clientOid", "clientOId"),  # the second only in the documents
    "side": table.word(SIDE, "side"),
    "position_side": table.word(POSITION_SIDE, "posSide"),
    "position_mode": table.word(POSITION_MODE, "posMode"),
    "margin_mode": table.word(MARGIN_MODE, "marginMode"),
    "effect": table.made(meaning_of_trade_side, "tradeSide", also="cause"),
    "type": table.word(ORDER_TYPE, "orderType", default=OrderType.UNKNOWN),
    "size": table.number("size"),
    "leverage": table.number("leverage", then=not_negative),
    "created_at": table.instant("cTime"),
}
_ORDER = _COMMON | {
    "status": table.word(ORDER_STATUS, "status", "state", default=OrderStatus.UNKNOWN),
    "raw_status": table.text("status", "state"),
    "price": table.number("price", then=above_zero),
    "average_price": table.number("priceAvg", then=above_zero),
    "time_in_force": table.word(TIME_IN_FORCE, "force"),
    "reduce_only": table.flag("reduceOnly"),
    "canceled_at": table.only(table.instant("uTime"), "status", OrderStatus.CANCELED),
    "completed_at": table.only(table.instant("fillTime", "uTime"), "status", OrderStatus.FILLED),
    "cancel_reason": table.text("cancelReason"),
    "fee": table.made(fees, "feeDetail", "fee", also="fee_asset"),
    "realized_pnl": table.number("totalProfits", "pnl"),
    "take_profit_price": table.number("presetStopSurplusPrice", then=above_zero),
    "stop_loss_price": table.number("presetStopLossPrice", then=above_zero),
}

# tests/frames/bitget-v2/docsv2_ws_orders_push.json
read_order = table.parser(
    Order,
    **_ORDER,
    filled=table.number("accBaseVolume"),
    notional=table.number("notionalUsd"),
    last_trade_id=table.text("tradeId", then=real_id),
    last_price=table.number("fillPrice", then=above_zero),
    last_size=table.number("baseVolume", then=above_zero),
    last_fee=table.number("fillFee"),
    last_fee_asset=table.text("fillFeeCoin", then=str.upper),
    last_liquidity=table.word(LIQUIDITY, "tradeScope"),
    last_filled_at=table.instant("fillTime"),
)
"""Reads an order that was pushed: *accBaseVolume* is what is filled in all, *baseVolume* the latest execution."""

# tests/frames/bitget-v2/docsv2_rest_orders-pending_resp.json, docsv2_rest_order-detail_resp.json
read_fetched_order = table.parser(Order, **_ORDER, filled=table.number("baseVolume"))
"""Reads an order of REST: *baseVolume* is what is filled in all."""

# tests/frames/bitget-v2/docsv2_ws_orders-algo_push.json, docsv2_rest_orders-plan-pending_resp.json
read_trigger_order = table.parser(
    TriggerOrder,
    **_COMMON,
    status=table.word(TRIGGER_STATUS, "status", "planStatus", default=TriggerStatus.UNKNOWN),
    raw_status=table.text("status", "planStatus"),
    trigger=table.word(TRIGGER, "planType", default=TriggerType.UNKNOWN),
    whole_position=table.made(is_of_whole_position, "planType"),
    trigger_price=table.number("triggerPrice", then=above_zero),
    trigger_by=table.word(PRICE_SOURCE, "triggerType"),
    callback_rate=table.number("callbackRatio", then=above_zero),
    price=table.number("executePrice", "price", then=above_zero),
    filled=table.number("actualSize"),
    take_profit_trigger=table.number("stopSurplusTriggerPrice", then=above_zero),
    take_profit_price=table.number(
        "stopSurplusExecutePrice", "stopSurplusPrice", "presetStopSurplusPrice", then=above_zero
    ),
    take_profit_by=table.word(PRICE_SOURCE, "stopSurplusTriggerType"),
    stop_loss_trigger=table.number("stopLossTriggerPrice", then=above_zero),
    stop_loss_price=table.number("stopLossExecutePrice", "stopLossPrice", "presetStopLossPrice", then=above_zero),
    stop_loss_by=table.word(PRICE_SOURCE, "stopLossTriggerType"),
    # Until its price comes this is the time of placing it.
    triggered_at=table.only(table.instant("triggerTime"), "status", *_TRIGGERED),
)
"""Reads an order that waits for a price."""
