"""What Bitget pushes today: from a decoded message to the records it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from futures_stream.dialects.bitget_v2.fields import READERS
from futures_stream.dialects.bitget_v2.orders import read_order, read_trigger_order
from futures_stream.dialects.bitget_v2.rows import (
    read_balance,
    read_deleveraging,
    read_equity,
    read_execution,
    read_position,
    read_position_result,
)
from futures_stream.dialects.counts import count_odd
from futures_stream.dialects.identity import key_of
from futures_stream.dialects.rows import Frame, Parser, read_rows
from futures_stream.errors import MessageNotUnderstood, printable
from futures_stream.records import Position, Record, Snapshot
from futures_stream.vocabulary import Origin

__all__ = ["PARSERS", "Pushes"]

PARSERS: dict[str, Parser] = {
    "account": read_balance,
    "positions": read_position,
    "orders": read_order,
    "executions": read_execution,
    "trigger_orders": read_trigger_order,
    "closed_positions": read_position_result,
    "deleveraging": read_deleveraging,
    "equity": read_equity,
}
"""How the rows of a channel (neutral word) are read."""


class Pushes:
    """
    The reader of one connection's pushes.

    Every push says ``snapshot``, whatever it is (WIRE.md A.6): the channel decides. A push of positions is all open
    positions of its product, each time, so what is not in it is closed, and an empty one closes the last. All others
    are what has changed.

    Args:
        exchange: The dialect's name.
        words: Neutral word → Bitget's own, of all channels.
        account: The label that every record carries.
        symbols: The contracts that are wanted; None for all. Bitget itself sends all of them.
        unknown: Where words that nobody knew are counted.
        oddities: Where broken rules are counted.
    """

    def __init__(
        self,
        exchange: str,
        words: Mapping[str, str],
        account: str,
        symbols: Sequence[str] | None,
        unknown: Counter[str],
        oddities: Counter[str],
        hide: Callable[[str], str] = str,
    ) -> None:
        self._exchange = exchange
        self._account = account
        self._neutral = {own.lower(): str(neutral) for neutral, own in words.items()}
        self._symbols = None if symbols is None else tuple(dict.fromkeys(symbol.upper() for symbol in symbols))
        self._unknown = unknown
        self._oddities = oddities
        self._hide = hide

    def read(self, message: dict[str, Any], arg: dict[str, Any], received_ns: int, seq: int) -> list[Record]:
        """
        Return the records of a push, in order.

        Args:
            message: The decoded message.
            arg: What it says that it is about.
            received_ns: When it was read.
            seq: The ``seq`` of the first record.

        Raises:
            MessageNotUnderstood: It belongs to no known channel, or holds no rows.
        """
        own, product = arg.get("channel"), arg.get("instType")
        channel = self._neutral.get(own.lower()) if type(own) is str else None
        parse = None if channel is None else PARSERS.get(channel)
        if parse is None:
            shown = printable(self._hide(own), 40) if isinstance(own, str) else type(own).__name__
            raise MessageNotUnderstood(f"unknown channel {shown}", is_news=True, exchange=self._exchange)
        is_set = channel == "positions"
        if message.get("action") != "snapshot":
            self._count_action(message.get("action"))
        frame = Frame(
            self._exchange,
            self._account,
            product.upper() if type(product) is str else None,
            None,
            message.get("ts"),
            received_ns,
            Origin.SNAPSHOT if is_set else Origin.PUSH,
            self._unknown,
            self._hide,
        )
        rows = self._rows(message.get("data"))
        records = read_rows(parse, rows if self._symbols is None else self._wanted(rows), frame, seq, READERS)
        if is_set:
            self._close_set(records, frame, seq)
        return records

    def _rows(self, data: Any) -> list[Any]:
        if type(data) is list:
            return data
        if type(data) is dict:
            return [data]
        if data is None:
            return []
        raise MessageNotUnderstood("its data are no rows", exchange=self._exchange)

    def _wanted(self, rows: list[Any]) -> list[Any]:
        """Return the rows of wanted contracts, and those that are about none."""
        symbols = self._symbols or ()
        return [row for row in rows if type(row) is not dict or _symbol_of(row) in (None, *symbols)]

    def _count_action(self, action: Any) -> None:
        said = printable(action, 40) if isinstance(action, str) else f"<{type(action).__name__}>"
        count_odd(self._oddities, f"action:{said}")

    def _close_set(self, records: list[Record], frame: Frame, seq: int) -> None:
        """
        Append the notice that *records* were a full set, one for each contract if some are wanted alone.

        Unless one of them cannot be told by a key: whoever takes all others for gone would be wrong about that one.
        """
        held = [record for record in records if not (isinstance(record, Position) and record.size == 0)]
        keys = [key for key in map(key_of, held) if key is not None]
        if len(keys) < len(held):
            count_odd(self._oddities, "snapshot with a row that has no key")
            return
        for symbol in (None,) if self._symbols is None else self._symbols:
            records.append(
                Snapshot(
                    exchange=frame.exchange,
                    account=frame.account,
                    product=frame.product,
                    symbol=symbol,
                    received_ns=frame.received_ns,
                    seq=seq + len(records),
                    origin=Origin.SNAPSHOT,
                    of="positions",
                    scope=(frame.product, symbol),
                    keys=tuple(key for key in keys if symbol in (None, key[0])),
                )
            )


def _symbol_of(row: dict[str, Any]) -> str | None:
    """Return the contract that a row is about; None if it is about none."""
    said = row.get("instId") or row.get("symbol")
    return said.upper() if type(said) is str else None
