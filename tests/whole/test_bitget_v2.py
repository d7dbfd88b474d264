"""Bitget's v2 from end to end: snapshots, cuts during trading, refusals, and a server that is none of ours."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from queue import Queue
from random import Random
from threading import Semaphore
from typing import Any

import pytest
from attrs import evolve

from futures_stream import (
    AccountTracker,
    BitgetV2,
    BitgetV2Credentials,
    ChannelLost,
    ClockSkew,
    ConfigError,
    Equity,
    Execution,
    FuturesStreamError,
    Gap,
    Live,
    LoginRejected,
    Order,
    Origin,
    PermissionRefused,
    Position,
    PositionResult,
    Record,
    Resynced,
    Rotated,
    Snapshot,
    State,
    Stream,
    StreamQueue,
    SubscriptionRejected,
    TriggerOrder,
    open_stream,
)
from futures_stream.simulator import Simulator, Statement
from futures_stream.simulator.bitget_v2_closed import closed_positions
from futures_stream.stream.making import prepare_stream
from tests.whole.independent import BITGET_V2, FRAMES, bitget_v2_server

CUTS = int(os.environ.get("FUTURES_STREAM_CUTS", "4"))
SOON = 60.0  # seconds; generous, since a machine with two busy cores may stall
NAME = "bitget-v2"
REPAIRED = {"balances", "positions", "orders", "trigger_orders"}


class NoJitter(Random):
    """Chance that lets every retry be at once."""

    def uniform(self, low: float, high: float) -> float:
        """Return the least."""
        del high
        return low


class View:
    """The account as a careful consumer sees it."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.positions: dict[tuple[Any, ...], Position] = {}

    def apply(self, record: Record) -> None:
        """Apply what was told."""
        if isinstance(record, Order):
            self.orders[str(record.order_id)] = record
        elif isinstance(record, Position):
            self.positions[record.product, record.symbol, record.side, record.margin_mode] = record
        elif isinstance(record, Snapshot):
            product = record.scope[0]
            if record.of == "positions":
                for key in [key for key in self.positions if product in (None, key[0]) and key[1:] not in record.keys]:
                    del self.positions[key]
            elif record.of == "orders":
                for order_id, order in tuple(self.orders.items()):
                    if not order.status.final and (order_id,) not in record.keys:
                        del self.orders[order_id]

    def is_like(self, books: Statement) -> bool:
        """Tell whether that is the truth."""
        working = {order.order_id: order.filled for order in books.orders if order.working}
        open_ = {order_id: order.filled for order_id, order in self.orders.items() if not order.status.final}
        held = sorted((each.symbol, each.side, each.size) for each in books.positions)
        seen = sorted((str(each.symbol), each.side.value, each.size) for each in self.positions.values() if each.size)
        return (working, held) == (open_, seen)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A market that moves only when the test says so."""
    with Simulator(seed=5, tick=None) as running:
        yield running


def opened(simulator: Simulator, dialect: BitgetV2 | None = None, **asked: Any) -> Stream:
    """Open a stream."""
    where = {"endpoints": simulator.endpoints(NAME), "timeout": SOON}
    return open_stream(dialect or NAME, simulator.credentials(NAME), **where, **asked)


def take_until(stream: Stream, kind: type[Record]) -> list[Record]:
    """Take records up to the next one of a kind."""
    told = [stream.get(SOON)]
    while not isinstance(told[-1], kind):
        told.append(stream.get(SOON))
    return told


def test_the_first_snapshot_comes_before_live(simulator: Simulator) -> None:
    """An account that already trades is known when the stream is live, product family by product family."""
    simulator.step(19)
    with opened(simulator) as stream:
        told = take_until(stream, Live)
    view = View()
    for record in told:
        view.apply(record)

    assert view.is_like(simulator.books(NAME))
    assert {record.of for record in told if isinstance(record, Snapshot)} == REPAIRED
    assert {record.product for record in told if isinstance(record, Order | Position)} == {"USDT-FUTURES"}
    asked = [path for _, path in simulator.requests]
    assert all(any(product in path for path in asked) for product in BitgetV2().products)
    assert sum("orders-pending" in path for path in asked) == 6


def test_everything_is_told(simulator: Simulator) -> None:
    """All kinds of records come from the market's opening, and the fields of one agree with those of another."""
    with opened(simulator) as stream:
        take_until(stream, Live)
        simulator.step(25)
        stream.refresh(SOON)
        told = [stream.queue.get_nowait() for _ in range(stream.queue.qsize())]
    books = simulator.books(NAME)
    executions = [record for record in told if isinstance(record, Execution)]
    triggers = [record for record in told if isinstance(record, TriggerOrder)]
    (first, *_) = [record for record in told if isinstance(record, PositionResult)]
    equities = [record for record in told if isinstance(record, Equity)]

    assert [(each.trade_id, each.price, each.size, each.fee) for each in executions] == [
        (each.trade_id, each.price, each.size, -each.fee) for each in books.executions
    ]
    assert {each.trigger.value for each in triggers} == {"take_profit", "stop_loss"}
    assert first.opened == first.closed
    assert first.realized_pnl == sum(
        (each.realized_pnl or Decimal(0))
        for each in executions
        if each.symbol == first.symbol and (first.created_at or 0) <= (each.timestamp or 0) <= (first.closed_at or 0)
    )
    assert equities[-1].total == books.balances[0].equity
    assert any(each.cause == "liquidation" for each in executions)
    pushed = [each for each in told if isinstance(each, Order) and each.last_trade_id is not None]
    assert [each.last_trade_id for each in pushed] == [each.trade_id for each in executions]
    assert not any(record.marks for record in told)


