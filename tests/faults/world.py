"""
Both simulated exchanges behind byte proxies, in a process of their own.

So the process of the test holds nothing but the stream and its consumer: its memory, threads and descriptors are those
of the library, and the interpreter's lock is not shared with the servers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

from attrs import frozen

from futures_stream import Endpoints
from futures_stream.simulator import Simulator
from tests.faults.byte_proxy import ByteProxy

ROOT = Path(__file__).parent.parent.parent
PROXIES = ("bitget", "bitmusa", "rest")


@frozen
class Entry:
    """One text frame that a server has written, as the ledger knows it."""

    exchange: str
    connection: int
    unix_ms: int
    text: str


class World:
    """
    The far side, as a block.

    Args:
        facts: Arguments of the simulator.

    Threads:
        Use it from one thread at a time.
    """

    def __init__(self, **facts: Any) -> None:
        command = [sys.executable, "-m", "tests.faults.world", json.dumps(facts)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.ports: dict[str, int] = self._hear()

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            ended = self._process.wait(30)
        finally:
            self._process.kill()
            self._process.stdout.close()
        assert kind is not None or ended == 0, f"the world ended with {ended}"

    def endpoints(self, exchange: str) -> Endpoints:
        """Say where an exchange is, through its proxies."""
        path = "/mix/v1/stream" if exchange == "bitget" else ""
        return Endpoints(f"ws://127.0.0.1:{self.ports[exchange]}{path}", f"http://127.0.0.1:{self.ports['rest']}")

    def simulator(self, verb: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of the simulator."""
        return self._ask("simulator", verb, arguments, named)

    def proxy(self, which: str, verb: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of a proxy."""
        return self._ask(which, verb, arguments, named)

    def ledger(self, since: int = 0) -> list[Entry]:
        """Return what has been written from an entry on."""
        return [Entry(*entry) for entry in self._ask("ledger", str(since), (), {})]

    def books(self, exchange: str) -> tuple[dict[tuple[str, str], Decimal], dict[str, Decimal]]:
        """Return what is true at an exchange: sizes of open positions by symbol and side, and what is free by asset."""
        positions, balances = self._ask("books", exchange, (), {})
        sizes = {(symbol, side): Decimal(size) for symbol, side, size in positions}
        return sizes, {asset: Decimal(available) for asset, available in balances}

    def _ask(self, what: str, verb: str, arguments: Any, named: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, verb, arguments, named]) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the world has ended: {self._process.poll()}"
        answer = json.loads(line)
        if isinstance(answer, dict) and "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer


def serve(facts: dict[str, Any]) -> None:
    """Be the far side: obey lines on the standard input until it ends."""
    with ExitStack() as stack:
        simulator = stack.enter_context(Simulator(**facts))
        proxies = {name: stack.enter_context(ByteProxy(simulator.port)) for name in PROXIES}
        _say({name: proxy.port for name, proxy in proxies.items()})
        for line in sys.stdin:
            what, verb, arguments, named = json.loads(line)
            if verb == "impersonate":
                arguments = [one.encode() if isinstance(one, str) else one for one in arguments]
            try:
                if what == "ledger":
                    entries = simulator.ledger[int(verb) :]
                    _say([(one.exchange, one.connection, one.unix_ms, one.text) for one in entries])
                elif what == "books":
                    books = simulator.books(verb)
                    positions = [(each.symbol, each.side, str(each.size)) for each in books.positions]
                    _say((positions, [(each.asset, str(each.available)) for each in books.balances]))
                else:
                    called = getattr(simulator if what == "simulator" else proxies[what], verb)
                    answer = called(*arguments, **named) if callable(called) else called
                    _say(answer if isinstance(answer, bool | int | None) else None)
            except Exception as error:
                _say({"failed": repr(error)})


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
