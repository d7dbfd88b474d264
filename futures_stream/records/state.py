"""Records of how the account stands: each replaces the one before it of the same key."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from futures_stream.records.base import Record
from futures_stream.vocabulary import (
    Cause,
    Effect,
    Liquidity,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    PositionStatus,
    PriceSource,
    Side,
    TimeInForce,
    TriggerStatus,
    TriggerType,
)

__all__ = ["Balance", "Equity", "Order", "Position", "TriggerOrder"]


@frozen(kw_only=True)
class Balance(Record):
    """
    What the account holds of one asset.

    Attributes:
        asset: The asset, such as ``USDT``.
        free: What can be used now.
        locked: What orders and positions hold back.
        total: All of it.
        unrealized_pnl: Profit of the open positions in this asset, at the mark price.
        margin_mode: The mode that the figures belong to.
        margin_ratio: The account's margin ratio; its scale is the exchange's own.
        maintenance_margin: What the positions need at least.
        initial_margin: What was put up for them.
        withdrawable: What can be transferred out.
        usd_value: All of it, in US dollars or a coin that is worth one.
    """

    asset: str | None = None
    free: Decimal | None = None
    locked: Decimal | None = None
    total: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    margin_mode: MarginMode | None = None
    margin_ratio: Decimal | None = None
    maintenance_margin: Decimal | None = None
    initial_margin: Decimal | None = None
    withdrawable: Decimal | None = None
    usd_value: Decimal | None = None


@frozen(kw_only=True)
class Equity(Record):
    """
    What the account is worth over all its assets, counted in one of them.

    Attributes:
        asset: What the figures are counted in.
        total: All of it.
        btc_value: All of it, in bitcoin.
        unrealized_pnl: Profit of the open positions, at the mark price.
        collateral: What counts as margin.
        free: What of it can be used now.
        initial_margin: What was put up for positions.
        maintenance_margin: What the positions need at least.
        margin_ratio: The account's margin ratio; its scale is the exchange's own.
    """

    asset: str | None = None
    total: Decimal | None = None
    btc_value: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    collateral: Decimal | None = None
    free: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    margin_ratio: Decimal | None = None


@frozen(kw_only=True)
class Position(Record):
    """
    One position; a hedged symbol has two, told apart by ``side``.

    Attributes:
        margin_asset: The asset that the margin is kept in.
        side: Long or short (or net, where the exchange keeps one signed position).
        size: How much, never negative; zero when it has been closed.
        entry_price: Average price it was opened at.
        mark_price: The price that profit and liquidation are judged by.
        liquidation_price: Where the exchange takes it over; None if it said none.
        unrealized_pnl: Profit at the mark price.
        leverage: Times.
        margin_mode: Cross or isolated.
        position_mode: One-way or hedge.
        isolated_margin: Margin set aside for this position alone.
        position_margin: Margin that it occupies.
        maintenance_margin: Margin that it needs at least.
        margin_ratio: Its margin ratio; the scale is the exchange's own.
        notional: Its value.
        status: Open, or how it ended.
        raw_status: The exchange's own word for it.
        created_at: When it was opened, in ms.
        closed_at: When it was closed, in ms.
        position_id: The exchange's id of it.
        available: How much of it can be closed, no order being about to.
        locked: How much of it orders are about to close.
        realized_pnl: Profit that was taken from it so far.
        break_even_price: Where closing it would neither win nor lose, fees included.
        maintenance_rate: Share of its value that it needs at least as margin.
        funding: Funding that was paid or received so far; the sign is the exchange's own.
        fee: Trading fees so far; the sign is the exchange's own.
    """

    margin_asset: str | None = None
    side: PositionSide = PositionSide.UNKNOWN
    size: Decimal | None = None
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    liquidation_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    position_mode: PositionMode | None = None
    isolated_margin: Decimal | None = None
    position_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    margin_ratio: Decimal | None = None
    notional: Decimal | None = None
    status: PositionStatus = PositionStatus.UNKNOWN
    raw_status: str | None = None
    created_at: int | None = None
    closed_at: int | None = None
    position_id: str | None = None
    available: Decimal | None = None
    locked: Decimal | None = None
    realized_pnl: Decimal | None = None
    break_even_price: Decimal | None = None
    maintenance_rate: Decimal | None = None
    funding: Decimal | None = None
    fee: Decimal | None = None

    @property
    def distance(self) -> Decimal | None:
        """How far the mark price is from liquidation, as a share of the mark price; None if either is unknown."""
        if not self.mark_price or self.liquidation_price is None:
            return None
        return abs(self.mark_price - self.liquidation_price) / self.mark_price


@frozen(kw_only=True)
class Order(Record):
    """
    An order as it stands.

    Attributes:
        margin_asset: The asset that its margin is kept in.
        order_id: The exchange's id.
        client_order_id: The id that the caller gave it.
        side: Buy or sell; None where the exchange does not say.
        position_side: Which position it works on, in hedge mode.
        effect: Whether it opens or closes a position.
        type: Limit, market …
        price: Limit price.
        size: How much was ordered.
        filled: How much of it has been executed, in all.
        average_price: Average price of what has been executed.
        notional: Its value, as the exchange counts it.
        leverage: Times.
        margin_mode: Cross or isolated.
        time_in_force: How long it rests.
        reduce_only: Whether it may only make a position smaller.
        status: Where it stands.
        raw_status: The exchange's own word for it.
        created_at: When it was placed, in ms.
        canceled_at: When it was canceled, in ms.
        completed_at: When it was filled, in ms.
        position_mode: One-way or hedge.
        cause: Who wanted it; None where the exchange does not say.
        cancel_reason: The exchange's own word for why it was canceled.
        fee: What its executions cost so far; the sign is the exchange's own.
        fee_asset: The asset that the fee was taken in; None if there are several (see ``info``).
        realized_pnl: Profit that its executions took.
        last_trade_id: The id of its latest execution.
        last_price: The price of its latest execution.
        last_size: The size of its latest execution.
        last_fee: The fee of its latest execution.
        last_fee_asset: The asset of that fee.
        last_liquidity: Whether its latest execution made or took liquidity.
        last_filled_at: When its latest execution was, in ms.
        take_profit_price: Where a profit is to be taken of the position that it opens.
        stop_loss_price: Where a loss is to be stopped of the position that it opens.
    """

    margin_asset: str | None = None
    order_id: str | None = None
    client_order_id: str | None = None
    side: Side | None = None
    position_side: PositionSide | None = None
    effect: Effect | None = None
    type: OrderType = OrderType.UNKNOWN
    price: Decimal | None = None
    size: Decimal | None = None
    filled: Decimal | None = None
    average_price: Decimal | None = None
    notional: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    time_in_force: TimeInForce | None = None
    reduce_only: bool | None = None
    status: OrderStatus = OrderStatus.UNKNOWN
    raw_status: str | None = None
    created_at: int | None = None
    canceled_at: int | None = None
    completed_at: int | None = None
    position_mode: PositionMode | None = None
    cause: Cause | None = None
    cancel_reason: str | None = None
    fee: Decimal | None = None
    fee_asset: str | None = None
    realized_pnl: Decimal | None = None
    last_trade_id: str | None = None
    last_price: Decimal | None = None
    last_size: Decimal | None = None
    last_fee: Decimal | None = None
    last_fee_asset: str | None = None
    last_liquidity: Liquidity | None = None
    last_filled_at: int | None = None
    take_profit_price: Decimal | None = None
    stop_loss_price: Decimal | None = None

    @property
    def remaining(self) -> Decimal | None:
        """How much is still to be executed; None if either figure is unknown."""
        return None if self.size is None or self.filled is None else self.size - self.filled


@frozen(kw_only=True)
class TriggerOrder(Record):
    """
    An order that waits for a price before it becomes an :class:`Order`, as it stands.

    Attributes:
        margin_asset: The asset that its margin is kept in.
        order_id: The exchange's id of it; the order that it makes may have another.
        client_order_id: The id that the caller gave it.
        side: Buy or sell.
        position_side: Which position it works on, in hedge mode.
        position_mode: One-way or hedge.
        margin_mode: Cross or isolated.
        effect: Whether it opens or closes a position.
        cause: Who wanted it; None where the exchange does not say.
        trigger: What it is for.
        whole_position: Whether it closes all there is, whatever its size; None where the exchange does not say.
        trigger_price: The price that it waits for.
        trigger_by: Which price is watched.
        callback_rate: How far a price must come back that is trailed, as the exchange counts it.
        type: What kind of order it makes.
        price: Limit price of the order that it makes.
        size: How much is ordered.
        filled: How much the order that it made was sized, or filled: what the exchange calls the actual size.
        leverage: Times.
        take_profit_trigger: Where a profit is to be taken of the position that it opens.
        take_profit_price: Limit price of that.
        take_profit_by: Which price is watched for that.
        stop_loss_trigger: Where a loss is to be stopped of the position that it opens.
        stop_loss_price: Limit price of that.
        stop_loss_by: Which price is watched for that.
        status: Where it stands.
        raw_status: The exchange's own word for it.
        created_at: When it was placed, in ms.
        triggered_at: When its price came, in ms.
    """

    margin_asset: str | None = None
    order_id: str | None = None
    client_order_id: str | None = None
    side: Side | None = None
    position_side: PositionSide | None = None
    position_mode: PositionMode | None = None
    margin_mode: MarginMode | None = None
    effect: Effect | None = None
    cause: Cause | None = None
    trigger: TriggerType = TriggerType.UNKNOWN
    whole_position: bool | None = None
    trigger_price: Decimal | None = None
    trigger_by: PriceSource | None = None
    callback_rate: Decimal | None = None
    type: OrderType = OrderType.UNKNOWN
    price: Decimal | None = None
    size: Decimal | None = None
    filled: Decimal | None = None
    leverage: Decimal | None = None
    take_profit_trigger: Decimal | None = None
    take_profit_price: Decimal | None = None
    take_profit_by: PriceSource | None = None
    stop_loss_trigger: Decimal | None = None
    stop_loss_price: Decimal | None = None
    stop_loss_by: PriceSource | None = None
    status: TriggerStatus = TriggerStatus.UNKNOWN
    raw_status: str | None = None
    created_at: int | None = None
    triggered_at: int | None = None
