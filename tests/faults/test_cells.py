"""
Everything at any moment: an account's events, held against the one promise that a user relies on.

Beside :mod:`tests.faults.test_machine`, which knows what was written on which connection, this knows nothing but the
account: each event of it is told once and in order, or lies inside of a gap; and when all is well again the stream is
live, hears what is pushed, and nobody waits.
"""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any

from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from futures_stream import (
    BitgetCredentials,
    BitgetV2Credentials,
    BitmusaCredentials,
    Closed,
    ConnectFailed,
    ConnectionLost,
    FuturesStreamError,
    Gap,
    Live,
    Order,
    Origin,
    Record,
    Resynced,
    ShutDown,
)
from futures_stream.dialects import find_dialect
from futures_stream.dialects.base import LeaseTerms, Request, Response
from futures_stream.dialects.credentials import Secret
from futures_stream.engine.budget import budget_at
from futures_stream.stream.making import prepare_stream
from futures_stream.testing import HANG, FakeNetwork, FakeServer
from tests.faults import cells
from tests.faults.effort import how_many
from tests.faults.in_memory import key_answer, order_push
from tests.faults.ledger import check_notices
from tests.faults.test_machine import Watch

EXAMPLES = how_many("CELLS", 10, 250)
STEPS = 30
REFUSED = '{"event":"error","code":"60004","msg":"no"}'
MOVE = '{"event":"error","code":"30033","msg":"service upgrade"}'
KEYS = [f"TheListenKeyOfNumber{number:04}" for number in range(10_000)]


class Conversation:
    """One server's side of a connection: it agrees to everything, unless told otherwise, and knows who listens."""

    def __init__(self, world: World, url: Secret) -> None:
        self._world = world
        self.key = url.reveal().rpartition("/")[2]
        self.listened: set[str] = set()
        self.mute = False

    def __call__(self, text: str) -> Iterable[str]:
        """Answer a message."""
        if not text.startswith("{"):
            return ["pong"] if self._world.pongs else []
        message = json.loads(text)
        op = message["op"]
        if op == "ping":
            return ['{"event":"pong"}'] if self._world.pongs else []
        if op == "login":
            code = self._world.login
            said = {"event": "login", "code": 0} if code == "0" else {"event": "error", "code": code, "msg": "no"}
            return [json.dumps(said)] if self._world.acks else []
        return [answer for arg in message["args"] for answer in self._answer(op, arg)]

    def _answer(self, op: str, arg: dict[str, Any]) -> list[str]:
        if op == "subscribe" and arg["channel"] in self._world.refused:
            return [json.dumps(json.loads(REFUSED) | {"arg": arg})]
        (self.listened.add if op == "subscribe" else self.listened.discard)(arg["channel"])
        return [json.dumps({"event": op, "arg": arg})] if self._world.acks else []

    def hears(self) -> bool:
        """Tell whether who has connected is told what happens to orders."""
        if self._world.exchange == "bitmusa":
            return not self.mute and self.key == self._world.key
        return "orders" in self.listened


