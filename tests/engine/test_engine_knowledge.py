"""What is told again, told late, or told in two ways: removed, marked, and never taken for the newest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from futures_stream.dialects.ordering import Precedence, precedence
from futures_stream.engine.knowledge import Knowledge
from futures_stream.records import Balance, Execution, Order, Position, Record
from futures_stream.vocabulary import MarginMode, Mark, OrderStatus, Origin, PositionSide, PositionStatus, Side

COMMON: dict[str, Any] = {"exchange": "x", "account": "a", "symbol": "BTCUSDT"}
D = Decimal


def order(filled: str | None, timestamp: int | None, status: OrderStatus = OrderStatus.NEW, **more: Any) -> Order:
    """A push about one and the same order."""
    size = None if filled is None else D(filled)
    return Order(**COMMON, order_id="1", filled=size, status=status, timestamp=timestamp, **more)


def trade(price: str = "3", **more: Any) -> Execution:
    """One and the same execution."""
    facts = {"trade_id": "9", "order_id": "1", "side": Side.BUY, "price": D(price), "size": D(1)} | more
    return Execution(**COMMON, **facts)


def position(size: str, timestamp: int | None, side: PositionSide = PositionSide.LONG) -> Position:
    """A push about a position."""
    facts = {"side": side, "margin_mode": MarginMode.CROSS, "status": PositionStatus.OPEN}
    return Position(**COMMON, size=D(size), timestamp=timestamp, **facts)


def balance(free: str, timestamp: int | None) -> Balance:
    """A push about a balance."""
    return Balance(exchange="x", account="a", asset="USDT", free=D(free), timestamp=timestamp)


def told(*records: Record) -> list[tuple[Record, set[str]]]:
    """Return what comes through, each with its marks."""
    knowledge = Knowledge()
    admitted = [each for record in records for each in knowledge.admit([record])]
    return [(each, {str(mark) for mark in each.marks}) for each in admitted]


def marks(*records: Record) -> list[set[str]]:
    """Return the marks of what comes through."""
    return [found for _, found in told(*records)]


@pytest.mark.parametrize(
    ("first", "second", "late"),
    [
        (order("2", 5), order("1", 4), True),
        (order("2", 5), order("1", 5), True),  # a filled size never goes back
        (order("2", None), order("1", None), True),
        (order("2", 5), order("3", 4), False),  # what was executed stays executed, whatever the clocks say
        (order("2", 5), order("2", 4), True),  # the time says so
        (order("2", 5, OrderStatus.CANCELED), order("2", 6, OrderStatus.PARTIALLY_FILLED), True),  # ended stays ended
        (order("2", 5), order("2", 5), False),  # the same once more is as new
        (order("2", 5), order("3", 5), False),
        (order("2", 5, OrderStatus.CANCELED), order("2", 5, OrderStatus.PARTIALLY_FILLED), True),
        (order("2", 5, OrderStatus.PARTIALLY_FILLED), order("2", 5, OrderStatus.CANCELED), False),
        (order(None, None), order(None, None), False),
        (order("2", 5), order("1", 4, origin=Origin.SNAPSHOT), False),  # REST's clock is another one
        (order("2", 5, origin=Origin.SNAPSHOT), order("1", 4), False),
        (position("2", 5), position("1", 4), True),
        (position("0", 5), position("1", 4), True),  # closed since
        (position("2", 5), position("1", 4, PositionSide.SHORT), False),
        (balance("2", 5), balance("1", 4), True),
        (balance("2", 5), balance("1", 5), False),
    ],
)
def test_late(first: Record, second: Record, late: bool) -> None:
    """An older push is told, and marked."""
    assert marks(first, second) == [set(), {Mark.LATE} if late else set()]


MOMENTS = st.one_of(st.none(), st.integers(1, 3))
ORDERS = st.builds(order, st.sampled_from([None, "0", "1", "2"]), MOMENTS, st.sampled_from(OrderStatus))
POSITIONS = st.builds(position, st.sampled_from(["0", "1"]), MOMENTS)
BALANCES = st.builds(balance, st.sampled_from(["0", "1"]), MOMENTS)


@given(st.one_of(st.tuples(ORDERS, ORDERS), st.tuples(POSITIONS, POSITIONS), st.tuples(BALANCES, BALANCES)))
def test_late_is_what_precedes(pushes: tuple[Record, Record]) -> None:
    """The stream marks as late what precedes, as trackers do, and nothing else."""
    is_older = precedence(*pushes) is Precedence.OLDER

    assert marks(*pushes) == [set(), {Mark.LATE} if is_older else set()]


def test_what_is_late_changes_nothing() -> None:
    """The newest stays known, and what follows is measured by it."""
    knowledge = Knowledge()
    knowledge.admit([order("2", 5), position("0", 5), balance("7", 5)])
    knowledge.admit([order("1", 4), position("3", 4), balance("8", 4)])

    picture = knowledge.picture()
    assert picture.orders["1"].filled == 2
    assert picture.positions == {}
    assert picture.balances[("USDT",)].free == 7
    assert [record.marks for record in knowledge.admit([order("1", 4)])] == [{Mark.LATE}]


def test_an_execution_is_told_once() -> None:
    """The same match again is left out and counted; nothing else of its message is."""
    knowledge = Knowledge()
    other = order("2", 5)

    assert knowledge.admit([trade()]) == [trade()]
    assert knowledge.admit([trade(price="3.0"), other, trade()]) == [other]
    assert knowledge.repeated == 2


@pytest.mark.parametrize("other", [{"price": "4"}, {"size": D(2)}, {"order_id": "2"}, {"side": Side.SELL}])
def test_an_execution_with_other_numbers_is_a_conflict(other: dict[str, Any]) -> None:
    """The same id with other numbers, or another order's, is told and marked; REST's word adds nothing."""
    assert marks(trade(), trade(**other)) == [set(), {Mark.CONFLICT}]
    assert marks(trade(), trade(**other, origin=Origin.SNAPSHOT)) == [set()]


def test_executions_of_other_contracts_or_without_an_id() -> None:
    """An id is one of its contract only; without one nothing can be compared."""
    elsewhere = Execution(exchange="x", account="a", symbol="ETHUSDT", trade_id="9")

    assert len(told(trade(), elsewhere)) == 2
    assert len(told(trade(trade_id=None), trade(trade_id=None))) == 2


def test_nothing_unusual_costs_no_copy() -> None:
    """The list itself comes back, so that nothing is renumbered."""
    records: list[Record] = [order("1", 4), trade(), position("1", 4), balance("1", 4)]

    assert Knowledge().admit(records) is records


def test_memory_is_bounded() -> None:
    """An order that is open is not forgotten, until more are open than any exchange allows."""
    knowledge = Knowledge(most_orders=10, most_trades=20)
    knowledge.admit([Order(**COMMON, order_id="open", status=OrderStatus.NEW)])
    for number in range(30):
        knowledge.admit([Order(**COMMON, order_id=str(number), status=OrderStatus.FILLED)])

    assert knowledge.order("open") is not None
    for number in range(200):  # however many a server says are open
        knowledge.admit([Order(**COMMON, order_id=f"o{number}", status=OrderStatus.NEW)])
        assert len(knowledge.picture().orders) <= 100
    assert list(knowledge.picture().orders) == [f"o{number}" for number in range(101, 200)]  # the newest


def test_the_newest_that_ended_are_remembered() -> None:
    """Orders and executions leave in the order in which they came, but those that are open stay."""
    knowledge = Knowledge(most_orders=10, most_trades=20)
    knowledge.admit([Order(**COMMON, order_id="open", status=OrderStatus.NEW)])
    for number in range(30):
        knowledge.admit([Order(**COMMON, order_id=str(number), status=OrderStatus.FILLED)])
        knowledge.admit([trade(trade_id=str(number))])

    assert knowledge.order("open") is not None
    assert [number for number in range(30) if knowledge.order(str(number))] == list(range(21, 30))
    assert [number for number in range(30) if knowledge.knows_event("executions", ("BTCUSDT", str(number)))] == list(
        range(10, 30)
    )
