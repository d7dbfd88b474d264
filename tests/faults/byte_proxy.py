"""A TCP proxy on loopback that does to bytes what a bad network does; one selector thread for all connections."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Literal

from attrs import define, evolve, field, frozen

Direction = Literal["up", "down", "both"]  # up: client to server
Scope = Literal["open", "new", "all"]

_PIECE = 65536
_WAITING = 1 << 20  # bytes that may wait in one lane before its source is not read any more


@frozen(kw_only=True)
class Terms:
    """
    How bytes travel in one direction.

    Attributes:
        delay: Seconds that each piece is under way.
        rate: Most bytes a second; None for no limit.
        drip: Seconds between single bytes; None for whole pieces.
        cut_after: Bytes after which the connection is reset, counted from when the terms were set; None for never.
        split_at: A byte position, counted likewise, at which a piece is torn in two, sent a moment apart.
        black_hole: Whether everything is swallowed. A connection that has lost something is reset when it is to travel
            otherwise again, since TCP never leaves anything out.
        stalled: Whether nothing is read from the source any more, so that its window closes.
    """

    delay: float = 0.0
    rate: float | None = None
    drip: float | None = None
    cut_after: int | None = None
    split_at: int | None = None
    black_hole: bool = False
    stalled: bool = False


FAIR = Terms()


@define(eq=False)
class Lane:
    """One direction of one connection."""

    source: socket.socket
    target: socket.socket
    terms: Terms = FAIR
    waiting: deque[tuple[float, bytes]] = field(factory=deque)
    size: int = 0
    passed: int = 0  # bytes since the terms were set
    not_before: float = 0.0
    ended: bool = False  # the source has said its last
    over: bool = False  # and so have we
    torn: bool = False  # something was swallowed

    def set(self, terms: Terms) -> None:
        """Travel so from now on."""
        self.terms, self.passed, self.not_before = terms, 0, 0.0

    @property
    def reads(self) -> bool:
        """Whether more is taken from the source."""
        return not self.ended and not self.terms.stalled and self.size < _WAITING

    def due(self) -> float | None:
        """When the next bytes may go, None if there are none."""
        return max(self.waiting[0][0], self.not_before) if self.waiting else None

    def read(self, now: float) -> None:
        """Take what the source has."""
        try:
            data = self.source.recv(_PIECE)
        except BlockingIOError:
            return
        if not data:
            self.ended = True
        elif self.terms.black_hole:
            self.torn = True
        else:
            self.waiting.append((now + self.terms.delay, data))
            self.size += len(data)

    def write(self, now: float) -> bool:
        """Let go what may go by now; false if the connection is to be cut."""
        if self.terms.black_hole:
            self.torn = self.torn or bool(self.waiting)
            self.waiting.clear()
            self.size = 0
        elif self.torn:
            return False
        while self.waiting and (self.due() or 0.0) <= now:
            when, data = self.waiting[0]
            quota = self._quota(len(data))
            if quota <= 0:
                return False
            try:
                sent = self.target.send(data[:quota])
            except BlockingIOError:
                return True
            self.waiting.popleft()
            if data[sent:]:
                self.waiting.appendleft((when, data[sent:]))
            self.size -= sent
            self.passed += sent
            self._pause(now, sent)
        if self.terms.cut_after is not None and self.passed >= self.terms.cut_after:
            return False
        if self.ended and not self.waiting and not self.over and not self.terms.black_hole:
            self.over = True
            with contextlib.suppress(OSError):
                self.target.shutdown(socket.SHUT_WR)
        return True

    def _quota(self, size: int) -> int:
        terms = self.terms
        if terms.drip is not None:
            size = 1
        if terms.rate is not None:
            size = min(size, max(1, int(terms.rate / 50)))
        if terms.split_at is not None and self.passed < terms.split_at:
            size = min(size, terms.split_at - self.passed)
        if terms.cut_after is not None:
            size = min(size, terms.cut_after - self.passed)
        return size

    def _pause(self, now: float, sent: int) -> None:
        terms = self.terms
        if terms.drip is not None:
            self.not_before = now + terms.drip
        elif terms.rate is not None:
            self.not_before = now + sent / terms.rate
        elif terms.split_at is not None and self.passed == terms.split_at:
            self.not_before = now + 0.01


@define(eq=False)
class Pair:
    """One client's connection and the one to the server that belongs to it."""

    up: Lane
    down: Lane

    @property
    def lanes(self) -> tuple[Lane, Lane]:
        """Both directions."""
        return self.up, self.down


