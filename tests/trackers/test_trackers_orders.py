"""What an order tracker makes of rows that come late, twice, contradict each other, or say little."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from futures_stream import ConfigError, Mark, OrderStatus, Side
from futures_stream.dialects.ordering import Precedence, precedence
from futures_stream.records import Order, Record
from futures_stream.trackers import AccountTracker, ChangeKind, OrderTracker, Verdict, marked
from tests.trackers.making import balance, execution, full_set, gap, live, order, position, resynced

D = Decimal
LIFE = (
    order(timestamp=1, filled="0"),
    order(status="partially_filled", timestamp=2, filled="0.3"),
    order(status="partially_filled", timestamp=2, filled="0.5"),
    order(status="canceled", timestamp=3, filled="0.5"),
)


def following(*records: Record, **options: object) -> OrderTracker:
    """A tracker that has folded some records."""
    tracker = OrderTracker(**options)  # type: ignore[arg-type]
    for record in records:
        tracker.apply(record)
    return tracker


@pytest.mark.parametrize("rows", list(itertools.permutations(LIFE)))
def test_rows_in_any_order_end_alike(rows: tuple[Order, ...]) -> None:
    """The one that ended counts, with the most that was filled."""
    tracker = following(*rows, *rows)

    assert tracker.view["1"] == LIFE[-1]
    assert tracker.view.open == ()
    assert tracker.counts.conflict == 0


def test_each_step_is_a_change_and_its_repetition_is_none() -> None:
    """A row's change says what was before; the same row once more changes nothing."""
    tracker = OrderTracker()
    changes = []
    for row in LIFE:
        changes.append(tracker.apply(row))
        assert tracker.apply(row) is None
        assert tracker.verdict is Verdict.REPEATED

    kinds = [change and change.kind for change in changes]
    assert kinds == [ChangeKind.PLACED, ChangeKind.FILLED, ChangeKind.FILLED, ChangeKind.ENDED]
    assert [change and change.before for change in changes] == [None, *LIFE[:3]]
    assert [change and change.cause for change in changes] == list(LIFE)
    assert (tracker.counts.news, tracker.counts.repeated) == (4, 4)


def test_a_late_row_changes_nothing_and_is_counted() -> None:
    """What is filled never goes back."""
    tracker = following(LIFE[2])

    assert tracker.apply(LIFE[1]) is None
    assert tracker.verdict is Verdict.LATE
    assert tracker.view["1"] == LIFE[2]


def test_a_verdict_is_a_mark_on_the_record() -> None:
    """For whoever delivers what was folded: late, repeated and contradicting rows carry it, others stay as they are."""
    tracker = following(LIFE[2])
    marks = []
    for row in (LIFE[2], LIFE[1], LIFE[3], order(status="filled", filled="0.5", timestamp=3)):
        tracker.apply(row)
        told = marked(row, tracker.verdict)
        marks.append(told.marks)
        assert marked(told, tracker.verdict) is told

    assert marks == [{Mark.REPEATED}, {Mark.LATE}, set(), {Mark.CONFLICT}]


def test_the_end_that_says_less_is_filled_keeps_what_was_filled() -> None:
    """Two rows contradict each other: it is counted, the order ended, and what was filled stays."""
    tracker = following(order(status="partially_filled", filled="0.7", timestamp=2))

    change = tracker.apply(order(status="canceled", filled="0.5", timestamp=3))

    assert change is not None
    assert (change.kind, tracker.verdict) == (ChangeKind.ENDED, Verdict.CONFLICT)
    assert (tracker.view["1"].status, tracker.view["1"].filled) == (OrderStatus.CANCELED, D("0.7"))


def test_more_filled_behind_the_end_is_told_and_does_not_reopen() -> None:
    """A row that comes after the end and says more was filled: the size counts, the status does not."""
    tracker = following(order(status="canceled", filled="0.5", timestamp=3))

    change = tracker.apply(order(status="partially_filled", filled="0.7", timestamp=2))

    assert change is not None
    assert (change.kind, tracker.verdict) == (ChangeKind.FILLED, Verdict.CONFLICT)
    assert (tracker.view["1"].status, tracker.view["1"].filled) == (OrderStatus.CANCELED, D("0.7"))


