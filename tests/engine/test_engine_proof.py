"""Whether what was recovered explains the difference between before and after."""

from decimal import Decimal

import pytest

from futures_stream import Execution, Order, OrderStatus, Position, PositionSide, Side
from futures_stream.engine.knowledge import Knowledge
from futures_stream.engine.picture import Picture
from futures_stream.engine.proof import unexplained


def order(order_id: str, filled: str, size: str = "3", status: OrderStatus = OrderStatus.NEW) -> Order:
    """An order's state."""
    return Order(
        exchange="x",
        account="a",
        symbol="BTC",
        order_id=order_id,
        filled=Decimal(filled),
        size=Decimal(size),
        status=status,
    )


def execution(order_id: str, size: str, side: Side | None = Side.BUY, trade_id: str = "t") -> Execution:
    """A match."""
    return Execution(
        exchange="x", account="a", symbol="BTC", trade_id=trade_id, order_id=order_id, size=Decimal(size), side=side
    )


def position(size: str, side: PositionSide = PositionSide.LONG) -> Position:
    """A position."""
    return Position(exchange="x", account="a", symbol="BTC", side=side, size=Decimal(size))


def picture(*records: Order | Position) -> Picture:
    """What was told, as a picture."""
    knowledge = Knowledge()
    knowledge.admit(list(records))
    return knowledge.picture()


NOTHING = picture()


def test_nothing_happened() -> None:
    """A quiet gap leaves nothing to explain."""
    same = picture(order("1", "1"), position("2"))

    assert unexplained(same, same, {}, []) == {}


def test_executions_explain_orders_and_positions() -> None:
    """filled(before) + executions = filled(after), and the position's size follows."""
    before, after = picture(order("1", "1"), position("1")), picture(order("1", "2"), position("2"))

    assert unexplained(before, after, {}, [execution("1", "1")]) == {}


@pytest.mark.parametrize("side", [None, Side.UNKNOWN])
def test_an_execution_without_side_proves_no_position(side: Side | None) -> None:
    """Whether it opened or closed is not known, so the size is not proven."""
    before, after = picture(order("1", "1"), position("1")), picture(order("1", "2"), position("2"))

    assert list(unexplained(before, after, {}, [execution("1", "1", side)])) == ["positions"]


def test_a_missing_execution_is_found() -> None:
    """An order that filled more than the executions say is named."""
    before, after = picture(order("1", "0")), picture(order("1", "2"))
    faults = unexplained(before, after, {}, [])

    assert faults == {"executions": ["order 1 filled 2 after 0, executions explain 0"]}


def test_an_order_that_vanished_is_named() -> None:
    """Whether it was canceled is not assumed."""
    faults = unexplained(picture(order("1", "1")), NOTHING, {}, [])

    assert faults == {"orders": ["order 1 was open and is not any more; how it ended is not known"]}


def test_an_order_that_was_executed_in_full_is_explained() -> None:
    """It is not open any more since all of it was matched."""
    faults = unexplained(picture(order("1", "1")), picture(position("2")), {}, [execution("1", "2")])

    assert faults == {}


def test_an_order_that_was_told_to_have_ended_is_explained() -> None:
    """A push told how it ended."""
    ended = {"1": order("1", "1", status=OrderStatus.CANCELED)}

    assert unexplained(picture(order("1", "1")), NOTHING, ended, []) == {}


def test_an_order_that_came_and_filled_in_the_gap() -> None:
    """A new order's fills must be explained, too."""
    after = picture(order("2", "1"), position("1"))

    assert unexplained(NOTHING, after, {}, [execution("2", "1")]) == {}
    assert list(unexplained(NOTHING, after, {}, [])) == ["executions", "positions"]


def test_hedged_positions_are_counted_together() -> None:
    """A long and a short one of a contract move its net size."""
    before = picture(position("2"), position("1", PositionSide.SHORT))
    after = picture(position("2"), position("3", PositionSide.SHORT))

    assert unexplained(before, after, {}, [execution("9", "2", Side.SELL)]) == {}
    assert list(unexplained(before, after, {}, [execution("9", "2", Side.BUY)])) == ["positions"]
