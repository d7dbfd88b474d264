"""Faults and calls in any order: whatever a server does and a user asks, the ledger holds."""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from futures_stream import BitgetCredentials, BitmusaCredentials, Closed, ConnectionLost, Record, ShutDown
from futures_stream.stream.making import prepare_stream
from futures_stream.testing import FakeClock, FakeServer
from tests.faults.deliveries import check_delivery
from tests.faults.effort import how_many
from tests.faults.events import Written, events_in
from tests.faults.in_memory import Answers, Way, key_answer, order_push
from tests.faults.ledger import check_executions, check_notices, check_secrets

EXAMPLES = how_many("MACHINE", 12, 600)
STEPS = 25
MOST_WAKES = 20_000  # in 1,300 seconds, with a ping every 20


class Watch(FakeClock):
    """A clock that notices a thread which wakes up again and again without getting anywhere."""

    wakes = 0

    def advance(self, seconds: float, timeout: float = 10.0) -> None:
        """Let time pass."""
        self.wakes = 0
        super().advance(seconds, timeout)

    def wake_those_who(self, wanted: Callable[[Any], bool]) -> set[threading.Thread]:
        """Count, and wake."""
        self.wakes += 1
        assert self.wakes < MOST_WAKES, f"somebody spins: {self.sleepers} at {self.monotonic()!r}"
        return super().wake_those_who(wanted)


