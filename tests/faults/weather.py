"""A hostile network between a stream and its exchange: one trouble after the other, and what it leaves behind."""

from __future__ import annotations

import os
import pickle
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve

from futures_stream import (
    Bitget,
    Bitmusa,
    Closed,
    Gap,
    Options,
    Order,
    Overflow,
    Record,
    Resynced,
    Rotated,
    ShutDown,
    State,
    Stream,
    StreamQueue,
)
from futures_stream.dialects import BitmusaRest, Dialect
from futures_stream.dialects.base import LeaseTerms, Ping
from futures_stream.simulator import Simulator
from futures_stream.stream.making import prepare_stream
from tests.faults.deliveries import check_delivery
from tests.faults.events import Written, written
from tests.faults.in_memory import order_push
from tests.faults.ledger import Broken, check_executions, check_notices, check_secrets
from tests.faults.on_sockets import LISTEN_KEY, SECRETS
from tests.faults.world import World

PATIENCE = 120.0  # seconds until something that must happen is declared missing: some phases alone may take 10
SYMBOLS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")


class Impatient(Random):
    """Draws the shortest waits there are, so that thousands of reconnects fit into minutes."""

    def uniform(self, a: float, b: float) -> float:
        """Draw from the lowest thousandth."""
        return a + (b - a) * 0.001 * self.random()


def quick_dialect(exchange: str, lifetime: float | None = None) -> Dialect:
    """Return an exchange on which minutes are seconds: pings, silence, listen keys, and rotations if wanted."""
    silence: dict[str, Any] = {"silence_limit": 2.5, "lifetime": lifetime}
    if exchange == "bitget":
        return Bitget(ping=evolve(Bitget().ping, every=1.0), **silence)
    return Bitmusa(
        ping=Ping(text=None, every=1.0, answered=False),
        lease=LeaseTerms(life=60.0, renew_every=10.0, compare_every=5.0),
        rest=BitmusaRest(position_when_closing="side", trade_order_types=("LIMIT",)),
        **silence,
    )


