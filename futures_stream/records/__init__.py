"""
What arrives on a queue: records of the account, and notices about the stream itself.

Every one is frozen. Money and sizes are :class:`~decimal.Decimal` straight from the wire text; what the exchange did
not say is None; times are whole milliseconds since 1970 as the exchange gave them; ids are text.
"""

from futures_stream.records.base import Record, kind_of
from futures_stream.records.derived import (
    PositionChange,
    PositionClosed,
    PositionFlipped,
    PositionIncreased,
    PositionLiquidated,
    PositionOpened,
    PositionReduced,
    RiskAlert,
    RiskCleared,
    RiskRecord,
    RiskUnknown,
)
from futures_stream.records.events import Deleveraging, Execution, LiquidationWarning, PositionResult
from futures_stream.records.notices import (
    ChannelLost,
    Closed,
    Drift,
    Gap,
    LeaseRenewed,
    Live,
    MonitorFailed,
    Notice,
    Overflow,
    Resynced,
    Rotated,
    Snapshot,
    Tick,
    Unreadable,
)
from futures_stream.records.state import Balance, Equity, Order, Position, TriggerOrder

__all__ = [
    "Balance",
    "ChannelLost",
    "Closed",
    "Deleveraging",
    "Drift",
    "Equity",
    "Execution",
    "Gap",
    "LeaseRenewed",
    "LiquidationWarning",
    "Live",
    "MonitorFailed",
    "Notice",
    "Order",
    "Overflow",
    "Position",
    "PositionChange",
    "PositionClosed",
    "PositionFlipped",
    "PositionIncreased",
    "PositionLiquidated",
    "PositionOpened",
    "PositionReduced",
    "PositionResult",
    "Record",
    "Resynced",
    "RiskAlert",
    "RiskCleared",
    "RiskRecord",
    "RiskUnknown",
    "Rotated",
    "Snapshot",
    "Tick",
    "TriggerOrder",
    "Unreadable",
    "kind_of",
]
