"""
Defects of ours, or of what a user has plugged in, wherever they come up: the stream ends aloud, and nothing else does.

They are injected through public seams only: a dialect of the user's, a network, a queue, a clock, a source of chance,
a monitor. Each carries a secret, which nobody may see.
"""

from __future__ import annotations

import logging
import re
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from engine_rig import FINE, KEY_1, Rig, key_answer, names, order_push, wallet_push

from futures_stream import Closed, ConnectFailed, Record, StreamFailed, StreamQueue
from futures_stream.dialects import Dialect
from futures_stream.dialects.bitget import Bitget
from futures_stream.dialects.bitmusa import Bitmusa
from futures_stream.testing import FakeClock, FakeNetwork, FakeServer

PATIENCE = 10.0
CANARY = "canary-7f3a9e"
A_PLACE = re.compile(r"\w+/\w+\.py:\d+ in \w+")


class Broken(Exception):
    """What nobody has foreseen."""


def fail(*_: object, **__: object) -> Any:
    """Be the defect."""
    secret = CANARY
    raise Broken(f"Authorization: {secret}")


def run_out(*_: object, **__: object) -> Any:
    """Be out of memory."""
    raise MemoryError(CANARY)


class Fuse:
    """Lets calls through until it is blown; then they fail: one or all of them, before or after they have done it."""

    def __init__(self, place: str) -> None:
        self.how: Callable[..., Any] | None = None
        self.once = place.startswith("clock.")
        self.late = place in (
            "connection.dispose",
            "call.run",
        )  # else something would be left open

    def __call__(self, sound: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            how = self.how
            if how is None or self.late:
                came = sound(*args, **kwargs)
            if how is not None:
                self.how = None if self.once else how
                how()
            return came

        return guarded


class Fuses:
    """A fuse at each place that a user, or a test, may plug something of his own into."""

    def __init__(self) -> None:
        self._fuses: dict[str, Fuse] = {}

    def at(self, place: str) -> Fuse:
        """Return the fuse of a place such as ``session.receive``."""
        return self._fuses.setdefault(place, Fuse(place))

    def wired(self, what: str, sound: Any, *methods: str) -> Any:
        """Put fuses before some methods of a thing; the rest of it is as it was."""
        return Wired(sound, {name: self.at(f"{what}.{name}") for name in methods})


class Wired:
    """What :meth:`Fuses.wired` returns."""

    def __init__(self, sound: Any, fuses: dict[str, Fuse]) -> None:
        self._sound = sound
        self._fuses = fuses

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._sound, name)
        return self._fuses[name](value) if name in self._fuses else value


def dialect_with(fuses: Fuses, base: type[Dialect]) -> Dialect:
    """Return an exchange's dialect with fuses in it."""

    class Fused(base):  # type: ignore[misc, valid-type]
        def session(self, **asked: Any) -> Any:
            session = fuses.at("dialect.session")(super().session)(**asked)
            return fuses.wired("session", session, "opened", "receive", "subscribe", "unsubscribe")

        def stream_url(self, *asked: Any) -> Any:
            return fuses.at("dialect.stream_url")(super().stream_url)(*asked)

        def lease_request(self, *asked: Any) -> Any:
            return fuses.at("dialect.lease_request")(super().lease_request)(*asked)

        def read_lease(self, *asked: Any) -> Any:
            return fuses.at("dialect.read_lease")(super().read_lease)(*asked)

        def queries(self, *asked: Any, **more: Any) -> Any:
            return fuses.at("dialect.queries")(super().queries)(*asked, **more)

        def read_answer(self, *asked: Any, **more: Any) -> Any:
            return fuses.at("dialect.read_answer")(super().read_answer)(*asked, **more)

        def upgrade_refused(self, *asked: Any) -> Any:
            return fuses.at("dialect.upgrade_refused")(super().upgrade_refused)(*asked)

    return Fused()  # type: ignore[no-any-return]


class FusedNetwork(FakeNetwork):
    """A network with fuses in all that it returns."""

    def __init__(self, fuses: Fuses, *asked: Any) -> None:
        super().__init__(*asked)
        self._fuses = fuses

    def dial(self, *asked: Any) -> Any:
        """Prepare a connection."""
        errand = self._fuses.at("network.dial")(super().dial)(*asked)
        return Dial(self._fuses, self._fuses.wired("dial", errand, "run", "cancel"))

    def call(self, *asked: Any) -> Any:
        """Prepare a REST call."""
        errand = self._fuses.at("network.call")(super().call)(*asked)
        return self._fuses.wired("call", errand, "run", "cancel")


