"""Plays scenarios in memory, where a day passes in a moment: a stream on a fake clock and a fake network."""

from __future__ import annotations

import json
import logging
import queue
import re
import secrets
import threading
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from attrs import evolve

from futures_stream import (
    BitgetCredentials,
    BitmusaCredentials,
    Closed,
    ConnectFailed,
    ConnectionLost,
    Options,
    Record,
    ShutDown,
    errors,
)
from futures_stream.dialects import find_dialect
from futures_stream.dialects.base import Response
from futures_stream.dialects.credentials import Secret
from futures_stream.stream.making import prepare_stream
from futures_stream.testing import HANG, STUCK, FakeClock, FakeNetwork, FakeServer
from tests.faults.effort import chosen
from tests.faults.events import Written, events_in
from tests.faults.ledger import Broken
from tests.faults.oracle import Run, judge, kinds, matches, same, within

PATIENCE = 20.0  # real seconds until something that must happen is declared missing


class Answers:
    """What the exchange says by itself when it is spoken to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.login: list[str | None] = []  # error codes for the next logins; None: not a word; then all are accepted
        self.acks = True
        self.refused: dict[str, str] = {}
        self.pongs = True

    def __call__(self, text: str) -> Iterable[str]:
        """Answer a message of the client."""
        self.heard.append(text)
        message = json.loads(text) if text.startswith("{") else {"op": text}
        op = message["op"]
        if op == "pong":
            return []
        if op == "ping":
            return ['{"event":"pong"}'] if self.pongs else []
        if op == "login":
            code = self.login.pop(0) if self.login else "0"
            if code is None:
                return []
            return ['{"event":"login","code":0}'] if code == "0" else [_error(code)]
        return [answer for arg in message["args"] for answer in self._answer(op, arg)]

    def _answer(self, op: str, arg: dict[str, Any]) -> list[str]:
        code = self.refused.get(arg["channel"])
        if code is not None and op == "subscribe":
            return [_error(code)]
        return [json.dumps({"event": op, "arg": arg})] if self.acks else []

    @property
    def signatures(self) -> list[str]:
        """What was signed: secrets, too."""
        return re.findall(r'"sign": ?"([^"]+)"', "\n".join(self.heard))


class Way(FakeNetwork):
    """A network whose next failures can be taken back."""

    def __init__(self, clock: FakeClock, answers: Answers | None) -> None:
        super().__init__(clock, answers)
        self.failures: list[Any] = []

    def dial(self, url: Secret, timeout: float) -> Any:
        """Prepare a connection, which fails if it is to."""
        if self.failures:
            self.fail_dials(self.failures.pop(0))
        return super().dial(url, timeout)

    def fail(self, *outcomes: Any) -> None:
        """Let the next dials come out so; those that were to fail before are forgotten."""
        self.failures[:] = map(_dial_outcome, outcomes)


def key_answer(key: str) -> Response:
    """What asking for a listen key is answered."""
    body = {"code": 0, "message": "success", "data": {"listenKey": key}}
    return Response(status=200, text=json.dumps(body))


def _error(code: str) -> str:
    return json.dumps({"event": "error", "code": code, "msg": "refused"})


def order_push(exchange: str, number: int) -> str:
    """One order that is new, as the exchange pushes it."""
    if exchange == "bitmusa":
        row = {"orderId": f"C{number}", "ticker": "BTCUSDT", "status": "TRADING", "price": 3, "amount": 2}
        return json.dumps({"data": row | {"tradedAmount": 0}, "stream": "future_order", "eventTime": 1700000000000})
    row = {"orderId": f"{number}", "symbol": "BTCUSDT", "status": "new", "size": "2", "filledSize": "0", "side": "buy"}
    arg = {"instType": "FUTURES", "channel": "orders", "instId": "default"}
    return json.dumps({"action": "update", "arg": arg, "data": [row]})


class InMemory:
    """
    One scenario with one exchange, as a block.

    Args:
        scenario: The file's content.
        exchange: With whom.
        round_: The how many-th time, from 0 on: other jitter.
    """

    def __init__(self, scenario: dict[str, Any], exchange: str, round_: int = 0) -> None:
        self.scenario = scenario
        self._round = round_
        self.exchange = exchange
        self.clock = FakeClock()
        self.answers = Answers()
        self.network = Way(self.clock, self.answers if exchange == "bitget" else None)
        self.told: list[Record] = []
        self.written: list[Written] = []
        self.servers: list[FakeServer] = []
        self.canaries = [f"canary-{secrets.token_hex(12)}" for _ in range(3)]
        self.keys: list[str] = []
        self._mark = 0
        self._number = 0
        self._errors: list[BaseException] = []

    def __enter__(self) -> InMemory:
        asked = dict(self.scenario.get("stream", {}))
        options = Options(**asked.pop("options", {}))
        known = (
            BitgetCredentials(*self.canaries) if self.exchange == "bitget" else BitmusaCredentials(*self.canaries[:2])
        )
        self.do_key("canary-key-1")
        self.do_rest("PUT", "fine")
        self.do_rest("DELETE", "fine")
        self.stream = prepare_stream(
            evolve(find_dialect(self.exchange), **self.scenario.get("dialect", {})),
            known,
            network=self.network,
            clock=self.clock,
            random=Random(int(self.scenario.get("seed", 1)) + self._round),
            options=options,
            **asked,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.network.release()
        self.stream.close()

    def play(self) -> None:
        """Do all steps, end the stream, and read the rest."""
        steps = self.scenario["steps"]
        if self.scenario.get("open", True):
            steps = [["start"], ["told", "Live"], *steps]
        for step in steps:
            try:
                self._do(*step)
            except (Broken, TimeoutError) as error:
                raise Broken(f"at step {step}: {error}\ntold: {kinds(self.told)}; {self.stream!r}") from error
        self.names = [thread.name for thread in threading.enumerate()]
        if not self.scenario.get("ends"):
            self.network.release()
            self.stream.close()
        self._take()

    def judge(self, log: str) -> None:
        """Check what came of it."""
        run = Run(
            stream=self.stream,
            told=self.told,
            written=self.written,
            attempts=len(self.network.dials),
            secrets=(*self.canaries, *self.keys, *self.answers.signatures),
            deletes=sum(called.method == "DELETE" for called in self.network.calls),
            shown=[log, *self.names, *self._errors, repr(self.network), *map(repr, self.servers)],
        )
        judge(run, {key: self._mine(value) for key, value in self.scenario.get("expect", {}).items()})

    # -- steps ------------------------------------------------------------------------------------------------------

    def _mine(self, value: Any) -> Any:
        return chosen(value, self.exchange)

    def _do(self, verb: str, *arguments: Any) -> None:
        own: Callable[..., None] = getattr(self, f"do_{verb}")
        own(*(self._mine(argument) for argument in arguments))

    @property
    def server(self) -> FakeServer:
        """The other end of the newest connection."""
        while not self.network.connections.empty():
            self.servers.append(self.network.connections.get())
        if not self.servers:
            raise Broken("nobody has connected")
        return self.servers[-1]

    def do_start(self, sleepers: int | None = None) -> None:
        """Start the stream; so many threads sleep in the end, none if it ends at once."""
        self.stream.start()
        if sleepers == 0:
            self.stream._run._crew.join(PATIENCE)
        self.clock.settle((2 if self.exchange == "bitmusa" else 1) if sleepers is None else sleepers)

    def do_advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def do_jump(self, seconds: float) -> None:
        """Set the wall clock."""
        self.clock.jump(seconds)

    def do_say(self, text: str | None, times: int = 1) -> None:
        """Let the server say a text; none is said where there is none for this exchange."""
        if text is not None:
            for _ in range(times):
                self._wrote(text)
                self.server.say(text)
            self.clock.advance(0)

    def do_push(self, times: int = 1) -> None:
        """Let the server push one order more, as often."""
        texts = []
        for _ in range(times):
            self._number += 1
            texts.append(order_push(self.exchange, self._number))
            self._wrote(texts[-1])
        self.server.say(*texts)
        self.clock.advance(0)

    def do_rows(self, number: int) -> None:
        """Let the server push so many orders in one message."""
        message = json.loads(order_push(self.exchange, 0))
        row = message["data"][0] if self.exchange == "bitget" else message["data"]
        message["data"] = [row | {"orderId": f"R{count}"} for count in range(number)]
        self.do_say(json.dumps(message))

    def do_pong(self) -> None:
        """Let the server answer a ping, late perhaps."""
        if self.exchange == "bitget":
            self.server.say('{"event":"pong"}')
        else:
            self.server.pong()
        self.clock.advance(0)

    def do_pongs(self, answered: bool) -> None:
        """Let the server answer pings from now on, or not."""
        self.answers.pongs = answered
        self.server.answers_pings = answered

    def do_pings(self, least: int) -> None:
        """See that so many pings have come, at least."""
        text = sum("ping" in heard for heard in self.answers.heard)
        within(self.server.pings + text, [least, 10**6], "the pings")

    def do_flap(self, times: int, alive: float) -> None:
        """Drop a connection soon after it is live, again and again; the waits must grow, and never be too long."""
        waits = []
        for _ in range(times):
            before, since = len(self.network.dials), self.clock.monotonic()
            self.do_drop()
            while len(self.network.dials) == before:
                self.clock.advance(0.5)
            waits.append(self.clock.monotonic() - since)
            self.clock.advance(alive)
            self.do_state("live")
        within(max(waits), [0, 30.5], "the longest wait")
        within(sum(waits[times // 2 :]) / (times - times // 2), [8, 22], "the later waits, on average")

    def do_stall(self) -> None:
        """Take nothing more from the client."""
        self.server.stall()

    def do_drop(self, error: str | None = None, code: int | None = None) -> None:
        """End the connection."""
        self.server.drop(ConnectionLost(error or "dropped", close_code=code))
        self.clock.advance(0)

    def do_dials(self, *outcomes: Any) -> None:
        """Let the next dials fail so, or hang; none named: let them succeed from now on."""
        self.network.fail(*outcomes)

    def do_login(self, *codes: str | None) -> None:
        """Answer the next logins with these codes; null is no answer."""
        self.answers.login += codes

    def do_server_clock(self, ahead: float) -> None:
        """Let the server tell, as it answers an upgrade, that its clock is so many seconds ahead."""
        self.network.clock_ahead = ahead

    def do_acks(self, acknowledged: bool) -> None:
        """Acknowledge subscriptions from now on, or not."""
        self.answers.acks = acknowledged

    def do_refuse(self, channel: str, code: str) -> None:
        """Refuse a channel from now on."""
        self.answers.refused[channel] = code

    def do_key(self, key: str) -> None:
        """Hand out this listen key from now on."""
        key = f"{key}-{secrets.token_hex(12)}"
        self.keys.append(key)
        self.network.answer("POST", key_answer(key))

    def do_rest(self, method: str, *answers: Any) -> None:
        """Answer the next calls so, and all further ones as the last."""
        self.network.answer(method, *map(_rest_answer, answers))

    def do_calls(self, method: str, number: Any) -> None:
        """See how many calls there have been."""
        within(sum(called.method == method for called in self.network.calls), number, f"the {method} calls")

    def do_told(self, *notices: str) -> None:
        """See that exactly these notices have come since the last time."""
        self._take()
        same(kinds(self.told[self._mark :]), list(notices), "what was told")
        self._mark = len(self.told)

    def do_state(self, state: str) -> None:
        """See in which state the stream is."""
        self.clock.advance(0)
        same(str(self.stream.status.state), state, "the state")

    def do_dialled(self, number: Any) -> None:
        """See how many connections were tried in all."""
        self.clock.advance(0)
        within(len(self.network.dials), number, "the dials")

    def do_failing(self, error: str, pattern: str = "") -> None:
        """See what went wrong last."""
        self.clock.advance(0)
        found = self.stream.status.error
        same(type(found).__name__, error, "the last error")
        assert found is not None
        matches(pattern, str(found))
        self._errors.append(found)

    def do_logins(self, number: int) -> None:
        """See how often the client has logged in, each time with a signature of its own."""
        signatures = self.answers.signatures
        same((len(signatures), len(set(signatures))), (number, number), "the logins, and the different signatures")

    def do_pongs_heard(self, number: int) -> None:
        """See that the client has answered so many pings."""
        same(sum("pong" in heard for heard in self.answers.heard), number, "the pongs")

    def do_add(self, *channels: str) -> None:
        """Ask for more channels without waiting for the answer."""
        self.stream._feed.add_channels(channels)
        self.clock.advance(0)

    def _wrote(self, text: str) -> None:
        server = self.server
        if not server.closed:
            number = self.servers.index(server)
            now = self.clock.unix_ms()
            self.written += [Written(number, now, identity) for _, identity in events_in(text)]

    def _take(self) -> None:
        try:
            while True:
                self.told.append(self.stream.queue.get(block=False))
        except (queue.Empty, ShutDown):
            if self.told and isinstance(self.told[-1], Closed):
                logging.getLogger("tests").debug("ended: %r", self.told[-1])


def _dial_outcome(outcome: Any) -> Any:
    if outcome in ("hang", "stuck"):
        return HANG if outcome == "hang" else STUCK
    if outcome is None:
        return None
    if isinstance(outcome, str):
        return ConnectFailed(outcome)
    kind = getattr(errors, outcome.pop("class", "ConnectFailed"))
    return kind(outcome.pop("message", "refused"), **outcome)


def _rest_answer(answer: Any) -> Any:
    if answer in ("hang", "stuck"):
        return HANG if answer == "hang" else STUCK
    if answer == "fine":
        return Response(status=200, text='{"code":0,"message":"success"}')
    if isinstance(answer, int):
        return Response(status=200, text=json.dumps({"code": answer, "message": "refused", "data": None}))
    if isinstance(answer, str):
        return ConnectFailed(answer)
    return Response(**answer)
