"""
The words that records are written in: open enums, lower case, ccxt's terms in snake case.

An exchange may at any time say a word that nobody knew. It becomes ``UNKNOWN``; what was really said stays in the
record (``raw_status``, ``info``), and nothing is lost.
"""

from __future__ import annotations

from enum import Enum

__all__ = [
    "Cause",
    "Channel",
    "Effect",
    "Liquidity",
    "MarginMode",
    "Mark",
    "OrderStatus",
    "OrderType",
    "Origin",
    "PositionMode",
    "PositionSide",
    "PositionStatus",
    "PriceSource",
    "Severity",
    "Side",
    "State",
    "TimeInForce",
    "TriggerStatus",
    "TriggerType",
]


class _Word(str, Enum):
    """An enum member that compares and prints as its own word."""

    # Equal to its word, so it must hash like it: else a dict that is keyed by one would not find the other.
    __hash__ = str.__hash__

    def __str__(self) -> str:
        return str(self.value)


class Side(_Word):
    """Which side of the order book an order or execution is on."""

    BUY = "buy"
    SELL = "sell"
    UNKNOWN = "unknown"


class PositionSide(_Word):
    """Which way a position profits; ``NET`` where an exchange keeps one signed position a symbol."""

    LONG = "long"
    SHORT = "short"
    NET = "net"
    UNKNOWN = "unknown"


class MarginMode(_Word):
    """Whether a position's margin is shared with the account (cross) or its own (isolated)."""

    CROSS = "cross"
    ISOLATED = "isolated"
    UNKNOWN = "unknown"


class PositionMode(_Word):
    """Whether a symbol has one position (one-way) or a long and a short one at once (hedge)."""

    ONE_WAY = "one_way"
    HEDGE = "hedge"
    UNKNOWN = "unknown"


class OrderStatus(_Word):
    """Where an order stands."""

    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    TRIGGERED = "triggered"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Whether an order in this status can never change again."""
        return self in _FINAL


_FINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED})


class OrderType(_Word):
    """What kind of order it is; ``LIQUIDATION`` is the exchange's own, against the account."""

    LIMIT = "limit"
    MARKET = "market"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    LIQUIDATION = "liquidation"
    UNKNOWN = "unknown"


class Effect(_Word):
    """Whether an order opens or closes a position."""

    OPEN = "open"
    CLOSE = "close"
    UNKNOWN = "unknown"


class Cause(_Word):
    """
    Who wanted an order or execution: the account itself, or the exchange, and then why.

    ``LIQUIDATION``: the position was taken over. ``REDUCTION``: it was made smaller by force, to prevent that. ``ADL``:
    it was closed against somebody else's liquidation. ``DELIVERY``: the contract expired. ``OFFSET``: a long and a
    short position were set off against each other.
    """

    USER = "user"
    LIQUIDATION = "liquidation"
    REDUCTION = "reduction"
    ADL = "adl"
    DELIVERY = "delivery"
    OFFSET = "offset"
    UNKNOWN = "unknown"


class TriggerType(_Word):
    """What a trigger order is for: entering (or anything else), taking profit, stopping a loss, or trailing a price."""

    CONDITIONAL = "conditional"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    TRAILING = "trailing"
    UNKNOWN = "unknown"


class TriggerStatus(_Word):
    """Where a trigger order stands; ``FAILED`` is one that was triggered in vain."""

    WAITING = "waiting"
    TRIGGERING = "triggering"
    TRIGGERED = "triggered"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Whether a trigger order in this status can never change again; the order that it made is another."""
        return self in _FINAL_TRIGGERS


_FINAL_TRIGGERS = frozenset(
    {TriggerStatus.TRIGGERED, TriggerStatus.FAILED, TriggerStatus.CANCELED, TriggerStatus.EXPIRED}
)


class PriceSource(_Word):
    """Which price is watched: the last trade's, the mark price, or the index."""

    LAST = "last"
    MARK = "mark"
    INDEX = "index"
    UNKNOWN = "unknown"


class TimeInForce(_Word):
    """How long an order rests: good till canceled, immediate or cancel, fill or kill, post only."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"
    UNKNOWN = "unknown"


class Liquidity(_Word):
    """Whether an execution added to the book (maker) or took from it (taker)."""

    MAKER = "maker"
    TAKER = "taker"
    UNKNOWN = "unknown"


class PositionStatus(_Word):
    """Whether a position stands, or how it ended."""

    OPEN = "open"
    CLOSED = "closed"
    LIQUIDATED = "liquidated"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    UNKNOWN = "unknown"


class Origin(_Word):
    """Where a record came from: pushed by the stream, or a row of a full set that was pushed or fetched."""

    PUSH = "push"
    SNAPSHOT = "snapshot"


class Mark(_Word):
    """What a reader should know about a record that is not as usual."""

    LATE = "late"
    """An older state of something that was already delivered in a newer one."""
    CONFLICT = "conflict"
    """The same identity as a record delivered before, with other numbers."""
    DERIVED_ID = "derived_id"
    """The exchange gives no id; this one was derived from the row."""
    REPEATED = "repeated"
    """Told before: nothing in it is new."""
    UNPROVEN = "unproven"
    """Derived from what is not known for certain: no full set had come before."""
    UNREADABLE_FIELD = "unreadable_field"
    """A field was there but could not be read: it is None here, and as it was said in ``info``."""


class Severity(_Word):
    """How urgent an alert is."""

    WARNING = "warning"
    CRITICAL = "critical"


class Channel(_Word):
    """What one can listen to, in words that all exchanges share."""

    ACCOUNT = "account"
    POSITIONS = "positions"
    ORDERS = "orders"
    EXECUTIONS = "executions"
    LIQUIDATIONS = "liquidations"
    TRIGGER_ORDERS = "trigger_orders"
    CLOSED_POSITIONS = "closed_positions"
    DELEVERAGING = "deleveraging"
    EQUITY = "equity"


class State(_Word):
    """
    Where a stream stands, and what an application may believe then.

    ``LIVE``: what was delivered is current. ``IDLE``, ``CONNECTING``, ``GREETING``, ``RESYNCING`` and ``BACKING_OFF``:
    suspended, do not act on what you know. ``CLOSED`` and ``FAILED``: ended, nothing will come any more.
    """

    IDLE = "idle"
    CONNECTING = "connecting"
    GREETING = "greeting"
    RESYNCING = "resyncing"
    LIVE = "live"
    BACKING_OFF = "backing_off"
    CLOSED = "closed"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""
        return self in (State.CLOSED, State.FAILED)
