"""Plays scenarios on real sockets: the simulator, a byte proxy in front of it, and a stream that goes through it."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from random import Random
from typing import Any

from futures_stream import Closed, Endpoints, Gap, Order, Record, ShutDown, Status
from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.simulator import Simulator
from futures_stream.stream.making import prepare_stream
from futures_stream.testing import FakeClock
from tests.faults.byte_proxy import ByteProxy
from tests.faults.effort import chosen
from tests.faults.events import written
from tests.faults.ledger import Broken
from tests.faults.oracle import Run, judge, kinds, same

PATIENCE = 20.0  # real seconds until something that must happen is declared missing
SECRETS = ("simulated-api-key", "simulated-api-secret", "simulated-passphrase", "simulated-auth-key")
LISTEN_KEY = re.compile(r"simulated[A-Za-z0-9]{35}")
WORLD = {"stop_accepting", "resume_accepting", "mute_acks", "replace_key", "heal"}
WORLD |= {"refuse_login", "refuse_subscription", "expire_key", "skew"}
FLOOD_ORDER = "F900000000000"


class OnSockets:
    """
    One scenario with one exchange, as a block.

    With ``"clock": "fake"`` the stream and the simulator live on a fake clock while bytes travel in real time: thirty
    seconds of silence take no time, and its end is exact. The proxy's delays are real.

    Args:
        scenario: The file's content.
        exchange: With whom.
        round_: The how many-th time, from 0 on: another market, other jitter.
    """

    def __init__(self, scenario: dict[str, Any], exchange: str, round_: int = 0) -> None:
        self.scenario = scenario
        self._round = round_
        self.exchange = exchange
        self.told: list[Record] = []
        self._mark = 0  # what has been waited for already
        self._syncs = 0
        self._cut_at: int | None = None
        self._detected: list[float] = []
        self._reads = True
        self._errors: list[BaseException] = []
        self._stack = ExitStack()

    def __enter__(self) -> OnSockets:
        self.clock = FakeClock() if self.scenario.get("clock") == "fake" else SYSTEM_CLOCK
        terms = {"seed": 7 + self._round, "tick": None, "clock": self.clock} | self.scenario.get("simulator", {})
        self.simulator = Simulator(**terms).start()
        self.proxy = ByteProxy(self.simulator.port)
        own = self.simulator.endpoints(self.exchange)
        port, through = str(self.simulator.port), str(self.proxy.port)
        rest_url = own.rest_url or ""
        if self.scenario.get("rest_through_proxy"):
            rest_url = rest_url.replace(port, through)
        endpoints = Endpoints((own.ws_url or "").replace(port, through), rest_url)
        self.stream = prepare_stream(
            self.exchange,
            self.simulator.credentials(self.exchange),
            endpoints=endpoints,
            clock=self.clock,
            random=Random(1 + self._round),
            **self.scenario.get("stream", {}),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.proxy.close()  # first, so that nobody waits for a farewell on a clock that stands still
        self.stream.close()
        self.simulator.close()

    def play(self) -> None:
        """Do all steps, end the stream, and read the rest."""
        steps = self.scenario["steps"]
        if self.scenario.get("open", True):
            steps = [["start"], ["wait", "Live"], *steps]
        for step in steps:
            try:
                self._do(*step)
            except (Broken, TimeoutError) as error:
                raise Broken(f"at step {step}: {error}\ntold: {kinds(self.told)}; {self.stream!r}") from error
        if not self.scenario.get("ends"):
            self.stream.close()
        if not (self.told and isinstance(self.told[-1], Closed)):
            self._read(lambda record: isinstance(record, Closed))
        self.names = [thread.name for thread in threading.enumerate()]

    def judge(self, log: str) -> None:
        """Check what came of it."""
        exchange = self.exchange
        expect = self.scenario.get("expect", {})
        channels = self.stream.status.channels
        shown = [log, *self.names, *self._errors]
        listen_keys = LISTEN_KEY.findall("\n".join(map(str, shown)) + repr(self.told))
        run = Run(
            stream=self.stream,
            told=self.told,
            written=written(self.simulator.ledger, exchange, channels),
            attempts=self.proxy.accepted,
            secrets=(*SECRETS, *listen_keys),
            shown=shown,
            detected_after=self._detected,
        )
        judge(run, {key: self._mine(value) for key, value in expect.items()})

    # -- steps ------------------------------------------------------------------------------------------------------

    def _mine(self, value: Any) -> Any:
        return chosen(value, self.exchange)

    def _do(self, verb: str, *arguments: Any) -> None:
        arguments = tuple(self._mine(argument) for argument in arguments)
        own: Callable[..., None] | None = getattr(self, f"do_{verb}", None)
        if own is not None:
            own(*arguments)
        elif verb in WORLD:
            getattr(self.simulator, verb)(*arguments)
        elif verb in ("half_open", "silent", "slow", "duplicate"):
            getattr(self.simulator, verb)(self.exchange, *arguments)
        else:
            raise ValueError(f"no such step: {verb}")

    def do_start(self) -> None:
        """Start the stream."""
        self.stream.start()

    def do_market(self, steps: int) -> None:
        """Let things happen on the exchange."""
        self.simulator.step(steps)

    def do_flood(self, number: int) -> None:
        """Send so many updates of one order, and see the last."""
        self.simulator.flood(self.exchange, number)
        self._read(_last_of_flood)

    def do_flood_unread(self, number: int) -> None:
        """Send so many updates of one order, and read nothing until all have been written and heard."""
        self.simulator.flood(self.exchange, number)
        box = self.stream.queue
        self._await(lambda: len(self._flooded()) >= number, "the flood is written")
        self._await(lambda: box.qsize() + box.missed >= number, "the flood is heard")

    def do_read_all(self) -> None:
        """Read what there is."""
        with contextlib.suppress(queue.Empty):
            while True:
                self.told.append(self.stream.queue.get(block=False))

    def _flooded(self) -> list[str]:
        return [entry.text for entry in self.simulator.ledger if FLOOD_ORDER in entry.text]

    def do_sync(self) -> None:
        """See that all that was written so far has come."""
        self.do_flood(1)

    def do_splits(self, most: int) -> None:
        """Tear what comes at each of so many bytes, one after the other."""
        for position in range(1, most):
            self.proxy.set("down", split_at=position)
            self.do_flood(1)
        self.proxy.heal()
        self.do_flood(1)

    def do_drop(self, how: str, code: int = 1012) -> None:
        """End all connections at the server."""
        self._cut_at = self.clock.unix_ns()
        self.simulator.drop(self.exchange, how, code)

    def do_say(self, text: str, times: int = 1) -> None:
        """Let the server say a text."""
        for _ in range(times):
            self.simulator.send_text(self.exchange, text)

    def do_say_raw(self, raw: str, opcode: int | None = None, times: int = 1) -> None:
        """Let the server send bytes, given as hexadecimal digits."""
        self.simulator.send_bytes(self.exchange, bytes.fromhex(raw) * times, opcode)

    def do_refuse_rest(self, facts: dict[str, Any]) -> None:
        """Refuse REST calls."""
        self.simulator.refuse_rest(**facts)

    def do_proxy(self, terms: dict[str, Any]) -> None:
        """Let bytes travel otherwise."""
        self.proxy.set(**terms)

    def do_proxy_heal(self) -> None:
        """Let bytes travel fairly."""
        self.proxy.heal()

    def do_proxy_cut(self, how: str) -> None:
        """End all connections on the way."""
        self._cut_at = self.clock.unix_ns()
        self.proxy.cut(how)

    def do_impersonate(self, text: str | None, again_and_again: bool = False) -> None:
        """Answer new connections with something else; a text of hexadecimal digits stands for bytes."""
        raw = None if text is None else bytes.fromhex(text[4:]) if text.startswith("hex:") else text.encode()
        self.proxy.impersonate(raw, again_and_again)

    def do_advance(self, seconds: float) -> None:
        """Let time pass on the fake clock."""
        assert isinstance(self.clock, FakeClock)
        self.clock.advance(seconds)

    def do_wait(self, kind: str) -> None:
        """Read until a notice of that kind comes."""
        found = self._read(lambda record: type(record).__name__ == kind)
        if isinstance(found, Gap) and self._cut_at is not None:
            self._detected.append((found.received_ns - self._cut_at) / 1e9)
            self._cut_at = None

    def do_tries(self, number: int) -> None:
        """Wait until so many connections have been tried in all."""
        if not self.proxy.wait_accepted(number, PATIENCE):
            raise TimeoutError(f"{self.proxy.accepted} tries, not {number}")

    def do_failing(self, error: str) -> None:
        """Wait until the stream says that this went wrong last."""
        self._await_status(lambda status: type(status.error).__name__ == error, f"error is a {error}")
        found = self.stream.status.error
        assert found is not None
        self._errors.append(found)

    def do_says(self, pattern: str) -> None:
        """See that the last error says this."""
        if not re.search(pattern, str(self._errors[-1])):
            raise Broken(f"{self._errors[-1]} does not say {pattern!r}")

    def do_nothing_told(self) -> None:
        """See that no notice has come."""
        before = len(self.told)
        self.do_read_all()
        same(kinds(self.told[before:]), [], "what was told")

    def do_state(self, state: str) -> None:
        """Wait until the stream is in this state."""
        self._await_status(lambda status: str(status.state) == state, f"the state is {state}")

    def do_add(self, *channels: str) -> None:
        """Listen to more channels."""
        self.stream.add_channels(*channels, timeout=PATIENCE)

    def do_connections(self, number: int) -> None:
        """Wait until the server serves exactly so many."""
        if not self.simulator.wait_connections(self.exchange, number, PATIENCE):
            raise TimeoutError(f"{self.simulator.connections(self.exchange)} connections, not {number}")

    def _await_status(self, wanted: Callable[[Status], bool], what: str) -> None:
        self._await(lambda: wanted(self.stream.status), what)

    def _await(self, wanted: Callable[[], bool], what: str) -> None:
        # Bytes travel in real time even where the stream's clock is a fake one, whose waits have no end.
        deadline = time.monotonic() + PATIENCE
        pause = threading.Event()
        while not wanted():
            if time.monotonic() >= deadline:
                raise TimeoutError(f"it did not come to this: {what}")
            pause.wait(0.002)

    def _read(self, wanted: Callable[[Record], bool]) -> Record:
        """Take records off the queue until one is wanted."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                record = self.stream.queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"it did not come within {PATIENCE:g} s") from None
            except ShutDown:
                raise Broken("the queue ended") from None
            self.told.append(record)
            if wanted(record):
                return record


def _last_of_flood(record: Record) -> bool:
    return isinstance(record, Order) and record.order_id == FLOOD_ORDER and record.status.value == "filled"
