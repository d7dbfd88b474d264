"""What a stream itself knows of its account: always current, whoever reads its queue, and honest about gaps."""

from __future__ import annotations

import json
import os
import random
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from engine_rig import PONG, SECRETS, Rig, order_push
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from futures_stream import (
    ConfigError,
    ConnectFailed,
    Options,
    Order,
    OrderEnded,
    OrderStatus,
    Overflow,
    Position,
    PositionSide,
    Record,
    Snapshot,
)
from futures_stream.simulator.bitget_rows import row_of
from futures_stream.simulator.market import Market
from tests.trackers.histories import BEGIN, STEP

HISTORIES = int(os.environ.get("FUTURES_STREAM_HISTORIES", "200"))


def push(channel: str, *rows: dict[str, Any], action: str = "update") -> str:
    """A Bitget push."""
    arg = {"instType": "FUTURES", "channel": channel, "instId": "default"}
    return json.dumps({"action": action, "arg": arg, "data": list(rows), "ts": 1_700_000_000_000}, default=str)


def position_row(symbol: str, size: str, side: str = "long", when: int = 1) -> dict[str, Any]:
    """A position, as Bitget's old API tells it."""
    return {
        "symbol": symbol,
        "positionSide": side,
        "holdPosition": size,
        "openPrice": "100",
        "marginMode": "isolated",
        "timestamp": when,
    }


def held(rig: Rig) -> dict[str | None, Decimal | None]:
    """Sizes by symbol."""
    return {position.symbol: position.size for position in rig.stream.positions.values()}


def test_they_are_current_although_nobody_reads() -> None:
    """Orders from their id, positions, balances from their asset: as pushed, in frozen views."""
    with Rig("bitget") as rig:
        server = rig.open()
        first = rig.stream.orders
        server.say(
            push("positions", position_row("BTCUSDT", "2"), position_row("ETHUSDT", "3", "short"), action="snapshot"),
            push("account", {"marginCoin": "USDT", "available": "7", "total": "9", "timestamp": 1}, action="snapshot"),
            order_push("1"),
            order_push("1", "partially_filled", "0.5"),
            order_push("2", "filled", "2"),
        )
        rig.settle()

        assert len(first) == 0
        assert rig.stream.orders["1"].filled == Decimal("0.5")
        assert [order.order_id for order in rig.stream.orders.open] == ["1"]
        assert list(rig.stream.orders) == ["1", "2"]
        assert held(rig) == {"BTCUSDT": 2, "ETHUSDT": 3}
        assert rig.stream.positions.of("ETHUSDT")[0].side is PositionSide.SHORT
        assert rig.stream.balances["USDT"].free == 7
        assert rig.stream.positions.trusted
        assert rig.stream.balances.trusted
        assert rig.stream.orders.unproven == ("orders",)  # this API tells no full set of them
        assert rig.stream.positions.as_of == rig.clock.unix_ms()
        assert rig.stream.queue.qsize() == 8


def test_a_full_queue_takes_nothing_from_them() -> None:
    """What finds no room in the queue is missing there alone."""
    with Rig("bitget", maxsize=1) as rig:
        rig.start()
        server = rig.network.accept()
        server.say(push("positions", position_row("BTCUSDT", "1"), action="snapshot"))
        server.say(*[push("positions", position_row("BTCUSDT", str(size), when=size)) for size in range(2, 50)])
        rig.settle()

        assert rig.stream.queue.missed > 40
        assert any(isinstance(record, Overflow) for record in rig.told())
        assert held(rig) == {"BTCUSDT": 49}
        assert rig.stream.positions.trusted


def test_a_gap_takes_the_trust_until_a_full_set_has_come() -> None:
    """Blind: false. Again live without a proof: still false, and it says of what. A full set: true again."""
    with Rig("bitget") as rig:
        server = rig.open()
        rig.say(server, push("positions", position_row("BTCUSDT", "1"), action="snapshot"))
        assert rig.stream.positions.trusted
        server.drop()
        rig.settle()
        views = rig.stream.positions, rig.stream.orders
        assert [view.trusted for view in views] == [False, False]
        assert rig.stream.positions.unproven == ("positions",)
        assert "executions" in rig.stream.orders.unproven
        server = rig.network.accept()
        rig.say(server, push("positions", action="snapshot"))
        assert rig.stream.positions.trusted
        assert rig.stream.positions.unproven == ()
        assert held(rig) == {}
        assert not views[0].trusted  # what was read stays what it was
        assert len(views[0]) == 1


