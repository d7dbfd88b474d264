"""What is around the rows of a push, as both of Bitget's APIs write it: which channel, which product, and the set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from futures_stream.dialects.counts import count_odd
from futures_stream.dialects.identity import key_of
from futures_stream.dialects.rows import Frame
from futures_stream.errors import MessageNotUnderstood, printable
from futures_stream.records import Position, Record, Snapshot
from futures_stream.vocabulary import Origin

__all__ = ["About", "Arguments", "count_action", "rows_of", "whole_set"]

_MOST_REMEMBERED = 1_000


class About(NamedTuple):
    """
    What a push is about.

    Attributes:
        channel: The neutral word.
        product: The product family, in upper case, as it is subscribed: Bitget was seen to echo it in lower case.
        symbol: The contract, in the exchange's own spelling; None for all.
    """

    channel: str
    product: str | None
    symbol: str | None


class Arguments:
    """
    Reads the ``arg`` of pushes, and remembers the few that there are.

    Args:
        neutral: Bitget's word for a channel, in lower case → the neutral one.
        hide: Masks what must not be shown of a text.
    """

    def __init__(self, neutral: Mapping[str, str], hide: Callable[[str], str]) -> None:
        self._neutral = neutral
        self._hide = hide
        self._known: dict[tuple[Any, Any, Any], About] = {}

    def read(self, arg: dict[str, Any]) -> About:
        """
        Return what an ``arg`` says, with the channel in any case.

        Raises:
            MessageNotUnderstood: It is about no known channel; that is news, and nothing is missing.
        """
        said = arg.get
        key = said("channel"), said("instType"), said("instId")
        try:
            return self._known[key]
        except (KeyError, TypeError):  # TypeError: what cannot be looked up is not text
            about = About(self._channel(key[0]), _upper(key[1]), None if _lower(key[2]) == "default" else _text(key[2]))
        if len(self._known) < _MOST_REMEMBERED and all(type(each) is str for each in key):
            self._known[key] = about
        return about

    def _channel(self, own: Any) -> str:
        channel = self._neutral.get(own.lower()) if type(own) is str else None
        if channel is None:
            shown = printable(self._hide(own), 40) if isinstance(own, str) else type(own).__name__
            raise MessageNotUnderstood(f"unknown channel {shown}", is_news=True)
        return channel


def _text(said: Any) -> str | None:
    return said if type(said) is str else None


def _upper(said: Any) -> str | None:
    return said.upper() if type(said) is str else None


def _lower(said: Any) -> str | None:
    return said.lower() if type(said) is str else None


def rows_of(message: dict[str, Any]) -> list[Any]:
    """
    Return the rows of a push: a list, one row without a list around it, or none.

    Raises:
        MessageNotUnderstood: It holds something else.
    """
    data = message.get("data")
    if type(data) is list:
        return data
    if type(data) is dict:
        return [data]
    if data is None:
        return []
    raise MessageNotUnderstood("its data are no rows")


def count_action(action: Any, oddities: Counter[str], hide: Callable[[str], str]) -> None:
    """Count an action that is none of the usual ones."""
    said = printable(hide(action), 40) if isinstance(action, str) else f"<{type(action).__name__}>"
    count_odd(oddities, f"action:{said}")


def whole_set(
    records: list[Record], of: str, frame: Frame, seq: int, symbols: Iterable[str | None], oddities: Counter[str]
) -> list[Record]:
    """
    Return the notices that *records* were a full set, one for each of *symbols*; none if one of them has no key.

    Whoever takes all others for gone would be wrong about that one. A closed position is not in the set.

    Args:
        records: The records.
        of: What they are.
        frame: What they have in common.
        seq: The ``seq`` of the first notice.
        symbols: Contracts that the set is about; None for all of them.
        oddities: Where a set without its notice is counted.
    """
    held = [record for record in records if not (isinstance(record, Position) and record.size == 0)]
    keys = [key for key in map(key_of, held) if key is not None]
    if len(keys) < len(held):
        count_odd(oddities, "snapshot with a row that has no key")
        return []
    return [
        Snapshot(
            exchange=frame.exchange,
            account=frame.account,
            product=frame.product,
            symbol=symbol,
            received_ns=frame.received_ns,
            seq=number,
            origin=Origin.SNAPSHOT,
            of=of,
            scope=(frame.product, symbol),
            keys=tuple(keys if symbol is None else (key for key in keys if key[0] == symbol)),
        )
        for number, symbol in enumerate(symbols, seq)
    ]
