"""A gap is repaired over REST where the exchange can be asked, and what is proven is true."""

from collections.abc import Iterator

import pytest

from futures_stream import (
    Bitmusa,
    ConfigError,
    Execution,
    Gap,
    Live,
    Order,
    Origin,
    Position,
    Record,
    Resynced,
    Snapshot,
    Stream,
    open_stream,
)
from futures_stream.dialects import BitmusaRest
from futures_stream.engine.knowledge import Knowledge
from futures_stream.simulator import Simulator
from futures_stream.stream.making import prepare_stream
from tests.faults.effort import how_many
from tests.faults.weather import Impatient

SOON = 60.0  # seconds; back-off may draw up to thirty of them
SYMBOLS = ["BTCUSDT", "ETHUSDT", "XRPUSDT"]
ASKABLE = Bitmusa(rest=BitmusaRest(position_when_closing="side"))  # with the simulator that is certain
GAPS = how_many("GAPS", 2, 20)
STATES = ("balances", "positions", "orders")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A market that moves only when the test says so."""
    with Simulator(seed=5, tick=None) as running:
        yield running


def opened(simulator: Simulator, dialect: Bitmusa = ASKABLE, **asked: object) -> Stream:
    """Open a stream that listens to all there is, and whose back-off draws the shortest waits there are."""
    stream = prepare_stream(
        dialect,
        simulator.credentials("bitmusa"),
        endpoints=simulator.endpoints("bitmusa"),
        symbols=SYMBOLS,
        random=Impatient(1),
        **asked,  # type: ignore[arg-type]
    )
    stream.start()
    stream.wait_state("live", SOON)
    return stream


def take_until(stream: Stream, kind: type[Record]) -> list[Record]:
    """Take records up to the next one of a kind."""
    told = [stream.get(SOON)]
    while not isinstance(told[-1], kind):
        told.append(stream.get(SOON))
    return told


def follow(knowledge: Knowledge, told: list[Record]) -> None:
    """Apply what was told as a careful consumer would."""
    knowledge.admit(told)


def assert_like_the_books(knowledge: Knowledge, simulator: Simulator) -> None:
    """Compare what a consumer knows with what is true."""
    books, picture = simulator.books("bitmusa"), knowledge.picture()
    assert {order.order_id for order in books.orders if order.status in ("new", "partially_filled")} == set(
        picture.orders
    )
    assert sorted((held.symbol, held.side, held.size) for held in books.positions if held.size) == sorted(
        (str(held.symbol), held.side.value, held.size) for held in picture.positions.values()
    )


def test_the_first_snapshot_comes_before_live(simulator: Simulator) -> None:
    """An account that already trades is known when the stream is live."""
    simulator.step(13)
    with opened(simulator) as stream:
        told = take_until(stream, Live)
        knowledge = Knowledge()
        follow(knowledge, told)

        assert {record.of for record in told if isinstance(record, Snapshot)} == set(STATES)
        assert_like_the_books(knowledge, simulator)


def test_gaps_during_trading_are_repaired(simulator: Simulator) -> None:
    """After each gap the consumer knows what the exchange knows, each execution once, and what is proven is true."""
    knowledge, told, expected = Knowledge(), [], 0
    with opened(simulator) as stream:
        follow(knowledge, take_until(stream, Live))
        for _ in range(GAPS):
            simulator.step(5)
            simulator.stop_accepting()
            simulator.drop("bitmusa")
            simulator.step(4)
            simulator.resume_accepting()
            batch = take_until(stream, Resynced)
            follow(knowledge, batch)
            told += batch
            assert_like_the_books(knowledge, simulator)
            expected += 1
    gaps = [record for record in told if isinstance(record, Gap)]
    resyncs = [record for record in told if isinstance(record, Resynced)]
    trades = [record.trade_id for record in told if isinstance(record, Execution)]

    assert len(gaps) == len(resyncs) == expected
    assert len(trades) == len(set(trades)) > 0
    assert set(trades) <= {execution.trade_id for execution in simulator.books("bitmusa").executions}
    assert all("balances" in resynced.proven for resynced in resyncs)
    # Bitmusa's times are in whole seconds, so an execution right before a gap may be counted into it: what does not add
    # up then is said.
    assert all(resynced.complete or resynced.unexplained for resynced in resyncs), resyncs


def test_an_older_row_never_follows_a_newer_push(simulator: Simulator) -> None:
    """While REST shows the books of a while ago, what was pushed since the question was asked stays as it is."""
    simulator.step(3)
    with opened(simulator) as stream:
        take_until(stream, Live)
        simulator.step(4)
        simulator.stall_rest()
        simulator.drop("bitmusa")
        take_until(stream, Gap)
        simulator.heal()
        told = take_until(stream, Live)
    seen: dict[str, object] = {}
    for record in told:
        if isinstance(record, Order) and record.order_id is not None:
            before = seen.get(record.order_id)
            assert before is None or before <= (record.filled, record.status.final)  # type: ignore[operator]
            seen[record.order_id] = (record.filled, record.status.final)


def test_rest_that_cannot_be_asked_leaves_all_unproven(simulator: Simulator) -> None:
    """The stream goes live all the same, and says what it cannot vouch for."""
    for path in ("/future/wallet", "/future/position", "/future/order", "/future/trade/history"):
        simulator.refuse_rest(code=999, path=path)
    simulator.step(5)
    with opened(simulator) as stream:
        take_until(stream, Live)
        simulator.drop("bitmusa")
        told = take_until(stream, Live)
    resynced = next(record for record in told if isinstance(record, Resynced))

    assert resynced.proven == ()
    assert resynced.unproven == STATES


def test_rows_of_a_snapshot_are_marked(simulator: Simulator) -> None:
    """What was fetched says so, and what was pushed says so."""
    simulator.step(13)
    with opened(simulator) as stream:
        fetched = [record for record in take_until(stream, Live) if isinstance(record, Order | Position)]
        simulator.step(3)
        pushed = take_until(stream, Order)[-1]

    assert fetched
    assert all(record.origin is Origin.SNAPSHOT for record in fetched)
    assert pushed.origin is Origin.PUSH


def test_refresh_fetches_the_sets_again(simulator: Simulator) -> None:
    """On demand, and done when it returns: the account's state is in the queue."""
    simulator.step(13)
    with opened(simulator) as stream:
        take_until(stream, Live)
        stream.refresh(SOON)
        told = [stream.queue.get_nowait() for _ in range(stream.queue.qsize())]

    assert {record.of for record in told if isinstance(record, Snapshot)} == set(STATES)
    assert not [record for record in told if isinstance(record, Gap | Resynced | Live)]


def test_refresh_says_when_the_exchange_cannot_be_asked() -> None:
    """Bitget's first API has no REST that this library knows."""
    with Simulator(seed=1) as running:
        with open_stream("bitget", running.credentials("bitget"), endpoints=running.endpoints("bitget")) as stream:
            with pytest.raises(ConfigError, match="cannot be asked"):
                stream.refresh(SOON)