def test_a_channel_that_is_given_up_takes_the_trust_along() -> None:
    """At once, and when it is back not before its full set is."""
    with Rig("bitget") as rig:
        server = rig.open()
        rig.say(server, push("positions", position_row("BTCUSDT", "1"), action="snapshot"))
        rig.stream.remove_channels("positions")
        rig.settle()
        assert not rig.stream.positions.trusted
        rig.say(server, order_push("1"))
        rig.stream.add_channels("positions", timeout=5)
        rig.say(server, order_push("1", "filled", "2"))
        assert not rig.stream.positions.trusted
        assert held(rig) == {"BTCUSDT": 1}
        rig.say(server, push("positions", position_row("ETHUSDT", "1"), action="snapshot"))
        assert rig.stream.positions.trusted
        assert held(rig) == {"ETHUSDT": 1}


def test_a_stream_that_has_ended_still_shows_what_it_knew() -> None:
    """And says that it is not to be trusted any more."""
    with Rig("bitget") as rig:
        server = rig.open()
        rig.say(server, push("positions", position_row("BTCUSDT", "1"), action="snapshot"))
        rig.stream.close()
        assert held(rig) == {"BTCUSDT": 1}
        assert not rig.stream.positions.trusted


def test_finished_orders_leave_and_open_ones_stay() -> None:
    """By number and by age, as the options say."""
    with Rig("bitget", options=Options(most_orders=3, keep_orders=60.0)) as rig:
        server = rig.open()
        rig.say(server, *[order_push(f"open{number}") for number in range(9)])
        rig.say(server, *[order_push(f"done{number}", "filled", "2") for number in range(9)])
        assert len(rig.stream.orders.open) == 9
        assert [name for name in rig.stream.orders if name.startswith("done")] == ["done6", "done7", "done8"]
        for _ in range(7):  # with pings, on which the exchange answers
            rig.clock.advance(10)
        rig.say(server, order_push("one more"))
        assert [name for name in rig.stream.orders if name.startswith("done")] == []
        assert len(rig.stream.orders.open) == 10


def fill(trade_id: str, size: str) -> str:
    """An execution of order 1."""
    row = {"tradeId": trade_id, "orderId": "1", "symbol": "BTCUSDT", "side": "buy", "price": "5", "size": size}
    return push("execution", row)


def test_an_execution_counts_once() -> None:
    """Told again it is not told at all; with the id of another one it is told, marked, and counts for nothing."""
    with Rig("bitget") as rig:
        server = rig.open()
        told = rig.say(
            server, order_push("1"), fill("t1", "0.5"), fill("t1", "0.5"), fill("t2", "0.25"), fill("t2", "7")
        )
        assert [type(record).__name__ for record in told] == ["Order", "Execution", "Execution", "Execution"]
        assert rig.stream.orders.executed("1") == Decimal("0.75")


def test_as_many_trade_ids_are_remembered_as_the_options_say() -> None:
    """Beyond that, one that is told again is news again: the bound is real."""
    with Rig("bitget", options=Options(most_trades=2)) as rig:
        server = rig.open()
        rig.say(server, order_push("1"), *[fill(f"t{number}", "0.1") for number in range(4)])
        assert len(rig.say(server, fill("t3", "0.1"))) == 0
        assert len(rig.say(server, fill("t0", "0.1"))) == 1


@pytest.mark.parametrize("wrong", [{"keep_orders": -1}, {"most_orders": "ten"}, {"most_trades": float("nan")}])
def test_bounds_that_make_no_sense(wrong: dict[str, Any]) -> None:
    """Refused before anything is opened."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Options(**wrong)


class Inventive:
    """A monitor that adds a position of somebody else's behind each order."""

    def apply(self, record: Record) -> list[Record]:
        """Add one."""
        alien = Position(exchange="bitget", account="other", symbol="X", side=PositionSide.LONG, size=Decimal(1))
        return [alien] if isinstance(record, Order) else []

    def due(self, now_ms: int) -> list[Record]:
        """Say nothing."""
        return []


