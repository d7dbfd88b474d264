"""Bitget's rows of orders: of the stream, of REST, and of orders that wait for a price."""

from __future__ import annotations

from typing import Any

from futures_stream.dialects.bitget_v2.fields import fee_of, first, identity, moment, positive, rate, upper
from futures_stream.dialects.bitget_v2.words import (
    LIQUIDITY,
    MARGIN_MODE,
    ORDER_STATUS,
    ORDER_TYPE,
    POSITION_MODE,
    POSITION_SIDE,
    PRICE_SOURCE,
    SIDE,
    TIME_IN_FORCE,
    TRIGGER,
    TRIGGER_STATUS,
    is_of_whole_position,
    meaning_of_trade_side,
)
from futures_stream.dialects.rows import Frame, Readers
from futures_stream.records import Order, TriggerOrder
from futures_stream.vocabulary import OrderStatus, OrderType, TriggerStatus, TriggerType

__all__ = ["read_fetched_order", "read_order", "read_trigger_order"]

_FILLED, _CANCELED = OrderStatus.FILLED, OrderStatus.CANCELED


# tests/frames/bitget-v2/docsv2_ws_orders_push.json
def read_order(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Order:
    """Read an order that was pushed: *accBaseVolume* is what is filled in all, *baseVolume* the latest execution."""
    marks, number, _, _, instant, text, flag = readers
    said, unknown = row.get, frame.unknown
    word = said("status")
    status = ORDER_STATUS(word, unknown) or OrderStatus.UNKNOWN
    effect, cause = meaning_of_trade_side(said("tradeSide"), unknown)
    fee, fee_asset = fee_of(said("feeDetail"), "fee", number, text)
    updated_at, filled_at = moment(instant, said("uTime")), moment(instant, said("fillTime"))
    return Order(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=upper(text, said("instId")),
        timestamp=updated_at or moment(instant, frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        margin_asset=upper(text, said("marginCoin")),
        order_id=identity(text, said("orderId")),
        client_order_id=text(said("clientOid") or said("clientOId")),
        side=SIDE(said("side"), unknown),
        position_side=POSITION_SIDE(said("posSide"), unknown),
        effect=effect,
        type=ORDER_TYPE(said("orderType"), unknown) or OrderType.UNKNOWN,
        price=positive(number, said("price")),
        size=number(said("size")),
        filled=number(said("accBaseVolume")),
        average_price=positive(number, said("priceAvg")),
        notional=number(said("notionalUsd")),
        leverage=rate(number, said("leverage")),
        margin_mode=MARGIN_MODE(said("marginMode"), unknown),
        time_in_force=TIME_IN_FORCE(said("force"), unknown),
        reduce_only=flag(said("reduceOnly")),
        status=status,
        raw_status=text(word),
        created_at=moment(instant, said("cTime")),
        canceled_at=updated_at if status is _CANCELED else None,
        completed_at=(filled_at or updated_at) if status is _FILLED else None,
        position_mode=POSITION_MODE(said("posMode"), unknown),
        cause=cause,
        cancel_reason=text(said("cancelReason")),
        fee=fee,
        fee_asset=fee_asset,
        realized_pnl=number(first(row, "totalProfits", "pnl")),
        last_trade_id=identity(text, said("tradeId")),
        last_price=positive(number, said("fillPrice")),
        last_size=positive(number, said("baseVolume")),
        last_fee=number(said("fillFee")),
        last_fee_asset=upper(text, said("fillFeeCoin")),
        last_liquidity=LIQUIDITY(said("tradeScope"), unknown),
        last_filled_at=filled_at,
        take_profit_price=positive(number, said("presetStopSurplusPrice")),
        stop_loss_price=positive(number, said("presetStopLossPrice")),
    )


# tests/frames/bitget-v2/docsv2_rest_orders-pending_resp.json, docsv2_rest_order-detail_resp.json
def read_fetched_order(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Order:
    """Read an order of REST: *baseVolume* is what is filled in all."""
    marks, number, _, _, instant, text, flag = readers
    said, unknown = row.get, frame.unknown
    word = first(row, "status", "state")
    status = ORDER_STATUS(word, unknown) or OrderStatus.UNKNOWN
    effect, cause = meaning_of_trade_side(said("tradeSide"), unknown)
    fee, fee_asset = fee_of(said("feeDetail"), "fee", number, text)
    updated_at = moment(instant, said("uTime"))
    return Order(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=upper(text, said("symbol")),
        timestamp=updated_at or moment(instant, frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        margin_asset=upper(text, said("marginCoin")),
        order_id=identity(text, said("orderId")),
        client_order_id=text(said("clientOid") or said("clientOId")),
        side=SIDE(said("side"), unknown),
        position_side=POSITION_SIDE(said("posSide"), unknown),
        effect=effect,
        type=ORDER_TYPE(said("orderType"), unknown) or OrderType.UNKNOWN,
        price=positive(number, said("price")),
        size=number(said("size")),
        filled=number(said("baseVolume")),
        average_price=positive(number, said("priceAvg")),
        leverage=rate(number, said("leverage")),
        margin_mode=MARGIN_MODE(said("marginMode"), unknown),
        time_in_force=TIME_IN_FORCE(said("force"), unknown),
        reduce_only=flag(said("reduceOnly")),
        status=status,
        raw_status=text(word),
        created_at=moment(instant, said("cTime")),
        canceled_at=updated_at if status is _CANCELED else None,
        completed_at=updated_at if status is _FILLED else None,
        position_mode=POSITION_MODE(said("posMode"), unknown),
        cause=cause,
        cancel_reason=text(said("cancelReason")),
        fee=number(said("fee")) if fee is None else fee,
        fee_asset=fee_asset,
        realized_pnl=number(said("totalProfits")),
        take_profit_price=positive(number, said("presetStopSurplusPrice")),
        stop_loss_price=positive(number, said("presetStopLossPrice")),
    )


# tests/frames/bitget-v2/docsv2_ws_orders-algo_push.json, docsv2_rest_orders-plan-pending_resp.json
def read_trigger_order(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> TriggerOrder:
    """Read an order that waits for a price."""
    marks, number, _, _, instant, text, _ = readers
    said, unknown = row.get, frame.unknown
    word = first(row, "status", "planStatus")
    status = TRIGGER_STATUS(word, unknown) or TriggerStatus.UNKNOWN
    effect, cause = meaning_of_trade_side(said("tradeSide"), unknown)
    triggered_at = moment(instant, said("triggerTime"))
    return TriggerOrder(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=upper(text, first(row, "instId", "symbol")),
        timestamp=moment(instant, said("uTime")) or moment(instant, frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        margin_asset=upper(text, said("marginCoin")),
        order_id=identity(text, said("orderId")),
        client_order_id=text(said("clientOid")),
        side=SIDE(said("side"), unknown),
        position_side=POSITION_SIDE(said("posSide"), unknown),
        position_mode=POSITION_MODE(said("posMode"), unknown),
        margin_mode=MARGIN_MODE(said("marginMode"), unknown),
        effect=effect,
        cause=cause,
        trigger=TRIGGER(said("planType"), unknown) or TriggerType.UNKNOWN,
        whole_position=is_of_whole_position(said("planType")),
        trigger_price=positive(number, said("triggerPrice")),
        trigger_by=PRICE_SOURCE(said("triggerType"), unknown),
        callback_rate=positive(number, said("callbackRatio")),
        type=ORDER_TYPE(said("orderType"), unknown) or OrderType.UNKNOWN,
        price=positive(number, first(row, "executePrice", "price")),
        size=number(said("size")),
        filled=number(said("actualSize")),
        leverage=rate(number, said("leverage")),
        take_profit_trigger=positive(number, said("stopSurplusTriggerPrice")),
        take_profit_price=positive(
            number, first(row, "stopSurplusExecutePrice", "stopSurplusPrice", "presetStopSurplusPrice")
        ),
        take_profit_by=PRICE_SOURCE(said("stopSurplusTriggerType"), unknown),
        stop_loss_trigger=positive(number, said("stopLossTriggerPrice")),
        stop_loss_price=positive(number, first(row, "stopLossExecutePrice", "stopLossPrice", "presetStopLossPrice")),
        stop_loss_by=PRICE_SOURCE(said("stopLossTriggerType"), unknown),
        status=status,
        raw_status=text(word),
        created_at=moment(instant, said("cTime")),
        triggered_at=None if status is TriggerStatus.WAITING else triggered_at,  # it is the time of placing until then
    )
