"""What Bitget pushes today: from a decoded message to the records it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from futures_stream.dialects.bitget.envelope import Arguments, count_action, rows_of, whole_set
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
from futures_stream.dialects.rows import Frame, Parser, read_rows
from futures_stream.errors import MessageNotUnderstood
from futures_stream.records import Record
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
        products: The product families that are subscribed.
        account: The label that every record carries.
        symbols: The contracts that are wanted; None for all. Bitget itself sends all of them.
        unknown: Where words that nobody knew are counted.
        oddities: Where broken rules are counted.
    """

    def __init__(
        self,
        exchange: str,
        words: Mapping[str, str],
        products: Sequence[str],
        account: str,
        symbols: Sequence[str] | None,
        unknown: Counter[str],
        oddities: Counter[str],
        hide: Callable[[str], str] = str,
    ) -> None:
        self._exchange = exchange
        self._account = account
        self._only_product = products[0] if len(products) == 1 else None
        self._arguments = Arguments({own.lower(): str(word) for word, own in words.items() if word in PARSERS}, hide)
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
        channel, product, _ = self._arguments.read(arg)
        is_set = channel == "positions"
        if message.get("action") != "snapshot":
            count_action(message.get("action"), self._oddities, self._hide)
        frame = Frame(
            self._exchange,
            self._account,
            product or self._only_product,
            None,
            message.get("ts"),
            received_ns,
            Origin.SNAPSHOT if is_set else Origin.PUSH,
            self._unknown,
            self._hide,
        )
        if is_set and "data" not in message:
            raise MessageNotUnderstood("its data are missing, which is not the same as no positions")
        rows = rows_of(message)
        wanted = rows if self._symbols is None else self._wanted(rows)
        records = read_rows(PARSERS[channel], wanted, frame, seq, READERS)
        if is_set and frame.product is None:
            count_odd(self._oddities, "positions of no product")  # of all of them, it would close those of others
        elif is_set:
            records += whole_set(
                records, "positions", frame, seq + len(records), self._symbols or (None,), self._oddities
            )
        return records

    def _wanted(self, rows: list[Any]) -> list[Any]:
        """Return the rows of wanted contracts, and those that are about none."""
        symbols = self._symbols or ()
        return [row for row in rows if type(row) is not dict or _symbol_of(row) in (None, *symbols)]


def _symbol_of(row: dict[str, Any]) -> str | None:
    """Return the contract that a row is about; None if it is about none."""
    said = row.get("instId") or row.get("symbol")
    return said.upper() if type(said) is str else None