class Dial:
    """A dial that brings home a connection with fuses."""

    def __init__(self, fuses: Fuses, errand: Any) -> None:
        self._fuses = fuses
        self._errand = errand
        self.cancel = errand.cancel

    def run(self) -> Any:
        """Connect."""
        methods = ("receive", "send", "flush", "close", "dispose", "ping", "fileno")
        return self._fuses.wired("connection", self._errand.run(), *methods)


class FusedClock(FakeClock):
    """A clock that may fail whoever waits in a selector, or stamps a record."""

    def __init__(self, fuses: Fuses) -> None:
        super().__init__()
        self._fuses = fuses

    def select(self, *asked: Any) -> Any:
        """Wait for files."""
        return self._fuses.at("clock.select")(super().select)(*asked)

    def unix_ms(self) -> int:
        """Tell the time."""
        return self._fuses.at("clock.unix_ms")(super().unix_ms)()  # type: ignore[no-any-return]


class FusedQueue(StreamQueue):
    """A queue of the user's own."""

    def __init__(self, fuses: Fuses) -> None:
        super().__init__()
        self._fuses = fuses

    def deliver(self, records: Any) -> None:
        """Take records."""
        self._fuses.at("queue.deliver")(super().deliver)(records)

    def end(self, notice: Closed) -> None:
        """Take the last one."""
        self._fuses.at("queue.end")(super().end)(notice)


class Bench:
    """A stream with fuses everywhere, a second one that has none, and a thread that reads the first."""

    def __init__(self, exchange: str, **asked: Any) -> None:
        self.fuses = Fuses()
        self.exchange = exchange
        dialect = dialect_with(self.fuses, Bitget if exchange == "bitget" else Bitmusa)
        self.rig = Rig(dialect, queue=FusedQueue(self.fuses), account="first", **asked)
        usual, self.rig.clock = self.rig.network, FusedClock(self.fuses)
        self.rig.network = FusedNetwork(self.fuses, self.rig.clock, usual.replies)
        for method, answer in (("POST", key_answer(KEY_1)), ("PUT", FINE), ("GET", FINE)):
            self.rig.network.answer(method, answer)
        self.other = Rig("bitget")
        self.read: list[Record] = []

    def __enter__(self) -> Bench:
        self.rig.__enter__()
        self.other.__enter__()
        self.other_server = self.other.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.other.__exit__(*error)
        self.rig.__exit__(*error)

    def blow(self, place: str, how: Callable[..., Any] = fail) -> None:
        """Let the next call there fail, and each one after it."""
        self.fuses.at(place).how = how

    def is_its(self, thread: threading.Thread) -> bool:
        """Tell whether a thread is the first stream's."""
        return thread.name.startswith(f"futures-stream/{self.exchange}/first/")

    def end(self) -> Closed:
        """Read the stream to its end, as its consumer does, and return its last notice."""
        while True:
            self.read.append(self.rig.stream.get(timeout=PATIENCE))
            if isinstance(self.read[-1], Closed):
                return self.read[-1]


# -- what happens next, so that the place is come by ------------------------------------------------------------------


def push(bench: Bench, server: FakeServer) -> None:
    """The exchange says something."""
    server.say(order_push("1") if bench.exchange == "bitget" else wallet_push("1"))


def reconnect(bench: Bench, server: FakeServer) -> None:
    """The connection is lost."""
    server.drop()


def wait_for_ping(bench: Bench, server: FakeServer) -> None:
    """Time passes until the stream pings."""
    bench.rig.clock.advance(25)


def wait_for_renewal(bench: Bench, server: FakeServer) -> None:
    """Time passes until the listen key is renewed; the other side is alive."""
    for _ in range(200):
        if bench.rig.stream.status.state.ended:
            return
        server.answers_pings = True
        bench.rig.clock.advance(20)


def add(bench: Bench, server: FakeServer) -> None:
    """The user wants another channel; he is told, too."""
    with pytest.raises(StreamFailed):
        bench.rig.stream.add_channels("orders", timeout=PATIENCE)


def refresh(bench: Bench, server: FakeServer) -> None:
    """The user wants to know how the account stands; he is told, too."""
    with pytest.raises(StreamFailed):
        bench.rig.stream.refresh(timeout=PATIENCE)


def be_refused(bench: Bench, server: FakeServer) -> None:
    """The exchange refuses the next upgrade."""
    bench.rig.network.fail_dials(ConnectFailed("HTTP 500", status=500))
    server.drop()