def differences(account: AccountTracker, books: Statement) -> list[object]:
    """Return what the trackers have otherwise than the books."""
    orders, told = account.orders, {order.order_id for order in account.orders.open}
    wrong: list[object] = []

    def compare(what: str, is_so: object, should: object) -> None:
        if is_so != should:
            wrong.append((what, is_so, should))

    compare("open orders", told, {each.order_id for each in books.orders if each.working})
    for each in books.orders:
        order = orders.get(each.order_id)
        if order is None:
            compare("an order that nothing was ever filled of", each.filled, 0)
            continue
        compare(f"status of {each.order_id}", order.status.value.replace("canceled", "cancelled"), each.status)
        compare(f"filled of {each.order_id}", order.filled, each.filled)
        compare(f"executed of {each.order_id}", orders.executed(each.order_id), each.filled)
    held = {(each.symbol, each.side): (each.size, each.entry_price) for each in books.positions}
    seen = {(str(each.symbol), each.side.value): (each.size, each.entry_price) for each in account.positions.values()}
    compare("positions", seen, held)
    for balance in books.balances:
        seen_balance = account.balances[balance.asset]
        compare("balance", (seen_balance.free, seen_balance.total), (balance.available, balance.equity))
    compare("trust", account.positions.trusted and account.balances.trusted, True)
    return wrong


class SlowConsumer:
    """
    Reads a queue, only so many records at a time, and folds them with the trackers.

    Args:
        queue: What is read.
        truths: The books as they were when each gap was closed; asked for at each ``Resynced``.
    """

    def __init__(self, queue: StreamQueue, truths: Queue[Statement]) -> None:
        self.told: list[Record] = []
        self.wrong: list[object] = []
        self.compared = 0
        self._queue = queue
        self._truths = truths
        self._allowed = Semaphore(0)
        self._hurry = False

    def allow(self, number: int) -> None:
        """Let it read some more."""
        self._allowed.release(number)

    def read_on(self) -> None:
        """Let it read whatever is left."""
        self._hurry = True
        self._allowed.release()

    def consume(self) -> None:
        """Read until the stream is closed."""
        account = AccountTracker()
        for record in self._queue:
            if not self._hurry:
                self._allowed.acquire()
            self.told.append(record)
            account.apply(record)
            if isinstance(record, Resynced):
                self.compared += 1
                self.wrong += [(self.compared, each) for each in differences(account, self._truths.get(timeout=SOON))]