@pytest.mark.parametrize("timestamp", [None, 3])
def test_two_ends_are_a_conflict(timestamp: int | None) -> None:
    """Nothing tells which is true: the first one stays."""
    tracker = following(order(status="canceled", filled="1", timestamp=timestamp))

    assert tracker.apply(order(status="filled", filled="1", timestamp=timestamp)) is None
    assert tracker.verdict is Verdict.CONFLICT
    assert tracker.view["1"].status is OrderStatus.CANCELED


def test_what_a_row_leaves_out_is_kept() -> None:
    """REST says more than a push does, a first row more than a later one, and a late row may say it too."""
    tracker = following(order(side=Side.BUY, price="100", client_order_id="mine", filled="0", timestamp=1))
    tracker.apply(order(status="partially_filled", size=None, filled=None, timestamp=2))
    tracker.apply(order(status="partially_filled", size=None, filled="0.2", timestamp=3))

    known = tracker.view["1"]
    assert (known.side, known.price, known.size, known.filled) == (Side.BUY, D(100), D(1), D("0.2"))
    assert tracker.view.with_client_id("mine") == known

    late = following(order(status="filled", filled="1", timestamp=9))
    assert late.apply(order(side=Side.BUY, client_order_id="mine", filled="0", timestamp=1)) is None
    assert late.verdict is Verdict.LATE
    assert (late.view["1"].side, late.view["1"].status) == (Side.BUY, OrderStatus.FILLED)
    assert late.view.with_client_id("mine") == late.view["1"]


def test_an_amended_order_is_updated() -> None:
    """Another price at a later time; and back again."""
    tracker = following(order(price="100", filled="0", timestamp=1))
    changes = [tracker.apply(order(price=price, filled="0", timestamp=at)) for at, price in ((2, "101"), (3, "100"))]

    assert [change and change.kind for change in changes] == [ChangeKind.UPDATED] * 2
    assert tracker.view["1"].price == D(100)


def test_executions_count_once_and_explain_the_order() -> None:
    """Before the order's row or behind it, and each trade id once."""
    tracker = following(execution("a", "0.1", "100"))
    assert "1" not in tracker.view
    assert len(tracker.view) == 0
    tracker.apply(order(status="partially_filled", filled="0.3", timestamp=2))
    assert tracker.view.average_price("1") is None  # they do not add up yet

    change = tracker.apply(execution("b", "0.2", "103"))
    assert change is not None
    assert change.kind is ChangeKind.EXECUTED
    assert tracker.apply(execution("b", "0.2", "103")) is None
    assert tracker.verdict is Verdict.REPEATED
    assert tracker.apply(execution("b", "0.25", "103")) is None
    assert tracker.verdict is Verdict.CONFLICT

    assert [each.trade_id for each in tracker.view.executions("1")] == ["a", "b"]
    assert tracker.view.executed("1") == D("0.3")
    assert tracker.view.average_price("1") == D(102)
    assert tracker.view["1"].filled == D("0.3")  # the order's own word


def test_the_exchanges_average_price_comes_first() -> None:
    """Ours is only for exchanges that give none."""
    tracker = following(
        execution("a", "0.3", "100"), order(status="partially_filled", filled="0.3", average_price="99")
    )

    assert tracker.view.average_price("1") == D(99)
    assert tracker.view.average_price("unknown") is None


def test_the_same_trade_id_of_another_contract_is_another_execution() -> None:
    """Trade ids are unique within a symbol."""
    tracker = following(execution("a"), execution("a", symbol="ETHUSDT", order_id="2"))

    assert tracker.counts.news == 2
    assert tracker.view.executed("2") == D("0.1")


def test_rows_that_do_not_say_what_they_are_about() -> None:
    """Counted; but one with the client's id is found by it."""
    tracker = following(order(order_id=None), execution(None))
    assert tracker.counts.unidentified == 2

    tracker = following(
        order(client_order_id="mine"), order(order_id=None, client_order_id="mine", status="filled", filled="1")
    )
    assert tracker.view["1"].status is OrderStatus.FILLED


