"""What Bitget pushes: from a decoded message to the records it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from futures_stream.dialects.base import KINDS
from futures_stream.dialects.bitget.envelope import Arguments, count_action, rows_of, whole_set
from futures_stream.dialects.bitget.rows import PARSERS
from futures_stream.dialects.rows import Frame, read_rows
from futures_stream.records import Record
from futures_stream.vocabulary import Origin

if TYPE_CHECKING:
    from futures_stream.dialects.base import Dialect

__all__ = ["Pushes"]

_PUSH, _SNAPSHOT = Origin.PUSH, Origin.SNAPSHOT  # an enum's attributes are slow to look up
_EVENTS_ONLY = frozenset({"executions"})  # a set of them is never whole


class Pushes:
    """
    The reader of one connection's pushes.

    Args:
        dialect: Whose name and words are spoken.
        account: The label that every record carries.
        unknown: Where words that nobody knew are counted.
        oddities: Where broken rules are counted.
        hide: Masks what must not be shown of a text.
    """

    def __init__(
        self,
        dialect: Dialect,
        account: str,
        unknown: Counter[str],
        oddities: Counter[str],
        hide: Callable[[str], str] = str,
    ) -> None:
        self._exchange = dialect.name
        self._account = account
        neutral = {own.lower(): str(word) for word, own in dialect.channels.items() if word in PARSERS}
        self._arguments = Arguments(neutral, hide)
        self._unknown = unknown
        self._oddities = oddities
        self._hide = hide

    def read(self, message: dict[str, Any], received_ns: int, seq: int) -> list[Record]:
        """
        Return the records of a push, in order.

        Args:
            message: The decoded message; its ``arg`` is an object.
            received_ns: When it was read.
            seq: The ``seq`` of the first record.

        Raises:
            MessageNotUnderstood: It belongs to no known channel, or holds no rows.
        """
        channel, product, symbol = self._arguments.read(message["arg"])
        frame = Frame(
            self._exchange,
            self._account,
            product,
            symbol,
            message.get("ts"),
            received_ns,
            self._origin(message.get("action")),
            self._unknown,
            self._hide,
        )
        records = read_rows(PARSERS[channel], rows_of(message), frame, seq)
        if frame.origin is _SNAPSHOT and channel in KINDS and channel not in _EVENTS_ONLY:
            records += whole_set(records, KINDS[channel], frame, seq + len(records), (frame.symbol,), self._oddities)
        return records

    def _origin(self, action: Any) -> Origin:
        if action == "update":
            return _PUSH
        if action == "snapshot":
            return _SNAPSHOT
        count_action(action, self._oddities, self._hide)
        return _PUSH
