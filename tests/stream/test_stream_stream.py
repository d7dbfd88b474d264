"""The stream in its consumer's hands: iterating, waiting, looking, closing."""

from __future__ import annotations

import queue
import threading

import pytest
from engine_rig import LOGGED_IN, SECRETS, Rig, login_code, names, order_push, reply_bitget

from futures_stream import (
    Balance,
    Closed,
    ConfigError,
    ConnectFailed,
    Gap,
    Live,
    LoginRejected,
    Mark,
    Order,
    OrderEnded,
    OrderStatus,
    Record,
    State,
    Stream,
    StreamFailed,
    StreamQueue,
    Tick,
)
from futures_stream.stream import ShutDown


class Later(threading.Thread):
    """Something that waits, on a thread, and how it ended."""

    def __init__(self, wait) -> None:  # type: ignore[no-untyped-def]
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


# -- iterating --------------------------------------------------------------------------------------------------------


def test_iterating_ends_quietly_at_close() -> None:
    """What was delivered, without Closed, then the end."""
    with Rig("bitget") as rig:
        rig.start()
        rig.network.accept().say(order_push("1"))
        rig.settle()
        rig.stream.close()

        assert names(rig.stream) == ["Live", "Order"]
        assert list(rig.stream) == []


class LooksAtTheEnd(StreamQueue):
    """A queue that looks at the stream's state while it is told the end, and lets somebody wait for that state."""

    stream: Stream
    state: object = None
    waiter: Later

    def end(self, notice: Closed) -> None:
        """Look, then take the last record."""
        self.state = self.stream.status.state
        began = threading.Event()
        self.waiter = Later(lambda: (began.set(), self.stream.wait_state("closed"), self.qsize())[-1])
        began.wait(10)
        for _ in range(1000):  # let it run, if it would
            self.stream.stats()
        super().end(notice)


def test_who_finds_the_end_finds_the_state_and_the_other_way_round() -> None:
    """The state is the last one when Closed can be read, and Closed can be read when a wait for the state is over."""
    looking = LooksAtTheEnd()
    with Rig("bitget", queue=looking) as rig:
        looking.stream = rig.stream
        rig.open()
        rig.stream.close()

        assert looking.state == "closed"
        assert looking.waiter.end == 1


def test_iterating_raises_what_ended_the_stream() -> None:
    """A stream that cannot go on says why, every time it is asked."""
    with Rig("bitget") as rig:
        rig.network.replies = login_code("60001")
        rig.stream.start()
        for _ in range(2):
            with pytest.raises(StreamFailed) as failure:
                list(rig.stream)
            assert isinstance(failure.value.__cause__, LoginRejected)
            assert failure.value.code == "60001"


def test_a_stop_while_backing_off_is_no_failure() -> None:
    """Closing a stream that had trouble ends its iteration quietly."""
    with Rig("bitget") as rig:
        rig.network.fail_dials(*[ConnectFailed("down")] * 5)
        rig.start()
        rig.stream.close()

        assert list(rig.stream) == []
        assert list(rig.stream) == []
        assert rig.stream.status.error is None


def test_a_loop_with_other_things_to_do_gets_ticks() -> None:
    """Nothing for a while is a tick, not an end."""
    with Rig("bitget") as rig:
        rig.start()
        records = rig.stream.records(tick=0.001)

        assert isinstance(next(records), Live)
        tick = next(records)
        assert isinstance(tick, Tick)
        assert tick.timestamp == rig.clock.unix_ms()
        assert isinstance(next(records), Tick)
        rig.stream.close()
        assert [record for record in records if not isinstance(record, Tick)] == []


def test_a_shared_queue_is_iterated_itself() -> None:
    """Iterating one of two streams that share a queue would take the other's records."""
    shared = StreamQueue()
    with Rig("bitget", queue=shared) as one, Rig("bitmusa", queue=shared, account="two") as two:
        one.start()
        two.start()
        with pytest.raises(ConfigError, match="iterate the queue"):
            iter(one.stream).__next__()
        with pytest.raises(ConfigError, match="iterate the queue"):
            next(iter(one.stream.records()))
        one.stream.close()
        two.stream.close()

        records = list(shared)
        assert {record.account for record in records if isinstance(record, Closed)} == {"default", "two"}
        assert isinstance(records[-1], Closed)