def test_what_monitors_say_about_others_is_left_alone() -> None:
    """It is on the queue, and in no view."""
    with Rig("bitget", monitors=[Inventive()]) as rig:
        server = rig.open()
        assert [type(record).__name__ for record in rig.say(server, order_push("1"))] == ["Order", "Position"]
        assert len(rig.stream.positions) == 0
        assert "1" in rig.stream.orders


def test_who_has_a_record_finds_the_views_as_new() -> None:
    """Whichever thread reads, and however fast they come; nobody waits for anybody."""
    with Rig("bitget") as rig:
        server = rig.open()
        stale: list[str] = []
        seen = []

        def consume() -> None:
            for record in rig.stream:
                if isinstance(record, Order):
                    order = rig.stream.orders[str(record.order_id)]
                    seen.append(record)
                    if order.filled is None or record.filled is None or order.filled < record.filled:
                        stale.append(f"{record.order_id}: {order.filled} < {record.filled}")

        def look() -> None:
            while not done.is_set():
                view = rig.stream.orders
                assert len(list(view)) == len(view)

        done = threading.Event()
        readers = [threading.Thread(target=each) for each in (consume, look)]
        for reader in readers:
            reader.start()
        for start in range(0, 600, 60):
            rows = range(start, start + 60)
            server.say(*[order_push(str(row % 7), "partially_filled", f"{row / 1000:.3f}") for row in rows])
            rig.settle()
        rig.stream.close()
        done.set()
        for reader in readers:
            reader.join(10)

        assert stale == []
        assert len(seen) == 600


@settings(
    max_examples=max(1, HISTORIES // 8),
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**40), before=st.integers(0, 15), unheard=st.integers(0, 15), after=st.integers(0, 10))
def test_through_a_real_stream_the_views_end_where_the_books_are(
    seed: int, before: int, unheard: int, after: int
) -> None:
    """Frames in, with repetitions and a drop in the middle: positions and balances are the books', trusted again."""
    chance, market = random.Random(seed), Market(seed, "hedge")

    def full() -> list[str]:
        standing = market.standing(BEGIN + STEP * market.steps)
        rows = [row_of(each)[2] for each in standing.positions]
        return [
            push("account", *(row_of(each)[2] for each in standing.balances), action="snapshot"),
            push("positions", *rows, action="snapshot"),
        ]

    def told(steps: int) -> list[str]:
        rows = [row_of(event) for _ in range(steps) for event in market.step(BEGIN + STEP * market.steps)]
        return [push(channel, row) for channel, _, row in rows for _ in range(chance.choice((1, 1, 1, 2)))]

    with Rig("bitget") as rig:
        server = rig.open()
        rig.say(server, *full(), *told(before))
        server.drop()
        rig.settle()
        told(unheard)
        server = rig.network.accept()
        assert not rig.stream.positions.trusted
        rig.say(server, *full())
        assert rig.stream.positions.trusted
        assert rig.stream.balances.trusted
        rig.say(server, *told(after))

        books = market.statement(BEGIN + STEP * market.steps)
        stands = {(each.symbol, each.side.value): each.size for each in rig.stream.positions.values()}
        assert stands == {(each.symbol, each.side): each.size for each in books.positions}
        booked = {order.order_id: order for order in books.orders}
        for order_id, order in rig.stream.orders.items():
            if not unheard:
                assert (order.filled, order.size) == (booked[order_id].filled, booked[order_id].size)


def test_a_notebook_shows_the_stream_and_its_account() -> None:
    """State, numbers and the three views as tables, all of it escaped; trouble, too, and never a secret."""
    with Rig("bitget") as rig:
        server = rig.open()
        server.say(push("positions", position_row("<b>BTC", "2"), action="snapshot"), order_push("<i>1"))
        rig.settle()
        shown = rig.stream._repr_html_()
        assert "<td>live</td>" in shown
        assert "Positions: 1 open, trusted" in shown
        assert "Orders: 1, 1 open, not trusted" in shown
        assert "&lt;b&gt;BTC" in shown
        assert "&lt;i&gt;1" in shown
        assert "blind" not in shown
        server.drop()
        rig.network.fail_dials(*[ConnectFailed("<no> way")] * 9)
        rig.settle()
        shown = rig.stream._repr_html_()
        assert "<th>blind since</th><td>2023-11-14 22:13:20 UTC</td>" in shown
        assert not [secret for secret in SECRETS if secret in shown]