def test_an_order_that_is_not_in_a_full_set_has_vanished() -> None:
    """It is open no more, and how it ended is not made up; its own late word is believed."""
    tracker = following(
        order("1", timestamp=1, filled="0"), order("2", timestamp=1, filled="0"), full_set("orders", ("1",), ("2",))
    )

    change = tracker.apply(full_set("orders", ("2",)))
    assert change is not None
    assert [each.kind for each in change.each()] == [ChangeKind.VANISHED]
    assert tracker.view["1"].status is OrderStatus.UNKNOWN
    assert [each.order_id for each in tracker.view.open] == ["2"]

    assert tracker.apply(order("1", timestamp=1, filled="0")) is None  # a repetition does not bring it back
    assert tracker.view["1"].status is OrderStatus.UNKNOWN
    tracker.apply(order("1", status="canceled", timestamp=5, filled="0"))
    assert tracker.view["1"].status is OrderStatus.CANCELED


def test_an_order_that_had_vanished_and_is_told_again_later_is_back() -> None:
    """A newer row of its own knows better than the set."""
    tracker = following(order(timestamp=1, filled="0"), full_set("orders"), order(timestamp=9, filled="0"))

    assert [each.order_id for each in tracker.view.open] == ["1"]
    assert tracker.view["1"].status is OrderStatus.NEW


def test_a_full_set_of_one_contract_leaves_the_others_alone() -> None:
    """So does one of another product."""
    tracker = following(
        order("1", product="USDT"),
        order("2", product="USDT", symbol="ETHUSDT"),
        order("3", product="COIN"),
        full_set("orders", scope=("USDT", "BTCUSDT")),
    )

    assert [each.order_id for each in tracker.view.open] == ["2", "3"]


def test_finished_orders_leave_after_their_time_and_open_ones_never() -> None:
    """Their trade ids are remembered longer than they."""
    tracker = following(
        order("1", status="filled", filled="1", timestamp=1_000, client_order_id="mine"),
        execution("a", timestamp=1_000),
        order("2", timestamp=1_000),
        keep=60,
    )
    assert set(tracker.view) == {"1", "2"}

    tracker.apply(balance(timestamp=61_000))
    assert set(tracker.view) == {"2"}
    assert tracker.view.with_client_id("mine") is None
    assert tracker.view.executions("1") == ()
    assert tracker.apply(execution("a", timestamp=1_000)) is None
    assert tracker.verdict is Verdict.REPEATED


def test_memory_is_bounded() -> None:
    """Finished orders, executions of orders that are never told, and trade ids; open orders are not."""
    tracker = OrderTracker(most=10, most_trades=20)
    assert tracker.find(client_order_id="c0") is None  # from now on there is an index
    for number in range(1_000):
        tracker.apply(order(f"open-{number}", timestamp=number))
        tracker.apply(order(f"done-{number}", status="filled", filled="1", client_order_id=f"c{number}"))
        tracker.apply(execution(f"t{number}", order_id=f"nobody-{number}", timestamp=number))

    assert len(tracker.view.open) == 1_000
    assert len(tracker.view) == 1_000 + sum(1 for order in tracker.view.values() if order.status.final)
    assert len(tracker.view) <= 1_010
    assert len(tracker._trades) == 20
    assert len(tracker._ledger.entries) == 1_010
    assert 0 < len(tracker._clients._whole or {}) <= 10
    assert tracker.apply(execution("t999", order_id="nobody-999")) is None


def test_more_open_orders_than_there_can_be() -> None:
    """The oldest of them go, all at once, and the view is not trusted any more: a bound of last resort."""
    bounds = {"most": 10, "most_open": 1_000}
    tracker, account = OrderTracker(**bounds), AccountTracker(orders=OrderTracker(**bounds))
    tracker.apply(full_set("orders"))
    rows = [order(f"{number}", timestamp=number) for number in range(1_030)]
    for row in rows:
        tracker.apply(row)
    account.fold(rows)

    for view in (tracker.view, account.orders):
        assert 900 <= len(view) <= 1_011
        assert "1029" in view
        assert "0" not in view
        assert not view.trusted


@pytest.mark.parametrize("bounds", [{"keep": -1}, {"most": -1}, {"most_trades": -1}, {"keep": float("nan")}])
def test_bounds_that_make_no_sense(bounds: dict[str, float]) -> None:
    """Refused in the caller."""
    with pytest.raises(ConfigError, match="makes no sense"):
        OrderTracker(**bounds)  # type: ignore[arg-type]


