"""What a person wants to know first of each kind of record, in a few words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from futures_stream.errors import printable
from futures_stream.records import (
    Balance,
    ChannelLost,
    Closed,
    Deleveraging,
    Drift,
    Equity,
    Execution,
    Gap,
    LeaseRenewed,
    LiquidationWarning,
    Live,
    MonitorFailed,
    Order,
    Overflow,
    Position,
    PositionChange,
    PositionResult,
    Record,
    Resynced,
    RiskAlert,
    RiskRecord,
    Rotated,
    Snapshot,
    TriggerOrder,
    Unreadable,
)

__all__ = ["facts_of"]

_LONGEST_QUOTE = 80


def facts_of(record: Record) -> str:
    """Return a record's facts in words; empty for a kind that has none."""
    tell = _TELLERS.get(type(record))
    if tell is not None:
        return tell(record)
    if isinstance(record, PositionChange):
        return _change(record)
    return _risk(record) if isinstance(record, RiskRecord) else ""


def _balance(record: Balance) -> str:
    return _joined(
        _figure("free", record.free),
        _figure("locked", record.locked),
        _figure("total", record.total),
        _figure("pnl", record.unrealized_pnl),
    )


def _position(record: Position) -> str:
    mode = None if record.margin_mode is None else f"{record.margin_mode}"
    return _joined(
        f"{record.side:<5} {_amount(record.size)}{_at(record.entry_price)}",
        _figure("mark", record.mark_price),
        _figure("pnl", record.unrealized_pnl),
        _figure("liquidation", record.liquidation_price),
        _joined(None if record.leverage is None else f"{_amount(record.leverage)}x", mode, by=" "),
        f"{record.status}",
    )


def _order(record: Order) -> str:
    what = _joined(record.side and f"{record.side:<4}", record.effect and f"{record.effect:<5}", record.type, by=" ")
    return _joined(
        f"{what:<12} {_amount(record.filled)} of {_amount(record.size)}{_at(record.price)}",
        None if not record.average_price else f"average {record.average_price:f}",
        _word(record.status.value, record.raw_status),
        None if record.order_id is None else f"id {printable(record.order_id, 40)}",
    )


def _execution(record: Execution) -> str:
    fee = None if record.fee is None else f"fee {record.fee:f} {printable(record.fee_asset or '', 20)}".rstrip()
    return _joined(
        f"{record.side or '':<12} {_amount(record.size)}{_at(record.price)}",
        fee,
        record.liquidity,
        None if record.order_id is None else f"order {printable(record.order_id, 40)}",
    )


def _warning(record: LiquidationWarning) -> str:
    away = None if record.distance is None else f"{record.distance * 100:.1f} % away"
    return _joined(
        f"{record.side:<5} close to liquidation",
        _figure("price", record.current_price),
        _figure("liquidation", record.liquidation_price),
        away,
        _figure("margin ratio", record.margin_ratio),
        None if record.level is None else f"level {record.level}",
    )


def _change(record: PositionChange) -> str:
    was = "nothing" if record.before is None else _amount(record.before.size)
    now = "nothing" if record.after is None else _amount(record.after.size)
    return f"{record.side:<5} from {was} to {now}"


def _risk(record: RiskRecord) -> str:
    return _joined(
        record.severity.value if isinstance(record, RiskAlert) else None,
        _figure(record.limit, record.value) or record.limit,
        _quote(record.reason),
    )


def _trigger_order(record: TriggerOrder) -> str:
    what = _joined(record.side and f"{record.side:<4}", record.effect and f"{record.effect:<5}", record.trigger, by=" ")
    size = "all" if record.whole_position else _amount(record.size)
    when = None if record.trigger_price is None else f"when {record.trigger_by or 'price'} is {record.trigger_price:f}"
    return _joined(
        f"{what:<12} {size}{_at(record.price)}",
        when,
        _word(record.status.value, record.raw_status),
        None if record.order_id is None else f"id {printable(record.order_id, 40)}",
    )


def _position_result(record: PositionResult) -> str:
    return _joined(
        f"{record.side:<5} {_amount(record.closed)}{_at(record.entry_price)}",
        _figure("left @", record.exit_price),
        _figure("pnl", record.realized_pnl),
        _figure("net", record.net_pnl),
    )