# -- one order --------------------------------------------------------------------------------------------------------


class Later(threading.Thread):
    """Something that waits, on a thread, and how it ended."""

    def __init__(self, wait: Callable[[], object]) -> None:
        super().__init__(name="later")
        self._wait = wait
        self.outcome: object = None
        self.start()

    def run(self) -> None:
        """Wait."""
        try:
            self.outcome = self._wait()
        except Exception as error:
            self.outcome = error

    @property
    def end(self) -> object:
        """How it ended."""
        self.join(10)
        return self.outcome


def test_an_order_that_is_filled_before_it_is_waited_for() -> None:
    """Opened before the order is placed, nothing that comes meanwhile is missed."""
    with Rig("bitget") as rig:
        server = rig.open()
        with rig.stream.expect(client_order_id="c7") as order:
            assert order.latest is None
            assert (order.order_id, order.executions) == (None, ())
            fill = {"tradeId": "t1", "orderId": "7", "symbol": "BTCUSDT", "side": "buy", "price": "5", "size": "2"}
            rig.say(server, push("execution", fill), order_push("7"), order_push("7", "filled", "2"))

            assert order.wait("partially_filled", timeout=0).filled == 2
            assert order.wait(timeout=0).order_id == order.order_id == "7"
            assert [execution.trade_id for execution in order.executions] == ["t1"]
            assert order.latest is not None
            with pytest.raises(Exception, match="ended as filled, not canceled") as ended:
                order.wait("canceled", timeout=0)
            assert type(ended.value).__name__ == "OrderEnded"


class FullSets:
    """A monitor that has a full set of open orders stand behind each order of that id."""

    def __init__(self, order_id: str) -> None:
        self._order_id = order_id

    def apply(self, record: Record) -> list[Record]:
        """Say that this is the one order that is open."""
        if not isinstance(record, Order) or record.order_id != self._order_id:
            return []
        return [Snapshot(exchange="bitget", account="default", of="orders", scope=(None,), keys=((self._order_id,),))]

    def due(self, now_ms: int) -> list[Record]:
        """Say nothing."""
        return []


def test_an_order_that_vanished_is_not_waited_for() -> None:
    """It is open no more, and will never be told to be filled: that is said instead of waiting on."""
    with Rig("bitget", monitors=[FullSets("9")]) as rig:
        server = rig.open()
        rig.say(server, order_push("1"))
        later = Later(lambda: rig.stream.wait_order(order_id="1"))
        rig.say(server, order_push("9"))

        assert isinstance(later.end, OrderEnded)
        assert later.end.order is not None
        assert later.end.order.status is OrderStatus.UNKNOWN
        assert rig.stream.orders.trusted
        assert [order.order_id for order in rig.stream.orders.open] == ["9"]
        assert rig.stream.wait_order(order_id="1", until="new", timeout=0).order_id == "1"


def test_no_update_is_lost_between_two_calls() -> None:
    """Each row is looked at by one call, in order, however many came before the call."""
    with Rig("bitget") as rig:
        server = rig.open()
        with rig.stream.expect(order_id="7") as order:
            for filled in ("0.1", "0.2", "0.3"):
                rig.say(server, order_push("6", "new"), order_push("7", "partially_filled", filled))
            seen = [order.wait_for(lambda row: True, timeout=0).filled for _ in range(2)]
            assert order.wait_for(lambda row: row.filled == Decimal("0.3"), timeout=0).filled == Decimal("0.3")
            assert seen == [Decimal("0.1"), Decimal("0.2")]
            with pytest.raises(TimeoutError, match="partially_filled"):
                order.wait_for(lambda row: True, timeout=0.01)
            later = Later(lambda: order.wait("filled", timeout=10))
            rig.say(server, order_push("7", "filled", "2"))
            assert isinstance(later.end, Order)


