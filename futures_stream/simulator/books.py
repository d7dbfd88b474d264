"""The arithmetic of one simulated account: orders, executions, positions and one wallet, exact in Decimals."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from decimal import Decimal

import attrs

from futures_stream.simulator.holdings import CENT, ZERO, Holding, margin_ratio, round_money
from futures_stream.simulator.values import (
    BookedBalance,
    BookedEvent,
    BookedExecution,
    BookedOrder,
    BookedPosition,
    BookedWarning,
    Effect,
    Instrument,
    Liquidity,
    OrderType,
    PositionSide,
    PositionStatus,
    Side,
    Standing,
    Statement,
)

ASSET = "USDT"
FEE_RATES: Mapping[Liquidity, Decimal] = {"maker": Decimal("0.0002"), "taker": Decimal("0.0006")}
WARNING_RATIOS = (Decimal("0.8"), Decimal("0.9"))  # the margin ratios at which levels 1 and 2 begin
REMEMBERED = 20_000  # finished orders kept, with their executions; a long run must not grow without end


_CLOSED_AS: Mapping[OrderType, PositionStatus] = {
    "limit": "user_close",
    "market": "user_close",
    "take_profit": "take_profit",
    "stop_loss": "stop_loss",
    "liquidation": "force_close",
}


class Books:
    """
    Book orders and their executions; each booking returns the events that it caused, in the order they are told.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        deposit: Decimal,
        first_id: int,
        prefix: str = "",
        remembered: int = REMEMBERED,
    ) -> None:
        self.instruments = instruments
        self.marks: dict[str, Decimal] = {symbol: each.opening_price for symbol, each in instruments.items()}
        self.holdings: dict[tuple[str, PositionSide], Holding] = {}
        self.working: dict[str, BookedOrder] = {}
        self.wallet = deposit
        self._deposits = deposit
        self._orders: dict[str, BookedOrder] = {}
        self._executions: dict[str, list[BookedExecution]] = {}
        self._order_ids = itertools.count(first_id)
        self._trade_ids = itertools.count(first_id * 8 + 1)
        self._prefix = prefix
        self._remembered = remembered

    def place(
        self,
        symbol: str,
        effect: Effect,
        position_side: PositionSide,
        size: Decimal,
        price: Decimal,
        type: OrderType,
        unix_ms: int,
    ) -> BookedOrder:
        """Place an order; its side follows from the effect and the position's side."""
        side: Side = "buy" if (effect == "open") == (position_side == "long") else "sell"
        order = BookedOrder(
            order_id=f"{self._prefix}{next(self._order_ids)}",
            symbol=symbol,
            side=side,
            position_side=position_side,
            effect=effect,
            type=type,
            price=price,
            size=size,
            filled=ZERO,
            cost=ZERO,
            average_price=ZERO,
            leverage=self.instruments[symbol].leverage,
            status="new",
            created_ms=unix_ms,
            canceled_ms=None,
            completed_ms=None,
            unix_ms=unix_ms,
        )
        self._keep(order)
        return order

    def order(self, order_id: str) -> BookedOrder:
        """Give the order as it is now."""
        return self._orders[order_id]

    def cancel(self, order: BookedOrder, unix_ms: int) -> list[BookedEvent]:
        """Cancel what is left of *order*."""
        canceled = attrs.evolve(self.working[order.order_id], status="cancelled", canceled_ms=unix_ms, unix_ms=unix_ms)
        self._keep(canceled)
        return [canceled, self.balance(unix_ms)]

    def fill(
        self, order: BookedOrder, price: Decimal, size: Decimal, liquidity: Liquidity, unix_ms: int
    ) -> list[BookedEvent]:
        """Match *size* of *order* at *price*; tell the order, the execution, the position and the balance."""
        order = self._filled(self.working[order.order_id], price, size, unix_ms)
        position, profit = self._hold(order, price, size, unix_ms)
        execution = BookedExecution(
            trade_id=str(next(self._trade_ids)),
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            position_side=order.position_side,
            effect=order.effect,
            price=price,
            size=size,
            fee=round_money(price * size * FEE_RATES[liquidity]),
            fee_asset=ASSET,
            liquidity=liquidity,
            realized_pnl=profit,
            unix_ms=unix_ms,
        )
        self.wallet += profit - execution.fee
        self._executions[order.order_id].append(execution)
        self._keep(order)
        return [order, execution, position, self.balance(unix_ms)]

    def deposit(self, amount: Decimal, unix_ms: int) -> list[BookedEvent]:
        """Pay money in."""
        self.wallet += amount
        self._deposits += amount
        return [self.balance(unix_ms)]

    def position(self, holding: Holding, unix_ms: int) -> BookedPosition:
        """Value *holding* at the current mark price."""
        return holding.at(self.marks[holding.instrument.symbol], unix_ms)

    def warning(self, position: BookedPosition, unix_ms: int) -> BookedWarning | None:
        """Make the warning that *position* deserves, if any."""
        level = sum(position.margin_ratio >= limit for limit in WARNING_RATIOS)
        if level == 0:
            return None
        return BookedWarning(
            symbol=position.symbol,
            side=position.side,
            margin_ratio=position.margin_ratio,
            liquidation_price=position.liquidation_price,
            current_price=position.mark_price,
            level=level,
            unix_ms=unix_ms,
        )

    def closable(self, holding: Holding) -> Decimal:
        """Say how much of *holding* no working order is about to close."""
        key = (holding.instrument.symbol, holding.side)
        return holding.size - sum(
            (
                each.remaining
                for each in self.working.values()
                if each.effect == "close" and (each.symbol, each.position_side) == key
            ),
            ZERO,
        )

    def balance(self, unix_ms: int) -> BookedBalance:
        """Value the account."""
        positions = [self.position(each, unix_ms) for each in self.holdings.values()]
        maintenance = sum((each.maintenance_margin for each in positions), ZERO.quantize(CENT))
        margins = sum((each.margin for each in positions), ZERO.quantize(CENT))
        profits = sum((each.unrealized_pnl for each in positions), ZERO.quantize(CENT))
        bound = margins + sum(
            (
                round_money(each.price * each.remaining / each.leverage)
                for each in self.working.values()
                if each.effect == "open"
            ),
            ZERO,
        )
        return BookedBalance(
            asset=ASSET,
            available=self.wallet - bound,
            frozen=bound,
            unrealized_pnl=profits,
            margin_ratio=margin_ratio(maintenance, self.wallet + profits),
            maintenance_margin=maintenance,
            initial_margin=margins,
            unix_ms=unix_ms,
        )

    def standing(self, unix_ms: int) -> Standing:
        """Freeze the wallet and the open positions."""
        return Standing(
            balances=(self.balance(unix_ms),),
            positions=tuple(self.position(each, unix_ms) for each in self.holdings.values()),
        )

    def statement(self, unix_ms: int, steps: int) -> Statement:
        """Freeze everything as it is now."""
        standing = self.standing(unix_ms)
        executions = (each for order in self._executions.values() for each in order)
        return Statement(
            balances=standing.balances,
            positions=standing.positions,
            orders=tuple(self._orders.values()),
            executions=tuple(sorted(executions, key=lambda each: int(each.trade_id))),
            deposits=self._deposits,
            steps=steps,
        )

    def _filled(self, order: BookedOrder, price: Decimal, size: Decimal, unix_ms: int) -> BookedOrder:
        filled, cost = order.filled + size, order.cost + price * size
        done = filled == order.size
        return attrs.evolve(
            order,
            filled=filled,
            cost=cost,
            average_price=round_money(cost / filled),
            status="filled" if done else "partially_filled",
            completed_ms=unix_ms if done else None,
            unix_ms=unix_ms,
        )

    def _hold(self, order: BookedOrder, price: Decimal, size: Decimal, unix_ms: int) -> tuple[BookedPosition, Decimal]:
        key, mark = (order.symbol, order.position_side), self.marks[order.symbol]
        held = self.holdings.get(key)
        if order.effect == "open":
            self.holdings[key] = grown = (
                held.increased(price, size) if held else self._opened(order, price, size, unix_ms)
            )
            return grown.at(mark, unix_ms, "increased" if held else "opened"), ZERO
        assert held is not None, "only a held position can be closed"
        profit, left = held.profit(price, size), attrs.evolve(held, size=held.size - size)
        if left.size:
            self.holdings[key] = left
            return left.at(mark, unix_ms, "reduced"), profit
        del self.holdings[key]
        return left.at(mark, unix_ms, "closed", _CLOSED_AS[order.type]), profit

    def _opened(self, order: BookedOrder, price: Decimal, size: Decimal, unix_ms: int) -> Holding:
        return Holding(
            instrument=self.instruments[order.symbol],
            side=order.position_side,
            size=size,
            entry_price=price,
            created_ms=unix_ms,
        )

    def _keep(self, order: BookedOrder) -> None:
        self._orders[order.order_id] = order
        self._executions.setdefault(order.order_id, [])
        if order.working:
            self.working[order.order_id] = order
            return
        self.working.pop(order.order_id, None)
        while len(self._orders) - len(self.working) > self._remembered:
            oldest = next(each for each in self._orders if each not in self.working)
            del self._orders[oldest], self._executions[oldest]
