"""Records that trackers derive from the exchange's own: what became of a position, and which limits are crossed."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from futures_stream.records.base import Record
from futures_stream.records.state import Position
from futures_stream.vocabulary import MarginMode, PositionSide, Severity

__all__ = [
    "PositionChange",
    "PositionClosed",
    "PositionFlipped",
    "PositionIncreased",
    "PositionLiquidated",
    "PositionOpened",
    "PositionReduced",
    "RiskAlert",
    "RiskCleared",
    "RiskRecord",
    "RiskUnknown",
]


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
