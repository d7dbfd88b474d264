"""Trading goes on while the stream moves from connection to connection."""

from collections import Counter

import pytest

from futures_stream import Bitget, Bitmusa, Closed, Execution, Gap, Order, Origin, Rotated, open_stream
from futures_stream.simulator import Simulator
from tests.faults.effort import how_many

ROTATIONS = how_many("ROTATIONS", 50, 200)
SOON = 60.0  # seconds; generous, since a machine with two busy cores may stall


@pytest.mark.parametrize("dialect", [Bitget(lifetime=0.02), Bitmusa(lifetime=0.02)], ids=["bitget", "bitmusa"])
def test_rotations_lose_and_double_nothing(dialect: Bitget | Bitmusa) -> None:
    """Over fifty rotations each order state and each execution arrives once, in order, without a gap."""
    name = dialect.name
    with Simulator(seed=5, tick=0.005) as simulator:
        credentials, endpoints = simulator.credentials(name), simulator.endpoints(name)
        with open_stream(dialect, credentials, endpoints=endpoints, timeout=SOON, maxsize=0) as stream:
            rotations, told = 0, []
            while rotations < ROTATIONS:
                record = stream.get(SOON)
                rotations += isinstance(record, Rotated)
                told.append(record)
        told += list(stream.queue)
        books = simulator.books(name)

    assert not [record for record in told if isinstance(record, Gap)]
    assert isinstance(told[-1], Closed)
    pushed = [record for record in told if isinstance(record, Order) and record.origin is Origin.PUSH]
    states = [(record.order_id, record.status, record.filled) for record in pushed]
    assert not [state for state, times in Counter(states).items() if times > 1]
    last = {record.order_id: record for record in told if isinstance(record, Order)}
    ended = [order for order in last.values() if order.status.final]
    assert len(ended) > ROTATIONS
    by_id = {order.order_id: order for order in books.orders}
    assert {order.order_id: order.filled for order in ended} == {
        order.order_id: by_id[order.order_id].filled for order in ended if order.order_id
    }
    trades = [record.trade_id for record in told if isinstance(record, Execution)]
    if name == "bitget":
        expected = [execution.trade_id for execution in books.executions]
        first = expected.index(trades[0])
        assert trades == expected[first : first + len(trades)]
