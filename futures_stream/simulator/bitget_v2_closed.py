"""What came of positions, out of the executions that made them; and its rows, of Bitget's v2 stream and REST."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import attrs

from futures_stream.simulator.bitget_v2_rows import COIN, Row, as_text, position_id
from futures_stream.simulator.holdings import ZERO, round_money
from futures_stream.simulator.values import BookedExecution, PositionSide

__all__ = ["ClosedPosition", "closed_positions", "closed_row", "fetched_closed_row"]


@attrs.frozen(kw_only=True)
class ClosedPosition:
    """
    Hold the executions of one position, from its first opening to the end of it.

    The entry price is the weighted average of what was added, rounded at each increase, as the books count it.
    """

    symbol: str
    side: PositionSide
    executions: tuple[BookedExecution, ...]

    @property
    def created_ms(self) -> int:
        """Say when it was opened."""
        return self.executions[0].unix_ms

    @property
    def closed_ms(self) -> int:
        """Say when the last of it was closed."""
        return self.executions[-1].unix_ms

    @property
    def entry_price(self) -> Decimal:
        """Say its average entry price when it was closed."""
        entry, held = ZERO, ZERO
        for each in self.executions:
            if each.effect == "open":
                entry = round_money((entry * held + each.price * each.size) / (held + each.size))
                held += each.size
            else:
                held -= each.size
        return entry

    @property
    def exit_price(self) -> Decimal:
        """Say the average price of all that closed it."""
        closed = self.of("close")
        return round_money(sum((each.price * each.size for each in closed), ZERO) / sum(each.size for each in closed))

    def of(self, effect: str) -> list[BookedExecution]:
        """Return the executions that opened, or closed, it."""
        return [each for each in self.executions if each.effect == effect]


def closed_positions(executions: Iterable[BookedExecution]) -> list[ClosedPosition]:
    """
    Return the positions that *executions* opened and closed, in the order in which they ended.

    Args:
        executions: All of an account, oldest first. A position whose opening is not among them is left out.
    """
    open_: dict[tuple[str, PositionSide], list[BookedExecution]] = {}
    held: dict[tuple[str, PositionSide], Decimal] = {}
    closed = []
    for each in executions:
        key = (each.symbol, each.position_side)
        if each.effect == "close" and key not in open_:
            continue
        open_.setdefault(key, []).append(each)
        held[key] = held.get(key, ZERO) + (each.size if each.effect == "open" else -each.size)
        if not held[key]:
            closed.append(ClosedPosition(symbol=each.symbol, side=each.position_side, executions=tuple(open_.pop(key))))
    return closed


def closed_row(position: ClosedPosition) -> Row:
    """Tell it on the stream."""
    return {
        "posId": position_id(position),
        "instId": position.symbol,
        "marginCoin": COIN,
        "marginMode": "fixed",  # so in this channel alone
        "holdSide": position.side,
        "posMode": "hedge_mode",
        "openPriceAvg": as_text(position.entry_price),
        "closePriceAvg": as_text(position.exit_price),
        "openSize": _sum(each.size for each in position.of("open")),
        "closeSize": _sum(each.size for each in position.of("close")),
        "achievedProfits": _sum(each.realized_pnl for each in position.of("close")),
        "settleFee": "0",
        "openFee": _sum(-each.fee for each in position.of("open")),
        "closeFee": _sum(-each.fee for each in position.of("close")),
        "cTime": str(position.created_ms),
        "uTime": str(position.closed_ms),
    }


def fetched_closed_row(position: ClosedPosition) -> Row:
    """Tell it over REST as it was seen there: with other names for most of it, and without its id."""
    row = closed_row(position)
    profit = [*(each.realized_pnl for each in position.of("close")), *(-each.fee for each in position.executions)]
    return {
        "symbol": row["instId"],
        "marginCoin": row["marginCoin"],
        "holdSide": row["holdSide"],
        "openAvgPrice": row["openPriceAvg"],
        "closeAvgPrice": row["closePriceAvg"],
        "marginMode": "isolated",
        "openTotalPos": row["openSize"],
        "closeTotalPos": row["closeSize"],
        "pnl": row["achievedProfits"],
        "netProfit": _sum(profit),
        "totalFunding": "0",
        "openFee": row["openFee"],
        "closeFee": row["closeFee"],
        "ctime": row["cTime"],
        "utime": row["uTime"],
    }


def _sum(values: Iterable[Decimal]) -> str:
    return as_text(sum(values, ZERO))