class Subject:
    """
    One stream and its consumer, and the ledger that both are held against.

    Args:
        world: The far side.
        exchange: With whom.
        lifetime: Seconds after which the exchange is said to cut a connection.

    Threads:
        The consumer is a thread of its own; the rest belongs to the test.
    """

    def __init__(self, world: World, exchange: str, lifetime: float | None = None) -> None:
        self.world = world
        self.exchange = exchange
        self.counts: Counter[str] = Counter()
        self.told: list[Record] = []
        self._from = 0  # the ledger's entries before have been checked
        self._marker = 10**9
        self._moving = False
        self._calm_on = 0  # how many connections had been made when it was calm
        self._changed = threading.Condition()
        self.stream: Stream = prepare_stream(
            quick_dialect(exchange, lifetime),
            Simulator().credentials("bitget" if exchange == "bitget" else "bitmusa"),
            endpoints=world.endpoints(exchange),
            symbols=SYMBOLS if exchange == "bitmusa" else None,
            random=Impatient(1),
            options=Options(audit_every=5.0),
        )
        self.stream.start()
        self._consumer = threading.Thread(target=self._consume, args=(self.stream.queue,), name=f"consumer {exchange}")
        self._consumer.start()

    def _consume(self, box: StreamQueue) -> None:
        while True:
            try:
                record = box.get(timeout=1.0)
            except queue.Empty:
                continue
            except ShutDown:
                return
            with self._changed:
                self.told.append(record)
                self.counts[type(record).__name__] += 1
                self._changed.notify_all()

    def wait(self, wanted: Callable[[], bool], what: str, timeout: float = PATIENCE) -> None:
        """Wait until something holds, looking whenever a record comes and now and then."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not wanted():
                left = deadline - time.monotonic()
                if left <= 0 or not self._consumer.is_alive():
                    raise Broken(f"{self.exchange}: it did not come to this: {what}; {self.stream!r}")
                self._changed.wait(min(left, 0.05))

    def wait_live(self) -> None:
        """Wait until the stream is live."""
        self.wait(lambda: self.stream.status.state is State.LIVE, "live")

    def calm(self) -> None:
        """Wait until the stream is live and all that was written has come; the network must be fair by now."""
        deadline = time.monotonic() + PATIENCE
        while not self._still():
            if time.monotonic() > deadline:
                raise Broken(f"{self.exchange}: it does not calm down; {self.stream!r}")

    def _still(self) -> bool:
        """Tell whether a marker goes through the one connection there is, and nothing else happens meanwhile."""
        self.wait_live()
        connects = self.stream.status.connects
        if not self.world.simulator("wait_connections", self.exchange, 1, 5.0):
            return False
        self._marker += 1
        text = order_push(self.exchange, self._marker)
        self.world.simulator("send_text", self.exchange, text)
        name = f"C{self._marker}" if self.exchange == "bitmusa" else str(self._marker)
        try:
            self.wait(lambda: self._has(name), "an order that was just written", 5.0)
        except Broken:
            return False  # the connection that it was written to may have ended since
        while not any(entry.text == text for entry in self.world.ledger(self._from)):
            pass  # an entry is made just after the write
        self._calm_on = connects
        return self._undisturbed()

    def _undisturbed(self) -> bool:
        """Tell whether the connection that it calmed down on is the only one: a second one may be held back."""
        served, status = self.world.simulator("connections", self.exchange), self.stream.status
        return served == 1 and status.connects == self._calm_on and status.state is State.LIVE

    def _take(self) -> tuple[list[Any], list[Record]]:
        """Return what was written and what was told since the last time, taken at one moment when both are whole."""
        while True:
            entries = self.world.ledger(self._from)
            with self._changed:
                last = next((one for one in reversed(self.told) if isinstance(one, Gap | Resynced | Closed)), None)
                whole = isinstance(last, Closed) or (self._undisturbed() and not isinstance(last, Gap))
                if whole and len(self.world.ledger(self._from)) == len(entries):
                    told, self.told = self.told, []
                    return entries, told
            self.calm()  # something has happened since it was

    def _has(self, name: str) -> bool:
        return any(isinstance(one, Order) and one.order_id == name for one in self.told[-200:])

    def check(self, log: Sequence[object] = ()) -> dict[str, int]:
        """Hold what has come since the last time against what was written; return figures."""
        entries, told = self._take()
        self._from += len(entries)
        stream = self.stream
        ended = bool(told) and isinstance(told[-1], Closed)
        check_notices(told, ended=ended)
        wrote = written(entries, self.exchange, stream.status.channels)
        try:
            lost = check_delivery(wrote, told, moving=self._moving)
        except Broken as broken:
            raise Broken(f"{broken}\n{_kept(self.exchange, wrote, told)}") from None
        self._moving = any(isinstance(record, Rotated) for record in told)
        check_executions(told)
        texts = [*log, repr(stream), repr(stream.status), stream.stats(), *(one.name for one in threading.enumerate())]
        keys = set(LISTEN_KEY.findall("\n".join(map(str, texts)) + repr(told)))
        check_secrets([*SECRETS, *keys], *told, *texts)
        if any(isinstance(record, Overflow) for record in told):
            raise Broken("a queue that was read all the time has overflowed")
        return {
            "written": len(wrote),
            "told": len(told),
            "lost": len(lost),
            "gaps": sum(isinstance(one, Gap) for one in told),
        }

    def check_views(self, may_be_mute: bool = False) -> dict[str, int]:
        """
        Hold what the stream says is so against the exchange's books, as far as it says that it can be trusted.

        Args:
            may_be_mute: Whether the connection may push nothing although it should, since its listen key was taken
                away: nobody can know before the exchange is asked, but then the stream must know, or be right again.
        """
        if may_be_mute:
            self.wait(lambda: self._untrue() is None, "views that are right, or not to be trusted")
        untrue = self._untrue()
        if untrue is not None:
            raise Broken(untrue)
        if len(self.stream.orders) - len(self.stream.orders.open) > Options().most_orders:
            raise Broken(f"{self.exchange}: more finished orders are kept than may be: {self.stream.orders}")
        return {"views": self.stream.positions.trusted + self.stream.balances.trusted}

    def _untrue(self) -> str | None:
        """Return what the stream says wrongly, and says is to be trusted; None if nothing."""
        positions, balances = self.stream.positions, self.stream.balances
        sizes, available = self.world.books(self.exchange)
        held = {(each.symbol, each.side.value): each.size for each in positions.values()}
        if positions.trusted and held != sizes:
            return f"{self.exchange}: the stream says that it holds {held}, and the books say {sizes}"
        free = {each.asset: each.free for each in balances.values()}
        if balances.trusted and free != available:
            return f"{self.exchange}: the stream says that {free} is free, and the books say {available}"
        return None

    def close(self) -> None:
        """End the stream, within the contract's bound."""
        self.stream.close(5.0)
        self._consumer.join(PATIENCE)
        if self._consumer.is_alive():
            raise Broken("the consumer still waits for a stream that has ended")


def _kept(exchange: str, wrote: Sequence[Written], told: Sequence[Record]) -> str:
    """Write what a run was judged by into the folder that ``FUTURES_STREAM_EVIDENCE`` names, and say where it is."""
    folder = os.environ.get("FUTURES_STREAM_EVIDENCE")
    if folder is None:
        return "set FUTURES_STREAM_EVIDENCE to a folder to keep what was written and told"
    path = Path(folder) / f"{exchange}-{time.time_ns()}.pickle"
    path.write_bytes(pickle.dumps((list(wrote), list(told))))
    return f"what was written and told is in {path}"


