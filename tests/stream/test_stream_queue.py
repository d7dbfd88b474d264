"""The queue: its bound, its end, and what it tells about what it had to leave out."""

from __future__ import annotations

import contextlib
import gc
import pickle
import queue
import signal
import threading
import time
from collections.abc import Callable
from random import Random
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from futures_stream import Balance, Closed, ConfigError, Execution, Gap, Order, Overflow, Position, Record, StreamQueue
from futures_stream.stream import ShutDown
from futures_stream.stream.backlog import Backlog
from futures_stream.stream.selection import Selection


def make(kind: type[Record], seq: int, exchange: str = "x", account: str = "a", **facts: object) -> Record:
    """A record of that kind."""
    if kind is Gap:
        facts = {"reason": "r", "since": 1} | facts
    return kind(exchange=exchange, account=account, seq=seq, timestamp=seq, **facts)  # type: ignore[arg-type]


def orders(*seqs: int, exchange: str = "x") -> list[Record]:
    """Some orders."""
    return [make(Order, seq, exchange) for seq in seqs]


def opened(maxsize: int = 0, writers: int = 1) -> StreamQueue:
    """A queue that some streams fill."""
    made = StreamQueue(maxsize)
    for _ in range(writers):
        made.open()
    return made


def drain(of: StreamQueue) -> list[Record]:
    """Take all that is there now."""
    taken = []
    while True:
        try:
            taken.append(of.get(block=False))
        except (queue.Empty, ShutDown):
            return taken


def closed(exchange: str = "x") -> Closed:
    """A stream's last notice."""
    return Closed(exchange=exchange, account="a", seq=999)


class Interrupted(BaseException):
    """What a signal handler of the user's raises, as Ctrl-C does."""


def ended_queue() -> StreamQueue:
    """A queue that has ended, and is empty."""
    made = opened()
    made.shutdown()
    return made


def full_queue() -> StreamQueue:
    """A queue without room."""
    made = opened(1)
    made.put("it")
    return made


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer here raises a signal")
@pytest.mark.parametrize(
    ("make_queue", "call"),
    [
        (opened, lambda box: box.get(block=False)),
        (opened, lambda box: box.get(timeout=1e-6)),
        (ended_queue, lambda box: box.get()),
        (ended_queue, lambda box: box.put(1)),
        (ended_queue, lambda box: box.open()),
        (full_queue, lambda box: box.put(1, block=False)),
        (opened, lambda box: box.task_done()),
    ],
)
def test_an_interrupt_in_the_moment_of_an_exception(
    make_queue: Callable[[], StreamQueue], call: Callable[[StreamQueue], object]
) -> None:
    """A Ctrl-C that comes just when the wait is over in vain leaves no lock held: the stream could not deliver more."""
    hits = 0

    def interrupt(_signal: int, frame: FrameType | None) -> None:
        while frame is not None and not frame.f_globals["__name__"].startswith("futures_stream"):
            frame = frame.f_back
        if frame is not None:
            raise Interrupted

    box, chance = make_queue(), Random(1)
    usual = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(300):
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 2e-5))
            try:
                for _ in range(5):
                    with contextlib.suppress(queue.Empty, queue.Full, ShutDown, ConfigError, ValueError):
                        call(box)
            except Interrupted:
                hits += 1
            assert not box.mutex.locked()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)

    assert hits


# -- a consumer that falls behind -------------------------------------------------------------------------------------


def test_who_falls_behind_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """At ten thousand records that wait, and a hundred thousand; again only after it has caught up by a fifth."""
    caplog.set_level("INFO")
    backlog, (order,) = Backlog(), orders(1)

    def said(*waiting: int) -> list[str]:
        caplog.clear()
        for number in waiting:
            backlog.look(number, order)
        return [record.levelname for record in caplog.records]

    assert said(1, 9_999) == []
    assert said(10_000, 10_001, 9_000, 10_000, 8_000, 99_999) == ["WARNING"]
    assert "x/a: the consumer is behind: 10,000 records" in caplog.text
    assert said(100_000, 90_000, 100_000, 999_999) == ["WARNING"]
    assert said(79_999, 90_000) == ["INFO"]
    assert said(100_000, 5_000, 9_999) == ["WARNING", "INFO"]
    assert said(1_000_000, 1) == ["WARNING", "INFO"]


