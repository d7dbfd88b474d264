"""A stream and a stranger's server, and what becomes of them, held against the stranger's ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from futures_stream import Bitget, Bitmusa, Gap, Live, Order, Record, Stream
from futures_stream.dialects import BitmusaRest
from futures_stream.stream.making import prepare_stream
from tests.faults.deliveries import check_delivery
from tests.faults.events import Written, written
from tests.faults.ledger import check_executions, check_notices, check_secrets
from tests.faults.weather import Impatient
from tests.whole.stranger import CANARIES, CREDENTIALS, Line, Stranger, order, push

SOON = 30.0  # seconds; generous, since a machine with two busy cores may stall
REST = BitmusaRest(position_when_closing="side", trade_positions=(), trade_directions=(), trade_order_types=())


class Meeting:
    """
    A stream and a stranger; at its end everything is held against the stranger's ledger.

    Args:
        exchange: Which.
        log: Gives what was logged.
    """

    def __init__(self, exchange: str, log: Callable[[], str]) -> None:
        self.exchange = exchange
        self.stranger = Stranger(exchange)
        self.told: list[Record] = []
        self._log = log
        self._stream: Stream | None = None

    def open(self, dialect: Any = None, live: bool = True, **facts: Any) -> Stream:
        """Open the stream; wait until it is live, and its greeting is over."""
        known = dialect or (Bitget() if self.exchange == "bitget" else Bitmusa(rest=REST))
        self._stream = prepare_stream(
            known,
            CREDENTIALS[self.exchange],
            endpoints=self.stranger.endpoints,
            symbols=["BTCUSDT"] if self.exchange == "bitmusa" else None,
            random=Impatient(1),
            **facts,
        )
        self._stream.start()
        if live:
            self.until(Live)
        return self._stream

    def read(self, wanted: Callable[[Record], bool]) -> Record:
        """Take records until one is wanted."""
        assert self._stream is not None
        while True:
            record = self._stream.queue.get(timeout=SOON)
            self.told.append(record)
            if wanted(record):
                return record

    def until(self, kind: type[Record]) -> Record:
        """Take records up to the next of a kind."""
        return self.read(lambda record: isinstance(record, kind))

    def until_order(self, name: str, filled: int | None = None) -> Order:
        """Take records up to a push of an order."""
        found = self.read(
            lambda record: (
                isinstance(record, Order) and record.order_id == name and filled in (None, int(record.filled or 0))
            )
        )
        assert isinstance(found, Order)
        return found

    def close(self) -> None:
        """End the stream, then the stranger, and hold one against the other."""
        if self._stream is None:
            self.stranger.__exit__()
            return
        try:
            self._stream.close()
            self.told += list(self._stream.queue)
        finally:
            self.stranger.__exit__()

    def judge(self) -> list[Written]:
        """Hold what was told against what was written; return what was lost, each inside of a gap."""
        stream = self._stream
        assert stream is not None
        check_notices(self.told)
        wrote = written(self.stranger.ledger, self.exchange, stream.status.channels)
        lost = check_delivery(wrote, self.told)
        check_executions(self.told)
        names = [one.name for one in threading.enumerate()]
        check_secrets(CANARIES, *self.told, self._log(), repr(stream), repr(stream.status), stream.stats(), *names)
        return lost

    def kinds(self, *classes: type[Record]) -> list[str]:
        """Return which of these kinds were told, in order."""
        return [type(record).__name__ for record in self.told if isinstance(record, classes)]


def orders(met: Meeting, *names: str) -> list[str]:
    """Return a push of one new order each."""
    return [push(met.exchange, order(met.exchange, name)) for name in names]


def reconnects(met: Meeting, line: Line) -> None:
    """See that the connection is replaced, and works."""
    met.until(Gap)
    met.until(Live)
    following = met.stranger.wait_line(line.number + 1)
    following.say(*orders(met, "behind"))
    met.until_order("behind")
