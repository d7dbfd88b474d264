"""Full sets that are pushed: what is not among them is gone, and nothing older brings it back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from futures_stream import (
    Closed,
    Execution,
    Order,
    OrderStatus,
    Origin,
    Position,
    PositionResult,
    PositionSide,
    Record,
    Snapshot,
    TriggerOrder,
    TriggerStatus,
)
from futures_stream.dialects.base import Answer, Query, Request
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.knowledge import Knowledge
from futures_stream.engine.repair import Recovered, Repair, Scope
from futures_stream.engine.rest_thread import Answered
from futures_stream.testing import FakeClock


def position(symbol: str, product: str = "P", **facts: Any) -> Position:
    """An open position."""
    return Position(
        exchange="x",
        account="a",
        product=product,
        symbol=symbol,
        side=PositionSide.LONG,
        **{"size": Decimal(1), **facts},
    )


def order(order_id: str, **facts: Any) -> Order:
    """An order."""
    return Order(exchange="x", account="a", product="P", symbol="B", order_id=order_id, **facts)


def full_set(*held: Position, product: str | None = "P", symbol: str | None = None) -> list[Record]:
    """A set as a dialect tells it."""
    keys = tuple((each.symbol, "long", None) for each in held)
    notice = Snapshot(exchange="x", account="a", of="positions", scope=(product, symbol), keys=keys)
    return [*held, notice]


def open_symbols(knowledge: Knowledge) -> set[str | None]:
    """Return the contracts of open positions."""
    return {each.symbol for each in knowledge.picture().positions.values()}


def test_what_is_not_in_a_pushed_set_is_gone() -> None:
    """Of its product, or its contract, and of no other."""
    knowledge = Knowledge()
    knowledge.admit([position("A"), position("B"), position("C", product="Q")])
    assert knowledge.admit(full_set(position("B"))) is not None
    assert open_symbols(knowledge) == {"B", "C"}
    knowledge.admit(full_set(product="Q", symbol="D"))
    assert open_symbols(knowledge) == {"B", "C"}
    knowledge.admit(full_set())
    assert open_symbols(knowledge) == {"C"}
    knowledge.admit(full_set(product=None))
    assert open_symbols(knowledge) == set()


class Asking:
    """A repair whose questions are answered by the test."""

    def __init__(self, *queries: Query, **scope: Any) -> None:
        self.delivery = Delivery("x", "a", FakeClock())
        self.knowledge = self.delivery.knowledge
        self.asked: list[Query] = []
        kinds = tuple(dict.fromkeys(query.kind for query in queries))
        self.repair = Repair(
            scope=Scope(kinds=kinds, asked=kinds, queries=queries, **scope),
            recovered=Recovered(told=self.knowledge.collect()),
            asker=self,
            knowledge=self.knowledge,
            delivery=self.delivery,
        )

    def ask(self, _: object, query: Query) -> None:
        """Keep the question."""
        self.asked.append(query)

    def forget(self) -> None:
        """Do nothing."""

    def has_spare(self) -> bool:
        """There is."""
        return True

    def answer(self, *records: Record, keys: Any, **facts: Any) -> None:
        """Answer the last question."""
        answer = Answer(records=records, keys=tuple(keys), **{"whole": True, "scope": (None, None), **facts})
        self.repair.hear(Answered(self.repair, self.asked[-1], answer, None))


def query(kind: str, **facts: Any) -> Query:
    """A question."""
    return Query(kind=kind, request=Request(method="GET", path=f"/{kind}", label=kind), **facts)


def test_an_older_answer_does_not_bring_back_what_a_pushed_set_left_out() -> None:
    """The question was asked before the position was closed: the push is newer, though it does not name it."""
    asking = Asking(query("positions"))
    asking.delivery.add(full_set(position("B")))
    fetched = [position(symbol, origin=Origin.SNAPSHOT) for symbol in ("A", "B", "C")]
    fetched[2] = position("C", product="Q", origin=Origin.SNAPSHOT)
    asking.answer(*fetched, keys=[(each.symbol, "long", None) for each in fetched])

    assert open_symbols(asking.knowledge) == {"B", "C"}
    assert asking.repair.done


def test_orders_that_are_missing_are_asked_for() -> None:
    """An order that was open and is not in the set: how it ended is asked, and told."""

    def about(orders: Any) -> tuple[Query, ...]:
        return tuple(query("orders", symbol=each.order_id, closes_set=False) for each in orders)

    asking = Asking(query("orders"), about=about)
    open_ = order("1", size=Decimal(2), filled=Decimal(0), status=OrderStatus.NEW)
    asking.delivery.add([open_, order("2", status=OrderStatus.NEW, filled=Decimal(0))])
    asking.repair._touched.clear()  # as if they had been told before the question
    asking.answer(order("2", status=OrderStatus.NEW, filled=Decimal(0), origin=Origin.SNAPSHOT), keys=[("2",)])
    assert [each.symbol for each in asking.asked] == [None, "1"]
    ended = order("1", status=OrderStatus.CANCELED, filled=Decimal(0), origin=Origin.SNAPSHOT)
    asking.answer(ended, keys=[("1",)])

    assert asking.repair.done
    assert asking.knowledge.order("1").status is OrderStatus.CANCELED  # type: ignore[union-attr]
    assert asking.knowledge.is_open("orders", ("2",))


@pytest.mark.parametrize(("number", "asked", "proven"), [(3, 3, ("orders", "executions")), (101, 100, ("executions",))])
def test_orders_that_nobody_saw(number: int, asked: int, proven: tuple[str, ...]) -> None:
    """Those that began and ended in a gap are asked about once all else is; more than a hundred are not all asked."""

    def about(orders: Any) -> tuple[Query, ...]:
        return tuple(query("orders", symbol=each.order_id, closes_set=False) for each in orders)

    asking = Asking(query("orders"), query("executions"), about=about)
    asking.answer(order("open", status=OrderStatus.NEW, filled=Decimal(0)), keys=[("open",)])
    executions = [
        Execution(exchange="x", account="a", symbol="S", trade_id=str(each), order_id=f"o{each}", size=Decimal(1))
        for each in range(number)
    ]
    asking.answer(*executions, keys=[("S", each.trade_id) for each in executions])
    while not asking.repair.done:
        assert asking.asked[-1].symbol is not None
        asking.answer(order(asking.asked[-1].symbol, status=OrderStatus.FILLED, filled=Decimal(1)), keys=[])

    assert [each.symbol for each in asking.asked[2:]] == [f"o{each}" for each in range(number)][-asked:]
    assert asking.repair.outcome().proven == proven


def test_what_came_of_positions() -> None:
    """It is told once, whoever tells it; a position that is gone without it leaves closed positions unproven."""

    def result(symbol: str, origin: Origin) -> PositionResult:
        position_id = "7" if origin is Origin.PUSH else None
        facts: dict[str, Any] = {"symbol": symbol, "created_at": 5, "side": PositionSide.LONG, "origin": origin}
        return PositionResult(exchange="x", account="a", position_id=position_id, **facts)

    asking = Asking(query("closed_positions"), query("positions"))
    asking.delivery.add([position("A"), position("B")])
    asking.repair._gap.before = asking.knowledge.picture()
    asking.delivery.add([result("A", Origin.PUSH)])
    asking.answer(result("A", Origin.SNAPSHOT), keys=[("A", "long", "5")])
    asking.repair._touched.clear()  # as if nothing had been pushed since
    asking.answer(keys=[])

    outcome = asking.repair.outcome()
    assert asking.knowledge.picture().positions == {}
    assert (outcome.recovered, outcome.proven) == (0, ())
    assert [line for line in outcome.unexplained if "what came of it" in line] == [
        "position B long was open and is not any more; what came of it is not told"
    ]
    assert asking.knowledge.admit([result("A", Origin.PUSH)]) == []
    assert len(asking.knowledge.admit([result("B", Origin.PUSH)])) == 1


def test_an_older_answer_does_not_bring_back_a_trigger_order() -> None:
    """It was canceled after the question was asked: neither its row is told nor is it in the set."""
    asking = Asking(query("trigger_orders"))
    canceled = TriggerOrder(exchange="x", account="a", order_id="1", status=TriggerStatus.CANCELED)
    asking.delivery.add([canceled])
    rows = [
        TriggerOrder(exchange="x", account="a", order_id=each, status=TriggerStatus.WAITING, origin=Origin.SNAPSHOT)
        for each in ("1", "2")
    ]
    asking.answer(*rows, keys=[("1",), ("2",)])

    assert not asking.knowledge.is_open("trigger_orders", ("1",))
    assert asking.knowledge.is_open("trigger_orders", ("2",))
    assert asking.delivery.next_seq == 4  # the cancel, the other's row, and the notice that this was all


def test_an_answer_that_lags_behind_does_not_take_an_order_back() -> None:
    """What was pushed before the question was asked may not be in the answer yet: an end stays, and so does a fill."""
    asking = Asking(query("orders"))
    asking.delivery.add(
        [
            order("1", size=Decimal(2), filled=Decimal(2), status=OrderStatus.FILLED),
            order("2", size=Decimal(2), filled=Decimal(1), status=OrderStatus.PARTIALLY_FILLED),
            order("3", size=Decimal(2), filled=Decimal(1), status=OrderStatus.PARTIALLY_FILLED),
        ]
    )
    asking.repair._touched.clear()  # as if they had been told before the question
    lagging = [
        order(each, size=Decimal(2), filled=Decimal(filled), status=status, origin=Origin.SNAPSHOT)
        for each, filled, status in (
            ("1", 0, OrderStatus.NEW),
            ("2", 0, OrderStatus.NEW),
            ("3", 2, OrderStatus.PARTIALLY_FILLED),
        )
    ]
    told: list[Record] = []
    asking.delivery.attach(Kept(told))
    asking.delivery.flush()
    told.clear()
    asking.answer(*lagging, keys=[("1",), ("2",), ("3",)])
    asking.delivery.flush()

    assert [record.order_id for record in told if isinstance(record, Order)] == ["3"]
    (notice,) = [record for record in told if isinstance(record, Snapshot)]
    assert notice.keys == (("2",), ("3",))
    assert not asking.knowledge.is_open("orders", ("1",))
    assert asking.knowledge.order("2").filled == 1  # type: ignore[union-attr]


class Kept:
    """A sink that keeps everything."""

    def __init__(self, told: list[Record]) -> None:
        self._told = told

    def deliver(self, records: Sequence[Record]) -> None:
        """Keep them."""
        self._told += records

    def end(self, notice: Closed) -> None:
        """Nothing more comes."""
