"""Everything the simulated exchanges know, behind one lock: markets, keys, faults, connections, and what was said."""

from __future__ import annotations

import itertools
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol
from urllib.parse import urlsplit

import attrs

from futures_stream.clock import Clock, Deadline, Event
from futures_stream.simulator.bitget import BitgetEnd, BitgetTerms
from futures_stream.simulator.bitget_v2 import BitgetV2End
from futures_stream.simulator.bitget_v2_rest import ROOTS, BitgetV2Desk
from futures_stream.simulator.bitmusa import STREAM, BitmusaEnd
from futures_stream.simulator.bitmusa_rest import BitmusaDesk, RestAnswer, RestCall
from futures_stream.simulator.books import Books
from futures_stream.simulator.faults import Faults
from futures_stream.simulator.listen_keys import ListenKeys
from futures_stream.simulator.market import DEPOSIT, INSTRUMENTS, Market
from futures_stream.simulator.sockets import Connection
from futures_stream.simulator.text import Answer
from futures_stream.simulator.values import BookedEvent, BookedOrder, Exchange, Standing, Statement

BITGET_PATH = "/mix/v1/stream"
BITGET_V2_PATH = "/v2/ws/private"
LEDGER_LENGTH = 1_000_000  # entries kept; older ones are forgotten


@attrs.frozen
class LedgerEntry:
    """Hold one text frame that was written to a socket, completely, at *unix_ms* of the true clock."""

    exchange: Exchange
    connection: int
    unix_ms: int
    text: str


class End(Protocol):
    """What the world needs of an exchange's end of a conversation."""

    def receive(self, text: str, unix_ms: int, standing: Callable[[], Standing], /) -> Answer:
        """Answer a message of the client."""

    def push(self, events: Sequence[BookedEvent]) -> list[str]:
        """Write what the client is to hear of *events*."""

    def flood(self, order: BookedOrder, n: int) -> Iterator[str]:
        """Write *n* pushes that tell how *order* is filled."""


@attrs.define(eq=False, kw_only=True)
class Line:
    """Join one connection with the end that speaks on it."""

    number: int
    exchange: Exchange
    session: End
    connection: Connection
    duplicate: bool = False


def flood_order(n: int, unix_ms: int) -> BookedOrder:
    """Make a further order, on no books, that is filled in *n* lots."""
    instrument = INSTRUMENTS["XRPUSDT"]
    books = Books(INSTRUMENTS, DEPOSIT, 9 * 10**11, "F")
    order = books.place("XRPUSDT", "open", "long", instrument.lot * n, instrument.opening_price, "limit", unix_ms)
    return attrs.evolve(
        order,
        filled=order.size,
        cost=order.price * order.size,
        average_price=order.price,
        status="filled",
        completed_ms=unix_ms,
    )


