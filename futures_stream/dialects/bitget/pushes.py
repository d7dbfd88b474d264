"""What Bitget pushes: from a decoded message to the records it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from futures_stream.dialects.base import KINDS
from futures_stream.dialects.bitget.rows import PARSERS
from futures_stream.dialects.counts import count_odd
from futures_stream.dialects.identity import key_of
from futures_stream.dialects.rows import Frame, read_rows
from futures_stream.errors import MessageNotUnderstood, printable
from futures_stream.records import Record, Snapshot
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
        self._neutral = {own.lower(): str(neutral) for neutral, own in dialect.channels.items()}
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
        arg = message["arg"]
        own, product, inst_id = arg.get("channel"), arg.get("instType"), arg.get("instId")
        channel = self._neutral.get(own.lower()) if type(own) is str else None
        if channel is None or channel not in PARSERS:
            shown = printable(self._hide(own), 40) if isinstance(own, str) else type(own).__name__
            raise MessageNotUnderstood(f"unknown channel {shown}", is_news=True, exchange=self._exchange)
        frame = Frame(
            self._exchange,
            self._account,
            product.upper() if type(product) is str else None,
            inst_id if type(inst_id) is str and inst_id.lower() != "default" else None,
            message.get("ts"),
            received_ns,
            self._origin(message.get("action")),
            self._unknown,
            self._hide,
        )
        records = read_rows(PARSERS[channel], self._rows(message.get("data")), frame, seq)
        if frame.origin is _SNAPSHOT and channel in KINDS and channel not in _EVENTS_ONLY:
            self._close_snapshot(records, KINDS[channel], frame, seq)
        return records

    def _rows(self, data: Any) -> list[Any]:
        if type(data) is list:
            return data
        if type(data) is dict:
            return [data]
        if data is None:
            return []
        raise MessageNotUnderstood("its data are no rows", exchange=self._exchange)

    def _origin(self, action: Any) -> Origin:
        if action == "update":
            return _PUSH
        if action == "snapshot":
            return _SNAPSHOT
        said = printable(self._hide(action), 40) if isinstance(action, str) else f"<{type(action).__name__}>"
        count_odd(self._oddities, f"action:{said}")
        return _PUSH

    def _close_snapshot(self, records: list[Record], of: str, frame: Frame, seq: int) -> None:
        """
        Append the notice that *records* were a full set.

        Unless one of them cannot be told by a key: whoever takes all others for gone would be wrong about that one.
        """
        keys = [key for key in map(key_of, records) if key is not None]
        if len(keys) < len(records):
            count_odd(self._oddities, "snapshot with a row that has no key")
            return
        records.append(
            Snapshot(
                exchange=frame.exchange,
                account=frame.account,
                product=frame.product,
                symbol=frame.symbol,
                received_ns=frame.received_ns,
                seq=seq + len(records),
                origin=Origin.SNAPSHOT,
                of=of,
                scope=(frame.product, frame.symbol),
                keys=tuple(keys),
            )
        )
