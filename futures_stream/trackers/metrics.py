"""Figures of an account and its positions, as the exchange says them, else computed where that can be done."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import frozen

from futures_stream.dialects.figures import Figures
from futures_stream.records import Balance, Position
from futures_stream.trackers.arithmetic import added, divided, subtracted
from futures_stream.vocabulary import PositionSide

__all__ = ["AccountMetrics", "Figure", "account_metrics", "liquidation_distance", "mark_price", "position_margin_ratio"]


@frozen
class Figure:
    """
    A figure, and where it comes from.

    Attributes:
        value: The figure; None if it is not known, which is not zero.
        derived: Whether we computed it; otherwise the exchange said it.
    """

    value: Decimal | None
    derived: bool = False

    def __repr__(self) -> str:
        if self.value is None:
            return "<unknown>"
        return f"<{self.value}, {'computed' if self.derived else 'told'}>"


_UNKNOWN = Figure(None)


@frozen(kw_only=True)
class AccountMetrics:
    """
    What an account looks like in one asset.

    Attributes:
        asset: The asset.
        total_equity: What it is worth, open positions included.
        used_margin: What is bound: the equity without what is available.
        margin_ratio: The account's margin ratio (what that is, the dialect's ``figures`` say).
        unrealized_pnl: Profit of the open positions.
        available: What can be used now.
    """

    asset: str | None
    total_equity: Figure
    used_margin: Figure
    margin_ratio: Figure
    unrealized_pnl: Figure
    available: Figure


def account_metrics(balance: Balance, positions: Iterable[Position] | None, figures: Figures) -> AccountMetrics:
    """
    Return the metrics of one asset; what is not told is computed out of what is, if that can be done.

    Args:
        balance: The asset's balance.
        positions: All open positions with their margin in that asset; None if it is not known which these are.
        figures: What the exchange's figures mean: ``dialect.figures``.
    """
    held = None if positions is None else list(positions)
    pnl = Figure(balance.unrealized_pnl)
    if pnl.value is None:
        pnl = _computed(_sum(None if held is None else [each.unrealized_pnl for each in held]))
    equity = _equity(balance, pnl, figures)
    used = _computed(subtracted(equity.value, balance.free))
    if used.value is None:
        used = Figure(balance.locked)
    ratio = Figure(balance.margin_ratio)
    if ratio.value is None:
        needed = None if figures.pooled else balance.maintenance_margin
        if needed is None:
            needed = _sum(None if held is None else [each.maintenance_margin for each in held])
        ratio = _ratio(needed, equity.value)
    return AccountMetrics(
        asset=balance.asset,
        total_equity=equity,
        used_margin=used,
        margin_ratio=ratio,
        unrealized_pnl=pnl,
        available=Figure(balance.free),
    )


def position_margin_ratio(position: Position) -> Figure:
    """
    Return a position's margin ratio: the exchange's, else what it needs as a share of what covers it.

    Only a row that holds all three of maintenance margin, margin and profit can be computed: those of different
    moments do not belong together.
    """
    if position.margin_ratio is not None:
        return Figure(position.margin_ratio)
    margin = position.isolated_margin if position.position_margin is None else position.position_margin
    return _ratio(position.maintenance_margin, added(margin, position.unrealized_pnl))


def mark_price(position: Position, figures: Figures) -> Figure:
    """Return a position's mark price: the exchange's, else out of its profit, where that is size times difference."""
    if position.mark_price is not None:
        return Figure(position.mark_price)
    sides = (PositionSide.LONG, PositionSide.SHORT)
    linear = figures.linear and position.product not in figures.not_linear
    if not linear or not position.entry_price or position.side not in sides:
        return _UNKNOWN
    move = divided(position.unrealized_pnl, position.size)
    if position.side is PositionSide.LONG:
        return _computed(added(position.entry_price, move))
    return _computed(subtracted(position.entry_price, move))


def liquidation_distance(position: Position, figures: Figures) -> Figure:
    """
    Return how far the mark price is from the liquidation price, as a share of the mark price.

    It is negative once the mark price is beyond it. Unknown where the exchange tells no liquidation price.
    """
    mark = mark_price(position, figures)
    room = subtracted(mark.value, position.liquidation_price)
    if position.side is PositionSide.SHORT:
        room = subtracted(position.liquidation_price, mark.value)
    elif position.side is not PositionSide.LONG and room is not None:
        room = abs(room)
    return _computed(divided(room, mark.value))


def _equity(balance: Balance, pnl: Figure, figures: Figures) -> Figure:
    if balance.total is not None and figures.total == "equity":
        return Figure(balance.total)
    wallet = balance.total if figures.total == "wallet" else None
    if wallet is None and figures.total is not None:
        wallet = added(balance.free, balance.locked)
    return _computed(added(wallet, pnl.value))


def _ratio(needed: Decimal | None, covered: Decimal | None) -> Figure:
    """Return what is needed as a share of what covers it; with nothing left to cover it, all of it."""
    if needed is not None and covered is not None and needed > 0 >= covered:
        return _computed(Decimal(1))
    return _computed(divided(needed, covered))


def _sum(values: list[Decimal | None] | None) -> Decimal | None:
    total: Decimal | None = None if values is None else Decimal(0)
    for value in values or ():
        total = added(total, value)
    return total


def _computed(value: Decimal | None) -> Figure:
    return _UNKNOWN if value is None else Figure(value, derived=True)
