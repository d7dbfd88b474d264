"""
What arrives on a queue: records of the account, and notices about the stream itself.

Every one is frozen. Money and sizes are :class:`~decimal.Decimal` straight from the wire text; what the exchange did
not say is None; times are whole milliseconds since 1970 as the exchange gave them; ids are text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from attrs import field, fields, frozen

from futures_stream.errors import FuturesStreamError
from futures_stream.markup import html_facts
from futures_stream.vocabulary import (
    Cause,
    Effect,
    Liquidity,
    MarginMode,
    Mark,
    OrderStatus,
    OrderType,
    Origin,
    PositionMode,
    PositionSide,
    PositionStatus,
    PriceSource,
    Severity,
    Side,
    TimeInForce,
    TriggerStatus,
    TriggerType,
)

__all__ = [
    "Balance",
    "ChannelLost",
    "Closed",
    "Deleveraging",
    "Drift",
    "Equity",
    "Execution",
    "Gap",
    "LeaseRenewed",
    "LiquidationWarning",
    "Live",
    "MonitorFailed",
    "Notice",
    "Order",
    "Overflow",
    "Position",
    "PositionChange",
    "PositionClosed",
    "PositionFlipped",
    "PositionIncreased",
    "PositionLiquidated",
    "PositionOpened",
    "PositionReduced",
    "PositionResult",
    "Record",
    "Resynced",
    "RiskAlert",
    "RiskCleared",
    "RiskRecord",
    "RiskUnknown",
    "Rotated",
    "Snapshot",
    "Tick",
    "TriggerOrder",
    "Unreadable",
    "kind_of",
]

_EMPTY: dict[str, Any] = {}
_NO_MARKS: frozenset[Mark] = frozenset()
_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@frozen(kw_only=True)
class Record:
    """
    What all records and notices have in common.

    Attributes:
        exchange: The dialect's name, such as ``bitget``.
        account: The label that the stream was opened with.
        product: The exchange's product family (its instType or the like), where it has any.
        symbol: The contract, as the exchange spells it; None on a balance.
        timestamp: When it happened, in ms since 1970 by the exchange's clock: the row's own update time, else the
            message's.
        received_ns: When this machine read it, in ns since 1970.
        seq: Rising number within a stream; what is missed in an :class:`Overflow` leaves a hole.
        origin: Pushed, or a row of a full set.
        marks: What is unusual about it; mostly empty.
        info: The raw row as the exchange sent it, read-only; numbers are Decimal or int, never float.
    """

    exchange: str
    account: str
    product: str | None = None
    symbol: str | None = None
    timestamp: int | None = None
    received_ns: int = 0
    seq: int = 0
    origin: Origin = Origin.PUSH
    marks: frozenset[Mark] = _NO_MARKS
    # A plain dict inside, so that a record can be pickled and copied; a read-only view outside, made when asked for.
    _info: dict[str, Any] = field(default=_EMPTY, repr=False, eq=False)

    @property
    def info(self) -> Mapping[str, Any]:
        """The raw row as the exchange sent it, read-only."""
        return MappingProxyType(self._info)

    @property
    def datetime(self) -> datetime | None:
        """The timestamp as an aware UTC datetime."""
        return None if self.timestamp is None else datetime.fromtimestamp(self.timestamp / 1000, timezone.utc)

    def _repr_html_(self) -> str:
        """Show the record as a small table in a notebook: what is known, and the time in UTC; all of it escaped."""
        told = {each.name: getattr(self, each.name) for each in fields(type(self)) if each.repr}
        known = {name: value for name, value in told.items() if value is not None and value != frozenset()}
        return html_facts(type(self).__name__, known)


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
class Notice(Record):
    """Something about the stream itself, told in band at the place where it happened."""


@frozen(kw_only=True)
class Live(Notice):
    """
    The stream is live: from this ``seq`` on, what arrives is current.

    Attributes:
        channels: What is subscribed.
    """

    channels: tuple[str, ...] = ()


@frozen(kw_only=True)
class Gap(Notice):
    """
    From ``since`` on events may have been missed; the gap lasts until its :class:`Resynced`.

    Attributes:
        reason: What happened.
        since: When the last message before it was received, in ms since 1970 by this machine's clock.
        channels: What may be incomplete.
    """

    reason: str
    since: int
    channels: tuple[str, ...] = ()


@frozen(kw_only=True)
class Resynced(Notice):
    """
    A gap is closed, and this is what is known about it.

    Attributes:
        since: The gap's beginning, in ms.
        until: When messages flowed again, in ms.
        recovered: How many records were recovered.
        proven: Kinds (balances, positions, orders, executions) shown by arithmetic to be complete.
        unproven: Kinds of which it cannot be said that nothing is missing.
        unexplained: What was found not to add up, a line each.
    """

    since: int
    until: int
    recovered: int = 0
    proven: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every kind is proven and nothing is unexplained."""
        return not self.unproven and not self.unexplained


@frozen(kw_only=True)
class Drift(Notice):
    """
    A live stream was compared with what the exchange says over REST, twice, and they differ.

    A :class:`Gap` follows it, then what REST says, and a :class:`Resynced`: the push is missing, or has gone astray.

    Attributes:
        what: The kind of state: orders, positions.
        key: Which one: (order id,), or (symbol, side, margin mode).
        stream: What the stream had told: the filled size of an order, the size of a position; None if it is not there.
        rest: What REST says.
    """

    what: str
    key: tuple[str | None, ...]
    stream: Decimal | None = None
    rest: Decimal | None = None