class World(FakeNetwork):
    """An exchange with one account, and all that can be wrong with it."""

    def __init__(self, clock: Watch, exchange: str) -> None:
        super().__init__(clock)
        self.exchange = exchange
        self.acks = self.pongs = self.farewells = True
        self.refused: set[str] = set()
        self.keys_used = 0
        self.expired = 0  # PUTs that are told that there is no key
        self.rest: Any = None  # what every call is answered; None for the truth
        self.slow_rest = self.slow_dials = self.slow_answers = 0.0
        self.login = "0"
        self.orders: list[int] = []
        self.servers: list[FakeServer] = []
        for method in ("GET", "POST", "PUT", "DELETE"):
            self.answer(method, partial(self._say, method))

    @property
    def key(self) -> str:
        """The account's listen key."""
        return KEYS[self.keys_used]

    def dial(self, url: Secret, timeout: float) -> Any:
        """Prepare a connection, perhaps a slow one, whose other end has a mind of its own."""
        errand = super().dial(url, timeout)
        connect = errand._go

        def go() -> Any:
            self.replies = conversation = Conversation(self, url)
            connection = connect()
            server = self.connections.get()
            server.replies, server.answers_close = conversation, self.farewells
            self.servers.append(server)
            return connection

        errand._go = go
        return self._slowed(errand, self.slow_dials)

    def call(self, base_url: str, request: Request, timeout: float) -> Any:
        """Prepare a call, perhaps a slow one."""
        seconds = self.slow_answers if request.method == "GET" else self.slow_rest
        return self._slowed(super().call(base_url, request, timeout), seconds)

    def _slowed(self, errand: Any, seconds: float) -> Any:
        """Have it take its time, unless it is cancelled."""
        go, cancel, over = errand._go, errand.cancel, self.clock.event()

        def slowly() -> Any:
            over.wait(seconds)
            if errand._cancelled.is_set():
                raise ConnectFailed("cancelled")
            return go()

        def cancelled() -> None:
            cancel()
            over.set()

        if seconds:
            errand._go, errand.cancel = slowly, cancelled
        return errand

    @property
    def standing(self) -> list[FakeServer]:
        """The connections that stand, the newest last."""
        return [server for server in self.servers if not server.closed]

    def happen(self, number: int) -> bool:
        """An order is placed, and told to whoever listens; tell whether anybody does."""
        self.orders.append(number)
        text = order_push("bitmusa" if self.exchange == "bitmusa" else "bitget", number)
        hearing = [each for each in self.standing if isinstance(each.replies, Conversation) and each.replies.hears()]
        for server in hearing:
            server.say(text)
        return bool(hearing)

    def heal(self) -> None:
        """Have nothing be wrong any more."""
        self.acks = self.pongs = self.farewells = True
        self.refused.clear()
        self.expired = 0
        self.rest = None
        self.slow_rest = self.slow_dials = self.slow_answers = 0.0
        self.login = "0"
        self.let_dials_succeed()
        for server in self.servers:
            server.answers_close = True

    def _say(self, method: str, base_url: str, request: Request) -> Response:
        if isinstance(self.rest, Exception):
            raise self.rest
        if isinstance(self.rest, Response):
            return self.rest
        if method == "GET":
            row = {"ticker": "BTCUSDT", "status": 0, "order_qty": 2, "traded_qty": 0, "direction": 0, "order_type": 1}
            listed = request.path.endswith("/order")
            rows = [row | {"order_id": f"C{number}", "position": 0} for number in self.orders] if listed else []
            return Response(status=200, text=json.dumps({"code": 0, "message": "success", "data": rows}))
        if method == "PUT" and self.expired:
            self.expired -= 1
            return Response(status=200, text=json.dumps({"code": 3022, "message": "no such key", "data": {}}))
        return key_answer(self.key)


def _dialect(exchange: str) -> Any:
    own: dict[str, Any] = {"lifetime": 300.0}
    if exchange == "bitmusa":
        own["lease"] = LeaseTerms(life=200.0, renew_every=70.0, compare_every=100.0)
    if exchange == "bitget-v2":
        own["queryable"] = ()
    return evolve(find_dialect(exchange), **own)


_KNOWN: dict[str, Any] = {
    "bitget": BitgetCredentials("key", "secret", "phrase"),
    "bitget-v2": BitgetV2Credentials("key", "secret", "phrase"),
    "bitmusa": BitmusaCredentials("auth", "key"),
}