def test_cuts_during_trading(simulator: Simulator) -> None:
    """
    The connection is cut again and again while orders are filled, before a consumer that cannot keep up.

    Each execution comes once, in order, and after every Resynced the trackers have what the books have.
    """
    random = Random(1)
    queue = StreamQueue(0)
    truths: Queue[Statement] = Queue()
    consumer = SlowConsumer(queue, truths)
    stream = prepare_stream(
        NAME,
        simulator.credentials(NAME),
        endpoints=simulator.endpoints(NAME),
        queue=queue,
        random=NoJitter(1),
    )
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(consumer.consume)
        try:
            with stream:
                resyncs = stream.subscribe(Resynced, maxsize=0)
                stream.start()
                stream.wait_state(State.LIVE, timeout=SOON)
                for _ in range(CUTS):
                    simulator.step(random.randint(0, 6))
                    simulator.stop_accepting()
                    simulator.drop(NAME, how=random.choice(["rst", "fin", "close"]))
                    simulator.step(random.randint(0, 6))
                    simulator.resume_accepting()
                    while not isinstance(resyncs.get(timeout=SOON), Resynced):
                        pass
                    stream.wait_state(State.LIVE, timeout=SOON)
                    truths.put(simulator.books(NAME))
                    consumer.allow(random.randint(1, 40))
        finally:
            consumer.read_on()
        reading.result(SOON)

    told = consumer.told
    executions = [record for record in told if isinstance(record, Execution)]
    resynced = [record for record in told if isinstance(record, Resynced)]
    assert consumer.wrong == []
    assert sum(isinstance(record, Gap) for record in told) == len(resynced) == consumer.compared == CUTS
    assert [record.trade_id for record in executions] == [each.trade_id for each in simulator.books(NAME).executions]
    assert {each.origin for each in executions} == {Origin.PUSH, Origin.SNAPSHOT}
    results = [(each.symbol, each.created_at, each.closed_at) for each in told if isinstance(each, PositionResult)]
    closed = [
        (each.symbol, each.created_ms, each.closed_ms) for each in closed_positions(simulator.books(NAME).executions)
    ]
    assert sorted(results) == sorted(closed)
    assert all("closed_positions" in record.proven for record in resynced)
    assert all("balances" in record.proven for record in resynced)
    assert not [line for record in resynced for line in record.unexplained if "how it ended" in line]
    assert any(record.complete for record in resynced)


def test_orders_that_nobody_saw(simulator: Simulator) -> None:
    """What began and ended in a gap is found by its executions, and told as it ended."""
    with opened(simulator) as stream:
        take_until(stream, Live)
        simulator.stop_accepting()
        simulator.drop(NAME)
        take_until(stream, Gap)
        simulator.step(25)
        simulator.resume_accepting()
        told = take_until(stream, Live)
    ended = {each.order_id: each for each in told if isinstance(each, Order) and each.status.final}
    books = [each for each in simulator.books(NAME).orders if each.filled and not each.working]

    assert {order_id: order.filled for order_id, order in ended.items()} == {
        each.order_id: each.filled for each in books
    }
    assert {order.origin for order in ended.values()} == {Origin.SNAPSHOT}
    asked = [path for _, path in simulator.requests if "/order/detail" in path]
    assert len(asked) == len(books)


def test_executions_are_fetched_page_by_page(simulator: Simulator) -> None:
    """More executions than a page has are recovered, oldest first."""
    with opened(simulator, channels=["executions"]) as stream:
        take_until(stream, Live)
        simulator.stop_accepting()
        simulator.drop(NAME)
        take_until(stream, Gap)
        while len(simulator.books(NAME).executions) < 130:
            simulator.step()
        simulator.resume_accepting()
        told = take_until(stream, Resynced)
    recovered = [record for record in told if isinstance(record, Execution)]

    assert [each.trade_id for each in recovered] == [each.trade_id for each in simulator.books(NAME).executions]
    assert sum("idLessThan" in path for _, path in simulator.requests) >= 1


