"""What nobody has shown of Bitmusa's REST answers about an account, each in one place where it can be changed."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, in_, instance_of, le

__all__ = ["BitmusaRest"]


@frozen(kw_only=True)
class BitmusaRest:
    """
    How Bitmusa's account is asked over REST, and how its answers are read.

    Attributes:
        zone_hours: What its times are ahead of UTC; they name no zone (UTC+9, Korea's, is suspected).
        position_parameters_in: Where the parameters of the question for positions go: the document puts them into the
            body of a GET, an open client of Bitmusa's into the URL's query.
        positions_from: Whether positions are asked for contract by contract, or taken from the wallet's answer, where
            that client shows them listed; the document shows an empty list there.
        position_modes: The position modes that are asked for, one after the other: 0 one-way, 1 hedge.
        order_size: How many open orders are asked for at most; a full answer proves nothing.
        open_statuses: The numbers that an order's status can have while it is open (0 in the document, 4 in that
            client); whether such an order is partially filled follows from its figures.
        trade_size: How many executions make a page. A page that has fewer is taken for the last, so it must not be more
            than Bitmusa gives.
        trade_pages: How many pages are asked for at most.
        trade_positions: The positions that executions are asked for; () leaves the parameter out.
        trade_directions: The directions, likewise.
        trade_order_types: The order types, likewise.
        position_when_closing: What ``position`` says of an order that closes: its own ``"side"`` (a SELL closes a
            long), or the ``"position"`` that it closes (a SELL closes a short). The document hints at the first; None
            leaves the side of what closes unknown.
    """

    zone_hours: float = field(default=9.0, validator=and_(ge(-24), le(24)))
    position_parameters_in: Literal["query", "body"] = field(default="query", validator=in_(("query", "body")))
    positions_from: Literal["position", "wallet"] = field(default="position", validator=in_(("position", "wallet")))
    position_modes: tuple[int, ...] = (0, 1)
    order_size: int = field(default=50, validator=and_(instance_of(int), ge(1)))
    open_statuses: tuple[int, ...] = (0, 1, 4)
    trade_size: int = field(default=10, validator=and_(instance_of(int), ge(1)))
    trade_pages: int = field(default=50, validator=and_(instance_of(int), ge(1)))
    trade_positions: tuple[str, ...] = ("BUY", "SELL")
    trade_directions: tuple[str, ...] = ("OPEN", "CLOSE")
    trade_order_types: tuple[str, ...] = ("MARKET", "LIMIT", "TAKE_PROFIT", "STOP_LOSS", "LIQUIDATION")
    position_when_closing: Literal["side", "position"] | None = field(
        default=None, validator=in_(("side", "position", None))
    )