@frozen(kw_only=True)
class Snapshot(Notice):
    """
    The rows right before this were a full set: what of its scope is not among them is gone.

    Attributes:
        of: The kind: balances, positions, orders, trigger_orders.
        scope: What the set is whole for: (product, symbol), with None for "all". Rows of other products stay.
        keys: The rows' own keys, in the dialect's order: (asset,), (symbol, side, margin mode) or (order id,).
    """

    of: str
    scope: tuple[str | None, ...] = ()
    keys: tuple[tuple[str | None, ...], ...] = ()


@frozen(kw_only=True)
class Overflow(Notice):
    """
    The queue was full: at this place records are missing from it (and only from it).

    Attributes:
        missed: How many.
        classes: How many of each class, by name.
    """

    missed: int
    classes: Mapping[str, int] = field(factory=dict)


@frozen(kw_only=True)
class Unreadable(Notice):
    """
    A message could not be understood; the stream goes on.

    Attributes:
        text: The message, cut at 4096 characters.
        error: Why.
    """

    text: str = field(repr=False)
    error: str


@frozen(kw_only=True)
class ChannelLost(Notice):
    """
    The exchange does not serve this channel any more; the others go on.

    If ``product`` or ``symbol`` is given, it is only lost for that product family or contract, and goes on for others.

    Attributes:
        channel: Which one.
        error: What the exchange said.
    """

    channel: str
    error: FuturesStreamError


@frozen(kw_only=True)
class LeaseRenewed(Notice):
    """
    The listen key was extended.

    Attributes:
        expires_at: When it would end without another renewal, in ms.
    """

    expires_at: int


@frozen(kw_only=True)
class Rotated(Notice):
    """
    The stream moved to a new connection on purpose, without a gap.

    Attributes:
        reason: Why.
    """

    reason: str


@frozen(kw_only=True)
class MonitorFailed(Notice):
    """
    A monitor raised an exception and was taken off; the stream goes on.

    Attributes:
        monitor: Its name.
        error: The exception.
    """

    monitor: str
    error: str


@frozen(kw_only=True)
class Tick(Notice):
    """Nothing came for a while; made by the consumer's own wait, never on a queue."""


@frozen(kw_only=True)
class Closed(Notice):
    """
    The stream ended: its last notice, once.

    Attributes:
        error: Why it could not go on; None when it was asked to close.
    """

    error: FuturesStreamError | None = None


@frozen(kw_only=True)
class PositionChange(Record):
    """
    What became of a position: derived from what the exchange told of it, and standing right behind that.

    With :attr:`~futures_stream.vocabulary.Mark.UNPROVEN` among the marks, no full set of positions had come before: the
    position may have been there all the time, in another size.

    Attributes:
        side: Which way it profits; after the change, if it was flipped.
        margin_mode: Cross or isolated.
        before: The position before; None if there was none.
        after: The position after; None if it is gone and no row told its end.
    """

    side: PositionSide = PositionSide.UNKNOWN
    margin_mode: MarginMode | None = None
    before: Position | None = None
    after: Position | None = None

    @property
    def change(self) -> Decimal | None:
        """How much the size has changed, negative for less; None if either size is unknown, or it was flipped."""
        sizes = [Decimal(0) if position is None else position.size for position in (self.before, self.after)]
        was, now = sizes
        return None if was is None or now is None or type(self) is PositionFlipped else now - was


@frozen(kw_only=True)
class PositionOpened(PositionChange):
    """There was no position, and there is one now."""


@frozen(kw_only=True)
class PositionIncreased(PositionChange):
    """It is larger than before."""


@frozen(kw_only=True)
class PositionReduced(PositionChange):
    """It is smaller than before, and not gone."""


@frozen(kw_only=True)
class PositionFlipped(PositionChange):
    """It was long and is short now, or the other way round, with nothing told in between."""


@frozen(kw_only=True)
class PositionClosed(PositionChange):
    """It is gone."""


@frozen(kw_only=True)
class PositionLiquidated(PositionChange):
    """It is gone, because the exchange took it over."""


@frozen(kw_only=True)
class RiskRecord(Record):
    """
    What a :class:`~futures_stream.trackers.RiskMonitor` has to say of one limit.

    Attributes:
        limit: The limit's name, such as ``position_margin_ratio``.
        asset: The asset that it is about, on a limit of the account.
        side: The position that it is about, on a limit of positions.
        margin_mode: Of that position.
        threshold: The limit.
        value: What is compared with it; None if it is not known.
        derived: Whether we computed the value; otherwise the exchange said it.
        reason: What this means, in words.
    """

    limit: str
    asset: str | None = None
    side: PositionSide | None = None
    margin_mode: MarginMode | None = None
    threshold: Decimal | None = None
    value: Decimal | None = None
    derived: bool = False
    reason: str = ""


@frozen(kw_only=True)
class RiskAlert(RiskRecord):
    """
    A limit is crossed; told once, right behind the record that showed it, and taken back by :class:`RiskCleared`.

    Attributes:
        severity: How urgent it is.
        suppressed: How many alerts of this limit were not told since the last one, to keep from flooding.
    """

    severity: Severity = Severity.WARNING
    suppressed: int = 0


@frozen(kw_only=True)
class RiskCleared(RiskRecord):
    """
    A :class:`RiskAlert` does not hold any more.

    Attributes:
        raised_at: When the alert was raised, in ms since 1970 by this machine's clock.
    """

    raised_at: int | None = None


@frozen(kw_only=True)
class RiskUnknown(RiskRecord):
    """A limit that was asked for cannot be watched here: what it compares is neither told nor can be computed."""


def kind_of(record: Record | type[Record]) -> str:
    """Return the name of a record's class in snake case, as JSONL prints it: ``liquidation_warning``."""
    name = record.__name__ if isinstance(record, type) else type(record).__name__
    return _INNER_CAPITAL.sub("_", name).lower()