def test_only_some_contracts(simulator: Simulator) -> None:
    """Bitget sends all; what is not wanted is neither pushed on nor fetched."""
    with opened(simulator, symbols=["ETHUSDT"]) as stream:
        take_until(stream, Live)
        simulator.step(12)
        stream.refresh(SOON)
        told = [stream.queue.get_nowait() for _ in range(stream.queue.qsize())]

    assert {record.symbol for record in told if isinstance(record, Order | Position | Execution)} == {"ETHUSDT"}


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("30011", LoginRejected, "API key"),
        ("30012", LoginRejected, "passphrase"),
        ("30015", LoginRejected, "API secret"),
        ("40085", PermissionRefused, "unified account"),
    ],
)
def test_refused_logins(simulator: Simulator, code: str, kind: type[FuturesStreamError], words: str) -> None:
    """Raised at once, and says what to change."""
    simulator.refuse_login(code)
    with pytest.raises(kind, match=words):
        opened(simulator)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (40085, PermissionRefused, "v3"),
        (40014, PermissionRefused, "permission to read futures"),
        (40018, PermissionRefused, "allowed"),
        (40037, LoginRejected, "does not know it"),
        (400172, ConfigError, "USDC-FUTURES"),
    ],
)
def test_refused_questions(simulator: Simulator, code: int, kind: type[FuturesStreamError], words: str) -> None:
    """An account, key or setting that cannot work fails the open, although the stream itself took the login."""
    simulator.refuse_rest(code, status=400)
    with pytest.raises(kind, match=words) as caught:
        opened(simulator)
    assert caught.value.code == str(code)


def test_questions_that_are_refused_later(simulator: Simulator) -> None:
    """The stream goes on, and does not claim to know what it could not ask."""
    with opened(simulator) as stream:
        take_until(stream, Live)
        simulator.refuse_rest(40014, status=400)
        simulator.drop(NAME)
        told = take_until(stream, Resynced)[-1]

    assert isinstance(told, Resynced)
    assert told.proven == ()
    assert set(told.unproven) == {*REPAIRED, "executions", "closed_positions"}


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_another_clock(simulator: Simulator, seconds: float) -> None:
    """A clock that is off is corrected, for the login as for what is asked over REST."""
    simulator.skew(seconds)
    simulator.step(19)
    with opened(simulator) as stream:
        told = take_until(stream, Live)
        simulator.drop(NAME)
        resynced = take_until(stream, Resynced)[-1]

    assert {record.of for record in told if isinstance(record, Snapshot)} == REPAIRED
    assert isinstance(resynced, Resynced)
    assert {"balances", "orders"} <= set(resynced.proven)


def test_a_clock_that_cannot_be_corrected(simulator: Simulator) -> None:
    """Refused again with the exchange's own time: the error says how far ours is off."""
    simulator.refuse_rest(40008, status=400, path="/api/v2/mix/account/accounts")
    with pytest.raises(ClockSkew) as caught:
        opened(simulator)
    assert caught.value.offset is not None
    assert abs(caught.value.offset) < 60


def test_wrong_secret(simulator: Simulator) -> None:
    """The signature is checked by the server, as Bitget does."""
    wrong = BitgetV2Credentials("simulated-api-key", "another-secret", "simulated-passphrase")
    with pytest.raises(LoginRejected) as caught:
        open_stream(NAME, wrong, endpoints=simulator.endpoints(NAME), timeout=SOON)
    assert caught.value.code == "30015"


def test_no_such_product(simulator: Simulator) -> None:
    """A product family that Bitget does not know is refused, and the setting is named."""
    with pytest.raises(SubscriptionRejected, match="EURO-FUTURES"):
        opened(simulator, BitgetV2(products=("EURO-FUTURES",)))


def test_refused_channel(simulator: Simulator) -> None:
    """A channel that the key may not have fails the open, and is named."""
    simulator.refuse_subscription("orders-algo", "30016")
    with pytest.raises(SubscriptionRejected) as caught:
        opened(simulator)
    assert caught.value.channel == "trigger_orders"