def test_an_id_that_is_used_again_means_the_new_order() -> None:
    """What had ended before the block is another order; a row of the old one changes nothing."""
    with Rig("bitget") as rig:
        server = rig.open()
        again = order_push("8").replace('"c8"', '"c7"')
        rig.say(server, order_push("7", "filled", "2"))
        with rig.stream.expect(client_order_id="c7") as order:
            assert order.latest is None
            rig.say(server, order_push("7", "filled", "2"))
            with pytest.raises(TimeoutError, match="nothing was told of it"):
                order.wait("filled", timeout=0)
            rig.say(server, again)
            assert order.order_id == "8"
            with pytest.raises(TimeoutError, match="it is new"):
                order.wait("filled", timeout=0)
            rig.say(server, again.replace('"new"', '"filled"'))
            assert order.wait("filled", timeout=0).order_id == "8"


def test_a_status_that_the_order_only_had() -> None:
    """It counts, although the order has come further since."""
    with Rig("bitget") as rig:
        server = rig.open()
        with rig.stream.expect(order_id="7") as order:
            rig.say(server, order_push("7", "triggered"), order_push("7", "filled", "2"))
            assert order.wait("triggered", timeout=0).status is OrderStatus.FILLED


def test_an_expected_order_belongs_to_its_block() -> None:
    """Outside of it nothing is heard, so waiting there is refused; two ids or none make no sense."""
    with Rig("bitget") as rig:
        rig.open()
        expected = rig.stream.expect(client_order_id="c7")
        with pytest.raises(ConfigError, match="inside of its block"):
            expected.wait(timeout=0)
        with expected, pytest.raises(ConfigError, match="no order status"):
            expected.wait("done")
        with pytest.raises(ConfigError, match="inside of its block"):
            expected.wait_for(lambda row: True)
        for wrong in ({}, {"order_id": "1", "client_order_id": "2"}):
            with pytest.raises(ConfigError, match="either"):
                rig.stream.expect(**wrong)


def test_the_end_of_the_stream_ends_every_wait() -> None:
    """Whoever waits is told; what had been there before still is."""
    with Rig("bitget") as rig:
        server = rig.open()
        with rig.stream.expect(order_id="7") as order:
            rig.say(server, order_push("7", "partially_filled", "1"))
            waiting = [
                Later(order.wait),
                Later(lambda: order.wait_for(lambda row: False)),
                Later(lambda: rig.stream.wait_until(lambda: False)),
            ]
            rig.stream.close()
            assert [type(later.end).__name__ for later in waiting] == ["StreamFailed"] * 3
            assert order.wait("partially_filled").filled == 1
        assert rig.stream.wait_order(order_id="7", until="new").order_id == "7"


def test_waiting_until_something_is_true() -> None:
    """At once, or as soon as the views say so; what is returned is what was true."""
    with Rig("bitget") as rig:
        server = rig.open()
        assert rig.stream.wait_until(lambda: 5, timeout=0) == 5
        with pytest.raises(TimeoutError, match="true within"):
            rig.stream.wait_until(lambda: rig.stream.positions.of("BTCUSDT"), timeout=0)
        later = Later(lambda: rig.stream.wait_until(lambda: rig.stream.positions.of("BTCUSDT"), timeout=10))
        rig.say(server, PONG, push("positions", position_row("BTCUSDT", "2"), action="snapshot"))
        (found,) = later.end  # type: ignore[misc]
        assert found.size == 2


def test_who_has_stopped_waiting_costs_nothing() -> None:
    """Nothing stays attached of a wait that is over, or of a block that was forgotten."""
    with Rig("bitget") as rig:
        server = rig.open()
        sinks = len(rig.stream._delivery._sinks)
        with pytest.raises(TimeoutError):
            rig.stream.wait_order(order_id="1", timeout=0)
        with pytest.raises(ZeroDivisionError):
            rig.stream.wait_until(lambda: 1 / 0)
        rig.stream.expect(order_id="1").__enter__()
        rig.say(server, order_push("1"))
        assert len(rig.stream._delivery._sinks) == sinks
