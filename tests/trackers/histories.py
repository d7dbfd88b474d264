"""Simulated histories as an exchange's pushes, and what a careless network makes of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from futures_stream.dialects import Bitget, Bitmusa, BitmusaCredentials
from futures_stream.dialects.bitget.pushes import Pushes
from futures_stream.records import Record
from futures_stream.simulator.bitget_rows import row_of
from futures_stream.simulator.bitmusa import push_of
from futures_stream.simulator.market import Market
from futures_stream.simulator.values import BookedEvent, BookedPosition, Exchange, Standing, Statement

BEGIN = 1_700_000_000_000  # ms
STEP = 200  # ms
CHANNELS = ("account", "positions", "orders", "execution", "liquidation")


@frozen(kw_only=True)
class History:
    """
    What happened, as it is told in the right order.

    Attributes:
        exchange: Whose words it is told in.
        records: All of it.
        channels: The same, channel by channel.
        positions: What became of positions, as the books have it.
        statement: How the books stand at the end.
    """

    exchange: Exchange
    records: tuple[Record, ...]
    channels: tuple[tuple[Record, ...], ...]
    positions: tuple[BookedPosition, ...]
    statement: Statement


class Teller:
    """Tells what happened in the words of one exchange, through the library's own reader."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._pushes = Pushes(Bitget(), "default", Counter(), Counter())
        self._session = Bitmusa().session(
            credentials=BitmusaCredentials(auth_key="a", api_key="b"),
            account="default",
            channels=tuple(Bitmusa().channels),
            symbols=None,
        )

    def tell(self, event: BookedEvent) -> list[Record]:
        """Return what is pushed of an event."""
        received_ns = (event.unix_ms + 5) * 1_000_000
        if self.exchange == "bitmusa":
            text = push_of(event)
            told: Any = [] if text is None else self._session.receive(text, received_ns, 1)
            return list(told)
        channel, _, row = row_of(event)
        return self._frame(channel, "update", [row], received_ns)

    def first(self, standing: Standing, unix_ms: int) -> list[Record]:
        """Return the full sets that Bitget begins with; Bitmusa pushes none."""
        if self.exchange == "bitmusa":
            return []
        received_ns = unix_ms * 1_000_000
        balances = [row_of(each)[2] for each in standing.balances]
        positions = [row_of(each)[2] for each in standing.positions]
        return self._frame("account", "snapshot", balances, received_ns) + self._frame(
            "positions", "snapshot", positions, received_ns
        )

    def _frame(self, channel: str, action: str, rows: Sequence[Any], received_ns: int) -> list[Record]:
        arg = {"channel": channel, "instType": "FUTURES", "instId": "default"}
        return self._pushes.read({"action": action, "arg": arg, "data": list(rows)}, received_ns, 1)


def play(seed: int, exchange: Exchange, steps: int, unseen: int = 0) -> History:
    """
    Return a history.

    Args:
        seed: Another seed, another story.
        exchange: Whose words.
        steps: How many steps of the market are told.
        unseen: How many steps came before anybody listened.
    """
    market = Market(seed, "hedge" if exchange == "bitget" else "one_way")
    for number in range(unseen):
        market.step(BEGIN - STEP * (unseen - number))
    teller = Teller(exchange)
    channels: dict[type[Record], list[Record]] = {}
    records = teller.first(market.standing(BEGIN - 1), BEGIN - 1)
    positions: list[BookedPosition] = []
    events = [event for number in range(steps) for event in market.step(BEGIN + STEP * number)]
    for event in events:
        if isinstance(event, BookedPosition):
            positions.append(event)
        told = teller.tell(event)
        records += told
        for record in told:
            channels.setdefault(type(record), []).append(record)
    return History(
        exchange=exchange,
        records=tuple(records),
        channels=tuple(tuple(channel) for channel in channels.values()),
        positions=tuple(positions),
        statement=market.statement(BEGIN + STEP * steps),
    )


def muddled(history: History, chance: random.Random) -> list[Record]:
    """
    Return a history as a careless network tells it.

    Each channel keeps its order, but for rows that are told again, at once or much later; channels overtake each other
    as they like. The full sets at the beginning come first.
    """
    told = [record for record in history.records if record.origin == "snapshot"]
    waiting = [_with_repetitions(channel, chance) for channel in history.channels]
    while any(waiting):
        channel = chance.choice([each for each in waiting if each])
        count = chance.choice((1, 1, 2, 5, 50))  # a channel may be far ahead
        told += channel[:count]
        del channel[:count]
    return told


def _with_repetitions(channel: Sequence[Record], chance: random.Random) -> list[Record]:
    told: list[Record] = []
    for record in channel:
        told.append(record)
        while chance.random() < 0.2:
            told.append(chance.choice(told[-chance.choice((1, 3, 30, 1000)) :]))
    return told
