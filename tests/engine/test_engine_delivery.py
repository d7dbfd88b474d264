"""The last step: one order, every queue, and the monitors beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from engine_rig import Rig, order_push

from futures_stream import Closed, ConnectFailed, Live, MonitorFailed, Notice, Record, Tick
from futures_stream.engine.delivery import Delivery
from futures_stream.testing import FakeClock


class Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.ends = 0

    def deliver(self, records: Iterable[Record]) -> None:
        """Keep them."""
        self.records += records

    def end(self, notice: Closed) -> None:
        """Keep it."""
        self.records.append(notice)
        self.ends += 1

    @property
    def seqs(self) -> list[int]:
        """Their numbers."""
        return [record.seq for record in self.records]


class Late(Kept):
    """A sink in whose first delivery another sink is attached."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__()
        self.delivery, self.other = delivery, Kept()

    def deliver(self, records: Iterable[Record]) -> None:
        """Attach it, before anything is kept."""
        if not self.records:
            self.delivery.attach(self.other)
        super().deliver(records)


class Monitor:
    """Says what it is told to."""

    def __init__(self, behind: object = (), at: object = ()) -> None:
        self.behind, self.at, self.seen, self.looks = behind, at, 0, 0

    def apply(self, record: Record) -> Iterable[Record]:
        """Put something behind each record."""
        self.seen += 1
        return self._said(self.behind)

    def due(self, now_ms: int) -> Iterable[Record]:
        """Say something about the time."""
        self.looks += 1
        return self._said(self.at)

    def _said(self, what: object) -> Iterable[Record]:
        if isinstance(what, Exception):
            raise what
        return what  # type: ignore[return-value]


def note(exchange: str = "x") -> Record:
    """A notice without a number."""
    return Notice(exchange=exchange, account="y")


def delivery(*monitors: Monitor) -> tuple[Delivery, Kept, FakeClock]:
    """A delivery with a sink."""
    clock = FakeClock()
    made, kept = Delivery("bitget", "main", clock, monitors), Kept()
    made.attach(kept)
    return made, kept, clock


def test_everything_gets_the_next_number() -> None:
    """Records, notices and what monitors add share one sequence, without a hole."""
    made, kept, _ = delivery(Monitor(behind=[note(), note()]))
    made.add([Tick(exchange="a", account="b", seq=1), Tick(exchange="a", account="b", seq=2)])
    made.notice(Live)
    made.flush()
    made.end(None)

    assert kept.seqs == list(range(1, 11))
    assert kept.ends == 1


def test_who_comes_later_hears_what_comes_later() -> None:
    """A sink gets what is handed over while it is attached, and the end even if it comes too late for everything."""
    made, first, _ = delivery()
    made.notice(Live)
    made.flush()
    second = Kept()
    made.attach(second)
    made.notice(Live)
    made.flush()
    made.detach(first)
    made.notice(Live)
    made.end(ConnectFailed("x"))
    third = Kept()
    made.attach(third)

    assert first.seqs == [1, 2]
    assert second.seqs == [2, 3, 4]
    assert [type(record) for record in third.records] == [Closed]
    assert (first.ends, second.ends, third.ends) == (0, 1, 1)


def test_attaching_while_it_ends() -> None:
    """Whoever attaches at any moment around the end hears of it exactly once."""
    for _ in range(300):
        assert ends_heard() == [1] * 5


def ends_heard() -> list[int]:
    """Attach five sinks while a delivery ends, and return how many ends each has heard of."""
    made, _, _ = delivery()
    sinks = [Kept() for _ in range(5)]
    attaching = threading.Thread(target=lambda: [made.attach(sink) for sink in sinks])
    attaching.start()
    made.end(None)
    attaching.join()
    return [sink.ends for sink in sinks]


def test_a_monitor_that_raises_is_taken_off() -> None:
    """Its exception is a notice behind the record; the others and the stream go on."""
    good, bad = Monitor(), Monitor(behind=ValueError("oops"))
    made, kept, _ = delivery(bad, good)
    made.notice(Live)
    made.notice(Live)
    made.flush()

    live, failed, again = kept.records
    assert isinstance(live, Live)
    assert isinstance(failed, MonitorFailed)
    assert (failed.monitor, failed.error) == ("Monitor", "ValueError: oops")
    assert isinstance(again, Live)
    assert (bad.seen, good.seen) == (1, 2)


def test_a_monitor_that_says_nonsense_is_taken_off() -> None:
    """What is no record cannot be delivered: that is the monitor's fault, and must not end the stream."""

    def halfway() -> Iterator[Record]:
        yield note()
        raise KeyError("halfway")

    for nonsense in ("abc", None, [1], 5, halfway()):
        made, kept, _ = delivery(Monitor(behind=nonsense))
        made.notice(Live)
        made.flush()
        assert [type(record) for record in kept.records] == [Live, MonitorFailed]

        made, kept, _ = delivery(Monitor(at=nonsense if not hasattr(nonsense, "send") else "x"))
        made.look_at_time()
        made.flush()
        assert [type(record) for record in kept.records] == [MonitorFailed]


def test_monitors_look_at_the_time_about_once_a_second() -> None:
    """A quiet stream calls them every second, a busy one no more often, a changed wall clock does not stop them."""
    monitor = Monitor()
    with Rig("bitget", channels=["orders"], monitors=[monitor]) as rig:
        server = rig.open()
        monitor.looks = 0
        rig.clock.advance(60)
        assert 58 <= monitor.looks <= 61
        for number in range(50):
            rig.say(server, order_push(str(number)))
        assert monitor.looks <= 61

        for jump in (-86_400, 2 * 86_400):
            monitor.looks = 0
            rig.clock.jump(jump)
            rig.clock.advance(10)
            assert 9 <= monitor.looks <= 12


def test_what_monitors_say_about_the_time_is_delivered_at_once() -> None:
    """It does not wait for the exchange to say something."""
    with Rig("bitget", monitors=[Monitor(at=[note("mine")])]) as rig:
        rig.open()
        rig.clock.advance(3)

        assert len([record for record in rig.told() if record.exchange == "mine"]) >= 3


def test_who_is_attached_in_the_middle_of_a_delivery_has_it_or_finds_it() -> None:
    """What the sinks in front have not got yet comes to everybody who is attached by then: no wait falls in between."""
    delivery = Delivery("x", "a", FakeClock())
    first = Late(delivery)
    delivery.attach(Kept())
    delivery.attach(first, in_front=True)
    delivery.notice(Notice)
    delivery.flush()
    delivery.end(None)

    assert first.seqs == first.other.seqs == [1, 2]
    assert (first.ends, first.other.ends) == (1, 1)
