"""What a position or an account is measured by: each limit that is set, and the figure that it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from attrs import frozen

from futures_stream.dialects.figures import Figures
from futures_stream.records import Position
from futures_stream.trackers.arithmetic import product_of
from futures_stream.trackers.limits import Limits
from futures_stream.trackers.metrics import AccountMetrics, Figure, liquidation_distance, position_margin_ratio
from futures_stream.vocabulary import MarginMode, PositionSide, Severity

__all__ = ["MEASURED", "Measure", "Subject", "measures_of_account", "measures_of_position"]

_ABOVE = frozenset({"position_margin_ratio", "account_margin_ratio", "blind"})
_SEVERITIES = {"unrealized_pnl": Severity.WARNING, "available": Severity.WARNING}
_WORDS = {
    "position_margin_ratio": "the position's margin ratio is above {0}",
    "unrealized_pnl": "the position has lost more than {0}",
    "liquidation_distance": "the mark price is closer than {0} of itself to the liquidation price",
    "account_margin_ratio": "the account's margin ratio is above {0}",
    "available": "less than {0} is available",
    "blind": "no live stream for more than {0} s while a position is open",
}


@frozen
class Subject:
    """What a limit is about: a position, an asset of the account, or, with nothing in it, the stream."""

    product: str | None = None
    symbol: str | None = None
    side: PositionSide | None = None
    margin_mode: MarginMode | None = None
    asset: str | None = None


@frozen(kw_only=True)
class Measure:
    """
    A limit and what is compared with it.

    Attributes:
        limit: The limit's name.
        subject: What it is about.
        threshold: The limit; None for what is crossed by being told at all.
        figure: The figure.
        meaning: What the figure is, where that needs words.
        severity: How urgent it is when crossed.
    """

    limit: str
    subject: Subject
    threshold: Decimal | None
    figure: Figure
    meaning: str | None = None
    severity: Severity = Severity.CRITICAL

    @property
    def crossed(self) -> bool | None:
        """Whether the limit is crossed; None if that is not known."""
        return self.is_crossed_by(self.figure.value)

    def is_crossed_by(self, value: Decimal | None) -> bool | None:
        """Tell whether a value would cross the limit; None if that is not known."""
        if self.threshold is None:
            return True
        if value is None:
            return None
        return value > self.threshold if self.limit in _ABOVE else value < self.threshold

    def recovered(self, hysteresis: Decimal) -> bool | None:
        """Tell whether the figure is back within the limit by a share of it; None if that is not known."""
        if self.figure.value is None or self.threshold is None:
            return None
        room = product_of(abs(self.threshold), hysteresis) or Decimal(0)
        if self.limit in _ABOVE:
            return self.figure.value <= self.threshold - room
        return self.figure.value >= self.threshold + room

    @property
    def reason(self) -> str:
        """What it means to cross it, in words."""
        words = _WORDS.get(self.limit)
        if words is None:
            return self.meaning or self.limit
        said = words.format(self.threshold)
        return said if self.meaning is None else f"{said} ({self.meaning})"


MEASURED = {
    "position_margin_ratio": lambda position, figures: position_margin_ratio(position),
    "unrealized_pnl": lambda position, figures: Figure(position.unrealized_pnl),
    "liquidation_distance": liquidation_distance,
}
"""How the figure for each limit of a position is had."""


def measures_of_position(position: Position, limits: Limits, figures: Figures) -> Iterator[Measure]:
    """Yield what a position is measured by."""
    subject = Subject(position.product, position.symbol, position.side, position.margin_mode)
    for name, measured in MEASURED.items():
        threshold = limits.of_position(name, position.symbol)
        if threshold is not None:
            yield Measure(
                limit=name,
                subject=subject,
                threshold=threshold,
                figure=measured(position, figures),
                meaning=figures.margin_ratio if name == "position_margin_ratio" else None,
                severity=_SEVERITIES.get(name, Severity.CRITICAL),
            )


def measures_of_account(
    metrics: AccountMetrics, product: str | None, limits: Limits, figures: Figures
) -> Iterator[Measure]:
    """Yield what an account is measured by, in one asset."""
    if metrics.asset is None:
        return
    subject = Subject(product=product, asset=metrics.asset)
    for name, figure, meaning in (
        ("account_margin_ratio", metrics.margin_ratio, figures.margin_ratio),
        ("available", metrics.available, None),
    ):
        threshold = limits.of_account(name, metrics.asset)
        if threshold is not None:
            yield Measure(
                limit=name,
                subject=subject,
                threshold=threshold,
                figure=figure,
                meaning=meaning,
                severity=_SEVERITIES.get(name, Severity.CRITICAL),
            )