class Cells(RuleBasedStateMachine):
    """One account and one stream; after each rule everything that follows from it has happened."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Watch()
        self.told: list[Record] = []
        self.number = 0
        # Number, time, whether anybody was told, and what had been told last: the clock may be set back, and only the
        # order of events says what was before Live, or inside of a gap that had been told.
        self.happened: list[tuple[int, int, bool, str]] = []
        self.promises: list[Any] = []
        self.recovered = False

    @initialize(exchange=st.sampled_from(sorted(_KNOWN)), seed=st.integers(0, 99))
    def open(self, exchange: str, seed: int) -> None:
        """Begin to open the stream."""
        self.prepare(exchange, seed)
        self.stream.start()
        self.clock.settle(2 if exchange == "bitmusa" else 1)

    def prepare(self, exchange: str, seed: int) -> None:
        """Make a stream that has not begun."""
        self.exchange = exchange
        self.world = World(self.clock, exchange)
        self.dialect = _dialect(exchange)
        self.stream = prepare_stream(
            self.dialect,
            _KNOWN[exchange],
            network=self.world,
            clock=self.clock,
            random=Random(seed),
            channels=["account", "positions", "orders"],
        )

    def after(self, event: str, do: Callable[[], object] | None = None) -> None:
        """Let something happen, and all that follows from it."""
        cells.note(self.stream, event)
        if do is not None:
            do()
        self.clock.advance(0)

    @property
    def running(self) -> bool:
        """Whether the stream has not ended."""
        return not self.stream.status.state.ended

    # -- the account ------------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3), drop=st.booleans())
    def happen(self, count: int, drop: bool) -> None:
        """Events, with the end of every connection right behind them perhaps."""

        def go() -> None:
            self._take()
            notices = [record for record in self.told if isinstance(record, Live | Gap | Resynced)]
            when = "before" if not notices else "gap" if isinstance(notices[-1], Gap) else "live"
            when = when if self.running else "over"
            for _ in range(count):
                self.number += 1
                at = self.clock.unix_ms()
                self.happened.append((self.number, at, self.world.happen(self.number), when))
            for server in self.world.standing if drop else ():
                server.drop()

        self.after("pushes and the end" if drop else "pushes", go)

    # -- the connection ---------------------------------------------------------------------------------------------

    @rule(newest=st.booleans(), heard_out=st.booleans())
    def drop(self, newest: bool, heard_out: bool) -> None:
        """A connection ends."""
        for server in self.world.standing[-1:] if newest else self.world.standing[:1]:
            end = ConnectionLost("dropped", heard_out=heard_out)
            self.after("the newest ends" if newest else "the oldest ends", partial(server.drop, end))

    @precondition(lambda self: self.exchange == "bitget-v2")
    @rule(newest=st.booleans())
    def ask_to_be_left(self, newest: bool) -> None:
        """The exchange asks to move."""
        for server in self.world.standing[-1:] if newest else self.world.standing[:1]:
            self.after("asked to move", partial(server.say, MOVE))

    @rule(text=st.sampled_from(["{not json", '{"event":"what?"}', "pong"]))
    def garble(self, text: str) -> None:
        """Something that nobody understands, or a sign of life."""
        for server in self.world.standing[-1:]:
            self.after("a text that is no news", partial(server.say, text))

    @rule(outcomes=st.lists(st.sampled_from(["refused", "hang", "fine", "ban", "never"]), min_size=1, max_size=3))
    def spoil_dials(self, outcomes: list[str]) -> None:
        """The next connections fail, hang, or are banned."""
        made = {
            "refused": ConnectFailed("refused"),
            "hang": HANG,
            "fine": None,
            "ban": ConnectFailed("HTTP 429", status=429, retry_after=45.0),
            "never": ConnectFailed("HTTP 404", status=404),
        }
        self.world.let_dials_succeed()
        self.world.fail_dials(*(made[outcome] for outcome in outcomes))

    @rule(acks=st.booleans(), pongs=st.booleans(), farewells=st.booleans())
    def fall_silent(self, acks: bool, pongs: bool, farewells: bool) -> None:
        """Acknowledgements, pongs and answers to a close frame come, or not."""
        self.world.acks, self.world.pongs, self.world.farewells = acks, pongs, farewells
        for server in self.world.standing:
            server.answers_close = farewells

    @rule(rest=st.sampled_from([0.0, 0.4, 3.0, 12.0]), dials=st.sampled_from([0.0, 0.4, 3.0, 12.0]))
    def be_slow(self, rest: float, dials: float) -> None:
        """Calls and dials take their time, or more than that."""
        self.world.slow_rest = self.world.slow_answers = rest
        self.world.slow_dials = dials

    @rule(times=st.integers(1, 12), seconds=st.sampled_from([0.0, 40.0]))
    def share_the_budget(self, times: int, seconds: float) -> None:
        """Other streams of this process use up what the host allows, or are told of a ban."""
        where = self.stream._plan.endpoints
        for url, what in ((where.ws_url, "connect"), (where.rest_url, "rest")):
            budget = budget_at(self.clock, url or "", what, self.dialect.limits)
            for _ in range(times):
                budget.book()
            budget.pause(seconds)

    # -- REST -------------------------------------------------------------------------------------------------------

    @rule(how=st.sampled_from(["down", "busy", "fine"]))
    def break_rest(self, how: str) -> None:
        """REST fails, bans, or works again."""
        busy = Response(status=429, text="", retry_after=20.0)
        self.world.rest = {"down": ConnectFailed("REST is down"), "busy": busy, "fine": None}[how]

    @precondition(lambda self: self.exchange == "bitmusa")
    @rule(told=st.booleans())
    def replace_the_key(self, told: bool) -> None:
        """Somebody else has another key made; connections with the old one say nothing any more."""
        self.world.keys_used += 1
        self.world.expired = int(told)
        self.after("the key is replaced")

    @precondition(lambda self: self.exchange == "bitmusa")
    @rule()
    def fall_mute(self) -> None:
        """The newest connection stands, and says nothing."""
        for server in self.world.standing[-1:]:
            if isinstance(server.replies, Conversation):
                server.replies.mute = True
                self.after("falls mute")

    # -- time -------------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.001, 0.3, 0.8, 2.0, 5.0, 11.0, 29.9, 65.0]))
    def let_time_pass(self, seconds: float) -> None:
        """Time passes."""
        self.after("time passes", partial(self.clock.advance, seconds))

    @rule(seconds=st.sampled_from([7.0, 600.0, -600.0]), asleep=st.booleans())
    def jump(self, seconds: float, asleep: bool) -> None:
        """The machine sleeps, or its clock is set."""
        asleep = asleep and seconds > 0
        self.after("the clock jumps", partial(self.clock.suspend if asleep else self.clock.jump, seconds))

    # -- into the middle of something -------------------------------------------------------------------------------

    @precondition(lambda self: self.running)
    @rule(slow=st.sampled_from(["dials", "rest", "acks", "farewells", "budget", "answers", "nothing"]))
    def begin_a_move(self, slow: str) -> None:
        """A planned move begins, if one is planned, and does not get any further."""
        connections = self.stream._feed._connections
        due = None if connections is None else connections._rotations._due_at
        if due is not None:
            self.clock.advance(max(0.0, due - self.clock.monotonic() - 0.01))
            self._slow_down(slow)
            self.clock.advance(0.02)

    @precondition(lambda self: self.running)
    @rule(slow=st.sampled_from(["dials", "rest", "acks", "budget", "answers", "nothing"]))
    def reconnect(self, slow: str) -> None:
        """All connections end, and the next one does not get any further."""
        self._slow_down(slow)
        for server in self.world.standing:
            server.drop()
        self.clock.advance(0.01)

    def _slow_down(self, what: str) -> None:
        self.world.let_dials_succeed()
        self.world.slow_dials, self.world.slow_rest = 4.0 * (what == "dials"), 4.0 * (what == "rest")
        self.world.slow_answers = 4.0 * (what == "answers")
        self.world.acks, self.world.farewells = what != "acks", what != "farewells"
        for server in self.world.standing:
            server.answers_close = self.world.farewells
        if what == "budget":
            budget = budget_at(self.clock, self.stream._plan.endpoints.ws_url or "", "connect", self.dialect.limits)
            while budget.book() < 1.0:
                pass

    # -- the user ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.running)
    @rule(channel=st.sampled_from(["account", "positions"]), more=st.booleans(), refused=st.booleans())
    def change_channels(self, channel: str, more: bool, refused: bool) -> None:
        """Channels come and go; orders stay."""
        (self.world.refused.add if refused else self.world.refused.discard)(self.dialect.channels[channel])
        if more:
            self.after("add a channel", lambda: self.promises.append(self.stream._feed.add_channels((channel,))))
        elif channel in self.stream.status.channels:
            self.after("remove a channel", partial(self.stream.remove_channels, channel))

    @precondition(lambda self: self.running and self.dialect.queryable)
    @rule()
    def refresh(self) -> None:
        """Somebody wants to know how the account stands."""
        self.after("refresh", lambda: self.promises.append(self.stream._feed.refresh()))

    @precondition(lambda self: self.number > 12)
    @rule()
    def stop(self) -> None:
        """The stream is told to end; calls go on."""
        self.after("stop", self.stream.stop)

    # -- the end ----------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Have all be well again, and hold everything against what happened."""
        if not hasattr(self, "stream"):
            return
        try:
            self._recover()
        finally:
            self.world.release()
            self.stream.close()
        self._take()
        assert isinstance(self.told[-1], Closed)
        check_notices(self.told)
        assert all(_settled(promise) for promise in self.promises), "somebody waits for a stream that has ended"
        self._check_events()

    def _recover(self) -> None:
        self.world.heal()
        self.clock.advance(1200.0)  # more than any ban, pause, or stretched audit
        self.recovered = self.running
        if not self.running:
            return
        status = self.stream.status
        assert str(status.state) == "live", f"all is well, but {cells.situation(self.stream)}: {status}"
        assert status.blind_since is None
        assert all(_settled(promise) for promise in self.promises), "somebody waits although all is well"
        self.happen(2, drop=False)
        self._take()
        last = [record for record in self.told if isinstance(record, Order) and record.origin is Origin.PUSH][-1:]
        assert [_number(record) for record in last] == [self.number], "what is pushed is not heard"

    def _check_events(self) -> None:
        pushed = [_number(each) for each in self.told if isinstance(each, Order) and each.origin is Origin.PUSH]
        assert pushed == sorted(set(pushed)), f"doubled, or out of order: {pushed}"
        heard, gaps = set(pushed), _gaps(self.told)
        for number, at, told, when in self.happened:
            if number in heard or when != "live":
                continue
            if not (told or self.recovered):
                continue  # what ended before anybody could find out that it was mute cannot say so
            covered = any(since <= at <= until for since, until in gaps)
            assert covered, f"order {number} of {at} was not told, and lies in no gap of {gaps}"

    def _take(self) -> None:
        try:
            while True:
                self.told.append(self.stream.queue.get(block=False))
        except (queue.Empty, ShutDown):
            pass


