"""Records of what happened in the account: each is told once, and replaces nothing."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from futures_stream.records.base import Record
from futures_stream.vocabulary import Cause, Effect, Liquidity, MarginMode, OrderType, PositionMode, PositionSide, Side

__all__ = ["Deleveraging", "Execution", "LiquidationWarning", "PositionResult"]


@frozen(kw_only=True)
class Execution(Record):
    """
    One match of one of our orders.

    Attributes:
        trade_id: The exchange's id of the match.
        order_id: The order that was matched.
        side: Buy or sell.
        price: The price of this match.
        size: How much was matched.
        fee: What it cost; the sign is the exchange's own.
        fee_asset: The asset that the fee was taken in.
        liquidity: Maker or taker.
        client_order_id: The id that the caller gave the order.
        type: What kind of order it was.
        effect: Whether it opened or closed a position.
        cause: Who wanted it; None where the exchange does not say.
        position_mode: One-way or hedge.
        notional: Its value, as the exchange counts it.
        realized_pnl: Profit that it took.
    """

    trade_id: str | None = None
    order_id: str | None = None
    side: Side | None = None
    price: Decimal | None = None
    size: Decimal | None = None
    fee: Decimal | None = None
    fee_asset: str | None = None
    liquidity: Liquidity | None = None
    client_order_id: str | None = None
    type: OrderType | None = None
    effect: Effect | None = None
    cause: Cause | None = None
    position_mode: PositionMode | None = None
    notional: Decimal | None = None
    realized_pnl: Decimal | None = None

    @property
    def cost(self) -> Decimal | None:
        """Price times size; None if either is unknown."""
        return None if self.price is None or self.size is None else self.price * self.size


@frozen(kw_only=True)
class LiquidationWarning(Record):
    """
    The exchange warns that a position is close to being liquidated.

    Attributes:
        side: Long or short.
        margin_mode: Cross or isolated.
        margin_ratio: Its margin ratio; the scale is the exchange's own.
        liquidation_price: Where the exchange takes it over.
        current_price: Where the price is.
        level: How urgent, as the exchange counts.
    """

    side: PositionSide = PositionSide.UNKNOWN
    margin_mode: MarginMode | None = None
    margin_ratio: Decimal | None = None
    liquidation_price: Decimal | None = None
    current_price: Decimal | None = None
    level: int | None = None

    @property
    def distance(self) -> Decimal | None:
        """How far the price is from liquidation, as a share of the price; None if either is unknown."""
        if not self.current_price or self.liquidation_price is None:
            return None
        return abs(self.current_price - self.liquidation_price) / self.current_price


@frozen(kw_only=True)
class PositionResult(Record):
    """
    A position that is closed, and what came of it: told once, when nothing is left of it.

    It is an event and no state: the same contract may have been entered again when it comes.

    Attributes:
        margin_asset: The asset that its margin was kept in.
        position_id: The exchange's id of it.
        side: Long or short.
        margin_mode: Cross or isolated.
        position_mode: One-way or hedge.
        entry_price: Average price it was opened at.
        exit_price: Average price it was closed at.
        opened: How much was opened in all.
        closed: How much was closed in all.
        realized_pnl: Profit, fees not counted.
        net_pnl: Profit, fees and funding counted.
        funding: Funding that was paid or received; the sign is the exchange's own.
        open_fee: Fees of opening it; the sign is the exchange's own.
        close_fee: Fees of closing it; the sign is the exchange's own.
        created_at: When it was opened, in ms.
        closed_at: When the last of it was closed, in ms.
    """

    margin_asset: str | None = None
    position_id: str | None = None
    side: PositionSide = PositionSide.UNKNOWN
    margin_mode: MarginMode | None = None
    position_mode: PositionMode | None = None
    entry_price: Decimal | None = None
    exit_price: Decimal | None = None
    opened: Decimal | None = None
    closed: Decimal | None = None
    realized_pnl: Decimal | None = None
    net_pnl: Decimal | None = None
    funding: Decimal | None = None
    open_fee: Decimal | None = None
    close_fee: Decimal | None = None
    created_at: int | None = None
    closed_at: int | None = None


@frozen(kw_only=True)
class Deleveraging(Record):
    """
    The exchange closes a position against somebody else's liquidation (auto-deleveraging), or says how near that is.

    Attributes:
        margin_asset: The asset that the position's margin is kept in.
        side: Buy or sell, where the exchange says what it does.
        position_side: Long or short, where the exchange says to what.
        price: At which price.
        size: How much.
        rank: Where the position stands in the queue of those that would be next; its scale is the exchange's own.
        raw_status: The exchange's own word for what happened.
    """

    margin_asset: str | None = None
    side: Side | None = None
    position_side: PositionSide | None = None
    price: Decimal | None = None
    size: Decimal | None = None
    rank: Decimal | None = None
    raw_status: str | None = None
