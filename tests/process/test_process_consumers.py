"""Consumers that are slow, dead, many, or call the stream from inside of its own loop."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from futures_stream import Closed, FuturesStreamError, Order, Stream, StreamQueue, open_stream
from futures_stream.simulator import Simulator
from futures_stream.stream import ShutDown

PATIENCE = 20.0  # seconds that a thread of a test may take on a machine that is busy with much else
ROUNDS = 12


@pytest.fixture(autouse=True)
def _hasty() -> Iterator[None]:
    """Threads switch as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def opened(sim: Simulator, exchange: str = "bitget", maxsize: int = 100_000) -> Stream:
    """Open a stream to the simulator."""
    credentials = sim.credentials(exchange)  # type: ignore[call-overload]
    return open_stream(exchange, credentials, endpoints=sim.endpoints(exchange), maxsize=maxsize)  # type: ignore[arg-type]


def all_of(*todo: Callable[[], object]) -> list[BaseException]:
    """Do things at once, each on a thread of its own; return what they raised."""
    begin = threading.Barrier(len(todo))
    raised: list[BaseException] = []

    def meet(what: Callable[[], object]) -> None:
        begin.wait()
        try:
            what()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=meet, args=(what,)) for what in todo]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not [thread for thread in threads if thread.is_alive()], "a call hangs"
    return raised


def test_one_slow_consumer_harms_no_other(sim: Simulator) -> None:
    """Who takes nothing has an Overflow that counts what it missed; another gets everything, the connection lives."""
    with opened(sim, maxsize=10) as stream:
        quick = stream.subscribe()
        sim.flood("bitget", 2000)
        seen = 0
        while seen < 2000:
            quick.get(timeout=PATIENCE)
            seen += 1
        assert stream.status.connects == 1
        assert stream.stats().missed > 1900
        stream.close()
        told = [type(record).__name__ for record in stream.queue]

    assert told.count("Overflow") == 1
    assert told[-1] == "Closed"
    assert quick.missed == 0


def test_a_consumer_that_died(sim: Simulator) -> None:
    """An exception in one consumer's loop is its own; the others go on, and what it left is there."""
    with opened(sim) as stream:

        def die() -> None:
            for _ in stream:
                raise ZeroDivisionError

        assert [type(error) for error in all_of(die, die)] == [ZeroDivisionError] * 2
        stream.get(timeout=PATIENCE)
        assert stream.status.state == "live"


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_many_consumers_of_one_queue(sim: Simulator, exchange: str) -> None:
    """Each record goes to exactly one of them, each gets his in order, and all of them are let go at the end."""
    for _ in range(3):
        stream = opened(sim, exchange)
        shares: list[list[int]] = [[] for _ in range(6)]

        def consume(share: list[int], stream: Stream = stream) -> None:
            while True:
                try:
                    share.append(stream.get().seq)
                except ShutDown:
                    return

        def end(stream: Stream = stream) -> None:
            stream.wait_for(lambda record: record.seq > 50, PATIENCE)
            stream.close()

        assert all_of(end, *[lambda share=share: consume(share) for share in shares]) == []  # type: ignore[misc]
        together = sorted(seq for share in shares for seq in share)
        assert together == list(range(1, len(together) + 1))
        assert all(share == sorted(share) for share in shares)


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
@pytest.mark.parametrize("end", ["stop", "close", "twice"])
def test_the_loop_may_end_its_own_stream(sim: Simulator, exchange: str, end: str) -> None:
    """From inside, after anything else that one can ask: what was delivered still comes, then the loop ends."""
    for _ in range(3):
        stream = opened(sim, exchange)
        before, after = 0, []
        for record in stream:
            if before < 3:
                before += 1
                stream.add_channels("orders", timeout=PATIENCE)
                stream.subscribe(Order)
                stream.wait_state("live", PATIENCE)
                stream.wait_for(lambda record: True, PATIENCE)
            elif end == "twice":
                stream.close()
                stream.close()
                after.append(record)
            else:
                getattr(stream, end)()
                after.append(record)
        stream.close()
        assert before == 3
        assert after
        assert stream.status.state == "closed"


def test_everything_at_once(sim: Simulator) -> None:
    """Calls of every kind from many threads while others close: each returns, or says that the stream has ended."""
    for number in range(ROUNDS):
        stream = opened(sim, ("bitget", "bitmusa")[number % 2])
        raised = all_of(
            lambda: stream.add_channels("orders", timeout=PATIENCE),
            lambda: stream.add_channels("orders", "positions", timeout=PATIENCE),
            lambda: stream.remove_channels("positions"),
            lambda: stream.subscribe(Order).get(timeout=PATIENCE),
            lambda: stream.wait_for(lambda record: False, PATIENCE),
            lambda: stream.wait_state("backing_off", PATIENCE),
            lambda: stream.wait_order(order_id="nobody's", timeout=PATIENCE),
            lambda: list(stream),
            lambda: stream.stats() and repr(stream),
            stream.stop,
            stream.close,
            stream.close,
        )
        assert not [error for error in raised if not isinstance(error, FuturesStreamError)], raised
        stream.close()
        assert stream.status.state == "closed"


def test_a_close_that_interrupts_a_locked_region(sim: Simulator) -> None:
    """As a signal handler would: the lock is held below it on the stack, so it asks for the end and does not wait."""

    class Interrupted(StreamQueue):
        """Closes the stream where a handler could: inside get(), which holds the queue's lock."""

        armed = False

        def _get(self) -> object:
            if self.armed:
                self.armed = False
                stream.close(PATIENCE)
                went_on.append(stream.queue.mutex.locked())
            return super()._get()

    went_on: list[bool] = []
    shared = Interrupted()
    credentials = sim.credentials("bitget")
    stream = open_stream("bitget", credentials, endpoints=sim.endpoints("bitget"), queue=shared)
    shared.armed = True
    seen = [type(record) for record in shared]
    stream.close()

    assert went_on == [True]
    assert seen[-1] is Closed
    assert stream.status.state == "closed"
