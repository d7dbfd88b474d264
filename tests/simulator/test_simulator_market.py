"""The simulated market tells one consistent story."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from futures_stream.simulator.market import DEPOSIT, INSTRUMENTS, Market
from futures_stream.simulator.opening import PositionMode, opening
from futures_stream.simulator.values import (
    BookedBalance,
    BookedEvent,
    BookedExecution,
    BookedOrder,
    BookedPosition,
    BookedWarning,
)

MODES: tuple[PositionMode, ...] = ("hedge", "one_way")
STORIES = given(seed=st.integers(0, 10**6), steps=st.integers(1, 120), mode=st.sampled_from(MODES))


def rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1e-8"), ROUND_HALF_EVEN)


def play(seed: int, steps: int, mode: PositionMode = "hedge") -> tuple[Market, list[BookedEvent]]:
    market = Market(seed, mode)
    events = [event for number in range(steps) for event in market.step(1_700_000_000_000 + 200 * number)]
    return market, events


@settings(max_examples=10, deadline=None)
@STORIES
def test_same_seed_same_story(seed: int, steps: int, mode: PositionMode) -> None:
    """Two markets of one seed tell the same events."""
    first, second = play(seed, steps, mode), play(seed, steps, mode)

    assert first[1] == second[1]
    assert first[0].statement(0) == second[0].statement(0)


def test_other_seed_other_story() -> None:
    """Another seed tells another story."""
    assert play(1, 30)[1] != play(2, 30)[1]


@settings(max_examples=30, deadline=None)
@STORIES
def test_orders_are_the_sum_of_their_executions(seed: int, steps: int, mode: PositionMode) -> None:
    """Each order's filled size, cost and average price follow from its executions."""
    statement = play(seed, steps, mode)[0].statement(0)
    matches = defaultdict(list)
    for execution in statement.executions:
        matches[execution.order_id].append(execution)

    for order in statement.orders:
        mine = matches[order.order_id]
        assert order.filled == sum(each.size for each in mine)
        assert order.cost == sum(each.price * each.size for each in mine)
        assert order.average_price == (rounded(order.cost / order.filled) if order.filled else 0)
        assert (order.status == "filled") == (order.filled == order.size)
        assert (order.completed_ms is not None) == (order.status == "filled")
        assert (order.canceled_ms is not None) == (order.status == "cancelled")
        assert {(each.side, each.symbol) for each in mine} <= {(order.side, order.symbol)}
    assert len({each.trade_id for each in statement.executions}) == len(statement.executions)


@settings(max_examples=30, deadline=None)
@STORIES
def test_positions_are_the_sum_of_executions(seed: int, steps: int, mode: PositionMode) -> None:
    """Each position's size and entry price follow from the executions, and so does each realized profit."""
    statement = play(seed, steps, mode)[0].statement(0)
    sizes: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    entries: dict[tuple[str, str], Decimal] = {}
    for each in statement.executions:
        key = (each.symbol, each.position_side)
        if each.effect == "open":
            before = entries.get(key, Decimal(0)) * sizes[key]
            sizes[key] += each.size
            entries[key] = rounded((before + each.price * each.size) / sizes[key])
            assert each.realized_pnl == 0
        else:
            sign = 1 if each.position_side == "long" else -1
            assert each.realized_pnl == rounded(sign * (each.price - entries[key]) * each.size)
            sizes[key] -= each.size
            if not sizes[key]:
                del entries[key]

    held = {(each.symbol, each.side): each for each in statement.positions}
    assert {key: each.size for key, each in held.items()} == {key: size for key, size in sizes.items() if size}
    for key, position in held.items():
        assert position.entry_price == entries[key]
        sign = 1 if position.side == "long" else -1
        assert position.unrealized_pnl == rounded(sign * (position.mark_price - position.entry_price) * position.size)


@settings(max_examples=30, deadline=None)
@STORIES
def test_money_is_conserved(seed: int, steps: int, mode: PositionMode) -> None:
    """The wallet is the deposits plus realized profits minus fees, and splits into available and frozen."""
    statement = play(seed, steps, mode)[0].statement(0)
    (balance,) = statement.balances
    earned = sum((each.realized_pnl - each.fee for each in statement.executions), Decimal(0))

    assert balance.wallet == statement.deposits + earned
    assert balance.available + balance.frozen == balance.wallet
    assert balance.available > 0
    working = [each for each in statement.orders if each.working and each.effect == "open"]
    bound = sum((rounded(each.price * each.remaining / each.leverage) for each in working), Decimal(0))
    assert balance.frozen == bound + sum(each.margin for each in statement.positions)
    assert balance.unrealized_pnl == sum(each.unrealized_pnl for each in statement.positions)


