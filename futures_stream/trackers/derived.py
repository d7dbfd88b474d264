"""What became of a position, as a record that stands behind the one that told it."""

from __future__ import annotations

from futures_stream.records import (
    Position,
    PositionChange,
    PositionClosed,
    PositionFlipped,
    PositionIncreased,
    PositionLiquidated,
    PositionOpened,
    PositionReduced,
)
from futures_stream.trackers.changes import Change, ChangeKind
from futures_stream.vocabulary import Mark

__all__ = ["position_changes"]

_CLASSES: dict[ChangeKind, type[PositionChange]] = {
    ChangeKind.OPENED: PositionOpened,
    ChangeKind.INCREASED: PositionIncreased,
    ChangeKind.REDUCED: PositionReduced,
    ChangeKind.FLIPPED: PositionFlipped,
    ChangeKind.CLOSED: PositionClosed,
    ChangeKind.LIQUIDATED: PositionLiquidated,
}
_UNPROVEN = frozenset({Mark.UNPROVEN})


def position_changes(change: Change | None) -> list[PositionChange]:
    """
    Return the records of what became of positions, for a change that a position tracker made of a record.

    What only updates figures, or was there before anybody looked, has none.
    """
    if change is None:
        return []
    return [record for each in change.each() if (record := _record(each)) is not None]


def _record(change: Change) -> PositionChange | None:
    kind, before, after = _CLASSES.get(change.kind), change.before, change.after
    about = before if after is None else after
    if kind is None or not isinstance(about, Position):
        return None
    cause = change.cause
    return kind(
        exchange=cause.exchange,
        account=cause.account,
        product=about.product,
        symbol=about.symbol,
        timestamp=cause.timestamp,
        received_ns=cause.received_ns,
        seq=cause.seq,
        origin=cause.origin,
        marks=frozenset() if change.certain else _UNPROVEN,
        side=about.side,
        margin_mode=about.margin_mode,
        before=before if isinstance(before, Position) else None,
        after=after if isinstance(after, Position) else None,
    )