def test_get_is_the_queues_own() -> None:
    """A record, or queue.Empty, or ShutDown at the end."""
    with Rig("bitget") as rig:
        rig.start()
        assert isinstance(rig.stream.get(timeout=0), Live)
        with pytest.raises(queue.Empty):
            rig.stream.get(timeout=0)
        rig.stream.close()
        assert isinstance(rig.stream.get(), Closed)
        with pytest.raises(ShutDown):
            rig.stream.get()


# -- queues of one's own ----------------------------------------------------------------------------------------------


def test_subscribe_gives_a_queue_of_its_own() -> None:
    """Chosen classes from now on, notices always, and one slow consumer harms no other."""
    with Rig("bitget") as rig:
        server = rig.open()
        mine = rig.stream.subscribe(Order, symbol="BTCUSDT")
        small = rig.stream.subscribe(Order, maxsize=1)
        other = rig.stream.subscribe(Balance, symbol="ETHUSDT")
        rig.say(server, order_push("1"), order_push("2"))
        server.drop()
        rig.settle()
        rig.stream.close()

        assert names(mine) == ["Order", "Order", "Gap", "Resynced", "Live", "Closed"]
        assert names(other) == ["Gap", "Resynced", "Live", "Closed"]
        assert names(small)[:2] == ["Order", "Overflow"]
        assert small.missed == 4
        assert rig.stream.queue.missed == 0


@pytest.mark.parametrize("wrong", ["orders", Order(exchange="x", account="y"), int])
def test_subscribe_takes_classes_of_record(wrong: object) -> None:
    """Anything else is refused in the caller."""
    with Rig("bitget") as rig:
        rig.start()
        with pytest.raises(ConfigError, match="classes of record"):
            rig.stream.subscribe(wrong)  # type: ignore[arg-type]


def test_subscribing_to_an_ended_stream_gives_its_end() -> None:
    """Who comes too late gets Closed, and does not hang."""
    with Rig("bitget") as rig:
        rig.start()
        rig.stream.close()

        assert names(rig.stream.subscribe()) == ["Closed"]


# -- waiting ----------------------------------------------------------------------------------------------------------


def test_wait_for_consumes_nothing() -> None:
    """It sees what is delivered from the call on, and leaves it on the queue."""
    with Rig("bitget") as rig:
        server = rig.open()
        seen: list[Record] = []
        attached = threading.Event()

        def wanted(record: Record) -> bool:
            seen.append(record)
            attached.set()
            return isinstance(record, Order) and record.order_id == "2"

        rig.say(server, order_push("2"))
        later = Later(lambda: rig.stream.wait_for(wanted, timeout=10))
        number = 10
        while not attached.is_set():  # until the call has begun to listen
            number += 1
            server.say(order_push(str(number)))
            rig.settle()
        server.say(order_push("1"), order_push("2"))
        found = later.end

        assert isinstance(found, Order)
        assert found.order_id == "2"
        assert rig.told()[-1] is found


def test_wait_for_has_a_limit() -> None:
    """In vain is TimeoutError."""
    with Rig("bitget") as rig:
        rig.start()
        with pytest.raises(TimeoutError, match=r"0\.01 s"):
            rig.stream.wait_for(lambda record: False, timeout=0.01)


def test_waiting_ends_with_the_stream() -> None:
    """Who waits for a record of a stream that ends is told so."""
    with Rig("bitget") as rig:
        rig.start()
        waiting = [
            Later(lambda: rig.stream.wait_for(lambda record: False)),
            Later(lambda: rig.stream.wait_order(order_id="1")),
            Later(lambda: rig.stream.wait_state("greeting")),
        ]
        rig.clock.settle(2)
        rig.stream.close()

        assert [type(later.end) for later in waiting] == [StreamFailed] * 3
        with pytest.raises(StreamFailed):
            rig.stream.wait_for(lambda record: False)


def test_a_predicate_that_raises_leaves_nothing_behind() -> None:
    """The caller gets his own error."""
    with Rig("bitget") as rig:
        rig.start()
        rig.stream.stop()
        with pytest.raises(ZeroDivisionError):
            rig.stream.wait_for(lambda record: 1 / 0)


