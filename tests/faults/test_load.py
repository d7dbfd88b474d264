"""Much at once: bursts, and many accounts in one process."""

from __future__ import annotations

import threading
import time

import pytest

from futures_stream import Closed, Gap, Live, Order, Resynced, StreamQueue
from futures_stream.simulator import Simulator
from futures_stream.stream.making import prepare_stream
from tests.faults.effort import how_many
from tests.faults.ledger import check_notices

BURST = how_many("BURST", 5_000, 100_000)
ACCOUNTS = how_many("ACCOUNTS", 8, 100)
SOON = 30.0  # seconds; the simulator and the consumer share two cores with the stream


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_a_burst_is_delivered_in_order(exchange: str) -> None:
    """A burst arrives whole and in order, while the consumer is not in a hurry."""
    with Simulator(tick=None) as simulator:
        known, where = simulator.credentials(exchange), simulator.endpoints(exchange)
        with prepare_stream(exchange, known, endpoints=where) as stream:
            stream.start()
            stream.wait_state("live", SOON)
            simulator.flood(exchange, BURST)
            filled = []
            while len(filled) < BURST:
                record = stream.get(SOON)
                if isinstance(record, Order):
                    filled.append(record.filled)

    assert filled == sorted(filled)
    assert len(set(filled)) == BURST


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_many_accounts_lose_their_connections_together(exchange: str) -> None:
    """Many accounts share a queue, lose their connections at once, and are all live again; then all are closed."""
    accounts = [f"account {number}" for number in range(ACCOUNTS)]
    with Simulator(tick=None) as simulator:
        known, where = simulator.credentials(exchange), simulator.endpoints(exchange)
        shared = StreamQueue()
        before = threading.active_count()
        streams = [prepare_stream(exchange, known, account=each, endpoints=where, queue=shared) for each in accounts]
        told = []
        try:
            for stream in streams:
                stream.start()
            while sum(isinstance(record, Live) for record in told) < len(accounts):
                told.append(shared.get(timeout=SOON))
            threads = [one for one in threading.enumerate() if one.name.startswith(f"futures-stream/{exchange}/")]
            simulator.drop(exchange)
            while sum(isinstance(record, Live) for record in told) < 2 * len(accounts):
                told.append(shared.get(timeout=SOON))
        finally:
            started = time.monotonic()
            for stream in streams:
                stream.stop()
            for stream in streams:
                stream.close(SOON)
        told += list(shared)

    assert time.monotonic() - started < 5 + SOON / 10  # the contract's hard bound, and a busy machine's share
    assert len(threads) <= 2 * len(accounts) + len(accounts) // 4  # some dials may not have been cleared away
    assert before <= threading.active_count() + 2
    for account in accounts:
        mine = [record for record in told if record.account == account]
        assert [type(one) for one in mine if isinstance(one, Gap | Resynced | Closed)] == [Gap, Resynced, Closed]
        check_notices(mine)
