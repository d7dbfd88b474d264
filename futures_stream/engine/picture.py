"""The account at one moment, and what happened since: what is held against each other when a gap is closed."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field, frozen

from futures_stream.dialects.identity import Key
from futures_stream.records import Balance, Execution, Order, Position, PositionResult, Record

__all__ = ["Collected", "Picture"]


@frozen(kw_only=True)
class Picture:
    """
    The account at one moment, as far as it was told.

    Attributes:
        orders: Open orders by id.
        positions: Open positions by key.
        balances: Balances by key.
    """

    orders: dict[str, Order] = field(factory=dict)
    positions: dict[Key, Position] = field(factory=dict)
    balances: dict[Key, Balance] = field(factory=dict)

    def of_kind(self, kind: str) -> Mapping[Key, Record]:
        """Return what is open of one kind, by key."""
        if kind == "orders":
            return {(order_id,): order for order_id, order in self.orders.items()}
        return self.positions if kind == "positions" else self.balances


@define
class Collected:
    """
    Events that were told since some moment.

    Attributes:
        executions: Those of orders.
        results: What came of positions.
    """

    executions: list[Execution] = field(factory=list)
    results: list[PositionResult] = field(factory=list)
