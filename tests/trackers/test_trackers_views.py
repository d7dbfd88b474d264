"""One thread folds, others read: each view is one moment, whole, and never changes."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from futures_stream import ConfigError
from futures_stream.trackers import AccountTracker, OrderTracker
from futures_stream.trackers.ledger import Ledger
from futures_stream.trackers.table import Table
from tests.trackers.making import balance, full_set, order, position

VERBS = ("put", "put", "drop", "read", "remark")
VERBS = ("put", "put", "put", "drop", "remark")
KEYS = st.integers(0, 3000).map(str)
OPERATIONS = st.lists(st.tuples(st.sampled_from(("put", "drop", "read")), KEYS, st.integers(0, 9)), max_size=300)


@settings(max_examples=40, deadline=None)
@given(OPERATIONS, st.integers(0, 200))
def test_a_table_is_a_dict_that_never_changes(operations: list[tuple[str, str, int]], many: int) -> None:
    """Each change makes another one, and all the earlier ones stay as they were."""
    table: Table[int] = Table()
    model: dict[str, int] = {}
    for number in range(many):
        table, model[str(number)] = table.having(str(number), number), number
    kept = [(table, dict(model))]
    for verb, key, value in operations:
        if verb == "drop":
            table = table.lacking(key)
            model.pop(key, None)
        else:
            table = table.having(key, value)
            model[key] = value
        kept.append((table, dict(model)))

    for each, truth in kept[:: max(1, len(kept) // 10)]:
        assert dict(each.items()) == dict(Table.of(truth).items()) == truth
        assert len(Table.of(truth)) == len(truth)
        assert len(each) == len(truth)
        assert all(each.get(key) == truth.get(key) for key in ("0", "7", "nobody"))


def step(state: Table[int], key: object, entry: int | None) -> Table[int]:
    """The state of the ledger below: a table; what is said about everything is kept under a name."""
    name = "remark" if key is None else str(key)
    return state.lacking(name) if entry is None else state.having(name, entry)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("reading", [0.5, 0.05, 0.002])
def test_a_ledger_reads_as_it_was_written(seed: int, reading: float) -> None:
    """However seldom it is read, and however often a new log was begun in between."""
    chance = random.Random(seed)
    ledger: Ledger[int, Table[int]] = Ledger(Table(), step)
    model: dict[str, int] = {}
    kept: list[tuple[Table[int], dict[str, int]]] = []
    for value in range(2_000):
        verb, key = chance.choice(VERBS), str(chance.randrange(chance.choice((10, 1_000))))
        if verb == "put":
            ledger.put(key, value)
            model[key] = value
        elif verb == "drop" and key in ledger.entries:
            ledger.drop(key)
            del model[key]
        elif verb == "remark":
            ledger.remark(value)
            model["remark"] = value
        if chance.random() < reading:
            kept.append((ledger.state(), dict(model)))
    kept.append((ledger.state(), dict(model)))

    for state, truth in kept[:: max(1, len(kept) // 30)]:
        assert dict(state.items()) == truth


def test_a_ledgers_log_is_bounded() -> None:
    """Many changes of ten entries, of which somebody once read; what nobody reads is not logged at all."""
    ledger: Ledger[int, Table[int]] = Ledger(Table(), step)
    ledger.put("0", 0)
    assert ledger._logs is None

    ledger.state()
    for number in range(20_000):
        ledger.put(str(number % 10), number)
        assert sum(map(len, filter(None, ledger._logs or ()))) <= 130
    assert ledger._logs is None  # nobody has come since
    assert sorted(value for _, value in ledger.state().items()) == list(range(19_990, 20_000))


@contextmanager
def all_at_once(readers: list[threading.Thread], done: threading.Event) -> Iterator[None]:
    """Run them beside the block, with the interpreter switching all the time; tell them at its end that it is done."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for reader in readers:
            reader.start()
        yield
    finally:
        done.set()
        for reader in readers:
            reader.join()
        sys.setswitchinterval(interval)


