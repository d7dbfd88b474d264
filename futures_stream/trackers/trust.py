"""Whether what was folded can be believed: what gaps, resyncs and full sets mean for one kind of state."""

from __future__ import annotations

from collections.abc import Collection

from attrs import evolve, field, frozen

from futures_stream.dialects.base import KINDS
from futures_stream.records import ChannelLost, Closed, Gap, Live, Notice, Overflow, Resynced, Snapshot

__all__ = ["Scope", "Trust"]

Scope = tuple[str | None, str | None]
"""What a full set is whole for: (product, symbol), with None for all."""

_CLASSES = {"balances": "Balance", "positions": "Position", "orders": "Order", "executions": "Execution"}


@frozen(kw_only=True)
class Trust:
    """
    What is known about how complete one kind of state is.

    It can be believed from its first full set on, until a :class:`~futures_stream.records.Gap`; then again when
    :class:`~futures_stream.records.Resynced` has said that it is proven, or a full set of it has come
    (DESIGN.md 4.4).

    Attributes:
        kind: Balances, positions, orders or executions.
        blind: Whether a gap is open that concerns it, its channel is lost, or the stream has ended.
        proven: Whether it was proven to be complete after the last gap.
        covered: The scopes of the full sets that came since it was last in doubt.
        ever: The scopes of all full sets that ever came.
        doubtful: Whether a gap is open, or was closed without a proof, and no full set has come since.
    """

    kind: str
    blind: bool = False
    proven: bool = False
    covered: frozenset[Scope] = field(factory=frozenset)
    ever: frozenset[Scope] = field(factory=frozenset)
    doubtful: bool = False

    def hearing(self, notice: Notice) -> Trust:
        """Return what is to be believed after a notice."""
        if isinstance(notice, Snapshot):
            return self._having(scope_of(notice)) if notice.of == self.kind else self
        if isinstance(notice, Gap):
            if notice.channels and self.kind not in {KINDS.get(channel) for channel in notice.channels}:
                return self
            return evolve(self, blind=True, proven=False, covered=frozenset(), doubtful=True)
        if isinstance(notice, Resynced):
            return evolve(self, blind=False, proven=self.kind in notice.proven, doubtful=self.kind in notice.unproven)
        if isinstance(notice, Live):
            return evolve(self, blind=False) if self.blind and self._is_carried_by(notice) else self
        if isinstance(notice, ChannelLost) and KINDS.get(notice.channel) == self.kind:
            return evolve(self, blind=True, proven=False, covered=frozenset(), doubtful=True)
        if isinstance(notice, Overflow) and _CLASSES[self.kind] in notice.classes:
            return evolve(self, proven=False, covered=frozenset(), doubtful=True)
        if isinstance(notice, Closed):
            return evolve(self, blind=True)
        return self

    def is_whole(self, products: Collection[str | None], symbols: Collection[str] | None) -> bool:
        """
        Tell whether nothing of this kind is missing.

        Args:
            products: The product families that were told of.
            symbols: The contracts that are listened to; None for all.
        """
        if self.blind:
            return False
        if self.proven:
            return True
        if symbols is not None and all(any(symbol == told for _, told in self.covered) for symbol in symbols):
            return True
        everywhere = {product for product, symbol in self.covered if symbol is None}
        return bool(everywhere) and (None in everywhere or everywhere >= set(products))

    def covers(self, product: str | None, symbol: str | None) -> bool:
        """Tell whether nothing of one contract is missing."""
        return not self.blind and (self.proven or _covers(self.covered, product, symbol))

    def was_whole(self, product: str | None, symbol: str | None) -> bool:
        """Tell whether all of one contract was known at some time: what appears since then is new."""
        return _covers(self.ever, product, symbol)

    def _having(self, scope: Scope) -> Trust:
        if scope in self.covered and scope in self.ever:
            return self
        return evolve(self, covered=self.covered | {scope}, ever=self.ever | {scope})

    def _is_carried_by(self, notice: Live) -> bool:
        return self.kind in {KINDS.get(channel) for channel in notice.channels}


def scope_of(snapshot: Snapshot) -> Scope:
    """Return what a full set is whole for."""
    product, symbol = (*snapshot.scope, None, None)[:2]
    return product, symbol


def _covers(scopes: Collection[Scope], product: str | None, symbol: str | None) -> bool:
    return any(one in (None, product) and other in (None, symbol) for one, other in scopes)
