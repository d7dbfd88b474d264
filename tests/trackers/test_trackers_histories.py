"""However a history is told, the trackers end where the books are, and tell each change of a position once."""

from __future__ import annotations

import os
import random
from collections import Counter
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from futures_stream.records import Execution, Position, PositionChange, kind_of
from futures_stream.simulator.values import BookedOrder, Exchange
from futures_stream.trackers import AccountTracker
from tests.trackers.histories import History, muddled, play

HISTORIES = int(os.environ.get("FUTURES_STREAM_HISTORIES", "300"))
STORIES = given(
    seed=st.integers(0, 2**40),
    exchange=st.sampled_from(("bitget", "bitmusa")),
    steps=st.integers(1, 60),
    unseen=st.sampled_from((0, 0, 7, 30)),
)
UNHURRIED = settings(
    max_examples=HISTORIES,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a story's length is told by its seed: there is nothing to shrink
    suppress_health_check=list(HealthCheck),
)
STATUSES = {"new": "new", "partially_filled": "partially_filled", "filled": "filled", "cancelled": "canceled"}


@UNHURRIED
@STORIES
def test_however_it_is_told(seed: int, exchange: Exchange, steps: int, unseen: int) -> None:
    """Any interleaving, repetition and delay across channels leads to the books' own end."""
    history = play(seed, exchange, steps, unseen)
    account = AccountTracker()
    changes: list[PositionChange] = []
    for record in muddled(history, random.Random(seed)):
        changes += account.apply(record)

    check_orders(account, history)
    check_positions(account, history)
    check_balance(account, history)
    check_changes(changes, history)


def check_orders(account: AccountTracker, history: History) -> None:
    """Each order that was told of stands as the books have it, and its executions add up."""
    orders = account.orders
    booked = {order.order_id: order for order in history.statement.orders}
    for order_id, order in orders.items():
        truth: BookedOrder = booked[order_id]
        assert (order.filled, order.status.value) == (truth.filled, STATUSES[truth.status])
        assert order.size == truth.size
    assert {order.order_id for order in orders.open} == {order_id for order_id in orders if booked[order_id].working}
    told = {record.trade_id: record for record in history.records if isinstance(record, Execution)}
    for order_id in orders:
        mine = [record for record in told.values() if record.order_id == order_id]
        assert orders.executed(order_id) == sum((each.size for each in mine), Decimal(0))
        assert Counter(orders.executions(order_id)) == Counter(mine)


def check_positions(account: AccountTracker, history: History) -> None:
    """The open positions are the books', in size and entry price."""
    known = {(each.symbol, each.side.value): (each.size, each.entry_price) for each in account.positions.values()}
    truth = {(each.symbol, each.side): (each.size, each.entry_price) for each in history.statement.positions}
    heard = {(each.symbol, each.side) for each in history.records if isinstance(each, Position)}
    assert known == {key: figures for key, figures in truth.items() if key in heard}


def check_balance(account: AccountTracker, history: History) -> None:
    """What is free and locked is what was told last."""
    told = [record for record in history.records if kind_of(record) == "balance"]
    if told:
        assert account.balances["USDT"] == told[-1]


def check_changes(changes: list[PositionChange], history: History) -> None:
    """Each change of each position is told once, in order, with the sizes before and after."""
    whole = history.exchange == "bitget"
    told: dict[tuple[object, object], list[tuple[str, Decimal]]] = {}
    for change in changes:
        assert change.after is not None
        word = kind_of(change).removeprefix("position_").replace("liquidated", "closed")
        told.setdefault((change.symbol, change.side.value), []).append((word, change.after.size))  # type: ignore[arg-type]
        if change.before is not None and word != "opened":
            assert change.change == change.after.size - change.before.size  # type: ignore[operator]
    truth: dict[tuple[object, object], list[tuple[str, Decimal]]] = {}
    for event in history.positions:
        key = (event.symbol, event.side)
        if event.change != "marked":
            truth.setdefault(key, []).append((event.change, event.size))
        elif not whole and key not in truth:
            truth[key] = [("opened", event.size)]  # with the mark UNPROVEN: heard of, and no full set before
    if not whole:
        for words in truth.values():
            if words[0][0] in ("increased", "reduced"):
                words[0] = ("opened", words[0][1])
    assert told == truth
