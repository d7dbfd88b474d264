"""
What an account's records add up to: orders, positions and balances as they stand, and whether a limit is crossed.

Pure folds: records in, views and derived records out. Nothing here waits, asks or knows the time, so they run over a
stream as over a recording::

    from futures_stream.trackers import AccountTracker

    account = AccountTracker()
    for record in records:
        for change in account.apply(record):
            print(change.symbol, change.before, change.after)
    print(account.positions, account.orders.open, account.balances)
"""

from futures_stream.trackers.balances import Balances, BalanceTracker
from futures_stream.trackers.changes import Change, ChangeKind, Counts, Verdict, marked
from futures_stream.trackers.derived import position_changes
from futures_stream.trackers.following import AccountTracker
from futures_stream.trackers.limits import Limits
from futures_stream.trackers.measures import Measure, Subject
from futures_stream.trackers.metrics import AccountMetrics, Figure, account_metrics, liquidation_distance
from futures_stream.trackers.order_views import Orders
from futures_stream.trackers.orders import OrderTracker
from futures_stream.trackers.position_views import PositionKey, Positions
from futures_stream.trackers.positions import PositionTracker
from futures_stream.trackers.risk import RiskMonitor

__all__ = [
    "AccountMetrics",
    "AccountTracker",
    "BalanceTracker",
    "Balances",
    "Change",
    "ChangeKind",
    "Counts",
    "Figure",
    "Limits",
    "Measure",
    "OrderTracker",
    "Orders",
    "PositionKey",
    "PositionTracker",
    "Positions",
    "RiskMonitor",
    "Subject",
    "Verdict",
    "account_metrics",
    "liquidation_distance",
    "marked",
    "position_changes",
]