def _settled(promise: Any) -> bool:
    try:
        return bool(promise.wait(0))
    except FuturesStreamError:
        return True


def _number(record: Record) -> int:
    assert isinstance(record, Order)
    return int((record.order_id or "").lstrip("C"))


def _gaps(told: list[Record]) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    for record in told:
        if isinstance(record, Gap):
            found.append((record.since, float("inf")))
        elif isinstance(record, Resynced):
            found[-1] = (found[-1][0], record.until)
    return found


def test_everything_at_any_moment() -> None:
    """Whatever happens in whatever order: nothing is lost in silence, nothing is told twice, nothing is stuck."""
    run_state_machine_as_test(
        Cells,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=tuple(Phase) if EXAMPLES > 100 else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )


# -- the whole product ------------------------------------------------------------------------------------------------


def _live(run: Cells) -> None:
    run.let_time_pass(5.0)


def _backing_off(run: Cells) -> None:
    _live(run)
    run.spoil_dials(["refused"] * 3)
    run.drop(newest=True, heard_out=False)


def _asking(run: Cells) -> None:
    _live(run)
    run.world.slow_answers = 4.0
    if run.dialect.queryable:
        run.refresh()


def _left_by(run: Cells, slow: str) -> None:
    _live(run)
    run.begin_a_move(slow)


