"""
Which of two rows about the same thing is the newer one: a pure answer, the same for engine and trackers.

Neither exchange numbers its events (WIRE.md A.6), so the answer rests on what cannot go back: an order that ended stays
ended, what was executed stays executed; and only then on the exchange's own times.
"""

from __future__ import annotations

from enum import Enum

from futures_stream.records import Order, Record
from futures_stream.vocabulary import OrderStatus

__all__ = ["Precedence", "by_time", "in_time", "of_orders", "precedence"]


class Precedence(Enum):
    """
    How a row stands to the one that is known.

    ``UNKNOWN``: nothing in the two tells. Then the order of arrival decides, which on one connection is the exchange's
    own.
    """

    NEWER = "newer"
    OLDER = "older"
    UNKNOWN = "unknown"


_NEWER, _OLDER, _UNKNOWN = Precedence.NEWER, Precedence.OLDER, Precedence.UNKNOWN
_PROGRESS = {status: 2 if status.final else 0 for status in OrderStatus} | {OrderStatus.PARTIALLY_FILLED: 1}


def precedence(known: Record, told: Record) -> Precedence:
    """
    Return whether *told* is newer or older than *known*, which is about the same order, position or balance.

    Of two rows of an order the one that ended is newer; of two that ended, or did not, the one that is filled further;
    then the later one. Of two rows of a position or balance, which may go up and down, the later one.

    Args:
        known: The row that is known.
        told: Another row.
    """
    if isinstance(told, Order) and isinstance(known, Order):
        return of_orders(known, told)
    return in_time(known, told)


def of_orders(known: Order, told: Order) -> Precedence:
    """Return what :func:`precedence` does, of two rows of one order."""
    was, now = _PROGRESS[known.status], _PROGRESS[told.status]
    if was != now and (was == 2 or now == 2):
        return _NEWER if now > was else _OLDER
    before, after = known.filled, told.filled
    if before is None or after is None:
        if was != now:
            return _NEWER if now > was else _OLDER
    elif before != after:
        return _NEWER if after > before else _OLDER
    return in_time(known, told)


def in_time(known: Record, told: Record) -> Precedence:
    """Return what :func:`precedence` does, of two rows of something that may go up and down."""
    return by_time(known.timestamp, told.timestamp)


def by_time(known: int | None, told: int | None) -> Precedence:
    """Return what :func:`in_time` does, of the two rows' own times in ms."""
    if known is None or told is None or known == told:
        return _UNKNOWN
    return _NEWER if told > known else _OLDER
