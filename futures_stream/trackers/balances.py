"""The balances of an account."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from futures_stream.dialects.ordering import Precedence, in_time
from futures_stream.markup import html_table
from futures_stream.records import Balance, Notice, Record, Snapshot
from futures_stream.trackers.changes import Change, ChangeKind, Verdict
from futures_stream.trackers.ledger import Ledger
from futures_stream.trackers.rows import Rows
from futures_stream.trackers.table import Table
from futures_stream.trackers.tracker import Tracker
from futures_stream.trackers.trust import Trust, scope_of

__all__ = ["BalanceState", "BalanceTracker", "Balances"]


@frozen
class BalanceState:
    """What readers see: the balances by (product, asset), and what can be believed."""

    trust: Trust
    entries: Table[Rows] = Table()


def _step(state: BalanceState, key: Hashable, entry: Any) -> BalanceState:
    if key is None:
        return BalanceState(entry, state.entries)
    entries = state.entries.lacking(key) if entry is None else state.entries.having(key, entry)
    return BalanceState(state.trust, entries)


class BalanceTracker(Tracker):
    """
    Follows the balances of one account, each by product and asset.

    A balance is its newest row, and nothing of an older one: figures of two moments do not add up. What can be
    computed out of it is in :func:`~futures_stream.trackers.account_metrics`.

    Args:
        exchange: Whose records it takes; None for whose come first.
        account: Of which account; None for which comes first.

    Threads:
        One thread folds; :attr:`view` is callable from any.
    """

    def __init__(self, exchange: str | None = None, account: str | None = None) -> None:
        super().__init__(exchange, account)
        self._trust = Trust(kind="balances")
        self._ledger: Ledger[Any, BalanceState] = Ledger(BalanceState(self._trust), _step)
        self._number = 0

    @property
    def view(self) -> Balances:
        """The balances as they stand now, frozen."""
        as_of = self.as_of
        return Balances(self._ledger.state(), as_of, self._products)

    def _kinds(self) -> dict[type[Record], Callable[[Any], Change | None]]:
        return {Balance: self._tell, Notice: self._hear}

    def hurry(self, records: Sequence[Record], at: int) -> int:
        return self._hurry_while(self._take, Balance, records, at)

    def _take(self, told: Balance) -> bool:
        """Fold a row as most are: later than what is known of its asset."""
        key = (told.product, told.asset)
        rows, when = self._ledger.entries.get(key), told.timestamp
        if rows is None or when is None or rows.row.timestamp is None or when <= rows.row.timestamp:
            return False
        self._ledger.put(key, Rows(rows.number, told, told))
        return True

    def _tell(self, told: Balance) -> Change | None:
        if told.asset is None:
            return self._refuse(Verdict.UNIDENTIFIED)
        if told.product not in self._products:
            self._products |= {told.product}
        key = (told.product, told.asset)
        rows = self._ledger.entries.get(key)
        if rows is None:
            self._number += 1
            self._ledger.put(key, Rows(self._number, told, told))
            self._judge(Verdict.NEWS)
            return Change(ChangeKind.FOUND, None, told, told)
        answer = in_time(rows.row, told)
        if answer is Precedence.OLDER:
            return self._refuse(Verdict.LATE)
        if answer is Precedence.UNKNOWN and rows.holds(told):
            return self._refuse(Verdict.REPEATED)
        self._ledger.put(key, rows.followed_by(told, told))
        if told.free == rows.row.free and not rows.differs(told):
            return self._refuse(Verdict.REPEATED)  # the same once more, at a later time
        self._judge(Verdict.NEWS)
        return Change(ChangeKind.UPDATED, rows.row, told, told)

    def _hear(self, notice: Notice) -> Change | None:
        change = None
        if isinstance(notice, Snapshot) and notice.of == "balances":
            change = self._sweep(notice)
        trust = self._trust.hearing(notice)
        if trust is not self._trust:
            self._trust = trust
            self._ledger.remark(trust)
        return change

    def _sweep(self, snapshot: Snapshot) -> Change | None:
        """What is in the scope of a full set and not among its keys is gone; a set of one asset names it."""
        product, asset = scope_of(snapshot)
        keys = {key[0] for key in snapshot.keys if key}
        parts = []
        for key, rows in tuple(self._ledger.entries.items()):
            row = rows.row
            if product in (None, row.product) and asset in (None, row.asset) and row.asset not in keys:
                self._ledger.drop(key)
                parts.append(Change(ChangeKind.VANISHED, row, None, snapshot))
        return Change(ChangeKind.SWEPT, None, None, snapshot, parts=tuple(parts)) if parts else None


class Balances(Mapping[str, Balance]):
    """
    The balances of an account at one moment, by asset, in the order in which they were told of first.

    Where two products keep the same asset, the mapping has the one that was told of first; :meth:`each` has both.

    Attributes:
        as_of: When the last record that was folded was received, in ms since 1970.

    Threads:
        Nothing in it changes: callable from any thread.
    """

    __slots__ = ("_products", "_rows", "_state", "as_of")

    def __init__(self, state: BalanceState, as_of: int | None, products: Collection[str | None]) -> None:
        self.as_of = as_of
        self._state = state
        self._products = products
        told = sorted(state.entries.items(), key=lambda item: item[1].number)
        self._rows: tuple[Balance, ...] = tuple(rows.row for _, rows in told)

    def __getitem__(self, asset: str) -> Balance:
        for row in self._rows:
            if row.asset == asset:
                return row
        raise KeyError(asset)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(str(row.asset) for row in self._rows))

    def __len__(self) -> int:
        return len({row.asset for row in self._rows})

    def each(self, asset: str) -> tuple[Balance, ...]:
        """Return the balances of an asset, one for each product that keeps it."""
        return tuple(row for row in self._rows if row.asset == asset)

    @property
    def trusted(self) -> bool:
        """
        Whether these are all balances, and as they stand.

        False before the first full set, in a gap, and after one that stayed unproven until a full set has come.
        """
        return self._state.trust.is_whole(self._products, None)

    def doubted(self) -> Balances:
        """Return the same, not to be trusted."""
        state = evolve(self._state, trust=evolve(self._state.trust, blind=True))
        return Balances(state, self.as_of, self._products)

    @property
    def unproven(self) -> tuple[str, ...]:
        """The kinds of which it cannot be said that nothing is missing: balances, or none."""
        return () if self.trusted else ("balances",)

    def __repr__(self) -> str:
        return f"<Balances: {len(self)} assets, {'trusted' if self.trusted else 'not trusted'}>"

    def _repr_html_(self) -> str:
        """Show the balances as a table in a notebook; all of it escaped."""
        names = ("product", "asset", "free", "locked", "total", "unrealized_pnl", "margin_ratio")
        rows = ([getattr(row, name) for name in names] for row in self._rows)
        return html_table(repr(self).strip("<>"), names, rows, len(self._rows))