def _lost_by(run: Cells, slow: str) -> None:
    _live(run)
    run.reconnect(slow)


def _echo(run: Cells) -> None:
    _left_by(run, "nothing")
    run.let_time_pass(2.0)


def _in_doubt(run: Cells, slow: str) -> None:
    """The key was replaced, or the connection fell mute, and it is known; nobody has taken over yet."""
    _live(run)
    run.world.pongs = False
    if slow == "mute":
        run.fall_mute()
        run.happen(1, drop=False)
        slow = "dials"
    elif run.exchange == "bitmusa":
        run.replace_the_key(told=True)
    for _ in range(200):
        if "in doubt" in cells.situation(run.stream) or run.exchange != "bitmusa":
            return
        run._slow_down(slow)
        run.clock.advance(0.5)


def _at_risk(run: Cells) -> None:
    """The key could not be extended for as long as it lives."""
    _live(run)
    run.break_rest("down")
    run.clock.advance(225.0 if run.exchange == "bitmusa" else 1.0)


SITUATIONS: dict[str, Callable[[Cells], None]] = {
    "live": _live,
    "backing off": _backing_off,
    "asking": _asking,
    "echo": _echo,
    "at risk": _at_risk,
    **{f"opening, slow {slow}": lambda run: None for slow in ("dials", "rest", "acks", "answers")},
    **{f"lost, slow {slow}": partial(_lost_by, slow=slow) for slow in ("dials", "rest", "acks", "answers", "budget")},
    **{
        f"left, slow {slow}": partial(_left_by, slow=slow)
        for slow in ("dials", "rest", "acks", "answers", "budget", "farewells")
    },
    **{
        f"in doubt, slow {slow}": partial(_in_doubt, slow=slow)
        for slow in ("dials", "rest", "answers", "budget", "farewells", "mute")
    },
}


def _refuse_for_good(run: Cells) -> None:
    run.world.login = "60001" if run.exchange == "bitget" else "30011"
    run.world.let_dials_succeed()
    run.world.fail_dials(ConnectFailed("HTTP 401", status=401))
    run.let_time_pass(0.3)