@pytest.mark.parametrize("row", [{"exchange": "bitmusa"}, {"account": "other"}])
def test_records_of_another_account_are_refused(row: dict[str, str]) -> None:
    """One tracker follows one account: the one it was made for, or the first that it is given."""
    with pytest.raises(ConfigError, match="bitget/default"):
        following(order(), order(**row))
    with pytest.raises(ConfigError, match="bitget/default"):
        following(position("1", **row), exchange="bitget", account="default")


def test_trust_comes_with_a_full_set_and_goes_with_a_gap() -> None:
    """A gap that stays unproven is over for the orders when a full set has come; for executions none ever does."""
    tracker = following(order(), live())
    assert (tracker.view.trusted, tracker.view.unproven) == (False, ("orders",))
    tracker.apply(full_set("orders", ("1",)))
    assert (tracker.view.trusted, tracker.view.unproven) == (True, ())

    tracker.apply(gap())
    assert (tracker.view.trusted, tracker.view.unproven) == (False, ("orders", "executions"))
    tracker.apply(resynced(unproven=("orders", "executions")))
    assert tracker.view.unproven == ("orders", "executions")
    tracker.apply(full_set("orders", ("1",)))
    assert (tracker.view.trusted, tracker.view.unproven) == (True, ("executions",))

    tracker.apply(gap())
    tracker.apply(resynced(proven=("orders", "executions")))
    assert (tracker.view.trusted, tracker.view.unproven) == (True, ())


def test_a_view_never_changes() -> None:
    """What was read stays as it was, and says when that was."""
    tracker = following(order(timestamp=1_000, filled="0"))
    before = tracker.view
    tracker.apply(order(status="filled", filled="1", timestamp=2_000))

    assert (before["1"].status, before.as_of, len(before.open)) == (OrderStatus.NEW, 1_000, 1)
    assert (tracker.view["1"].status, tracker.view.as_of, len(tracker.view.open)) == (OrderStatus.FILLED, 2_000, 0)
    assert repr(before) == "<Orders: 1, 1 open, not trusted>"


def test_precedence_is_one_answer_seen_from_both_sides() -> None:
    """What is newer than another is older seen from there; and nothing is newer than itself."""
    rows = [
        order(status=status.value, filled=filled, timestamp=at)
        for status, filled, at in itertools.product(OrderStatus, (None, "0", "0.5", "1"), (None, 1, 2))
    ]
    mirrored = {Precedence.NEWER: Precedence.OLDER, Precedence.OLDER: Precedence.NEWER}

    for one, other in itertools.product(rows, rows):
        answer = precedence(one, other)
        if answer is not mirrored.get(precedence(other, one), Precedence.UNKNOWN):
            pytest.fail(f"{one} and {other}: {answer}")
    assert {precedence(row, row) for row in rows} == {Precedence.UNKNOWN}


def test_what_is_usual_is_folded_in_a_hurry() -> None:
    """Orders, positions and balances that came together are not looked at one by one, and end where they would."""
    rows: list[Record] = [order("1", filled="0", timestamp=1), position("1", timestamp=1), balance(timestamp=1)]
    later = [
        make(row, number)
        for number in range(2, 12)
        for make, row in ((_order_at, "1"), (_order_at, f"new-{number}"), (_position_at, "1"), (_balance_at, "1"))
    ]
    one_by_one, together = AccountTracker(), AccountTracker()
    for tracker in (one_by_one, together):
        for row in rows:
            tracker.apply(row)
    slowly = [each.counts for each in together._trackers]
    for row in later:
        one_by_one.apply(row)
    together.fold(later)

    assert [each.counts for each in together._trackers] == slowly  # what is folded in a hurry is not counted
    assert [each.counts for each in one_by_one._trackers] != slowly
    for name in ("orders", "positions", "balances"):
        assert dict(getattr(together, name)) == dict(getattr(one_by_one, name))


def _order_at(order_id: str, number: int) -> Record:
    return order(order_id, status="partially_filled", filled=f"0.{number:02}", timestamp=number)


def _position_at(_: str, number: int) -> Record:
    return position(f"{number}", timestamp=number)


def _balance_at(_: str, number: int) -> Record:
    return balance(free=f"{number}", timestamp=number)