def test_a_channel_lost_for_one_product(simulator: Simulator) -> None:
    """It goes on for the others, on the next connection as well."""
    refusal = {"event": "error", "code": 30016, "msg": "Param error", "op": "subscribe"}
    refusal["arg"] = {"instType": "COIN-FUTURES", "channel": "fill", "instId": "default"}
    with opened(simulator, channels=["executions"]) as stream:
        take_until(stream, Live)
        simulator.send_text(NAME, json.dumps(refusal))
        (*_, lost) = take_until(stream, ChannelLost)
        simulator.drop(NAME)
        take_until(stream, Live)
        simulator.step(3)
        told = take_until(stream, Execution)[-1]

    assert isinstance(lost, ChannelLost)
    assert (lost.channel, lost.product) == ("executions", "COIN-FUTURES")
    assert told.product == "USDT-FUTURES"


def test_login_forgotten_while_live(simulator: Simulator) -> None:
    """What is subscribed is in doubt then: only a new connection is sure, and the gap is told."""
    with opened(simulator, channels=["orders"]) as stream:
        take_until(stream, Live)
        simulator.send_text(NAME, '{"event":"error","code":30004,"msg":"User not logged in"}')
        told = take_until(stream, Live)

    assert next(record for record in told if isinstance(record, Gap)).channels == ("orders",)


def test_a_service_upgrade_is_moved_out_of_the_way_of(simulator: Simulator) -> None:
    """It is announced a minute ahead: the stream is on another connection before this one is cut, without a gap."""
    with opened(simulator) as stream:
        take_until(stream, Live)
        simulator.send_text(NAME, '{"event":"error","code":30033,"msg":"service upgrade"}')
        told = take_until(stream, Rotated)

    assert not [record for record in told if isinstance(record, Gap)]
    assert "service upgrade" in told[-1].reason  # type: ignore[attr-defined]


def test_what_a_pushed_set_left_out_stays_closed(simulator: Simulator) -> None:
    """Positions that a pushed set left out are not open ones any more when REST has told the account."""
    with opened(simulator) as stream:
        take_until(stream, Live)
        simulator.step(25)
        stream.refresh(SOON)
        told = [stream.queue.get_nowait() for _ in range(stream.queue.qsize())]
    sets = [record for record in told if isinstance(record, Snapshot) and record.of == "positions"]

    assert len(sets[-1].keys) == len(simulator.books(NAME).positions)


def test_channels_come_and_go(simulator: Simulator) -> None:
    """Subscribed and given up at the exchange while the stream runs."""
    with opened(simulator, channels=["orders"]) as stream:
        take_until(stream, Live)
        stream.add_channels("fill", timeout=SOON)
        simulator.step(3)
        assert isinstance(take_until(stream, Execution)[-1], Execution)
        stream.remove_channels("orders")
        assert simulator.wait_ledger(lambda said: any('"unsubscribe"' in entry.text for entry in said), SOON)
        simulator.step(3)


def test_against_a_server_of_somebody_else() -> None:
    """The documents' own frames and answers, from a server that shares no code with this project."""
    dialect = BitgetV2(products=("USDT-FUTURES", "COIN-FUTURES"))
    quick = evolve(dialect, ping=evolve(dialect.ping, every=0.05))
    with bitget_v2_server() as peer:
        with open_stream(quick, BITGET_V2, endpoints=peer.endpoints, timeout=SOON) as stream:
            fetched = take_until(stream, Live)
            peer.wait_heard(lambda message: message == "ping")
            for name in ("orders", "fill", "positions", "orders-algo", "positions-history", "account"):
                peer.say(json.loads((FRAMES / f"docsv2_ws_{name}_push.json").read_text()))
            told = [stream.get(SOON) for _ in range(7)]

    assert [type(record).__name__ for record in told] == [
        *("Order", "Execution", "Position", "Snapshot", "TriggerOrder", "PositionResult", "Balance")
    ]
    rows = [record for record in fetched if record.origin is Origin.SNAPSHOT and not isinstance(record, Snapshot)]
    assert [type(record).__name__ for record in rows] == [*("Balance", "Position", "Order", "TriggerOrder")]
    assert all(record.product == "USDT-FUTURES" for record in rows)
    subscribed = [message for message in peer.heard if message != "ping" and message["op"] == "subscribe"]
    assert sum(len(message["args"]) for message in subscribed) == 16
    assert {headers["locale"] for _, _, headers in peer.calls} == {"en-US"}