class World:
    """
    Hold all exchanges' state.

    Threads:
        Every method is callable from any thread. :attr:`lock` guards everything; it is never held while a socket is
        read or written, only while texts are queued.
    """

    def __init__(
        self,
        *,
        seed: int,
        clock: Clock,
        key_life: float,
        rest_root: str,
        rest_limits: Sequence[tuple[int, float]],
        terms: BitgetTerms,
        websocket_pong: bool,
        backlog: int,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.faults = Faults()
        self._requests: list[tuple[str, str]] = []
        self._terms = terms
        self._markets: Mapping[Exchange, Market] = {
            "bitget": Market(f"{seed}/bitget", "hedge"),
            "bitmusa": Market(f"{seed}/bitmusa", "one_way", prefix="C"),
            "bitget-v2": Market(f"{seed}/bitget-v2", "hedge"),
        }
        self._keys = ListenKeys(seed, key_life)
        self._desk = BitmusaDesk(self._keys, self.faults, rest_root, rest_limits)
        self._v2_desk = BitgetV2Desk(self.faults)
        self._lines: dict[int, Line] = {}
        self._numbers = itertools.count(1)
        self._ledger: deque[LedgerEntry] = deque(maxlen=LEDGER_LENGTH)
        self._watchers: list[Event] = []
        self._websocket_pong = websocket_pong
        self._backlog = backlog
        self._ended = False

    def server_ms(self) -> int:
        """Read the server's clock, which may be skewed."""
        return self.clock.unix_ms() + round(self.faults.skew * 1000)

    # The market

    def step(self) -> None:
        """Advance all markets by one step and queue the pushes."""
        with self.lock:
            now = self.server_ms()
            for exchange, market in self._markets.items():
                events = market.step(now)
                for line in self._lines.values():
                    if line.exchange == exchange:
                        self._push(line, events)
        self.changed()

    def statement(self, exchange: Exchange) -> Statement:
        """Freeze the truth about one exchange's account."""
        with self.lock:
            return self._markets[exchange].statement(self.server_ms())

    def _push(self, line: Line, events: Sequence[BookedEvent]) -> None:
        for text in line.session.push(events):
            line.connection.say(text)
            if line.duplicate:
                line.duplicate = False
                line.connection.say(text)

    # Connections

    def admit(self, path: str) -> tuple[Exchange, End] | int:
        """Decide on an upgrade request: the exchange and its end, or the HTTP status of the refusal."""
        with self.lock:
            if not self.faults.accepting:
                return 503
            if path == BITGET_PATH:
                return "bitget", BitgetEnd(self._terms, self.faults)
            if path == BITGET_V2_PATH:
                return "bitget-v2", self._v2_end()
            if not path.startswith(STREAM):
                return 404
            key = path[len(STREAM) :]
            if not self._alive(key):
                return 401
            return "bitmusa", BitmusaEnd(key, self._alive)

    def _v2_end(self) -> BitgetV2End:
        market = self._markets["bitget-v2"]
        return BitgetV2End(
            self.faults, lambda: market.standing(self.server_ms()), lambda: market.statement(self.server_ms())
        )

    def join(self, exchange: Exchange, session: End, sock: socket.socket, greeting: bytes) -> Line | None:
        """
        Add a connection that begins by writing *greeting*; None if the world has ended.

        It counts, and hears of events, before the greeting is written: a client that has read it misses nothing.
        """
        with self.lock:
            if self._ended:
                return None
            connection = Connection(
                sock,
                self.clock,
                on_text=lambda text: self._heard(line, text),
                on_sent=lambda texts: self._sent(line, texts),
                answers_pings=self._websocket_pong,
                backlog=self._backlog,
            )
            line = Line(number=next(self._numbers), exchange=exchange, session=session, connection=connection)
            connection.say_bytes(greeting)
            connection.throttle(self.faults.rates.get(exchange))
            if exchange in self.faults.silent:
                connection.hush()
            self._lines[line.number] = line
        self.changed()
        return line

    def leave(self, line: Line) -> None:
        """Forget a connection that is over."""
        with self.lock:
            self._lines.pop(line.number, None)
        self.changed()

    def lines(self) -> list[Line]:
        """List the connections, half-open ones included."""
        with self.lock:
            return list(self._lines.values())

    def end(self) -> None:
        """Let no more connections in, and close those that are open."""
        with self.lock:
            self._ended = True
            for line in self._lines.values():
                line.connection.end("close", 1001)
        self.changed()

    def _heard(self, line: Line, text: str) -> None:
        with self.lock:
            now = self.server_ms()
            answer = line.session.receive(text, now, lambda: self._markets[line.exchange].standing(now))
            for each in answer.texts:
                line.connection.say(each)
            if answer.close is not None:
                line.connection.end("close", answer.close)

    def _sent(self, line: Line, texts: Sequence[str]) -> None:
        with self.lock:
            now = self.clock.unix_ms()
            self._ledger.extend(LedgerEntry(line.exchange, line.number, now, text) for text in texts)
        self.changed()

    # REST and listen keys

    def rest(self, call: RestCall) -> RestAnswer | None:
        """Answer a REST call, as soon as REST is not stalled; None if the world ends before."""
        with self.lock:
            self._requests.append((call.method, call.path))
        self.changed()
        self.wait(lambda: self._ended or not self.faults.rest_stalled, None)
        with self.lock:
            if self._ended:
                return None
            if urlsplit(call.path).path.startswith(ROOTS):
                answer = self._v2_desk.answer(call, self.server_ms(), lambda: self._rest_books("bitget-v2"))
            else:
                answer = self._desk.answer(call, self.clock.monotonic(), lambda: self._rest_books("bitmusa"))
            self._close_deleted()
        self.changed()
        return answer

    def freeze_rest(self) -> None:
        """Let REST tell the account as it is now, whatever happens to it."""
        with self.lock:
            self.faults.rest_books = {each: self.statement(each) for each in ("bitmusa", "bitget-v2")}

    def _rest_books(self, exchange: Exchange) -> Statement:
        return self.faults.rest_books.get(exchange) or self.statement(exchange)

    def expire_key(self, close: bool) -> None:
        """Let the listen key expire now; with *close*, close its connections."""
        with self.lock:
            self._keys.expire(self.clock.monotonic())
            for line in self._lines.values():
                if close and isinstance(line.session, BitmusaEnd) and not self._alive(line.session.key):
                    line.connection.end("close", 1000)

    def replace_key(self) -> None:
        """Delete the listen key, close its connections, and make a new one."""
        with self.lock:
            self._keys.delete(self.clock.monotonic())
            self._close_deleted()
            self._keys.create(self.clock.monotonic())

    def _alive(self, key: str) -> bool:
        return self._keys.active(key, self.clock.monotonic())

    def _close_deleted(self) -> None:
        for line in self._lines.values():
            if isinstance(line.session, BitmusaEnd) and line.session.key in self._keys.deleted:
                line.connection.end("close", 1000)

    # What was said, and waiting for it

    def ledger(self) -> list[LedgerEntry]:
        """Copy the ledger."""
        with self.lock:
            return list(self._ledger)

    def requests(self) -> list[tuple[str, str]]:
        """Copy the list of REST calls."""
        with self.lock:
            return list(self._requests)

    def changed(self) -> None:
        """Wake everyone who waits for something to change."""
        with self.lock:
            for event in self._watchers:
                event.set()

    def wait(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Wait until *condition* holds, looking again at each change; tell whether it does within *timeout* seconds."""
        deadline, event = Deadline(self.clock, timeout), self.clock.event()
        with self.lock:
            self._watchers.append(event)
        try:
            while not condition():
                if deadline.expired:
                    return False
                event.wait(deadline.remaining)
                event.clear()
            return True
        finally:
            with self.lock:
                self._watchers.remove(event)