def test_an_order_that_is_there_already_is_found() -> None:
    """What came before the call counts, by either id."""
    with Rig("bitget") as rig:
        server = rig.open()
        rig.say(server, order_push("1", "partially_filled", "1"), order_push("2", "filled", "2"))

        assert rig.stream.wait_order(order_id="2", timeout=0).status is OrderStatus.FILLED
        assert rig.stream.wait_order(client_order_id="c2", timeout=0).order_id == "2"
        assert rig.stream.wait_order(order_id="1", until="partially_filled", timeout=0).filled == 1
        assert rig.stream.wait_order(order_id="2", until=OrderStatus.PARTIALLY_FILLED, timeout=0).filled == 2
        assert rig.stream.wait_order(order_id="1", until="new", timeout=0).order_id == "1"
        with pytest.raises(TimeoutError):
            rig.stream.wait_order(order_id="1", timeout=0.01)


def test_an_order_that_comes_later_is_waited_for() -> None:
    """Each update is looked at, until the status is there."""
    with Rig("bitget") as rig:
        server = rig.open()
        later = Later(lambda: rig.stream.wait_order(order_id="1", timeout=10))
        for status in ("new", "partially_filled", "filled"):
            server.say(order_push("7", "filled"), order_push("1", status))

        assert isinstance(later.end, Order)
        assert later.outcome.status is OrderStatus.FILLED  # type: ignore[union-attr]


def test_a_late_state_does_not_hide_how_an_order_stands() -> None:
    """What is marked LATE was overtaken by what came before it."""
    with Rig("bitget") as rig:
        server = rig.open()
        told = rig.say(server, order_push("1", "filled", "2"), order_push("1", "new", "0"))
        assert [record.marks for record in told] == [frozenset(), {Mark.LATE}]

        assert rig.stream.wait_order(order_id="1", timeout=0).status is OrderStatus.FILLED


def test_an_order_that_ended_otherwise() -> None:
    """A canceled order will never be filled: the exception has it."""
    with Rig("bitget") as rig:
        server = rig.open()
        rig.say(server, order_push("1", "canceled", "0.5"))

        with pytest.raises(OrderEnded) as failure:
            rig.stream.wait_order(order_id="1", timeout=0)
        assert failure.value.order is not None
        assert failure.value.order.status is OrderStatus.CANCELED
        assert rig.stream.wait_order(order_id="1", until="canceled", timeout=0).order_id == "1"


@pytest.mark.parametrize(
    "wrong", [{}, {"order_id": "1", "client_order_id": "2"}, {"order_id": "1", "until": "nonsense"}]
)
def test_waiting_for_an_order_needs_one_id_and_a_status(wrong: dict[str, str]) -> None:
    """What makes no sense is refused in the caller."""
    with Rig("bitget") as rig:
        rig.start()
        with pytest.raises(ConfigError):
            rig.stream.wait_order(**wrong)  # type: ignore[arg-type]


def test_waiting_for_a_state() -> None:
    """At once if it is there, later if it comes, TimeoutError if not, StreamFailed if it never will."""
    with Rig("bitget") as rig:
        server = rig.open()
        assert rig.stream.wait_state("live", 0).state is State.LIVE
        later = Later(lambda: rig.stream.wait_state(State.BACKING_OFF, 60))
        rig.settle(more=1)
        rig.network.fail_dials(*[ConnectFailed("down")] * 9)
        server.drop()
        assert later.end.state is State.BACKING_OFF  # type: ignore[attr-defined]
        with pytest.raises(TimeoutError, match="not live within 0 s"):
            rig.stream.wait_state("live", 0)
        with pytest.raises(ConfigError, match="no state"):
            rig.stream.wait_state("alive")
        rig.stream.close()
        with pytest.raises(StreamFailed, match="will never be live"):
            rig.stream.wait_state("live")


# -- looking ----------------------------------------------------------------------------------------------------------