def test_the_queue_looks_at_its_backlog(caplog: pytest.LogCaptureFixture) -> None:
    """It is warned of when it is delivered, and not told again while it stays so."""
    made = opened()
    made.deliver([])
    made.deliver(orders(*range(9_999)))
    assert caplog.text == ""
    made.deliver(orders(1))
    made.deliver(orders(2))

    assert caplog.text.count("WARNING") == 1


def test_the_oldest_that_waits() -> None:
    """Who wants to know how far a consumer lags behind looks at it without a lock."""
    made = opened(2)
    assert made.oldest is None
    made.deliver(orders(1, 2, 3))
    with made.mutex:
        assert made.oldest.seq == 1  # type: ignore[union-attr]
    assert [made.get().seq, made.get().seq] == [1, 2]
    assert made.oldest is None  # what is missing does not wait


# -- taking -----------------------------------------------------------------------------------------------------------


def test_it_is_a_queue() -> None:
    """Code written for queue.Queue takes it."""
    made = opened()
    made.deliver(orders(1, 2))

    assert isinstance(made, queue.Queue)
    assert made.qsize() == 2
    assert not made.empty()
    assert made.get_nowait().seq == 1
    made.task_done()
    assert made.get(timeout=1).seq == 2
    made.task_done()
    made.join()


def test_putting_waits_for_room() -> None:
    """A program may put its own: into a full queue when something was taken, and behind the end not at all."""
    made = StreamQueue(1)
    made.put("one")
    for late in (0, 0.01):
        with pytest.raises(queue.Full):
            made.put("two", timeout=late)
    with pytest.raises(queue.Full):
        made.put_nowait("two")
    with pytest.raises(ValueError, match="non-negative"):
        made.put("two", timeout=-1)
    putting = threading.Thread(target=made.put, args=("two",))
    joining = threading.Thread(target=made.join)
    putting.start()
    joining.start()
    while not made._putters:
        pass
    assert [made.get(timeout=10), made.get(timeout=10)] == ["one", "two"]
    putting.join()
    made.task_done()
    assert joining.is_alive()
    made.task_done()
    joining.join()
    with pytest.raises(ValueError, match="too many times"):
        made.task_done()
    made.shutdown()
    with pytest.raises(ShutDown):
        made.put("three")


@pytest.mark.parametrize("timeout", [0, 0.01])
def test_get_has_a_limit(timeout: float) -> None:
    """Nothing in time is queue.Empty."""
    made = opened()

    with pytest.raises(queue.Empty):
        made.get(timeout=timeout)
    with pytest.raises(queue.Empty):
        made.get(block=False)
    with pytest.raises(ValueError, match="non-negative"):
        made.get(timeout=-1)


@pytest.mark.parametrize("maxsize", [-1, 1.5, "5", None, True])
def test_the_bound_is_a_whole_number(maxsize: object) -> None:
    """A bound that is none is refused."""
    with pytest.raises(ConfigError, match="maxsize"):
        StreamQueue(maxsize)  # type: ignore[arg-type]


# -- the end ----------------------------------------------------------------------------------------------------------


def test_the_end_comes_behind_everything() -> None:
    """What was delivered, then Closed, then ShutDown, again and again."""
    made = opened()
    made.deliver(orders(1))
    made.end(closed())

    assert [type(made.get()) for _ in range(2)] == [Order, Closed]
    for _ in range(3):
        with pytest.raises(ShutDown):
            made.get(timeout=1)
    assert list(made) == []


def test_every_waiting_consumer_wakes_at_the_end() -> None:
    """No consumer hangs behind one who took the last notice."""
    made = opened()
    seen: list[list[Record]] = []
    consumers = [threading.Thread(target=lambda: seen.append(list(made))) for _ in range(8)]
    for consumer in consumers:
        consumer.start()
    made.deliver(orders(*range(100)))
    made.end(closed())
    for consumer in consumers:
        consumer.join(10)

    assert len(seen) == 8
    assert sorted(record.seq for part in seen for record in part) == [*range(100), 999]


def test_several_streams_end_one_by_one() -> None:
    """A shared queue gives each stream's Closed, and ends with the last one."""
    made = opened(writers=2)
    made.end(closed("one"))
    made.deliver(orders(5, exchange="two"))
    assert [record.exchange for record in drain(made)] == ["one", "two"]
    with pytest.raises(queue.Empty):
        made.get(block=False)
    made.end(closed("two"))

    assert [record.exchange for record in made] == ["two"]
    with pytest.raises(ConfigError, match="has ended"):
        made.open()


