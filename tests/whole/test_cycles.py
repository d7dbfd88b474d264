"""Closing, which is the hard part: at random moments, many times, with threads switched as often as can be."""

import sys
import threading
from collections.abc import Iterator
from random import Random

import pytest

from futures_stream import Closed, FuturesStreamError, Stream, open_stream
from futures_stream.simulator import Simulator
from futures_stream.stream.making import prepare_stream
from tests.faults.effort import how_many

CYCLES = how_many("CYCLES", 30, 500)
LONGEST_PAUSE = 0.03  # seconds; opening takes about as long, so that closing falls into every phase of it
CLOSES_WITHIN = 5.0  # the contract's hard bound


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A simulator that is gone before the guards look for what was left behind."""
    with Simulator(seed=1, tick=0.01) as running:
        yield running


@pytest.fixture(params=[0.005, 1e-6], ids=["usual", "hasty"])
def switch_interval(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run with the interpreter's usual switch interval, and with one that shakes out races."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(request.param)
    yield
    sys.setswitchinterval(usual)


def prepared(simulator: Simulator, exchange: str) -> Stream:
    """Return a stream that is not started yet."""
    return prepare_stream(exchange, simulator.credentials(exchange), endpoints=simulator.endpoints(exchange))


@pytest.mark.usefixtures("switch_interval")
@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_close_at_random_moments(simulator: Simulator, exchange: str) -> None:
    """Whatever the stream is doing, close() ends it in time, and its queue ends with Closed, once."""
    random = Random(exchange)
    pause = threading.Event()
    for _ in range(CYCLES):
        stream = prepared(simulator, exchange)
        stream.start()
        pause.wait(random.uniform(0.0, LONGEST_PAUSE))

        stream.close(CLOSES_WITHIN)

        assert [type(record) for record in stream.queue].count(Closed) == 1
        assert stream.status.state.ended


@pytest.mark.usefixtures("switch_interval")
@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_close_while_the_server_cuts_connections(simulator: Simulator, exchange: str) -> None:
    """Closing and losing the connection at the same time do not get into each other's way."""
    random = Random(exchange)
    pause = threading.Event()
    for _ in range(CYCLES // 4):
        stream = open_stream(exchange, simulator.credentials(exchange), endpoints=simulator.endpoints(exchange))
        simulator.drop(exchange, how=random.choice(["rst", "fin", "close"]))
        pause.wait(random.uniform(0.0, LONGEST_PAUSE))
        closers = [threading.Thread(target=stream.close) for _ in range(3)]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join()

        assert [type(record) for record in stream.queue].count(Closed) == 1


def test_consumers_wake_at_the_end(simulator: Simulator) -> None:
    """Every thread that waits for a record wakes when the stream is closed."""
    stream = open_stream("bitget", simulator.credentials("bitget"), endpoints=simulator.endpoints("bitget"))
    ended = []

    def consume() -> None:
        for _ in stream.queue:
            pass
        ended.append(True)

    consumers = [threading.Thread(target=consume) for _ in range(8)]
    for consumer in consumers:
        consumer.start()
    stream.close()
    for consumer in consumers:
        consumer.join(CLOSES_WITHIN)

    assert len(ended) == len(consumers)


def test_a_stream_may_be_closed_before_it_was_started(simulator: Simulator) -> None:
    """A stream that never ran can be thrown away."""
    stream = prepared(simulator, "bitget")

    stream.close()

    with pytest.raises(FuturesStreamError):
        stream.wait_state("live", timeout=0.1)