class Weather:
    """
    Makes trouble on the way between streams and a world.

    Args:
        world: The far side.
        seed: What comes when depends on it alone.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.counts: Counter[str] = Counter()
        self._troubles: tuple[Callable[[str], str], ...] = (
            self._cut_on_the_way,
            self._cut_at_the_server,
            self._cut_after,
            self._delay,
            self._slow,
            self._drip,
            self._split,
            self._black_hole,
            self._turned_away,
            self._garble,
            self._rest_refuses,
            self._rest_cut,
            self._rest_slow,
            self._not_http,
            self._key_gone,
        )

    def trouble(self, exchange: str) -> str:
        """Make one more, whatever it is, and say which."""
        name = self.random.choice(self._troubles)(exchange)
        self.counts[name] += 1
        return name

    @property
    def keys_gone(self) -> int:
        """How many listen keys have been taken away so far."""
        return self.counts["expire_key"] + self.counts["replace_key"]

    def clear_up(self) -> None:
        """Let everything be as it should be."""
        for which in ("bitget", "bitmusa", "rest"):
            self.world.proxy(which, "impersonate", None)
            self.world.proxy(which, "heal")
        self.world.simulator("heal")

    # -- troubles: each says what it is -----------------------------------------------------------------------------

    def _cut_on_the_way(self, exchange: str) -> str:
        self.world.proxy(exchange, "cut", self.random.choice(["rst", "fin"]))
        return "cut"

    def _cut_at_the_server(self, exchange: str) -> str:
        how = self.random.choice(["rst", "fin", "close"])
        self.world.simulator("drop", exchange, how, self.random.choice([1000, 1001, 1008, 1012, 4009]))
        return f"server {how}"

    def _cut_after(self, exchange: str) -> str:
        """Tear a frame: the connection ends somewhere in what comes next, or in the greeting of the next one."""
        scope = self.random.choice(["open", "new", "all"])
        self.world.proxy(exchange, "set", "down", scope, cut_after=self.random.randrange(1, 3000))
        return "torn frame"

    def _delay(self, exchange: str) -> str:
        direction = self.random.choice(["up", "down", "both"])
        self.world.proxy(exchange, "set", direction, delay=self.random.uniform(0.01, 0.3))
        return "delay"

    def _slow(self, exchange: str) -> str:
        self.world.proxy(exchange, "set", "down", rate=self.random.choice([2_000, 20_000, 200_000]))
        return "slow"

    def _drip(self, exchange: str) -> str:
        self.world.proxy(exchange, "set", "down", self.random.choice(["open", "new"]), drip=0.005)
        return "drip"

    def _split(self, exchange: str) -> str:
        self.world.proxy(exchange, "set", "down", split_at=self.random.randrange(1, 500))
        return "split"

    def _black_hole(self, exchange: str) -> str:
        direction = self.random.choice(["up", "down", "both"])
        self.world.proxy(exchange, "set", direction, "open", black_hole=True)
        return f"black hole {direction}"

    def _turned_away(self, exchange: str) -> str:
        self.world.simulator("stop_accepting")
        self.world.simulator("drop", exchange, "rst")
        return "503"

    def _garble(self, exchange: str) -> str:
        text = self.random.choice(["{not json", "[]", "\x00", '{"event":"what?"}', '{"stream":"x","data":1}', "pong"])
        self.world.simulator("send_text", exchange, text)
        return "garbled"

    def _rest_refuses(self, exchange: str) -> str:
        code, status = self.random.choice([(999, 200), (999, 500), (1011, 200), (999, 502)])
        self.world.simulator("refuse_rest", code, status, self.random.randrange(1, 6))
        return "rest refuses"

    def _rest_cut(self, exchange: str) -> str:
        self.world.proxy("rest", "set", "down", cut_after=self.random.randrange(1, 2000))
        return "rest cut"

    def _rest_slow(self, exchange: str) -> str:
        self.world.proxy("rest", "set", "both", delay=self.random.uniform(0.05, 0.5))
        return "rest slow"

    def _not_http(self, exchange: str) -> str:
        answer = self.random.choice(
            [
                "SSH-2.0-OpenSSH_9.2\r\n",
                "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\n\r\n<",
            ]
        )
        self.world.proxy(exchange, "impersonate", answer)
        self.world.proxy(exchange, "cut", "rst")
        return "not http"

    def _key_gone(self, exchange: str) -> str:
        if exchange == "bitmusa":
            verb = self.random.choice(["replace_key", "expire_key"])
            self.world.simulator(verb)
            return verb
        self.world.simulator("refuse_login", "30006", 1)
        self.world.simulator("drop", exchange, "fin")
        return "login refused"
