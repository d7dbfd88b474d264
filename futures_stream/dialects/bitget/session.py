"""One connection's conversation with Bitget's first API: subscriptions go out one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from futures_stream.dialects.base import Control
from futures_stream.dialects.bitget.logged_in import LoggedInSession
from futures_stream.dialects.bitget.login import BitgetCredentials
from futures_stream.dialects.bitget.pushes import Pushes
from futures_stream.dialects.bitget.refusals import Refusal, login_rejected, refusal, subscription_rejected
from futures_stream.dialects.bitget.topics import ALL, Topic, Topics
from futures_stream.errors import LoginRejected, SubscriptionRejected
from futures_stream.records import Record

if TYPE_CHECKING:
    from futures_stream.dialects.base import Dialect

__all__ = ["BitgetSession"]


class BitgetSession(LoggedInSession):
    """
    One connection's conversation with Bitget.

    Args:
        dialect: Whose name and words are spoken.
        credentials: Who asks.
        inst_type: The product family that is subscribed.
        account: The label that every record carries.
        channels: Neutral words of what to listen to.
        symbols: Contracts to listen to; None for all.
    """

    def __init__(
        self,
        dialect: Dialect,
        credentials: BitgetCredentials,
        *,
        inst_type: str,
        account: str,
        channels: Sequence[str],
        symbols: Sequence[str] | None,
    ) -> None:
        inst_ids = tuple(dict.fromkeys(symbols)) if symbols else (ALL,)

        def topics_of(channel: str) -> Iterator[Topic]:
            for inst_id in (ALL,) if channel == "account" else inst_ids:  # the account has no contracts
                arg = (("channel", dialect.channels[channel]), ("instType", inst_type), ("instId", inst_id))
                yield Topic(channel, inst_id, arg)

        super().__init__(dialect.name, credentials, Topics(topics_of, batch=1), channels)
        self._pushes = Pushes(dialect, account, self.unknown, self.oddities, self._hide)

    def _read_push(self, message: dict[str, Any], arg: dict[str, Any], received_ns: int, seq: int) -> list[Record]:
        return self._pushes.read(message, received_ns, seq)

    def _answer_to(self, refused: Refusal, received_ns: int) -> Control | None:
        error = refusal(refused)
        if error is not None:
            raise error
        return None

    def _login_rejected(self, refused: Refusal) -> LoginRejected:
        return login_rejected(refused)

    def _subscription_rejected(self, refused: Refusal, topic: Topic) -> SubscriptionRejected:
        return subscription_rejected(refused, topic)