def test_shutdown_by_the_consumer() -> None:
    """What is left can still be taken, unless it is to be thrown away; later deliveries go nowhere."""
    for immediate in (False, True):
        made = opened()
        made.deliver(orders(1, 2))
        made.shutdown(immediate)
        made.deliver(orders(3))
        made.end(closed())
        assert [record.seq for record in made] == ([] if immediate else [1, 2])
        if immediate:
            made.join()


def test_shutdown_is_pythons_own_where_it_has_one() -> None:
    """Code written for 3.13 catches what is raised here."""
    assert getattr(queue, "ShutDown", ShutDown) is ShutDown
    assert ShutDown.__name__ == "ShutDown"


# -- the bound --------------------------------------------------------------------------------------------------------


def test_overflow_stands_where_records_are_missing() -> None:
    """Those that found room, the place and the number of those that did not, those that found room again."""
    made = opened(3)
    made.deliver(orders(1, 2, 3, 4, 5))
    made.deliver(orders(6))
    first = made.get()
    made.deliver(orders(7))
    taken = [first, *drain(made)]
    made.deliver(orders(8))
    taken += drain(made)

    assert [type(record).__name__ for record in taken[:4]] == ["Order", "Order", "Order", "Overflow"]
    told = [record for record in taken if isinstance(record, Overflow)]
    assert sum(overflow.missed for overflow in told) == made.missed
    assert told[0].classes == {"Order": 3} or told[0].missed >= 3
    assert told[0].seq == 4
    assert taken[-1].seq == 8


def test_what_repeats_gives_way_first() -> None:
    """The last tenth of the room is for orders, executions, warnings and notices."""
    made = opened(100)
    made.deliver([make(Balance, seq) for seq in range(95)])
    assert made.missed == 5
    made.deliver([make(Position, 200), make(Execution, 201), make(Order, 202), make(Gap, 203)])
    assert made.missed == 6

    taken = drain(made)
    assert [type(record).__name__ for record in taken[90:]] == ["Overflow", "Execution", "Order", "Gap"]
    assert taken[90].classes == {"Balance": 5, "Position": 1}  # type: ignore[attr-defined]


def test_unbounded_on_request() -> None:
    """Without a bound nothing is ever missed."""
    made = opened(0)
    made.deliver(orders(*range(120_000)))

    assert made.qsize() == 120_000
    assert made.missed == 0


def test_the_end_finds_room() -> None:
    """A full queue takes Closed all the same."""
    made = opened(2)
    made.deliver(orders(1, 2, 3))
    made.end(closed())

    assert [type(record).__name__ for record in made] == ["Order", "Order", "Overflow", "Closed"]


def test_each_stream_learns_of_its_own_loss() -> None:
    """One place may miss records of two streams: each is told of in its own name."""
    made = opened(1, writers=2)
    made.deliver(orders(1, 2, exchange="one"))
    made.deliver(orders(9, 10, exchange="two"))

    taken = drain(made)
    assert [(record.exchange, getattr(record, "missed", 0)) for record in taken] == [("one", 0), ("one", 1), ("two", 2)]
    for _ in taken:
        made.task_done()
    made.join()


def test_a_second_overflow_of_one_place_wakes_somebody() -> None:
    """Three consumers wait; a record, and a place where two streams miss something, are one item for each of them."""
    for _ in range(20):
        began = time.monotonic()
        seen = three_items_for_three()
        assert sum(getattr(record, "missed", 1) for record in seen) == 3
        assert time.monotonic() - began < 1.9


