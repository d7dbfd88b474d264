"""Whether what was recovered explains the difference between before and after: arithmetic, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from futures_stream.dialects.identity import signed_size
from futures_stream.engine.picture import Picture
from futures_stream.records import Execution, Order, PositionResult
from futures_stream.vocabulary import Side

__all__ = ["unexplained", "without_result"]


def unexplained(
    before: Picture, after: Picture, ended: dict[str, Order], executions: Sequence[Execution]
) -> dict[str, list[str]]:
    """
    Return what does not add up, by kind of state.

    For each order that was open, filled(before) + executions = filled(after); one that is not open any more must have
    been told to have ended, or been executed in full. For each contract, net size(before) + executions = net
    size(after).

    Args:
        before: What was open when the gap began.
        after: What is open now.
        ended: The last that was told of orders that were open before.
        executions: What was executed in between, as far as it was recovered.
    """
    faults: dict[str, list[str]] = defaultdict(list)
    filled: dict[str, Decimal] = defaultdict(Decimal)
    for execution in executions:
        filled[execution.order_id or ""] += execution.size or 0
    for order_id, order in before.orders.items():
        now = after.orders.get(order_id) or ended.get(order_id)
        if now is None:
            if order.size is None or (order.filled or _ZERO) + filled[order_id] != order.size:
                faults["orders"].append(f"order {order_id} was open and is not any more; how it ended is not known")
        elif (now.filled or _ZERO) - (order.filled or _ZERO) != filled[order_id]:
            faults["executions"].append(_more(order_id, now.filled, order.filled, filled[order_id]))
    for order_id, order in after.orders.items():
        if order_id not in before.orders and (order.filled or _ZERO) != filled[order_id]:
            faults["executions"].append(_more(order_id, order.filled, None, filled[order_id]))
    for symbol in _symbols(before, after, executions):
        fault = _position_fault(symbol, before, after, executions)
        if fault is not None:
            faults["positions"].append(fault)
    return dict(faults)


def without_result(before: Picture, after: Picture, results: Sequence[PositionResult]) -> list[str]:
    """
    Return which positions are not open any more, though nobody told what came of them.

    Args:
        before: What was open when the gap began.
        after: What is open now.
        results: What was told in between.
    """
    told = {(result.symbol, result.side) for result in results}
    return [
        f"position {position.symbol} {position.side} was open and is not any more; what came of it is not told"
        for key, position in before.positions.items()
        if key not in after.positions and (position.symbol, position.side) not in told
    ]


_ZERO = Decimal(0)


def _more(order_id: str, now: Decimal | None, before: Decimal | None, explained: Decimal) -> str:
    return f"order {order_id} filled {now} after {before or _ZERO}, executions explain {explained}"


def _symbols(before: Picture, after: Picture, executions: Sequence[Execution]) -> list[str]:
    positions = (*before.positions.values(), *after.positions.values())
    return sorted({record.symbol for record in (*positions, *executions) if record.symbol is not None})


def _position_fault(symbol: str, before: Picture, after: Picture, executions: Sequence[Execution]) -> str | None:
    """Return what does not add up about a contract's positions, long and short together; None if all does."""
    was, now = _net(symbol, before), _net(symbol, after)
    mine = [execution for execution in executions if execution.symbol == symbol]
    if was is None or now is None:
        return f"position {symbol}: its size is not known"
    if any(each.size is None or each.side not in (Side.BUY, Side.SELL) for each in mine):
        return f"position {symbol} went from {was} to {now}; not all executions say their side"
    change = sum((each.size if each.side is Side.BUY else -each.size for each in mine if each.size), _ZERO)
    return None if was + change == now else f"position {symbol} went from {was} to {now}, executions explain {change}"


def _net(symbol: str, picture: Picture) -> Decimal | None:
    sizes = [signed_size(position) for position in picture.positions.values() if position.symbol == symbol]
    return None if None in sizes else sum((size for size in sizes if size is not None), _ZERO)
