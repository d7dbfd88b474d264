"""Notices: what happened to the stream itself, told in band at the place where it happened."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from futures_stream.errors import FuturesStreamError
from futures_stream.records.base import Record

__all__ = [
    "ChannelLost",
    "Closed",
    "Drift",
    "Gap",
    "LeaseRenewed",
    "Live",
    "MonitorFailed",
    "Notice",
    "Overflow",
    "Resynced",
    "Rotated",
    "Snapshot",
    "Tick",
    "Unreadable",
]


@frozen(kw_only=True)
class Notice(Record):
    """Something about the stream itself, told in band at the place where it happened."""


@frozen(kw_only=True)
class Live(Notice):
    """
    The stream is live: from this ``seq`` on, what arrives is current.

    Attributes:
        channels: What is subscribed.
    """

    channels: tuple[str, ...] = ()


@frozen(kw_only=True)
class Gap(Notice):
    """
    From ``since`` on events may have been missed; the gap lasts until its :class:`Resynced`.

    Attributes:
        reason: What happened.
        since: When the last message before it was received, in ms since 1970 by this machine's clock; where a listen
            key may be replaced by anybody (Bitmusa), the last record, or when the key was last known to be ours. What
            was under way then is missing, too, and may have happened before that, by as much as the network was slow;
            where the exchange can be asked, it is asked from what that message told of on.
        channels: What may be incomplete.
    """

    reason: str
    since: int
    channels: tuple[str, ...] = ()


@frozen(kw_only=True)
class Resynced(Notice):
    """
    A gap is closed, and this is what is known about it.

    Attributes:
        since: The gap's beginning, in ms.
        until: When messages flowed again, in ms.
        recovered: How many records were recovered.
        proven: Kinds (balances, positions, orders, executions) shown by arithmetic to be complete.
        unproven: Kinds of which it cannot be said that nothing is missing.
        unexplained: What was found not to add up, a line each.
    """

    since: int
    until: int
    recovered: int = 0
    proven: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every kind is proven and nothing is unexplained."""
        return not self.unproven and not self.unexplained


@frozen(kw_only=True)
class Drift(Notice):
    """
    A live stream was compared with what the exchange says over REST, twice, and they differ.

    A :class:`Gap` follows it, then what REST says, and a :class:`Resynced`: the push is missing, or has gone astray.

    Attributes:
        what: The kind of state: orders, positions.
        key: Which one: (order id,), or (symbol, side, margin mode).
        stream: What the stream had told: the filled size of an order, the size of a position; None if it is not there.
        rest: What REST says.
    """

    what: str
    key: tuple[str | None, ...]
    stream: Decimal | None = None
    rest: Decimal | None = None


@frozen(kw_only=True)
class Snapshot(Notice):
    """
    The rows right before this were a full set: what of its scope is not among them is gone.

    Attributes:
        of: The kind: balances, positions, orders, trigger_orders.
        scope: What the set is whole for: (product, symbol), with None for "all". Rows of other products stay.
        keys: The rows' own keys, in the dialect's order: (asset,), (symbol, side, margin mode) or (order id,).
    """

    of: str
    scope: tuple[str | None, ...] = ()
    keys: tuple[tuple[str | None, ...], ...] = ()


@frozen(kw_only=True)
class Overflow(Notice):
    """
    The queue was full: at this place records are missing from it (and only from it).

    Attributes:
        missed: How many.
        classes: How many of each class, by name.
    """

    missed: int
    classes: Mapping[str, int] = field(factory=dict)


@frozen(kw_only=True)
class Unreadable(Notice):
    """
    A message could not be understood; the stream goes on.

    Attributes:
        text: The message, cut at 4096 characters.
        error: Why.
    """

    text: str = field(repr=False)
    error: str


@frozen(kw_only=True)
class ChannelLost(Notice):
    """
    The exchange does not serve this channel any more; the others go on.

    If ``product`` or ``symbol`` is given, it is only lost for that product family or contract, and goes on for others.
    A channel that is lost whole is asked for again, after 15 s at most and then ever more seldom; when it is back, a
    :class:`Gap` of this channel says since when it was not served, and is closed as any other.

    Attributes:
        channel: Which one.
        error: What the exchange said.
    """

    channel: str
    error: FuturesStreamError


@frozen(kw_only=True)
class LeaseRenewed(Notice):
    """
    The listen key was extended.

    Attributes:
        expires_at: When it would end without another renewal, in ms.
    """

    expires_at: int


@frozen(kw_only=True)
class Rotated(Notice):
    """
    The stream moved to a new connection on purpose, without a gap.

    Attributes:
        reason: Why.
    """

    reason: str


@frozen(kw_only=True)
class MonitorFailed(Notice):
    """
    A monitor raised an exception and was taken off, or its ``on_alert`` raised one and goes on; so does the stream.

    Attributes:
        monitor: Its name.
        error: The exception.
    """

    monitor: str
    error: str


@frozen(kw_only=True)
class Tick(Notice):
    """Nothing came for a while; made by the consumer's own wait, never on a queue."""


@frozen(kw_only=True)
class Closed(Notice):
    """
    The stream ended: its last notice, once.

    Attributes:
        error: Why it could not go on; None when it was asked to close.
    """

    error: FuturesStreamError | None = None