def _deleveraging(record: Deleveraging) -> str:
    return _joined(
        f"{record.side or record.position_side or '':<5} auto-deleveraging {_amount(record.size)}{_at(record.price)}",
        _figure("rank", record.rank),
        None if record.raw_status is None else printable(record.raw_status, 40),
    )


def _equity(record: Equity) -> str:
    return _joined(
        _figure("total", record.total),
        _figure("pnl", record.unrealized_pnl),
        _figure("free", record.free),
        _figure("maintenance", record.maintenance_margin),
    )


def _live(record: Live) -> str:
    return f"from here on it is current: {', '.join(record.channels)}"


def _gap(record: Gap) -> str:
    blind = f"events may be missing since {_moment(record.since)}"
    return f"{blind} ({_quote(record.reason)}): {', '.join(record.channels)}"


def _resynced(record: Resynced) -> str:
    blind = f"messages flow again after {(record.until - record.since) / 1000:.1f} s"
    if record.complete:
        return f"{blind}, and nothing is missing"
    return _joined(
        blind,
        f"not proven complete: {', '.join(record.unproven)}" if record.unproven else None,
        *(_quote(line) for line in record.unexplained),
    )


def _drift(record: Drift) -> str:
    key = " ".join(printable(part, 40) for part in record.key if part is not None)
    told, says = (("gone" if value is None else f"{value:f}") for value in (record.stream, record.rest))
    return f"{record.what} {key}: the stream told {told}, REST says {says}"


def _snapshot(record: Snapshot) -> str:
    what = " of ".join((record.of, *(printable(part, 40) for part in record.scope if part is not None)))
    return f"that was the full set of {what}: {len(record.keys)}"


def _overflow(record: Overflow) -> str:
    classes = ", ".join(f"{count} {name}" for name, count in record.classes.items())
    return f"the queue was full: {record.missed} missing ({classes})"


def _unreadable(record: Unreadable) -> str:
    return f"{_quote(record.error)}: {_quote(record.text)}"


def _channel_lost(record: ChannelLost) -> str:
    return f"{record.channel}: {_quote(record.error.message)}"


def _lease_renewed(record: LeaseRenewed) -> str:
    return f"the listen key is good until {_moment(record.expires_at)}"


def _rotated(record: Rotated) -> str:
    return f"on a new connection, nothing is missing: {_quote(record.reason)}"


def _monitor_failed(record: MonitorFailed) -> str:
    return f"{record.monitor} was taken off: {_quote(record.error)}"


def _closed(record: Closed) -> str:
    return "the end, as asked" if record.error is None else f"the end: {_quote(record.error.message)}"


_TELLERS: dict[type[Record], Callable[[Any], str]] = {
    Balance: _balance,
    Position: _position,
    Order: _order,
    Execution: _execution,
    LiquidationWarning: _warning,
    TriggerOrder: _trigger_order,
    PositionResult: _position_result,
    Deleveraging: _deleveraging,
    Equity: _equity,
    Live: _live,
    Gap: _gap,
    Resynced: _resynced,
    Drift: _drift,
    Snapshot: _snapshot,
    Overflow: _overflow,
    Unreadable: _unreadable,
    ChannelLost: _channel_lost,
    LeaseRenewed: _lease_renewed,
    Rotated: _rotated,
    MonitorFailed: _monitor_failed,
    Closed: _closed,
}


def _joined(*parts: str | None, by: str = "  ") -> str:
    return by.join(part for part in parts if part)


def _figure(name: str, value: Decimal | None) -> str | None:
    return None if value is None else f"{name} {value:f}"


def _amount(value: Decimal | None) -> str:
    return "?" if value is None else f"{value:f}"


def _at(price: Decimal | None) -> str:
    return f" @ {price:f}" if price else ""


def _word(known: str, raw: str | None) -> str:
    return f"{known} ({printable(raw, 40)})" if known == "unknown" and raw else known


def _quote(text: str) -> str:
    return printable(text, _LONGEST_QUOTE)


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, timezone.utc):%H:%M:%S}"
