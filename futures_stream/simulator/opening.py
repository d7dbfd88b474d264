"""The opening moves of every simulated market, so that a client soon sees each kind of event once."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import attrs

from futures_stream.simulator.values import Effect, OrderType, PositionSide

PositionMode = Literal["hedge", "one_way"]


@attrs.frozen
class Place:
    """Place an order under the name *label*; a limit *away* ticks on the passive side of the mark price."""

    label: str
    symbol: str
    effect: Effect
    position_side: PositionSide
    size: Decimal = attrs.field(converter=Decimal)
    type: OrderType = "limit"
    away: int = 5


@attrs.frozen
class Fill:
    """Match *size* of the order called *label*."""

    label: str
    size: Decimal = attrs.field(converter=Decimal)


@attrs.frozen
class Cancel:
    """Cancel what is left of the order called *label*."""

    label: str


@attrs.frozen
class Shock:
    """Move the mark price of *symbol* by *permille* thousandths."""

    symbol: str
    permille: Decimal = attrs.field(converter=Decimal)


Move = Place | Fill | Cancel | Shock


def opening(mode: PositionMode) -> tuple[tuple[Move, ...], ...]:
    """Write the opening moves, one tuple a step: with them every kind of event has happened."""
    # In one-way mode a symbol holds one position, so the short is on a symbol that is free at that time.
    short = "BTCUSDT" if mode == "hedge" else "XRPUSDT"
    size, rest = ("0.050", "0.020") if mode == "hedge" else ("900", "400")
    return (
        (Place("long", "BTCUSDT", "open", "long", "0.123"),),
        (Fill("long", "0.100"),),
        (Fill("long", "0.023"),),
        (Place("short", short, "open", "short", size), Fill("short", size)),
        (Place("passing", "ETHUSDT", "open", "long", "0.50", away=40),),
        (Cancel("passing"),),
        (Place("more", "BTCUSDT", "open", "long", "0.027", "market"), Fill("more", "0.012"), Fill("more", "0.015")),
        (Place("less", "BTCUSDT", "close", "long", "0.050"), Fill("less", "0.050")),
        (Place("risky", "ETHUSDT", "open", "long", "1.00", "market"), Fill("risky", "1.00")),
        (Shock("ETHUSDT", "-7"),),
        (Shock("ETHUSDT", "-7.1"),),
        (Shock("ETHUSDT", "-0.8"),),
        (Shock("ETHUSDT", "-3"),),
        (Place("cover", short, "close", "short", rest, "market"), Fill("cover", rest)),
        (Place("covered", short, "close", "short", str(Decimal(size) - Decimal(rest)), "market"),),
        (Fill("covered", str(Decimal(size) - Decimal(rest))),),
        (Place("up", "XRPUSDT", "open", "long", "2", "market"), Fill("up", "2")),
        (Shock("XRPUSDT", "4"), Place("up!", "XRPUSDT", "close", "long", "2", "take_profit"), Fill("up!", "2")),
        (Place("down", "ETHUSDT", "open", "short", "0.20"), Fill("down", "0.07")),
        (Cancel("down"),),
        (
            Shock("ETHUSDT", "4"),
            Place("down!", "ETHUSDT", "close", "short", "0.07", "stop_loss"),
            Fill("down!", "0.07"),
        ),
    )
