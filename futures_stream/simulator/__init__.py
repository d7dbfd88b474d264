"""The exchanges on this machine's loopback interface, with faults on demand, to try and to test programs against."""

from futures_stream.simulator.server import Simulator
from futures_stream.simulator.values import (
    BookedBalance,
    BookedEvent,
    BookedExecution,
    BookedOrder,
    BookedPosition,
    BookedWarning,
    Exchange,
    Statement,
)
from futures_stream.simulator.world import LedgerEntry

__all__ = [
    "BookedBalance",
    "BookedEvent",
    "BookedExecution",
    "BookedOrder",
    "BookedPosition",
    "BookedWarning",
    "Exchange",
    "LedgerEntry",
    "Simulator",
    "Statement",
]