class ByteProxy:
    """
    Listens on loopback and passes bytes on to a port there; use it as a block.

    Args:
        port: Where the server listens.

    Attributes:
        port: Where this proxy listens.
        accepted: How many clients have come.

    Threads:
        Every method is callable from any thread; sockets belong to the proxy's own.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._near, selectors.EVENT_READ)
        self._lock = threading.Lock()  # guards what follows, never held while waiting
        self._came = threading.Condition()
        self._news: deque[tuple[str, Any]] = deque()
        self._terms = {"up": FAIR, "down": FAIR}
        self._pairs: list[Pair] = []
        self._lone: dict[socket.socket, tuple[bytes, bool]] = {}
        self._answer: tuple[bytes, bool] | None = None
        self._closed = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="byte proxy", daemon=True)
        self._thread.start()

    def __enter__(self) -> ByteProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- for any thread ---------------------------------------------------------------------------------------------

    def set(self, direction: Direction = "both", scope: Scope = "all", **terms: Any) -> None:
        """Change how bytes travel: of those connections, in that direction; what is not named is fair."""
        self._tell("set", (("up", "down") if direction == "both" else (direction,), scope, evolve(FAIR, **terms)))

    def heal(self) -> None:
        """Let everything travel fairly again, but for connections that have lost something: those are reset."""
        self._tell("set", (("up", "down"), "all", FAIR))

    def cut(self, how: Literal["rst", "fin"] = "rst") -> None:
        """End every open connection, on both sides, by a reset or by a TCP end."""
        self._tell("cut", how)

    def impersonate(self, answer: bytes | None, again_and_again: bool = False) -> None:
        """Answer new clients so, once they have said something, instead of passing them on; None ends it."""
        with self._lock:
            self._answer = None if answer is None else (answer, again_and_again)

    def wait_accepted(self, number: int, timeout: float = 20.0) -> bool:
        """Wait until so many clients have come; tell whether they have."""
        with self._came:
            return self._came.wait_for(lambda: self.accepted >= number, timeout)

    @property
    def connections(self) -> int:
        """How many connections are passed on at the moment."""
        return len(self._pairs)

    def close(self) -> None:
        """Reset every connection, and give everything back."""
        self._tell("close", None)
        self._thread.join(10)
        self._far.close()
        if self._failure is not None:
            raise self._failure

    def _tell(self, what: str, facts: Any) -> None:
        taken = threading.Event()
        with self._lock:
            if self._closed:
                return
            self._news.append((what, (facts, taken)))
            with contextlib.suppress(BlockingIOError):
                self._far.send(b"\0")
        taken.wait(10)  # so that what the caller does next happens on the new terms

    # -- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._closed:
                self._turn()
        except BaseException as error:
            self._failure = error
        finally:
            with self._lock:
                self._closed = True
                left, self._news = self._news, deque()
            for _, (_, taken) in left:
                taken.set()
            for pair in tuple(self._pairs):
                self._drop(pair)
            for sock in self._lone:
                sock.close()
            self._selector.close()
            self._listener.close()
            self._near.close()

    def _turn(self) -> None:
        now = time.monotonic()
        self._watch(now)
        dues = [due for lane in self._lanes() if (due := lane.due()) is not None and due > now]
        ready = self._selector.select(max(0.0, min(dues) - now) if dues else None)
        found = {key.fileobj: mask for key, mask in ready}
        now = time.monotonic()
        if self._near in found:
            with contextlib.suppress(BlockingIOError):
                self._near.recv(4096)
        self._hear()
        if self._listener in found:
            self._accept()
        for sock in tuple(self._lone):
            if sock in found:
                self._pretend(sock)
        for pair in tuple(self._pairs):
            self._pass_on(pair, found, now)

    def _hear(self) -> None:
        while self._news:
            with self._lock:
                what, (facts, taken) = self._news.popleft()
            if what == "close":
                self._closed = True
            elif what == "cut":
                for pair in tuple(self._pairs):
                    self._drop(pair, reset=facts == "rst")
            else:
                self._set(*facts)
            taken.set()

    def _set(self, directions: tuple[str, ...], scope: Scope, terms: Terms) -> None:
        for direction in directions:
            if scope != "open":
                self._terms[direction] = terms
            if scope != "new":
                for pair in self._pairs:
                    getattr(pair, direction).set(terms)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                client, _ = self._listener.accept()
                client.setblocking(False)
                with self._came:
                    self.accepted += 1
                    self._came.notify_all()
                with self._lock:
                    answer = self._answer
                if answer is not None:
                    self._lone[client] = answer
                    self._selector.register(client, selectors.EVENT_READ)
                    continue
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server = socket.socket()
                server.setblocking(False)
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server.connect_ex(("127.0.0.1", self._server))  # how it came out is seen when it is used
                up = Lane(client, server, self._terms["up"])
                self._pairs.append(Pair(up, Lane(server, client, self._terms["down"])))

    def _pretend(self, sock: socket.socket) -> None:
        answer, again = self._lone[sock]
        try:
            heard = sock.recv(_PIECE)
            if heard or again:
                sock.send(answer)
            if again and heard:
                self._selector.modify(sock, selectors.EVENT_WRITE)
                return
            if again:
                return
            sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            with contextlib.suppress(OSError):
                sock.send(answer)
                return
        except OSError:
            pass
        self._selector.unregister(sock)
        self._lone.pop(sock)
        sock.close()

    def _pass_on(self, pair: Pair, found: dict[Any, int], now: float) -> None:
        try:
            for lane in pair.lanes:
                if found.get(lane.source, 0) & selectors.EVENT_READ and lane.reads:
                    lane.read(now)
                if not lane.write(now):
                    self._drop(pair)
                    return
        except OSError:
            self._drop(pair)
            return
        if pair.up.over and pair.down.over:
            self._drop(pair, reset=False)

    def _drop(self, pair: Pair, reset: bool = True) -> None:
        self._pairs.remove(pair)
        for lane in pair.lanes:
            with contextlib.suppress(KeyError):
                self._selector.unregister(lane.source)
            with contextlib.suppress(OSError):
                if reset:
                    lane.source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            lane.source.close()

    def _watch(self, now: float) -> None:
        """Wait for what each socket is to do next, and for nothing else."""
        for pair in self._pairs:
            for lane, other in (pair.lanes, pair.lanes[::-1]):
                wanted = selectors.EVENT_READ if lane.reads else 0
                due = other.due()
                if due is not None and due <= now:
                    wanted |= selectors.EVENT_WRITE
                known = self._selector.get_map().get(lane.source)
                if known is None and wanted:
                    self._selector.register(lane.source, wanted)
                elif known is not None and not wanted:
                    self._selector.unregister(lane.source)
                elif known is not None and known.events != wanted:
                    self._selector.modify(lane.source, wanted)

    def _lanes(self) -> Iterator[Lane]:
        for pair in self._pairs:
            yield from pair.lanes