def test_repr_tells_an_operator_the_truth() -> None:
    """State, blindness, last error, numbers; never a secret."""
    with Rig("bitget") as rig:
        server = rig.open()
        assert repr(rig.stream) == "<Stream bitget/default: live; 1 records, 0 queued, 0 missed>"
        rig.network.fail_dials(*[ConnectFailed("no way")] * 9)
        server.drop()
        rig.settle()
        shown = repr(rig.stream)

        assert "backing_off" in shown
        assert "blind since 1700000000000" in shown
        assert "last error: ConnectFailed: no way" in shown
        assert not [secret for secret in SECRETS if secret in shown + repr(rig.stream.status) + repr(rig.stream._plan)]


def test_stats_count() -> None:
    """Numbers of what happened, unknown words of the connection that is up included."""
    with Rig("bitget") as rig:
        server = rig.open()
        server.say(order_push("1", "strange"), order_push("2"))
        rig.settle()
        stats = rig.stream.stats()

        assert (stats.records, stats.connects, stats.queued, stats.missed, stats.lag) == (3, 1, 2, 0, 0.0)
        rig.clock.advance(1.5)
        assert rig.stream.stats().lag == 1.5
        assert stats.unknown_words == {"OrderStatus:strange": 1}
        server.drop()
        rig.settle()
        assert rig.stream.stats().unknown_words == {"OrderStatus:strange": 1}


def test_status_is_frozen() -> None:
    """What was looked at does not change under the looker."""
    with Rig("bitget") as rig:
        before = rig.stream.status
        rig.start()

        assert before.state is State.IDLE
        with pytest.raises(AttributeError):
            before.state = State.LIVE  # type: ignore[misc]


# -- closing ----------------------------------------------------------------------------------------------------------


class Closer:
    """A monitor that does what it must not."""

    def __init__(self) -> None:
        self.stream = None

    def apply(self, record: Record) -> tuple[Record, ...]:
        """Close the stream from its own thread."""
        if isinstance(record, Order):
            self.stream.close()  # type: ignore[attr-defined]
        return ()

    def due(self, now_ms: int) -> tuple[Record, ...]:
        """Say nothing."""
        return ()


def test_closing_from_the_streams_own_thread_is_refused() -> None:
    """That would wait for itself: it is an error, not a deadlock, and the stream ends all the same."""
    monitor = Closer()
    with Rig("bitget", monitors=[monitor]) as rig:
        monitor.stream = rig.stream  # type: ignore[assignment]
        server = rig.open()
        server.say(order_push("1"))
        rig.stream.wait_state("closed")
        order, failed, closed = rig.told()

        assert isinstance(order, Order)
        assert "RuntimeError" in failed.error  # type: ignore[attr-defined]
        assert isinstance(closed, Closed)


def test_many_may_close_at_once() -> None:
    """From any number of threads, in the middle of records; every one returns, Closed comes once."""
    with Rig("bitget") as rig:
        server = rig.open()
        closing = [Later(rig.stream.close) for _ in range(8)]
        server.say(*[order_push(str(number)) for number in range(50)])
        assert [later.end for later in closing] == [None] * 8

        kinds = rig.kinds()
        assert kinds.count("Closed") == 1
        assert kinds[-1] == "Closed"


def test_the_block_closes() -> None:
    """The end of the block is the end of the stream, whatever ended the block."""
    with Rig("bitget") as rig:
        rig.start()
        with pytest.raises(KeyError), rig.stream:
            raise KeyError

        assert rig.state == "closed"


def test_closing_with_a_full_queue() -> None:
    """A consumer who takes nothing holds up nothing."""
    with Rig("bitget", maxsize=1) as rig:
        rig.start()
        rig.network.accept().say(*[order_push(str(number)) for number in range(100)])
        rig.settle()
        rig.stream.close()

        assert rig.kinds() == ["Live", "Overflow", "Closed"]


def test_what_was_greeted_partly_is_closed_too() -> None:
    """In the middle of the greeting a close is as quick as ever, and tells no gap."""
    with Rig("bitget") as rig:
        rig.network.replies = None
        rig.start()
        server = rig.network.accept()
        server.say(LOGGED_IN, *[reply for text in server.heard() for reply in reply_bitget(text)])
        rig.stream.close()

        told = rig.told()
        assert isinstance(told[-1], Closed)
        assert not [record for record in told if isinstance(record, Gap)]
