"""
A small deterministic market for one account: a scripted opening in which everything happens once, then chance.

Pure: no threads, no input or output, no clock; times are arguments.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal

from futures_stream.simulator.books import REMEMBERED, Books
from futures_stream.simulator.holdings import Holding
from futures_stream.simulator.opening import Cancel, Move, Place, PositionMode, Shock, opening
from futures_stream.simulator.values import (
    BookedEvent,
    BookedOrder,
    Effect,
    Instrument,
    Liquidity,
    OrderType,
    PositionSide,
    Standing,
    Statement,
)

DEPOSIT = Decimal("10000.00000000")
PAUPER = Decimal("2000")  # below this the account is refilled, so that a long run never runs dry
MARK_EVERY = 5  # steps between position rows that only follow the mark price
MAX_WORKING = 6  # orders

INSTRUMENTS: Mapping[str, Instrument] = {
    each.symbol: each
    for each in (
        Instrument(
            symbol="BTCUSDT", tick=Decimal("0.01"), lot=Decimal("0.001"), leverage=10, opening_price=Decimal("30000.50")
        ),
        Instrument(
            symbol="ETHUSDT", tick=Decimal("0.01"), lot=Decimal("0.01"), leverage=50, opening_price=Decimal("1850.20")
        ),
        Instrument(
            symbol="XRPUSDT", tick=Decimal("0.0001"), lot=Decimal("1"), leverage=10, opening_price=Decimal("0.5155")
        ),
    )
}


class Market:
    """
    Move prices and one account's orders step by step; the same seed gives the same story.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(
        self,
        seed: int | str = 0,
        mode: PositionMode = "hedge",
        prefix: str = "",
        remembered: int = REMEMBERED,
    ) -> None:
        self._random = random.Random(f"{seed}/{mode}")
        self._mode = mode
        first_id = self._random.randrange(10**11, 10**12)
        self._books = Books(INSTRUMENTS, DEPOSIT, first_id, prefix, remembered)
        self._opening = opening(mode)
        self._labels: dict[str, BookedOrder] = {}
        self.steps = 0

    def step(self, unix_ms: int) -> tuple[BookedEvent, ...]:
        """Advance by one step at the time *unix_ms* and tell what happened, in order."""
        events: list[BookedEvent] = []
        scripted = self._opening[self.steps] if self.steps < len(self._opening) else None
        self.steps += 1
        self._wander()
        if scripted is not None:
            for move in scripted:
                events += self._make(move, unix_ms)
        else:
            events += self._match(unix_ms)
            events += self._act(unix_ms)
        events += self._watch(unix_ms)
        return tuple(events)

    def standing(self, unix_ms: int) -> Standing:
        """Freeze the wallet and the open positions."""
        return self._books.standing(unix_ms)

    def statement(self, unix_ms: int) -> Statement:
        """Freeze the whole truth."""
        return self._books.statement(unix_ms, self.steps)

    # Prices

    def _wander(self) -> None:
        scripted = self.steps <= len(self._opening)
        for symbol, instrument in INSTRUMENTS.items():
            ticks = self._random.randint(-6, 6) * max(1, int(self._books.marks[symbol] / instrument.tick / 20_000))
            busy = any(each.symbol == symbol for each in self._books.working.values())
            # The opening must end alike for every seed, so chance keeps away from what the script is busy with.
            if not (scripted and (busy or symbol == "ETHUSDT")):
                self._move(symbol, self._books.marks[symbol] + ticks * instrument.tick)

    def _move(self, symbol: str, price: Decimal) -> None:
        instrument = INSTRUMENTS[symbol]
        low, high = instrument.opening_price / 2, instrument.opening_price * 2
        self._books.marks[symbol] = min(max(price, low), high).quantize(instrument.tick)

    # The opening

    def _make(self, move: Move, unix_ms: int) -> list[BookedEvent]:
        if isinstance(move, Shock):
            self._move(move.symbol, self._books.marks[move.symbol] * (1 + move.permille / 1000))
            return []
        if isinstance(move, Place):
            order, events = self._place(
                move.symbol, move.effect, move.position_side, move.size, move.type, move.away, unix_ms
            )
            self._labels[move.label] = order
            return events
        order = self._labels[move.label]
        if isinstance(move, Cancel):
            return self._books.cancel(order, unix_ms)
        return self._fill(order, move.size, unix_ms)

    def _place(
        self,
        symbol: str,
        effect: Effect,
        position_side: PositionSide,
        size: Decimal,
        type: OrderType,
        away: int,
        unix_ms: int,
    ) -> tuple[BookedOrder, list[BookedEvent]]:
        buys = (effect == "open") == (position_side == "long")
        passive = -away if buys else away
        mark = self._books.marks[symbol]
        price = mark + passive * INSTRUMENTS[symbol].tick if type == "limit" else mark
        order = self._books.place(symbol, effect, position_side, size, price, type, unix_ms)
        return order, [order, self._books.balance(unix_ms)]

    def _fill(self, order: BookedOrder, size: Decimal, unix_ms: int) -> list[BookedEvent]:
        liquidity: Liquidity = "maker" if order.type == "limit" else "taker"
        if order.type == "limit":
            self._books.marks[order.symbol] = order.price  # the market traded there
            return self._books.fill(order, order.price, size, liquidity, unix_ms)
        slip = self._random.randint(0, 3) * INSTRUMENTS[order.symbol].tick
        price = self._books.marks[order.symbol] + (slip if order.side == "buy" else -slip)
        return self._books.fill(order, price, size, liquidity, unix_ms)

    # Chance

    def _match(self, unix_ms: int) -> list[BookedEvent]:
        events: list[BookedEvent] = []
        for order in list(self._books.working.values()):
            mark = self._books.marks[order.symbol]
            crossed = mark <= order.price if order.side == "buy" else mark >= order.price
            if crossed:
                events += self._fill(order, self._part(order), unix_ms)
        return events

    def _part(self, order: BookedOrder) -> Decimal:
        lots = int(order.remaining / INSTRUMENTS[order.symbol].lot)
        part = lots if self._random.random() < 0.5 else self._random.randint(1, lots)
        return part * INSTRUMENTS[order.symbol].lot

    def _act(self, unix_ms: int) -> list[BookedEvent]:
        if self._books.wallet < PAUPER:
            return self._books.deposit(DEPOSIT - self._books.wallet, unix_ms)
        chance, working = self._random.random(), list(self._books.working.values())
        if working and (chance < 0.15 or len(working) >= MAX_WORKING):
            return self._books.cancel(self._random.choice(working), unix_ms)
        if chance < 0.35:
            return self._enter(unix_ms)
        if chance < 0.55:
            return self._leave(unix_ms)
        return []

    def _enter(self, unix_ms: int) -> list[BookedEvent]:
        symbol = self._random.choice(list(INSTRUMENTS))
        side: PositionSide = self._random.choice(("long", "short"))
        if self._mode == "one_way":
            taken = [each for (name, each) in self._books.holdings if name == symbol]
            taken += [each.position_side for each in self._books.working.values() if each.symbol == symbol]
            side = taken[0] if taken else side
        lots = self._random.randint(1, 30) * (10 if symbol == "XRPUSDT" else 1)
        held = self._books.holdings.get((symbol, side))
        if held is not None and held.size > 100 * INSTRUMENTS[symbol].lot * (10 if symbol == "XRPUSDT" else 1):
            return []
        return self._order(symbol, "open", side, lots * INSTRUMENTS[symbol].lot, unix_ms)

    def _leave(self, unix_ms: int) -> list[BookedEvent]:
        holdings = [each for each in self._books.holdings.values() if self._books.closable(each) > 0]
        if not holdings:
            return []
        holding = self._random.choice(holdings)
        instrument, size = holding.instrument, self._books.closable(holding)
        if self._random.random() < 0.5:
            size = self._random.randint(1, int(size / instrument.lot)) * instrument.lot
        return self._order(instrument.symbol, "close", holding.side, size, unix_ms)

    def _order(self, symbol: str, effect: Effect, side: PositionSide, size: Decimal, unix_ms: int) -> list[BookedEvent]:
        type: OrderType = "limit" if self._random.random() < 0.6 else "market"
        away = self._random.randint(1, 20)
        order, events = self._place(symbol, effect, side, size, type, away, unix_ms)
        while type == "market" and order.working:
            events += self._fill(order, self._part(order), unix_ms)
            order = self._books.order(order.order_id)
        return events

    # Risk

    def _watch(self, unix_ms: int) -> list[BookedEvent]:
        events: list[BookedEvent] = []
        for holding in list(self._books.holdings.values()):
            position = self._books.position(holding, unix_ms)
            warning = self._books.warning(position, unix_ms)
            if position.margin_ratio >= 1:
                events += self._liquidate(holding, unix_ms)
            elif warning is not None:
                events += [position, warning]
        if self.steps % MARK_EVERY == 0 and self._books.holdings:
            events += self._books.standing(unix_ms).positions
            events.append(self._books.balance(unix_ms))
        return events

    def _liquidate(self, holding: Holding, unix_ms: int) -> list[BookedEvent]:
        symbol, side = holding.instrument.symbol, holding.side
        events: list[BookedEvent] = []
        for order in list(self._books.working.values()):
            if order.effect == "close" and (order.symbol, order.position_side) == (symbol, side):
                events += self._books.cancel(order, unix_ms)
        order, placed = self._place(symbol, "close", side, holding.size, "liquidation", 0, unix_ms)
        return events + placed + self._fill(order, holding.size, unix_ms)
