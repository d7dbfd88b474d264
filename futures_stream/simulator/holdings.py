"""The arithmetic of one position, exact in Decimals, and the one rule by which money is rounded."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import attrs

from futures_stream.simulator.values import BookedPosition, Instrument, PositionChange, PositionSide, PositionStatus

CENT = Decimal("0.00000001")  # money and average prices are rounded half to even to this, at each booking
RATIO = Decimal("0.0001")
MAINTENANCE_RATE = Decimal("0.005")
ZERO = Decimal(0)


def round_money(value: Decimal) -> Decimal:
    """Round half to even to eight places."""
    return value.quantize(CENT, ROUND_HALF_EVEN)


def margin_ratio(maintenance: Decimal, equity: Decimal) -> Decimal:
    """Divide what must be held by what is held; 1 when nothing is left."""
    if maintenance == 0:
        return ZERO.quantize(RATIO)
    return (
        Decimal(1).quantize(RATIO) if equity <= maintenance else (maintenance / equity).quantize(RATIO, ROUND_HALF_EVEN)
    )


@attrs.frozen(kw_only=True)
class Holding:
    """
    Hold what must be remembered of a position; the rest follows from the mark price.

    The entry price is the weighted average of everything added, rounded as :func:`round_money` says at each increase; a
    reduction leaves it alone.
    """

    instrument: Instrument
    side: PositionSide
    size: Decimal
    entry_price: Decimal
    created_ms: int

    def increased(self, price: Decimal, size: Decimal) -> Holding:
        """Add *size* at *price*."""
        total = self.size + size
        entry = round_money((self.entry_price * self.size + price * size) / total)
        return attrs.evolve(self, size=total, entry_price=entry)

    @property
    def margin(self) -> Decimal:
        """Say the money that the position binds."""
        return round_money(self.entry_price * self.size / self.instrument.leverage)

    def profit(self, price: Decimal, size: Decimal) -> Decimal:
        """Say what closing *size* at *price* earns before fees."""
        difference = price - self.entry_price if self.side == "long" else self.entry_price - price
        return round_money(difference * size)

    def liquidation_price(self) -> Decimal:
        """Say the mark price at which margin and loss leave just the maintenance margin, on the price grid."""
        if self.size == 0:
            return ZERO
        notional = self.entry_price * self.size
        if self.side == "long":
            price = (notional - self.margin) / (self.size * (1 - MAINTENANCE_RATE))
        else:
            price = (notional + self.margin) / (self.size * (1 + MAINTENANCE_RATE))
        return price.quantize(self.instrument.tick, ROUND_HALF_EVEN)

    def at(
        self, mark: Decimal, unix_ms: int, change: PositionChange = "marked", status: PositionStatus = "open"
    ) -> BookedPosition:
        """Value the position at the price *mark*."""
        maintenance = round_money(mark * self.size * MAINTENANCE_RATE)
        profit = self.profit(mark, self.size)
        return BookedPosition(
            symbol=self.instrument.symbol,
            side=self.side,
            size=self.size,
            entry_price=self.entry_price,
            mark_price=mark,
            liquidation_price=self.liquidation_price(),
            unrealized_pnl=profit,
            leverage=self.instrument.leverage,
            margin=self.margin,
            maintenance_margin=maintenance,
            margin_ratio=margin_ratio(maintenance, self.margin + profit),
            status=status,
            change=change,
            created_ms=self.created_ms,
            closed_ms=None if status == "open" else unix_ms,
            unix_ms=unix_ms,
        )
