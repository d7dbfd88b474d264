"""One connection's conversation with Bitget today: log in, subscribe some things at a time, read what is pushed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from futures_stream.dialects.base import Control, Send
from futures_stream.dialects.bitget.logged_in import LoggedInSession
from futures_stream.dialects.bitget.login import BitgetCredentials
from futures_stream.dialects.bitget.topics import ALL, Topic, Topics
from futures_stream.dialects.bitget_v2.pushes import Pushes
from futures_stream.dialects.bitget_v2.refusals import (
    FORGOT_LOGIN,
    Refusal,
    login_rejected,
    move_asked,
    refusal,
    subscription_rejected,
)
from futures_stream.errors import LoginRejected, SubscriptionRejected, TransientError
from futures_stream.records import Record

__all__ = ["BitgetV2Session"]

_BATCH = (
    15  # subscriptions in a message: as many as a busy open client sends, far below the 4096 bytes that are allowed
)
_PONG = Control(label="pong")
_MS = 10**6  # ns


class BitgetV2Session(LoggedInSession):
    """
    One connection's conversation with Bitget.

    Args:
        exchange: The dialect's name.
        words: Neutral word → Bitget's own, of all channels.
        keys: Neutral word → the field of a subscription that says "all of them", None for no such field.
        products: The product families that are subscribed.
        credentials: Who asks.
        account: The label that every record carries.
        channels: Neutral words of what to listen to.
        symbols: Contracts to listen to; None for all.
    """

    def __init__(
        self,
        exchange: str,
        words: Mapping[str, str],
        keys: Mapping[str, str | None],
        products: Sequence[str],
        credentials: BitgetCredentials,
        *,
        account: str,
        channels: Sequence[str],
        symbols: Sequence[str] | None,
    ) -> None:
        def topics_of(channel: str) -> Iterator[Topic]:
            key = keys.get(channel, "instId")
            for product in dict.fromkeys(products):
                told_by = (("instType", product), ("channel", words[channel]))
                yield Topic(channel, product, told_by, () if key is None else ((key, ALL),))

        super().__init__(exchange, credentials, Topics(topics_of, _BATCH), channels)
        self._pushes = Pushes(exchange, words, products, account, symbols, self.unknown, self.oddities, self._hide)
        self._logins = 0

    def receive(self, text: str, received_ns: int, seq: int) -> list[Record] | Control:
        """Read one message."""
        return _PONG if text == "pong" else super().receive(text, received_ns, seq)

    def _read_push(self, message: dict[str, Any], arg: dict[str, Any], received_ns: int, seq: int) -> list[Record]:
        return self._pushes.read(message, arg, received_ns, seq)

    def _log_in(self, unix_ms: int) -> Send:
        self._logins += 1
        return super()._log_in(unix_ms)

    def _answer_to(self, refused: Refusal, received_ns: int) -> Control | None:
        move = move_asked(refused)
        if move is not None:
            return Control(label="asked to move", move=move)
        if refused.code == FORGOT_LOGIN:
            return self._log_in_again(refused, received_ns)
        error = refusal(refused)
        if error is not None:
            raise error
        return None

    def _log_in_again(self, refused: Refusal, received_ns: int) -> Control:
        """
        Log in once more, and ask again for what is outstanding: subscriptions sometimes win the race against the login.

        Raises:
            TransientError: It was to no avail, or what was confirmed before is in doubt: a new connection is needed.
        """
        if not self._logged_in or self._logins > 1 or self._topics.outstanding is None or self._greeted:
            raise TransientError(
                f"Bitget does not know the login any more ({refused.said}); log in on a new connection", **refused.facts
            )
        self._topics.ask_again()
        return Control(label="login forgotten", sends=(self._log_in(received_ns // _MS),))

    def _login_rejected(self, refused: Refusal) -> LoginRejected:
        return login_rejected(refused)

    def _subscription_rejected(self, refused: Refusal, topic: Topic) -> SubscriptionRejected:
        return subscription_rejected(refused, topic, others=self._topics.has(topic.channel))
