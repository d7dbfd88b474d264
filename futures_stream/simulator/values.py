"""The neutral, frozen values in which the simulated market tells its story; no exchange's words."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import attrs

Exchange = Literal["bitget", "bitmusa", "bitget-v2"]
EXCHANGES: tuple[Exchange, ...] = ("bitget", "bitmusa", "bitget-v2")

Side = Literal["buy", "sell"]
PositionSide = Literal["long", "short"]
Effect = Literal["open", "close"]
OrderType = Literal["limit", "market", "take_profit", "stop_loss", "liquidation"]
OrderStatus = Literal["new", "partially_filled", "filled", "cancelled"]
PositionStatus = Literal["open", "user_close", "force_close", "take_profit", "stop_loss"]
PositionChange = Literal["opened", "increased", "reduced", "closed", "marked"]
Liquidity = Literal["maker", "taker"]


@attrs.frozen(kw_only=True)
class Instrument:
    """Describe one symbol's grid: prices are multiples of *tick*, sizes of *lot*."""

    symbol: str
    tick: Decimal
    lot: Decimal
    leverage: int
    opening_price: Decimal


@attrs.frozen(kw_only=True)
class BookedBalance:
    """Hold one asset's figures: ``wallet = available + frozen`` and ``equity = wallet + unrealized_pnl``."""

    asset: str
    available: Decimal
    frozen: Decimal
    unrealized_pnl: Decimal
    margin_ratio: Decimal
    maintenance_margin: Decimal
    initial_margin: Decimal
    unix_ms: int

    @property
    def wallet(self) -> Decimal:
        """Add what is free to what is bound."""
        return self.available + self.frozen

    @property
    def equity(self) -> Decimal:
        """Add the unrealized profit to the wallet."""
        return self.wallet + self.unrealized_pnl


@attrs.frozen(kw_only=True)
class BookedPosition:
    """Hold one position; *size* is never negative, and zero once it is closed."""

    symbol: str
    side: PositionSide
    size: Decimal
    entry_price: Decimal
    mark_price: Decimal
    liquidation_price: Decimal
    unrealized_pnl: Decimal
    leverage: int
    margin: Decimal
    maintenance_margin: Decimal
    margin_ratio: Decimal
    status: PositionStatus
    change: PositionChange
    created_ms: int
    closed_ms: int | None
    unix_ms: int


@attrs.frozen(kw_only=True)
class BookedOrder:
    """Hold one order; *cost* is the exact sum of price times size over its executions."""

    order_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    effect: Effect
    type: OrderType
    price: Decimal
    size: Decimal
    filled: Decimal
    cost: Decimal
    average_price: Decimal
    leverage: int
    status: OrderStatus
    created_ms: int
    canceled_ms: int | None
    completed_ms: int | None
    unix_ms: int

    @property
    def remaining(self) -> Decimal:
        """Say what is not filled yet."""
        return self.size - self.filled

    @property
    def working(self) -> bool:
        """Tell whether the order may still be filled."""
        return self.status in ("new", "partially_filled")


@attrs.frozen(kw_only=True)
class BookedExecution:
    """Hold one match of an order; a positive *fee* was paid."""

    trade_id: str
    order_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    effect: Effect
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    realized_pnl: Decimal
    unix_ms: int


@attrs.frozen(kw_only=True)
class BookedWarning:
    """Warn that a position is near its liquidation; *level* rises from 1."""

    symbol: str
    side: PositionSide
    margin_ratio: Decimal
    liquidation_price: Decimal
    current_price: Decimal
    level: int
    unix_ms: int


BookedEvent = BookedOrder | BookedExecution | BookedPosition | BookedBalance | BookedWarning


@attrs.frozen(kw_only=True)
class Standing:
    """Hold what a newcomer is told first: the balances and the open positions."""

    balances: tuple[BookedBalance, ...]
    positions: tuple[BookedPosition, ...]


@attrs.frozen(kw_only=True)
class Statement:
    """
    Hold the whole truth about one simulated account at one moment.

    *positions* are the open ones. *orders* and *executions* hold all that are still remembered (see
    :data:`futures_stream.simulator.books.REMEMBERED`), oldest first. *deposits* is all money that was ever paid in, so
    that ``wallet = deposits + realized profits - fees`` over every execution since the beginning.
    """

    balances: tuple[BookedBalance, ...]
    positions: tuple[BookedPosition, ...]
    orders: tuple[BookedOrder, ...]
    executions: tuple[BookedExecution, ...]
    deposits: Decimal
    steps: int
