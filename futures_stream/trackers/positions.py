"""The positions of an account, and what becomes of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

from attrs import evolve

from futures_stream.dialects.identity import keyed
from futures_stream.dialects.ordering import Precedence, in_time
from futures_stream.records import Notice, Position, Record, Snapshot
from futures_stream.trackers.changes import Change, ChangeKind, Verdict
from futures_stream.trackers.ledger import Ledger
from futures_stream.trackers.position_views import PositionKey, Positions, PositionState, step
from futures_stream.trackers.rows import Rows
from futures_stream.trackers.tracker import Tracker, filled_in
from futures_stream.trackers.trust import Trust, scope_of
from futures_stream.vocabulary import Origin, PositionMode, PositionSide, PositionStatus

__all__ = ["PositionTracker"]

_MOST_GONE = 10_000  # closed positions that are remembered, to know their late rows by

_LASTING = ("product", "margin_asset", "leverage", "margin_mode", "position_mode", "created_at")
"""What stays as it is until a row says something else. Figures do not: they belong to the row that says them."""

_OPPOSITE = {PositionSide.LONG: PositionSide.SHORT, PositionSide.SHORT: PositionSide.LONG}
_STANDING = (PositionStatus.OPEN, PositionStatus.UNKNOWN)


class PositionTracker(Tracker):
    """
    Follows the positions of one account, each by product, symbol, side and margin mode.

    A row tells of one position, and takes it away when it is closed or its size is zero. A full set, told by a
    :class:`~futures_stream.records.Snapshot`, takes away what is in its scope and not in it; one product's set never
    touches another's (WIRE.md A.6). In hedge mode a symbol has two positions; in one-way mode, where the row says so,
    a row of the other side means that the position was flipped.

    Run it over records of your own::

        tracker = PositionTracker()
        for record in records:
            change = tracker.apply(record)
            for each in () if change is None else change.each():
                print(each.kind, each.before and each.before.size, each.after and each.after.size)
        print(tracker.view.of("BTCUSDT"))

    Args:
        exchange: Whose records it takes; None for whose come first.
        account: Of which account; None for which comes first.
        symbols: The contracts that the stream listens to; None for all.
        key_of: What tells a row from the others of its full set, as the exchange's ``Snapshot.keys`` spell it; None
            for (symbol, side, margin mode).

    Threads:
        One thread folds; :attr:`view` is callable from any.
    """

    def __init__(
        self,
        exchange: str | None = None,
        account: str | None = None,
        symbols: Collection[str] | None = None,
        *,
        key_of: Callable[[Position], Hashable] | None = None,
    ) -> None:
        super().__init__(exchange, account, symbols)
        self._key_of = key_of
        self._trust = Trust(kind="positions")
        self._ledger: Ledger[Any, PositionState] = Ledger(PositionState(self._trust), step)
        self._gone: OrderedDict[Hashable, Rows] = OrderedDict()
        self._number = 0

    @property
    def view(self) -> Positions:
        """The open positions as they stand now, frozen."""
        as_of = self.as_of
        return Positions(self._ledger.state(), as_of, self._products, self._symbols)

    def _kinds(self) -> dict[type[Record], Callable[[Any], Change | None]]:
        return {Position: self._tell, Notice: self._hear}

    def hurry(self, records: Sequence[Record], at: int) -> int:
        return at if self._key_of is not None else self._hurry_while(self._take, Position, records, at)

    def _take(self, told: Position) -> bool:
        """Fold a row as most are: of a position that is known and still there, later than what is known."""
        key = (told.product, told.symbol, told.side, told.margin_mode)
        rows, when = self._ledger.entries.get(key), told.timestamp
        if rows is None or when is None or not told.size or told.status is not PositionStatus.OPEN:
            return False
        known = rows.row
        if known is not rows.shown or known.timestamp is None or when <= known.timestamp or _says_less(told, known):
            return False
        self._ledger.put(key, Rows(rows.number, told, told))
        return True

    def _tell(self, told: Position) -> Change | None:
        if told.symbol is None or told.side is PositionSide.UNKNOWN:
            return self._refuse(Verdict.UNIDENTIFIED)
        if told.product not in self._products:
            self._products |= {told.product}
        key = self._find(told)
        rows = self._ledger.entries.get(key)
        known = rows or self._gone.get(key)
        if known is not None:
            answer = in_time(known.row, told)
            if answer is Precedence.OLDER:
                return self._refuse(Verdict.LATE)
            # One that a full set took away may be back with the same figures, where rows do not say their time.
            is_same_time = answer is Precedence.UNKNOWN and (rows is not None or told.timestamp is not None)
            if is_same_time and known.holds(told):
                return self._refuse(Verdict.REPEATED)
        is_open = told.status in _STANDING and told.size != 0
        if not is_open:
            return self._close(key, rows, known, told)
        return self._open(key, known, told) if rows is None else self._move(key, rows, told)

    def _move(self, key: Hashable, rows: Rows, told: Position) -> Change | None:
        """A position that is known, and still there."""
        before: Position = rows.shown
        after = filled_in(told, before, _LASTING) if _says_less(told, before) else told
        if after.size is None:
            after = evolve(after, size=before.size)
        self._ledger.put(key, rows.followed_by(told, after))
        known = rows.row
        is_alike = told.unrealized_pnl == known.unrealized_pnl and told.size == known.size
        if is_alike and not rows.differs(told):
            return self._refuse(Verdict.REPEATED)  # the same once more, at a later time
        self._judge(Verdict.NEWS)
        was, now = before.size, after.size
        if was == now or was is None or now is None:
            kind = ChangeKind.UPDATED
        else:
            kind = ChangeKind.INCREASED if now > was else ChangeKind.REDUCED
        return Change(kind, before, after, told)

    def _open(self, key: Hashable, gone: Rows | None, told: Position) -> Change:
        """A position that was not there."""
        self._judge(Verdict.NEWS)
        was_whole = self._trust.was_whole(told.product, told.symbol)
        turned = self._turned(told) if told.position_mode is PositionMode.ONE_WAY else None
        self._number += 1
        rows = Rows(self._number, told, told) if gone is None else gone.followed_by(told, told, self._number)
        self._gone.pop(key, None)
        self._ledger.put(key, rows)
        if turned is not None:
            return Change(ChangeKind.FLIPPED, turned, told, told)
        if told.origin is Origin.SNAPSHOT and not was_whole and gone is None:
            return Change(ChangeKind.FOUND, None, told, told)
        return Change(ChangeKind.OPENED, None, told, told, was_whole or gone is not None)

    def _close(self, key: Hashable, rows: Rows | None, known: Rows | None, told: Position) -> Change | None:
        """A row that says that there is nothing, or nothing any more."""
        was_whole = self._trust.was_whole(told.product, told.symbol)
        self._bury(key, Rows(0, told, told) if known is None else known.followed_by(told, told))
        if rows is None and (known is not None or was_whole):
            return self._refuse(Verdict.REPEATED)
        self._judge(Verdict.NEWS)
        if rows is not None:
            self._ledger.drop(key)
        kind = ChangeKind.LIQUIDATED if told.status is PositionStatus.LIQUIDATED else ChangeKind.CLOSED
        return Change(kind, None if rows is None else rows.shown, told, told, rows is not None)

    def _turned(self, told: Position) -> Position | None:
        """Take away the position of the other side, where a symbol has one at most; return it."""
        other = self._find(told, _OPPOSITE.get(told.side))
        rows = self._ledger.entries.get(other)
        if rows is None or in_time(rows.row, told) is Precedence.OLDER:
            return None
        self._ledger.drop(other)
        self._bury(other, rows)
        shown: Position = rows.shown
        return shown

    def _hear(self, notice: Notice) -> Change | None:
        change = None
        if isinstance(notice, Snapshot) and notice.of == "positions":
            change = self._sweep(notice)
        trust = self._trust.hearing(notice)
        if trust is not self._trust:
            self._trust = trust
            self._ledger.remark(trust)
        return change

    def _sweep(self, snapshot: Snapshot) -> Change | None:
        """What is in the scope of a full set and not among its keys is gone."""
        product, symbol = scope_of(snapshot)
        keys = set(snapshot.keys)
        parts = []
        for key, rows in tuple(self._ledger.entries.items()):
            row = rows.row
            if product in (None, row.product) and symbol in (None, row.symbol) and self._own_key(row) not in keys:
                self._ledger.drop(key)
                self._bury(key, rows)
                parts.append(Change(ChangeKind.CLOSED, rows.shown, None, snapshot))
        return Change(ChangeKind.SWEPT, None, None, snapshot, parts=tuple(parts)) if parts else None

    def _own_key(self, row: Position) -> Hashable:
        if self._key_of is not None:
            return self._key_of(row)
        found = keyed(row)
        return None if found is None else found[1]

    def _find(self, told: Position, side: PositionSide | None = None) -> Hashable:
        """Return the key of a row's position; a row without a margin mode is about the only one that there is."""
        entries = self._ledger.entries
        plain = (told.product, told.symbol, side or told.side, told.margin_mode)
        if plain in entries and self._key_of is None:
            return plain
        key = PositionKey(told.product, str(told.symbol), side or told.side, told.margin_mode)
        if self._key_of is not None:
            return (*key, self._key_of(told)) if side is None else key
        if told.margin_mode is not None:
            silent = key._replace(margin_mode=None)
            return silent if silent in entries else key
        alike = [other for other in entries if isinstance(other, PositionKey) and other[:3] == key[:3]]
        return alike[0] if len(alike) == 1 else key

    def _bury(self, key: Hashable, rows: Rows) -> None:
        self._gone[key] = rows
        if len(self._gone) > _MOST_GONE:
            self._gone.popitem(last=False)


def _says_less(newer: Position, older: Position) -> bool:
    """Tell whether a row leaves out what another one says, of what stays unless something else is said."""
    return (
        (newer.margin_asset is None and older.margin_asset is not None)
        or (newer.leverage is None and older.leverage is not None)
        or (newer.margin_mode is None and older.margin_mode is not None)
        or (newer.position_mode is None and older.position_mode is not None)
        or (newer.created_at is None and older.created_at is not None)
    )