def _key_refused(run: Cells) -> None:
    run.world.rest = Response(status=200, text=json.dumps({"code": 1001, "message": "no"}))
    run.let_time_pass(0.3)


EVENTS: dict[str, Callable[[Cells], None]] = {
    "pushes": lambda run: run.happen(2, drop=False),
    "pushes, and the end": lambda run: run.happen(2, drop=True),
    "the oldest ends": lambda run: run.drop(newest=False, heard_out=False),
    "the newest ends": lambda run: run.drop(newest=True, heard_out=True),
    "the oldest asks to be left": lambda run: run.ask_to_be_left(newest=False),
    "the newest asks to be left": lambda run: run.ask_to_be_left(newest=True),
    "a broken text": lambda run: run.garble("{not json"),
    "a pong": lambda run: run.garble("pong"),
    "the key is replaced": lambda run: run.replace_the_key(told=True),
    "the key is replaced in silence": lambda run: run.replace_the_key(told=False),
    "it falls mute": lambda run: run.fall_mute(),
    "a ban": lambda run: run.share_the_budget(times=1, seconds=40.0),
    "a refused dial": lambda run: run.spoil_dials(["refused", "ban", "fine"]),
    "a refusal for good": _refuse_for_good,
    "a refusal of the key": _key_refused,
    "rest is down": lambda run: run.break_rest("down"),
    "rest is busy": lambda run: run.break_rest("busy"),
    "the clock jumps": lambda run: run.jump(600.0, asleep=False),
    "the clock is set back": lambda run: run.jump(-600.0, asleep=False),
    "the machine sleeps": lambda run: run.jump(600.0, asleep=True),
    "a channel more": lambda run: run.change_channels("account", more=True, refused=False),
    "a channel more that is refused": lambda run: run.change_channels("account", more=True, refused=True),
    "a channel less": lambda run: run.change_channels("positions", more=False, refused=False),
    "refresh": lambda run: run.refresh() if run.dialect.queryable else None,
    "stop": lambda run: run.stop(),
    "0.8 seconds": lambda run: run.let_time_pass(0.8),
    "5 seconds": lambda run: run.let_time_pass(5.0),
    "11 seconds": lambda run: run.let_time_pass(11.0),
    "65 seconds": lambda run: run.let_time_pass(65.0),
}
ONLY = {
    "the oldest asks to be left": "bitget-v2",
    "the newest asks to be left": "bitget-v2",
    "the key is replaced": "bitmusa",
    "the key is replaced in silence": "bitmusa",
    "it falls mute": "bitmusa",
    "a refusal of the key": "bitmusa",
}


def play(exchange: str, situation: str, *events: str) -> None:
    """Bring a stream into a situation, let things happen with a push behind each, and hold it against its promise."""
    run = Cells()
    slow = situation.partition("opening, slow ")[2]
    run.prepare(exchange, 1)
    if slow:
        run._slow_down(slow)
    run.stream.start()
    for role in ("io", "rest") if exchange == "bitmusa" else ("io",):
        while not any(f"/{role} " in sleeper for sleeper in run.clock.sleepers):
            pass  # it has not begun
    run.clock.advance(0.01)
    try:
        SITUATIONS[situation](run)
        for event in events:
            if ONLY.get(event, exchange) == exchange and run.running:
                EVENTS[event](run)
                run.happen(1, drop=False)
                run.let_time_pass(0.3)
        run.teardown()
    except BaseException as error:
        raise AssertionError(f"{exchange}, {situation}, {events}: {error}") from error


def test_each_event_in_each_situation() -> None:
    """All of them in the full matrix, and a thousand times two more behind one; usually a sample of both."""
    single = [(exchange, place, event) for exchange in _KNOWN for place in SITUATIONS for event in EVENTS]
    wanted = [each for each in single if ONLY.get(each[2], each[0]) == each[0]]
    random = Random(how_many("CELLS_SEED", 1, 1))
    for exchange, place, event in random.sample(wanted, min(len(wanted), how_many("SINGLE", 30, 10**6))):
        play(exchange, place, event)
    for _ in range(how_many("PAIRS", 15, 1000)):
        exchange, place, event = random.choice(wanted)
        play(exchange, place, event, random.choice(list(EVENTS)), random.choice(list(EVENTS)))
