"""Short ways to make records for tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from futures_stream.records import (
    Balance,
    Execution,
    Gap,
    LiquidationWarning,
    Live,
    Order,
    Position,
    Resynced,
    Snapshot,
)
from futures_stream.vocabulary import MarginMode, OrderStatus, Origin, PositionSide, PositionStatus

WHO: dict[str, Any] = {"exchange": "bitget", "account": "default"}
NUMBERS = [
    "size",
    "filled",
    "price",
    "average_price",
    "free",
    "locked",
    "total",
    "unrealized_pnl",
    "margin_ratio",
    "mark_price",
    "liquidation_price",
    "entry_price",
    "maintenance_margin",
    "position_margin",
    "notional",
    "leverage",
    "fee",
]


def told(facts: dict[str, Any]) -> dict[str, Any]:
    """Return facts with numbers as Decimals and a time of receipt that follows from the time, unless one is given."""
    facts = WHO | {
        name: Decimal(value) if name in NUMBERS and value is not None else value for name, value in facts.items()
    }
    if facts.get("timestamp") is not None:
        facts.setdefault("received_ns", facts["timestamp"] * 1_000_000)
    return facts


def order(order_id: str | None = "1", status: str = "new", **facts: Any) -> Order:
    """Make an order's row."""
    return Order(**told({"symbol": "BTCUSDT", "size": "1"} | facts), order_id=order_id, status=OrderStatus(status))


def execution(trade_id: str | None, size: str = "0.1", price: str = "100", **facts: Any) -> Execution:
    """Make an execution of order 1."""
    return Execution(
        **told({"symbol": "BTCUSDT", "order_id": "1"} | facts | {"size": size, "price": price}), trade_id=trade_id
    )


def position(size: str | None, side: str = "long", **facts: Any) -> Position:
    """Make a position's row."""
    status = PositionStatus.OPEN if size is None or Decimal(size) else PositionStatus.CLOSED
    facts = {"symbol": "BTCUSDT", "margin_mode": MarginMode.ISOLATED, "status": status} | facts
    return Position(**told(facts | {"size": size}), side=PositionSide(side))


def balance(asset: str | None = "USDT", **facts: Any) -> Balance:
    """Make a balance's row."""
    return Balance(**told(facts), asset=asset)


def full_set(of: str, *keys: tuple[str | None, ...], scope: tuple[str | None, ...] = (None, None)) -> Snapshot:
    """Make the notice behind a full set."""
    return Snapshot(**WHO, of=of, scope=scope, keys=keys, origin=Origin.SNAPSHOT)


def gap(since: int = 0, *channels: str) -> Gap:
    """Make the notice that a gap has begun."""
    return Gap(**WHO, reason="connection lost", since=since, channels=channels, received_ns=since * 1_000_000)


def resynced(proven: tuple[str, ...] = (), unproven: tuple[str, ...] = ()) -> Resynced:
    """Make the notice that a gap is closed."""
    return Resynced(**WHO, since=0, until=1, proven=proven, unproven=unproven)


def live(*channels: str) -> Live:
    """Make the notice that the stream is live."""
    return Live(**WHO, channels=channels or ("account", "positions", "orders", "executions"))


def warning(level: int | None = 1, **facts: Any) -> LiquidationWarning:
    """Make a warning about the long position."""
    facts = {"symbol": "BTCUSDT", "margin_mode": MarginMode.ISOLATED} | facts
    return LiquidationWarning(**told(facts), side=PositionSide.LONG, level=level)
