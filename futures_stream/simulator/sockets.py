"""The socket of one upgraded connection, and the one thread that owns it."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Literal

from websocket import ABNF

from futures_stream.clock import Clock
from futures_stream.simulator.frames import BrokenFrame, Ending, FrameReader, Item, Outbox, encode

LINGER = 0.3  # seconds that a peer has to answer our close
RECEIVE = 1 << 16

logger = logging.getLogger("futures_stream.simulator")

How = Literal["rst", "fin", "close"]


class WakeUp:
    """
    Wake a thread that waits in a selector.

    Threads:
        :meth:`set` is callable from any thread, also after the end; everything else belongs to the thread that waits.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._lock = threading.Lock()  # nobody may write to a descriptor that was closed and given away again

    def set(self) -> None:
        """Wake the thread, now or at its next wait."""
        with self._lock:
            if self._writer.fileno() >= 0:
                # A full pair means that it is awake already: nobody has read the bytes before.
                with contextlib.suppress(BlockingIOError):
                    self._writer.send(b"\0")

    def register(self, selector: selectors.BaseSelector) -> None:
        """Let *selector* return when woken."""
        selector.register(self._reader, selectors.EVENT_READ)

    def drain(self) -> None:
        """Forget that it was set."""
        try:
            while len(self._reader.recv(4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Give the descriptors back."""
        with self._lock:
            self._reader.close()
            self._writer.close()


class Connection:
    """
    The server's end of one WebSocket.

    Args:
        sock: The socket, after the upgrade; closed at the end of :meth:`run`.
        clock: What measures lingering and pacing.
        on_text: Told each text message, on the connection's thread.
        on_sent: Told the texts that were written to the socket, on the connection's thread.
        answers_pings: Whether protocol pings are answered.
        backlog: How many texts may wait; a peer that reads too slowly for it is reset, as exchanges do.

    Threads:
        :meth:`run` belongs to the one thread that owns the socket; everything else is callable from any thread.
    """

    def __init__(
        self,
        sock: socket.socket,
        clock: Clock,
        *,
        on_text: Callable[[str], None],
        on_sent: Callable[[list[str]], None],
        answers_pings: bool,
        backlog: int,
    ) -> None:
        self._sock = sock
        self._clock = clock
        self._on_text = on_text
        self._on_sent = on_sent
        self._answers_pings = answers_pings
        self._wake = WakeUp()
        self._outbox = Outbox(backlog)
        self._reader = FrameReader()
        # Written by others, read by the owner after it was woken.
        self._reset = False
        self._frozen = False
        self._silent = False
        self._rate: float | None = None
        # The owner's own.
        self._not_before = 0.0
        self._linger_until: float | None = None
        self._deaf = False  # nothing counts that comes after a close or a broken frame
        self._done = False

    @property
    def served(self) -> bool:
        """Tell whether the connection is neither over nor hanging half open."""
        return not (self._done or self._frozen)

    def say(self, text: str) -> None:
        """Queue a text frame."""
        self._put(text)

    def say_bytes(self, raw: bytes, opcode: int | None = None) -> None:
        """Queue bytes: as they are, or as the payload of a frame."""
        self._put(raw if opcode is None else encode(raw, opcode))

    def pour(self, source: Iterator[str]) -> None:
        """Queue a source of texts; it is drawn from as fast as the peer reads."""
        self._put(source)

    def end(self, how: How = "close", code: int = 1000) -> None:
        """End the connection: ``rst`` now, ``fin`` and ``close`` after what is queued."""
        if how == "rst":
            self._reset = True
        else:
            self._outbox.put(Ending(code=code if how == "close" else None))
        self._wake.set()

    def freeze(self) -> None:
        """Stop reading and writing for good."""
        self._frozen = True
        self._wake.set()

    def hush(self) -> None:
        """Say nothing until healed."""
        self._silent = True

    def throttle(self, rate: float | None) -> None:
        """Write at most *rate* bytes a second; None is no limit."""
        self._rate = rate
        self._wake.set()

    def heal(self) -> None:
        """Work normally again; a frozen connection is reset instead."""
        self._silent, self._rate, self._reset = False, None, self._reset or self._frozen
        self._wake.set()

    def run(self) -> None:
        """Serve the connection until it ends."""
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with selectors.DefaultSelector() as selector:
                self._wake.register(selector)
                while not self._done:
                    self._turn(selector)
        except OSError as error:
            logger.debug("connection lost: %s", type(error).__name__)
        finally:
            self._done = True
            self._sock.close()
            self._wake.close()

    def _put(self, item: Item) -> None:
        if self._silent or self._frozen or self._done:
            return
        if not self._outbox.put(item):
            logger.warning("a peer reads too slowly and is reset")
            self._reset = True
        self._wake.set()

    def _turn(self, selector: selectors.BaseSelector) -> None:
        now = self._clock.monotonic()
        paced = self._rate is not None and now < self._not_before
        pending = self._linger_until is None and bool(self._outbox.ready())
        if not pending:
            self._conclude()
        self._watch(selector, reads=not self._frozen, writes=pending and not paced and not self._frozen)
        limits = [
            each for each in (self._linger_until, self._not_before if paced and pending else None) if each is not None
        ]
        timeout = max(0.0, min(limits) - now) if limits and not self._frozen else None
        ready = {key.fileobj: mask for key, mask in self._clock.select(selector, timeout)}
        self._wake.drain()
        mask = ready.get(self._sock, 0)
        if self._reset:
            self._abort()
        elif self._linger_until is not None and self._clock.monotonic() >= self._linger_until:
            self._done = True
        elif not self._frozen:
            if mask & selectors.EVENT_READ:
                self._read()
            if mask & selectors.EVENT_WRITE and not self._done:
                self._write()

    def _watch(self, selector: selectors.BaseSelector, reads: bool, writes: bool) -> None:
        mask = reads * selectors.EVENT_READ | writes * selectors.EVENT_WRITE
        known = self._sock in selector.get_map()
        if mask and known:
            selector.modify(self._sock, mask)
        elif mask:
            selector.register(self._sock, mask)
        elif known:
            selector.unregister(self._sock)

    def _read(self) -> None:
        received = self._sock.recv(RECEIVE)
        if not received:
            self._done = True
            return
        if self._deaf:
            return
        try:
            for opcode, payload in self._reader.feed(received):
                self._heard(opcode, payload)
        except BrokenFrame as error:
            self._answer_close(error.code)

    def _answer_close(self, code: int) -> None:
        self._deaf = True
        self._outbox.put(Ending(code=code, answer=True))

    def _heard(self, opcode: int, payload: bytes) -> None:
        if opcode == ABNF.OPCODE_CLOSE and self._linger_until is not None:
            self._done = True
        elif self._linger_until is not None or self._silent or self._deaf:
            return
        elif opcode == ABNF.OPCODE_CLOSE:
            self._answer_close(struct.unpack("!H", payload[:2])[0] if payload else 1000)
        elif opcode == ABNF.OPCODE_PING and self._answers_pings:
            self._put(encode(payload, ABNF.OPCODE_PONG))
        elif opcode == ABNF.OPCODE_TEXT:
            try:
                text = payload.decode()
            except UnicodeDecodeError:
                raise BrokenFrame(1007) from None
            self._on_text(text)
        elif opcode == ABNF.OPCODE_BINARY:
            raise BrokenFrame(1003)

    def _write(self) -> None:
        buffer = self._outbox.ready()
        rate = self._rate
        quota = len(buffer) if rate is None else max(1, int(rate / 20))
        with memoryview(buffer) as view:
            count = self._sock.send(view[:quota])
        if rate is not None:
            self._not_before = self._clock.monotonic() + count / rate
        texts = self._outbox.sent(count)
        if texts:
            self._on_sent(texts)

    def _conclude(self) -> None:
        ending = self._outbox.ending
        if ending is None or self._linger_until is not None:
            return
        if ending.answer or ending.code is None:
            self._sock.shutdown(socket.SHUT_WR)
        self._linger_until = self._clock.monotonic() + LINGER

    def _abort(self) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._done = True
