"""What came of it: an account's positions, profit, orders and alerts in a few lines that fit a narrow terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from futures_stream.cli.lines import label
from futures_stream.dialects import DIALECTS
from futures_stream.dialects.figures import Figures
from futures_stream.records import Balance, Position, RiskAlert
from futures_stream.stream import Stream
from futures_stream.trackers import RiskMonitor, account_metrics
from futures_stream.trackers.metrics import mark_price

__all__ = ["summary"]

_MOST_SHOWN = 8  # positions and alerts of one account
_WIDTH = 80


def summary(stream: Stream, monitor: RiskMonitor, alerts: Sequence[RiskAlert]) -> Iterator[str]:
    """
    Yield the lines.

    Args:
        stream: Whose account.
        monitor: What watched it.
        alerts: What it said.
    """
    dialect = DIALECTS.get(stream.exchange)
    figures = Figures() if dialect is None else dialect.figures
    positions = list(stream.positions.values())
    yield f"{label(stream.exchange, stream.account)} at the end:"
    for balance in stream.balances.values():
        yield f"  {_account(balance, positions, figures)}"
    for position in positions[:_MOST_SHOWN]:
        yield f"  {_position(position, figures)}"
    if len(positions) > _MOST_SHOWN:
        yield f"  and {len(positions) - _MOST_SHOWN} positions more"
    if not positions:
        yield "  no open position"
    yield f"  {_orders(stream)}"
    raised = {(each.limit, each.subject.symbol or each.subject.asset) for each in monitor.raised}
    counted = Counter((alert.limit, alert.symbol or alert.asset) for alert in alerts)
    for (limit, about), count in counted.most_common(_MOST_SHOWN):
        still = "still raised" if (limit, about) in raised else "over"
        times = "" if count == 1 else f" ({count} times)"
        yield f"  alert{times}: {limit}{'' if about is None else f' of {about}'}, {still}"[:_WIDTH]
    if not counted:
        yield "  no alert"


def _account(balance: Balance, positions: Sequence[Position], figures: Figures) -> str:
    mine = [each for each in positions if each.margin_asset in (None, balance.asset)]
    told = account_metrics(balance, mine, figures)
    said = [
        f"{balance.asset}: equity {_money(told.total_equity.value)}",
        f"available {_money(told.available.value)}",
        f"unrealized PnL {_money(told.unrealized_pnl.value, signed=True)}",
    ]
    return ", ".join(said)


def _position(position: Position, figures: Figures) -> str:
    size = "?" if position.size is None else f"{position.size:f}"
    mark = mark_price(position, figures).value
    shown = f"{position.symbol or '?':<10} {position.side:<5} {size:>8} at {_price(position.entry_price):<10}"
    return f"{shown} mark {_price(mark):<10} PnL {_money(position.unrealized_pnl, signed=True):>9}"


def _orders(stream: Stream) -> str:
    orders = stream.orders
    ended = Counter(order.status.value for order in orders.values() if order.status.final)
    how = ", ".join(f"{count} {status}" for status, count in ended.most_common())
    still_open = len(orders.open)
    return f"{still_open} open order{'' if still_open == 1 else 's'}, {ended.total()} ended{f': {how}' if how else ''}"


def _money(amount: Decimal | None, *, signed: bool = False) -> str:
    if amount is None:
        return "unknown"
    return f"{amount:+,.2f}" if signed else f"{amount:,.2f}"


def _price(price: Decimal | None) -> str:
    """Return a price with six digits or all in front of the point, whichever is more: averages have dozens."""
    if price is None:
        return "unknown"
    places = max(0, 5 - max(price.adjusted(), -6))
    return f"{price:.{places}f}" if -price.as_tuple().exponent > places else f"{price:f}"  # type: ignore[operator]