class CopiedInAWrite(dict[Any, int]):
    """Entries that are written while a reader copies them."""

    write: Callable[[str, int], None] | None = None

    def copy(self) -> dict[Any, int]:
        """Copy them behind a write and before another one."""
        write, self.write = self.write, None
        if write is None:
            return dict(self)
        write("k", 2)
        copied = dict(self)
        write("k", 3)
        return copied


def test_a_ledger_that_is_written_while_it_is_copied() -> None:
    """What the copy has and what it has not: both are read, in their order."""
    ledger: Ledger[int, Table[int]] = Ledger(Table(), step)
    ledger.entries = entries = CopiedInAWrite()
    ledger.put("k", 1)
    entries.write = ledger.put

    assert [ledger.state().get("k") for _ in range(2)] == [2, 3]


@pytest.mark.parametrize("pace", [0, 5])
def test_many_readers_of_a_ledger(pace: int) -> None:
    """Each reads whole moments, one after the other, and the last of them is the last."""
    ledger: Ledger[int, Table[int]] = Ledger(Table(), step)
    faults: list[str] = []
    begun, done = threading.Barrier(5), threading.Event()

    def read() -> None:
        newest = 0
        begun.wait(10)
        while not done.is_set():
            values = dict(ledger.state().items())
            values.pop("remark", None)
            at = max(values.values(), default=0)
            # Each key is written in its turn, so at any moment they have the last fifty values, one each.
            if at < newest or sorted(values.values()) != list(range(max(1, at - 49), at + 1)):
                faults.append(f"{sorted(values.values())} at {at} after {newest}")
            newest = at

    readers = [threading.Thread(target=read) for _ in range(4)]
    with all_at_once(readers, done):
        begun.wait(10)
        for number in range(1, 6_001):
            ledger.put(str(number % 50), number)
            if pace and number % pace == 0:  # and now and then nothing is read for a while
                ledger.remark(number)
                ledger.drop("remark") if "remark" in ledger.entries else None

    assert faults == []
    assert max(value for _, value in ledger.state().items()) == 6_000


def test_readers_see_whole_moments_while_another_thread_folds() -> None:
    """What is filled never goes back from one view to the next, and a sweep is seen whole or not at all."""
    tracker = OrderTracker()
    faults: list[str] = []
    done = threading.Event()

    def read() -> None:
        most = Decimal(0)
        while not done.is_set():
            view = tracker.view
            known = view.get("1")
            filled = Decimal(0) if known is None or known.filled is None else known.filled
            if filled < most:
                faults.append(f"{filled} after {most}")
            most = filled
            if len(view) != len(list(view)) or any(view[order_id] is None for order_id in view):
                faults.append("a view is not one moment")

    readers = [threading.Thread(target=read) for _ in range(3)]
    with all_at_once(readers, done):
        for number in range(1, 1_500):
            tracker.apply(order("1", "partially_filled", filled=str(number), size="9999", timestamp=number))
            tracker.apply(order(f"n{number}", timestamp=number))
            if number % 50 == 0:
                tracker.apply(full_set("orders", ("1",)))

    assert faults == []
    assert tracker.view["1"].filled == 1_499


def test_all_views_of_an_account_are_as_of_its_last_record() -> None:
    """Whatever that was; and finished orders leave in time, though only positions are told of."""
    account = AccountTracker()
    account.apply(order(status="filled", filled="1", timestamp=1_000))
    account.apply(balance(timestamp=2_000))
    for view in (account.orders, account.positions, account.balances):
        assert view.as_of == 2_000
    assert set(account.orders) == {"1"}

    account.apply(position("1", timestamp=3_601_000))
    assert set(account.orders) == set()
    for row in (order(account="other"), position("1", account="other"), balance(exchange="bitmusa")):
        with pytest.raises(ConfigError, match="bitget/default"):
            account.apply(row)