class Machine(RuleBasedStateMachine):
    """One stream in memory; after each rule everything that follows from it has happened."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Watch()
        self.answers = Answers()
        self.told: list[Record] = []
        self.written: list[Written] = []
        self.servers: list[FakeServer] = []
        self.number = 0
        self.helpers: list[threading.Thread] = []
        self.problems: list[BaseException] = []
        self.channels = {"account", "positions", "orders"}

    @initialize(exchange=st.sampled_from(["bitget", "bitmusa"]), seed=st.integers(0, 99))
    def open(self, exchange: str, seed: int) -> None:
        """Open the stream."""
        self.exchange = exchange
        self.canaries = [f"canary-{secrets.token_hex(12)}" for _ in range(4)]
        known = (
            BitgetCredentials(*self.canaries[:3]) if exchange == "bitget" else BitmusaCredentials(*self.canaries[:2])
        )
        self.network = Way(self.clock, self.answers if exchange == "bitget" else None)
        self.network.answer("POST", key_answer(self.canaries[3]))
        self.network.answer("PUT", key_answer(self.canaries[3]))
        self.stream = prepare_stream(
            exchange,
            known,
            network=self.network,
            clock=self.clock,
            random=Random(seed),
            channels=sorted(self.channels),
        )
        self.stream.start()
        self.clock.settle(2 if exchange == "bitmusa" else 1)

    @property
    def server(self) -> FakeServer | None:
        """The other end of the newest connection, if it stands."""
        while not self.network.connections.empty():
            self.servers.append(self.network.connections.get())
        return self.servers[-1] if self.servers and not self.servers[-1].closed else None

    @property
    def running(self) -> bool:
        """Whether the stream has not ended."""
        return not self.stream.status.state.ended

    # -- what the server does ---------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 5), drop=st.booleans())
    def push(self, count: int, drop: bool) -> None:
        """Events, with the end right behind them perhaps."""
        server = self.server
        if server is None:
            return
        texts = []
        for _ in range(count):
            self.number += 1
            texts.append(order_push(self.exchange, self.number))
        now, place = self.clock.unix_ms(), self.servers.index(server)
        self.written += [Written(place, now, event) for text in texts for _, event in events_in(text)]
        server.say(*texts)
        if drop:
            server.drop()
        self.clock.advance(0)

    @rule(how=st.sampled_from(["reset", "ended", "closed"]))
    def drop(self, how: str) -> None:
        """The connection ends."""
        server = self.server
        if server is not None:
            server.drop(ConnectionLost(how))
            self.clock.advance(0)

    @rule(text=st.sampled_from(["{not json", "[]", '{"event":"what?"}', '{"stream":"x","data":1}', "pong", "ping", ""]))
    def garble(self, text: str) -> None:
        """Something that nobody understands, or a sign of life."""
        server = self.server
        if server is not None:
            server.say(text)
            self.clock.advance(0)

    @rule(outcomes=st.lists(st.sampled_from(["refused", "hang"]), min_size=1, max_size=4))
    def refuse_dials(self, outcomes: list[str]) -> None:
        """The next connections fail, or hang."""
        self.network.fail(*outcomes)

    @rule(login=st.booleans(), acks=st.booleans(), pongs=st.booleans())
    def fall_silent(self, login: bool, acks: bool, pongs: bool) -> None:
        """One login is not answered; acknowledgements and pongs come, or not."""
        if not login:
            self.answers.login.append(None)
        self.answers.acks, self.answers.pongs = acks, pongs

    @rule(code=st.sampled_from(["60004", "30003"]))
    def refuse_a_channel(self, code: str) -> None:
        """One channel is refused from now on, or not any more."""
        if self.answers.refused:
            self.answers.refused.clear()
        else:
            self.answers.refused["positions"] = code

    @rule(method=st.sampled_from(["POST", "PUT"]), fine=st.booleans())
    def break_rest(self, method: str, fine: bool) -> None:
        """REST calls fail, or work again."""
        self.network.answer(method, key_answer(self.canaries[3]) if fine else ConnectionLost("REST is down"))

    @rule(seconds=st.sampled_from([0.001, 0.5, 1.0, 5.0, 10.0, 29.9, 30.1, 65.0, 1300.0]))
    def let_time_pass(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    # -- what the user does -----------------------------------------------------------------------------------------

    @rule()
    def read(self) -> None:
        """The consumer takes what there is."""
        self._take()

    @precondition(lambda self: self.running)
    @rule(channel=st.sampled_from(["account", "positions"]), more=st.booleans())
    def change_channels(self, channel: str, more: bool) -> None:
        """Channels come and go; orders stay."""
        if more:
            self.stream._feed.add_channels((channel,))
        elif channel in self.stream.status.channels:
            self.stream.remove_channels(channel)
        self.clock.advance(0)

    @precondition(lambda self: self.running and len(self.helpers) < 3)
    @rule()
    def wait_for(self) -> None:
        """Somebody waits for a record that never comes, on a thread of his own."""

        def wait() -> None:
            try:
                self.stream.wait_for(lambda record: isinstance(record, int), 10.0)
            except BaseException as error:
                self.problems.append(error)

        self.helpers.append(threading.Thread(target=wait, name="waiter"))
        self.helpers[-1].start()

    @precondition(lambda self: len(self.told) > 20)
    @rule(twice=st.booleans())
    def stop(self, twice: bool) -> None:
        """The stream is told to end; calls go on."""
        self.stream.stop()
        if twice:
            self.stream.stop()

    # -- the end ----------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Close, and hold everything against the ledger."""
        if not hasattr(self, "stream"):
            return
        self.network.release()
        self.stream.close()
        self.stream.close()
        for helper in self.helpers:
            helper.join(10)
            assert not helper.is_alive(), "somebody still waits for a stream that has ended"
        self._take()
        assert isinstance(self.told[-1], Closed)
        check_notices(self.told)
        check_delivery(self.written, self.told)
        check_executions(self.told)
        shown: list[Any] = [repr(self.stream), repr(self.stream.status), *self.told, *self.problems]
        check_secrets([*self.canaries, *self.answers.signatures], *shown)
        assert not [one.name for one in threading.enumerate() if one.name.startswith("futures-stream/")]

    def _take(self) -> None:
        try:
            while True:
                self.told.append(self.stream.queue.get(block=False))
        except (queue.Empty, ShutDown):
            pass


def test_faults_and_calls_in_any_order() -> None:
    """Whatever happens in whatever order, nothing is lost in silence, nothing hangs, no secret is shown."""
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=tuple(Phase) if EXAMPLES > 100 else (Phase.generate,),  # looking for a shorter way takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
