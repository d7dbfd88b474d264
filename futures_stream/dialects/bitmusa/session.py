"""One connection's conversation with Bitmusa: there is nothing to say, what comes is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from futures_stream.dialects.base import Control, Session, masked
from futures_stream.dialects.bitmusa.rest import BitmusaCredentials, without_tokens
from futures_stream.dialects.bitmusa.rows import PARSERS
from futures_stream.dialects.counts import count_odd
from futures_stream.dialects.keepalive import keepalive
from futures_stream.dialects.rows import Frame, read_rows
from futures_stream.dialects.wire import decode, decode_tolerant
from futures_stream.errors import LeaseLost, MessageNotUnderstood, printable
from futures_stream.records import Record
from futures_stream.vocabulary import Origin

if TYPE_CHECKING:
    from futures_stream.dialects.base import Dialect

__all__ = ["BitmusaSession"]

_EVENT_NAMES = ("e", "event", "type", "stream")
_PUNCTUATION = re.compile(r"[\s_-]+")


class BitmusaSession(Session):
    """
    One connection's conversation with Bitmusa.

    Bitmusa sends all of an account's streams to whoever has the listen key; channels and symbols are picked here.

    Args:
        dialect: Whose name and words are spoken.
        credentials: Who asks.
        account: The label that every record carries.
        channels: Neutral words of what to listen to.
        symbols: Contracts to listen to; None for all. Balances have none and always pass.
    """

    def __init__(
        self,
        dialect: Dialect,
        credentials: BitmusaCredentials,
        *,
        account: str,
        channels: Sequence[str],
        symbols: Sequence[str] | None,
    ) -> None:
        super().__init__()
        self._exchange = dialect.name
        self._account = account
        self._neutral = {own: str(neutral) for neutral, own in dialect.channels.items()}
        self._secrets = (credentials.auth_key, credentials.api_key)
        self._symbols = frozenset(symbols) if symbols else None
        self._opened = False
        self.subscribed = frozenset(channels)

    @property
    def greeted(self) -> bool:
        """Whether the connection is up: Bitmusa expects no greeting."""
        return self._opened

    def opened(self, unix_ms: int) -> Control:
        """Say nothing: the listen key in the URL says it all."""
        self._opened = True
        return Control(label="opened")

    def receive(self, text: str, received_ns: int, seq: int) -> list[Record] | Control:
        """Read one message."""
        message = self._decode(text)
        stream = message.get("stream") if type(message) is dict else None
        channel = self._neutral.get(stream) if type(stream) is str else None
        if channel is None or channel not in PARSERS:
            self._refuse_expiry(message)
            control = keepalive(message)
            if control is None:
                shown = (
                    printable(self.without_secrets(stream), 40)
                    if isinstance(stream, str)
                    else f"<{type(stream).__name__}>"
                )
                raise self._not_understood(f"unknown stream {shown}", text, is_news=True)
            return control
        data = message.get("data")
        if type(data) is not dict and type(data) is not list:
            self._refuse_expiry(message)
            raise self._not_understood("its data are no row", text)
        if channel not in self.subscribed:
            return []
        rows = self._picked(channel, data if type(data) is list else [data])
        frame = Frame(
            self._exchange,
            self._account,
            None,
            None,
            message.get("eventTime"),
            received_ns,
            Origin.PUSH,
            self.unknown,
            self.without_secrets,
        )
        return read_rows(PARSERS[channel], rows, frame, seq)

    def subscribe(self, channels: Sequence[str]) -> Control:
        """Let more channels through."""
        self.subscribed |= frozenset(channels)
        return Control(label="subscribe")

    def unsubscribe(self, channels: Sequence[str]) -> Control:
        """Let channels through no longer."""
        self.subscribed -= frozenset(channels)
        return Control(label="unsubscribe")

    def proceed(self) -> Control:
        """Go on; Bitmusa never refuses a subscription."""
        return Control(label="proceed")

    def without_secrets(self, text: str) -> str:
        """Return what a server said with all masked that might be a key; it may know listen keys that we do not."""
        return without_tokens(masked(text, self._secrets))

    def _refuse_expiry(self, message: Any) -> None:
        """
        Make sure that a message does not say that the listen key has expired.

        No such message is documented; others of this family have one, and a stream that goes on would hear nothing.
        """
        said = [message.get(name) for name in _EVENT_NAMES] if type(message) is dict else []
        if any(type(word) is str and _PUNCTUATION.sub("", word).lower() == "listenkeyexpired" for word in said):
            raise LeaseLost(
                "Bitmusa says that the listen key has expired; a new one is asked for", exchange=self._exchange
            )

    def _picked(self, channel: str, rows: list[Any]) -> list[Any]:
        """Return the rows of the symbols that were asked for, and those whose symbol cannot be told."""
        symbols = self._symbols
        if symbols is None or channel == "account":
            return rows
        return [
            row
            for row in rows
            if type(row) is not dict or type(row.get("ticker")) is not str or row["ticker"] in symbols
        ]

    def _decode(self, text: str) -> Any:
        """Return what *text* says: as JSON, else as ping or pong, else as JSON with the document's trailing commas."""
        try:
            return decode(text)
        except MessageNotUnderstood:
            if keepalive(text) is not None:
                return text
        try:
            message = decode_tolerant(text)
        except MessageNotUnderstood as error:
            error.exchange, error.text = self._exchange, self.without_secrets(text)
            raise
        count_odd(self.oddities, "trailing comma")
        return message

    def _not_understood(self, why: str, text: str, is_news: bool = False) -> MessageNotUnderstood:
        shown = self.without_secrets(text)
        return MessageNotUnderstood(why, exchange=self._exchange, text=shown, is_news=is_news)
