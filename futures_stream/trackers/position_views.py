"""The open positions of an account at one moment."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import Any, NamedTuple

from attrs import evolve, frozen

from futures_stream.markup import html_table
from futures_stream.records import Position
from futures_stream.trackers.rows import Rows
from futures_stream.trackers.table import Table
from futures_stream.trackers.trust import Trust
from futures_stream.vocabulary import MarginMode, PositionSide

__all__ = ["PositionKey", "PositionState", "Positions", "step"]


class PositionKey(NamedTuple):
    """What tells a position from the others of its account; equal to a plain tuple of the same words."""

    product: str | None
    symbol: str | None
    side: PositionSide
    margin_mode: MarginMode | None


@frozen
class PositionState:
    """What readers see: the open positions, and what can be believed."""

    trust: Trust
    entries: Table[Rows] = Table()


def step(state: PositionState, key: Hashable, entry: Any) -> PositionState:
    """Return the state after an entry was written, or dropped; a key of None is what can be believed."""
    if key is None:
        return PositionState(entry, state.entries)
    entries = state.entries.lacking(key) if entry is None else state.entries.having(key, entry)
    return PositionState(state.trust, entries)


class Positions(Mapping[PositionKey, Position]):
    """
    The open positions of an account at one moment, by :class:`PositionKey`, in the order in which they were told of.

    Attributes:
        as_of: When the last record that was folded was received, in ms since 1970.

    Threads:
        Nothing in it changes: callable from any thread.
    """

    __slots__ = ("_products", "_state", "_symbols", "as_of")

    def __init__(
        self,
        state: PositionState,
        as_of: int | None,
        products: Collection[str | None],
        symbols: Collection[str] | None,
    ) -> None:
        self.as_of = as_of
        self._state = state
        self._products = products
        self._symbols = symbols

    def __getitem__(self, key: PositionKey) -> Position:
        rows = self._state.entries.get(key)
        if rows is None:
            raise KeyError(key)
        position: Position = rows.shown
        return position

    def __iter__(self) -> Iterator[PositionKey]:
        return iter([key for key, _ in sorted(self._state.entries.items(), key=lambda item: item[1].number)])

    def __len__(self) -> int:
        return len(self._state.entries)

    def of(self, symbol: str, side: PositionSide | str | None = None) -> tuple[Position, ...]:
        """Return the open positions of a contract, of one side if one is given."""
        return tuple(each for each in self.values() if each.symbol == symbol and side in (None, each.side))

    @property
    def trusted(self) -> bool:
        """
        Whether these are all positions, and as they stand.

        False before the first full set, in a gap, and after one that stayed unproven until a full set has come.
        """
        return self._state.trust.is_whole(self._products, self._symbols)

    def trusts(self, symbol: str, product: str | None = None) -> bool:
        """Tell whether the positions of one contract are all there and as they stand."""
        return self._state.trust.covers(product, symbol)

    def doubted(self) -> Positions:
        """Return the same, not to be trusted."""
        state = evolve(self._state, trust=evolve(self._state.trust, blind=True))
        return Positions(state, self.as_of, self._products, self._symbols)

    @property
    def unproven(self) -> tuple[str, ...]:
        """The kinds of which it cannot be said that nothing is missing: positions, or none."""
        return () if self.trusted else ("positions",)

    def __repr__(self) -> str:
        return f"<Positions: {len(self)} open, {'trusted' if self.trusted else 'not trusted'}>"

    def _repr_html_(self) -> str:
        """Show the positions as a table in a notebook; all of it escaped."""
        names = ("symbol", "side", "margin_mode", "size", "entry_price", "mark_price", "unrealized_pnl")
        rows = ([getattr(position, name) for name in names] for position in self.values())
        return html_table(repr(self).strip("<>"), names, rows, len(self))
