"""The simulator: the exchanges on one loopback port, and the threads that run them."""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Literal, overload

from futures_stream.clock import SYSTEM_CLOCK, Clock
from futures_stream.dialects import BitgetCredentials, BitgetV2Credentials, BitmusaCredentials, Endpoints
from futures_stream.simulator import bitget, bitmusa_rest
from futures_stream.simulator.controls import FaultControls, named
from futures_stream.simulator.front import NAME, Front
from futures_stream.simulator.values import Exchange, Statement
from futures_stream.simulator.world import BITGET_PATH, BITGET_V2_PATH, LedgerEntry, World

logger = logging.getLogger("futures_stream.simulator")

GRACE = 0.6  # seconds that connections have to close properly


def loopback(host: str) -> str:
    """
    Return the literal loopback address that *host* means.

    Raises:
        ValueError: It is not one.
    """
    if host == "localhost":
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise ValueError(f"the simulator listens on loopback addresses only, not on {host!r}")


class Simulator(FaultControls):
    """
    The exchanges on one port of this machine, with a market that moves and faults on demand.

    Use it as a context manager, or call :meth:`start` and :meth:`close`.

    Args:
        seed: What the markets' stories depend on; the same seed and number of steps give the same events.
        host: A loopback address.
        port: The port; 0 takes any.
        tick: Seconds between steps of the markets; None leaves them to :meth:`step`.
        clock: The clock; None is the machine's own.
        key_life: Seconds that a Bitmusa listen key lives.
        rest_root: A path in front of Bitmusa's REST resources, such as ``/api/v2``.
        rest_limits: How many REST calls are answered in how many seconds, as Bitmusa's own ((8, 1.0), (200, 60.0));
            what is more gets code 1011. None for no limit.
        pong: How Bitget answers a ping: ``"json"``, ``"text"``, or None for never.
        websocket_pong: Whether protocol pings are answered.
        code_style: How Bitget spells the code of a login that worked: ``"int"`` 0, ``"string"`` "0", ``"empty"``
            or ``"absent"``.
        echo_arg_in_errors: Whether Bitget's errors repeat the subscription that they are about.
        backlog: How many texts may wait for one connection before it is reset because its peer reads too slowly.

    Raises:
        ValueError: The host is not a loopback address.

    Threads:
        Every method is callable from any thread.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        tick: float | None = 0.2,
        clock: Clock | None = None,
        key_life: float = 3600.0,
        rest_root: str = "",
        rest_limits: Sequence[tuple[int, float]] | None = None,
        pong: bitget.Pong | None = "json",
        websocket_pong: bool = True,
        code_style: bitget.CodeStyle = "int",
        echo_arg_in_errors: bool = False,
        backlog: int = 10_000,
    ) -> None:
        terms = bitget.BitgetTerms(pong=pong, code_style=code_style, echo_arg_in_errors=echo_arg_in_errors)
        self._host, self._port, self._tick = loopback(host), port, tick
        self._clock = clock or SYSTEM_CLOCK
        super().__init__(
            World(
                seed=seed,
                clock=self._clock,
                key_life=key_life,
                rest_root=rest_root,
                rest_limits=rest_limits or (),
                terms=terms,
                websocket_pong=websocket_pong,
                backlog=backlog,
            )
        )
        self._front: Front | None = None
        self._threads: list[threading.Thread] = []
        self._stopping = self._clock.event()
        self._lifecycle = threading.Lock()

    def start(self) -> Simulator:
        """
        Listen and let the markets move; calling it again does nothing.

        Raises:
            OSError: The port is taken.
            RuntimeError: The simulator was closed.
        """
        with self._lifecycle:
            if self._stopping.is_set():
                raise RuntimeError("a closed simulator cannot be started again")
            if self._front is None:
                self._front = Front(self._host, self._port, self._clock, self._world)
                self._run("accept", self._front.run)
                if self._tick is not None:
                    self._run("market", self._move_markets)
        return self

    def close(self) -> None:
        """Close every connection, stop every thread and wait until they are gone; calling it again does nothing."""
        with self._lifecycle:
            if self._stopping.is_set():
                return
            self._stopping.set()
            self._world.end()
            if self._front is None:
                return
            for line in self._world.lines():
                if not line.connection.served:
                    line.connection.end("rst")
            self._world.wait(lambda: not self._world.lines(), GRACE)
            for line in self._world.lines():
                line.connection.end("rst")
            self._front.close()
            for thread in self._threads:
                thread.join()
            if not self._front.join(GRACE):
                logger.warning("a connection did not end in time")

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._stopping.is_set() else f"port {self._front.port}" if self._front else "not started"
        return f"<Simulator {state}, {self.connections()} connections>"

    @property
    def port(self) -> int:
        """The port that is listened on."""
        if self._front is None:
            raise RuntimeError("the simulator is not started")
        return self._front.port

    def endpoints(self, exchange: Exchange) -> Endpoints:
        """Say where *exchange* is simulated."""
        named(exchange)
        host = f"[{self._host}]" if ":" in self._host else self._host
        path = {"bitget": BITGET_PATH, "bitget-v2": BITGET_V2_PATH}.get(exchange, "")
        return Endpoints(ws_url=f"ws://{host}:{self.port}{path}", rest_url=f"http://{host}:{self.port}")

    @overload
    def credentials(self, exchange: Literal["bitget"]) -> BitgetCredentials: ...

    @overload
    def credentials(self, exchange: Literal["bitget-v2"]) -> BitgetV2Credentials: ...

    @overload
    def credentials(self, exchange: Literal["bitmusa"]) -> BitmusaCredentials: ...

    def credentials(self, exchange: Exchange) -> BitgetCredentials | BitmusaCredentials:
        """Give the credentials that *exchange* accepts; they are the same in every simulator and worth nothing."""
        named(exchange)
        if exchange != "bitmusa":
            kind = BitgetCredentials if exchange == "bitget" else BitgetV2Credentials
            return kind(api_key=bitget.API_KEY, api_secret=bitget.API_SECRET, passphrase=bitget.PASSPHRASE)
        return BitmusaCredentials(auth_key=bitmusa_rest.AUTH_KEY, api_key=bitmusa_rest.API_KEY)

    def step(self, n: int = 1) -> None:
        """Advance all markets by *n* steps."""
        for _ in range(n):
            self._world.step()

    def books(self, exchange: Exchange) -> Statement:
        """Freeze the truth about the account at *exchange* as it is now."""
        named(exchange)
        return self._world.statement(exchange)

    @property
    def ledger(self) -> list[LedgerEntry]:
        """
        All text frames that were written to a socket, oldest first; a copy.

        An entry is made just after the write, so a quick client may have read the text a moment before it is here:
        :meth:`wait_ledger` waits for it.
        """
        return self._world.ledger()

    @property
    def requests(self) -> list[tuple[str, str]]:
        """The method and path of all REST calls, oldest first; a copy."""
        return self._world.requests()

    def connections(self, exchange: Exchange | None = None) -> int:
        """Count the connections that are served: neither over nor half open."""
        wanted = named(exchange)
        return sum(line.exchange in wanted and line.connection.served for line in self._world.lines())

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = 5.0) -> bool:
        """Wait until *condition* holds, looking at each change here; tell whether it does within *timeout* seconds."""
        return self._world.wait(condition, timeout)

    def wait_connections(self, exchange: Exchange | None, n: int, timeout: float | None = 5.0) -> bool:
        """Wait until exactly *n* connections are served."""
        return self.wait_until(lambda: self.connections(exchange) == n, timeout)

    def wait_requests(self, n: int, timeout: float | None = 5.0) -> bool:
        """Wait until at least *n* REST calls were made."""
        return self.wait_until(lambda: len(self.requests) >= n, timeout)

    def wait_ledger(self, condition: Callable[[list[LedgerEntry]], bool], timeout: float | None = 5.0) -> bool:
        """Wait until the ledger satisfies *condition*."""
        return self.wait_until(lambda: condition(self.ledger), timeout)

    def _run(self, role: str, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=body, name=f"{NAME}/{role}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _move_markets(self) -> None:
        assert self._tick is not None
        due = self._clock.monotonic() + self._tick
        while not self._stopping.wait(max(0.0, due - self._clock.monotonic())):
            self._world.step()
            # A machine that was asleep must not be made up for by a burst.
            due = max(due + self._tick, self._clock.monotonic())