def three_items_for_three() -> list[Record]:
    """Let three consumers wait, deliver to them, and return what they took."""
    made, seen = opened(1, writers=2), []
    consumers = [threading.Thread(target=lambda: seen.append(made.get(timeout=2))) for _ in range(3)]
    for consumer in consumers:
        consumer.start()
    while len(made._takers) < 3:
        pass
    made.deliver(orders(1, 2, exchange="one"))
    made.deliver(orders(3, exchange="two"))
    for consumer in consumers:
        consumer.join()
    return seen


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 25),
    st.lists(
        st.one_of(
            st.integers(1, 30),
            st.tuples(
                st.sampled_from(["one", "two"]),
                st.lists(st.sampled_from([Balance, Position, Order, Execution, Gap]), max_size=12),
            ),
        ),
        max_size=30,
    ),
)
def test_every_record_is_delivered_or_counted(maxsize: int, steps: list[object]) -> None:
    """Whatever is delivered and taken, in whatever rhythm: order is kept, and nothing vanishes uncounted."""
    made = opened(maxsize, writers=2)
    given_, taken = {"one": 0, "two": 0}, []
    for step in steps:
        if isinstance(step, int):
            for _ in range(step):
                try:
                    taken.append(made.get(block=False))
                except queue.Empty:
                    break
        else:
            who, kinds = step  # type: ignore[misc]
            first = given_[who] + 1
            made.deliver([make(kind, seq, who) for seq, kind in enumerate(kinds, start=first)])
            given_[who] += len(kinds)
            if maxsize:
                assert made.qsize() <= 2 * maxsize + 1
    for who in given_:
        made.end(closed(who))
    taken += list(made)

    for who, count in given_.items():
        *mine, last = [record for record in taken if record.exchange == who]
        assert isinstance(last, Closed)
        expected, missed = 1, 0
        for record in mine:
            if isinstance(record, Overflow):
                assert record.seq >= expected  # the place of the first one that is missing
                assert sum(record.classes.values()) == record.missed
                missed += record.missed
            else:
                assert record.seq >= expected
                expected = record.seq + 1
        assert len(mine) - sum(isinstance(record, Overflow) for record in mine) + missed == count
    for _ in taken:
        made.task_done()
    assert made.unfinished_tasks == 0


def test_writers_and_readers_at_once() -> None:
    """Two streams, four consumers, a small bound: everything is taken once or counted once."""
    made = opened(50, writers=2)
    seen: list[list[Record]] = []
    readers = [threading.Thread(target=lambda: seen.append(list(made))) for _ in range(4)]

    def write(who: str) -> None:
        for seq in range(0, 5000, 5):
            made.deliver(orders(*range(seq, seq + 5), exchange=who))
        made.end(closed(who))

    writers = [threading.Thread(target=write, args=(who,)) for who in ("one", "two")]
    for thread in (*readers, *writers):
        thread.start()
    for thread in (*readers, *writers):
        thread.join(30)

    everything = [record for part in seen for record in part]
    got = [record for record in everything if isinstance(record, Order)]
    missed = sum(record.missed for record in everything if isinstance(record, Overflow))
    assert len(got) + missed == 10_000
    assert missed == made.missed
    assert len({(record.exchange, record.seq) for record in got}) == len(got)
    for part in seen:  # in every consumer's own sight, order holds
        for who in ("one", "two"):
            seqs = [record.seq for record in part if record.exchange == who and isinstance(record, Order)]
            assert seqs == sorted(seqs)


# -- selections -------------------------------------------------------------------------------------------------------


def test_a_selection_picks_classes_and_a_symbol() -> None:
    """What was asked for, what has no symbol, and every notice."""
    made = opened()
    selection = Selection(made, (Order, Balance), "BTC")
    selection.deliver(
        [
            make(Order, 1, symbol="BTC"),
            make(Order, 2, symbol="ETH"),
            make(Balance, 3),
            make(Execution, 4, symbol="BTC"),
            make(Gap, 5, symbol="ETH"),
        ]
    )
    selection.end(closed())

    assert [record.seq for record in made] == [1, 3, 5, 999]


def test_a_selection_of_nothing_is_everything() -> None:
    """No classes means all classes."""
    made = opened()
    Selection(made, (), None).deliver([make(Order, 1), make(Balance, 2), make(Gap, 3)])

    assert made.qsize() == 3


def test_a_selection_for_nobody() -> None:
    """A queue that was forgotten is filled no more, and whoever fills it is told."""
    made, detached = opened(), []
    selection = Selection(made, detach=detached.append)
    selection.deliver(orders(1))
    assert (made.qsize(), detached) == (1, [])
    del made
    gc.collect()
    selection.deliver(orders(2))
    selection.end(closed())

    assert detached == [selection]


def test_records_can_be_pickled_but_a_queue_cannot() -> None:
    """What was taken can go to another process."""
    record = make(Order, 1, symbol="BTC")

    assert pickle.loads(pickle.dumps(record)) == record