PLACES = [
    # the I/O thread
    ("bitget", "dialect.session", reconnect),
    ("bitget", "dialect.stream_url", reconnect),
    ("bitget", "dialect.upgrade_refused", be_refused),
    ("bitget", "session.opened", reconnect),
    ("bitget", "session.receive", push),
    ("bitmusa", "session.receive", push),
    ("bitget", "session.subscribe", add),
    ("bitget", "network.dial", reconnect),
    ("bitget", "connection.receive", push),
    ("bitget", "connection.send", wait_for_ping),
    ("bitmusa", "connection.ping", wait_for_ping),
    ("bitget", "connection.flush", wait_for_ping),
    ("bitget", "connection.dispose", reconnect),
    ("bitget", "clock.select", push),
    ("bitmusa", "clock.unix_ms", reconnect),
    ("bitget", "queue.deliver", push),
    ("bitmusa", "dialect.queries", refresh),
    # a helper thread
    ("bitget", "dial.run", reconnect),
    ("bitmusa", "dial.run", reconnect),
    # the REST thread, and its helper thread
    ("bitmusa", "dialect.lease_request", wait_for_renewal),
    ("bitmusa", "dialect.read_lease", wait_for_renewal),
    ("bitmusa", "dialect.read_answer", refresh),
    ("bitmusa", "network.call", refresh),
    ("bitmusa", "network.call", wait_for_renewal),
    ("bitmusa", "call.run", refresh),
    ("bitmusa", "call.run", wait_for_renewal),
]


def said_of(error: BaseException | None) -> str:
    """Return all that an exception and whatever hangs on it would show."""
    return (
        ""
        if error is None
        else "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    )


@pytest.mark.parametrize("how", [fail, run_out], ids=["defect", "memory"])
@pytest.mark.parametrize(("exchange", "place", "then"), PLACES)
def test_a_defect_ends_the_stream_aloud(
    exchange: str,
    place: str,
    then: Callable[[Bench, FakeServer], None],
    how: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The consumer is told where it was, and no secret; every thread ends; another stream goes on."""
    caplog.set_level(logging.DEBUG)
    channels = ("account", "positions") if then is add else None
    with Bench(exchange, channels=channels) as bench:
        server = bench.rig.open()
        bench.blow(place, how)
        then(bench, server)
        told = bench.end().error

        assert isinstance(told, StreamFailed)
        assert "please report it" in told.message
        assert ("MemoryError" if how is run_out else "Broken") in told.message
        assert len(A_PLACE.findall(told.message)) >= 2
        assert f"in {how.__name__}" in told.message
        assert bench.rig.state == "failed"
        with pytest.raises(StreamFailed):
            bench.rig.stream.wait_state("live", PATIENCE)
        assert CANARY not in caplog.text + said_of(told) + repr(bench.rig.stream) + repr(bench.read)
        assert bench.other.say(bench.other_server, order_push("1"))
        bench.rig.stream.close()
        assert not [thread for thread in threading.enumerate() if bench.is_its(thread)]


def test_what_was_read_before_a_defect_is_told() -> None:
    """The order that came in the same read as the message with which the dialect fails is on the queue."""
    seen: list[None] = []

    def fail_the_second_time() -> None:
        seen.append(None)
        if len(seen) == 2:
            fail()

    with Bench("bitget", channels=["orders"]) as bench:
        server = bench.rig.open()
        bench.fuses.at("session.receive").late = True
        bench.blow("session.receive", fail_the_second_time)
        server.say(order_push("1"), order_push("2"))
        bench.end()

        assert names(bench.read) == ["Order", "Closed"]


def test_a_queue_that_cannot_even_be_ended() -> None:
    """Its own consumer cannot be told; everybody else is, and nothing hangs."""
    with Bench("bitmusa") as bench:
        server = bench.rig.open()
        mine = bench.rig.stream.subscribe()
        bench.blow("queue.deliver")
        bench.blow("queue.end")
        push(bench, server)
        *_, closed = mine
        with pytest.raises(StreamFailed, match="Broken at"):
            bench.rig.stream.refresh(timeout=PATIENCE)
        bench.rig.stream.close()

        assert isinstance(closed, Closed)
        assert isinstance(closed.error, StreamFailed)
        assert bench.rig.state == "failed"


class Monitor:
    """One that is broken from the start."""

    apply = due = staticmethod(fail)


def test_a_monitor_is_not_the_stream() -> None:
    """Its exception ends the monitor, with a notice; the stream goes on."""
    with Bench("bitget", monitors=[Monitor()]) as bench:
        bench.rig.start()
        server = bench.rig.network.accept()

        assert names(bench.rig.say(server, order_push("1"))) == ["MonitorFailed", "Live", "Order"]
        assert bench.rig.state == "live"