@settings(max_examples=25, deadline=None)
@STORIES
def test_everything_is_on_the_grid(seed: int, steps: int, mode: PositionMode) -> None:
    """Prices are multiples of the tick, sizes of the lot, and money has at most eight places."""
    for event in play(seed, steps, mode)[1]:
        if isinstance(event, (BookedOrder, BookedExecution)):
            assert event.price % INSTRUMENTS[event.symbol].tick == 0
            assert event.size % INSTRUMENTS[event.symbol].lot == 0
            assert event.size > 0
        for field in attrs.fields(type(event)):
            value = getattr(event, field.name)
            assert not isinstance(value, float)
            if isinstance(value, Decimal) and field.name != "cost":
                assert value.is_finite()
                assert int(value.as_tuple().exponent) >= -8


@settings(max_examples=25, deadline=None)
@STORIES
def test_events_follow_one_another(seed: int, steps: int, mode: PositionMode) -> None:
    """Each order is told from new to its end, filled size never falls, and an execution follows its order's row."""
    orders: dict[str, BookedOrder] = {}
    last: BookedEvent | None = None
    for event in play(seed, steps, mode)[1]:
        if isinstance(event, BookedOrder):
            before = orders.get(event.order_id)
            assert (before is None) == (event.status == "new")
            if before is not None:
                assert before.working
                assert event.filled >= before.filled
            orders[event.order_id] = event
        if isinstance(event, BookedExecution):
            assert isinstance(last, BookedOrder)
            assert last.order_id == event.order_id
        last = event


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(1, 120))
def test_one_way_mode_never_holds_both_sides(seed: int, steps: int) -> None:
    """In one-way mode no symbol has two positions."""
    market = Market(seed, "one_way")
    for number in range(steps):
        market.step(number)
        symbols = [each.symbol for each in market.standing(0).positions]
        assert len(symbols) == len(set(symbols))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(20))
def test_opening_shows_everything(seed: int, mode: PositionMode) -> None:
    """Within 25 steps every kind of event has happened once, whatever the seed."""
    _, events = play(seed, 25, mode)
    orders = [each for each in events if isinstance(each, BookedOrder)]
    positions = [each for each in events if isinstance(each, BookedPosition)]

    assert len(opening(mode)) <= 25
    assert {each.status for each in orders} == {"new", "partially_filled", "filled", "cancelled"}
    assert {each.type for each in orders} == {"limit", "market", "take_profit", "stop_loss", "liquidation"}
    assert any(each.status == "cancelled" and each.filled for each in orders)
    assert {each.change for each in positions} == {"opened", "increased", "reduced", "closed", "marked"}
    assert {each.status for each in positions} == {"open", "user_close", "force_close", "take_profit", "stop_loss"}
    assert {each.liquidity for each in events if isinstance(each, BookedExecution)} == {"maker", "taker"}
    assert {each.level for each in events if isinstance(each, BookedWarning)} >= {1, 2}
    assert any(isinstance(each, BookedBalance) for each in events)


@pytest.mark.parametrize("seed", range(10))
def test_hedge_mode_holds_both_sides(seed: int) -> None:
    """In hedge mode the opening holds a long and a short of one symbol at once."""
    market, both = Market(seed, "hedge"), False
    for number in range(25):
        market.step(number)
        both = both or {("BTCUSDT", "long"), ("BTCUSDT", "short")} <= {
            (each.symbol, each.side) for each in market.standing(0).positions
        }

    assert both


def test_long_run_stays_alive_and_small() -> None:
    """A long run neither goes bankrupt nor grows without end."""
    market = Market(3, remembered=50)
    events = [event for number in range(1500) for event in market.step(number)]
    statement = market.statement(0)

    assert len(statement.orders) <= 60
    assert {each.order_id for each in statement.executions} <= {each.order_id for each in statement.orders}
    assert statement.deposits >= DEPOSIT
    assert sum(isinstance(each, BookedExecution) for each in events[-1000:]) > 20
