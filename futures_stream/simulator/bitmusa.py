"""Bitmusa's end of one conversation: a stream that only ever speaks. No threads, no sockets, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from futures_stream.simulator.text import Answer, plain, render
from futures_stream.simulator.values import BookedBalance, BookedEvent, BookedOrder, BookedPosition, Standing

STREAM = "/ws/future/"

_ORDER_STATUSES = {"new": "TRADING", "partially_filled": "PARTIAL", "filled": "FILLED", "cancelled": "CANCELLED"}


def push_of(event: BookedEvent) -> str | None:
    """Write *event* as Bitmusa pushes it; None for what it has no stream for."""
    if isinstance(event, BookedBalance):
        return _push("future_wallet", _wallet(event), event.unix_ms)
    if isinstance(event, BookedOrder):
        return _push("future_order", _order(event), event.unix_ms)
    if isinstance(event, BookedPosition):
        return _push("future_position", _position(event), event.unix_ms)
    return None


def _push(stream: str, row: Mapping[str, object], unix_ms: int) -> str:
    return render({"data": row, "stream": stream, "eventTime": unix_ms})


def _wallet(balance: BookedBalance) -> dict[str, object]:
    return {"asset": balance.asset, "free": format(balance.available, "f"), "locked": format(balance.frozen, "f")}


def _order(order: BookedOrder) -> dict[str, object]:
    return {
        "orderId": order.order_id,
        "ticker": order.symbol,
        "direction": order.effect.upper(),
        "type": order.type.upper(),
        "price": order.price,
        "amount": order.size,
        "tradedAmount": order.filled,
        "value": order.cost,
        "status": _ORDER_STATUSES[order.status],
        "createdTime": order.created_ms,
        "canceledTime": order.canceled_ms,
        "completedTime": order.completed_ms,
    }


def _position(position: BookedPosition) -> dict[str, object]:
    return {
        "ticker": position.symbol,
        "marginMode": "ISOLATED",
        "positionMode": "ONEWAY",
        "position": "BUY" if position.side == "long" else "SELL",
        "status": position.status.upper(),
        "leverage": str(position.leverage),
        "price": plain(position.entry_price),
        "amount": plain(position.size),
        "value": plain(position.entry_price * position.size),
        "liquidPrice": plain(position.liquidation_price),
        "unpnl": plain(position.unrealized_pnl),
        "createdTime": position.created_ms,
        # The documents show the string; the moment of closing is shown nowhere and is a number like the other times.
        "closeTime": "null" if position.closed_ms is None else position.closed_ms,
    }


class BitmusaEnd:
    """
    Tell one client everything, as long as its listen key lives; it has nothing to say to us.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(self, key: str, alive: Callable[[str], bool]) -> None:
        self.key = key
        self._alive = alive

    def receive(self, _text: str, _unix_ms: int, _standing: Callable[[], Standing]) -> Answer:
        """Ignore what the client says; no message is documented."""
        return Answer()

    def push(self, events: Sequence[BookedEvent]) -> list[str]:
        """Write what the client is to hear of *events*: one frame each, nothing once the key has expired."""
        if not self._alive(self.key):
            return []
        return [text for text in map(push_of, events) if text is not None]

    def flood(self, order: BookedOrder, n: int) -> Iterator[str]:
        """Write *n* pushes that tell how *order* is filled, the last of them as it is."""
        row = {**_order(order), "status": "PARTIAL", "completedTime": None}
        # Only two numbers differ: writing the whole text each time would make a flood several times slower.
        template = _push("future_order", {**row, "tradedAmount": "@filled", "value": "@value"}, order.unix_ms)
        lot = order.size / n
        for number in range(1, n):
            filled = lot * number
            yield template.replace('"@filled"', plain(filled)).replace('"@value"', plain(filled * order.price))
        yield _push("future_order", _order(order), order.unix_ms)
