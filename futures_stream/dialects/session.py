"""One connection's conversation with an exchange, as a value machine: text in, records or things to send out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from attrs import field, frozen

from futures_stream.records import Record

__all__ = ["Control", "Send", "Session"]


@frozen
class Send:
    """
    A message to send.

    Attributes:
        text: The message; not shown, a login holds secrets.
        label: What it is, in words for a log.
        counts_as: The kind of action in :attr:`Dialect.limits` that it is, besides ``message``; None for no other.
    """

    text: str = field(repr=False)
    label: str
    counts_as: str | None = None


@frozen(kw_only=True)
class Control:
    """
    What a message that holds no records means for the conversation.

    Attributes:
        label: What it was, in words for a log; ``pong`` for the answer to a ping.
        sends: What to send now.
        move: Why the exchange asks to move to another connection while this one still serves; None if it does not.
    """

    label: str
    sends: tuple[Send, ...] = ()
    move: str | None = None


class Session:
    """
    One connection's conversation with an exchange, as a value machine: it never waits, and never knows the socket.

    It is greeted when everything that was asked for at the start has been confirmed. Every method may raise
    :exc:`~futures_stream.errors.FuturesStreamError`; a session that raised a transient or a fatal error is over,
    but for :exc:`~futures_stream.errors.SubscriptionRejected` (see :meth:`proceed`).

    Attributes:
        awaiting: What the exchange owes an answer to right now, in words; None if nothing. Whenever it changes a new
            time limit begins.
        subscribed: The neutral channels whose subscription has been confirmed.
        unknown: Words that the dialect did not know, counted.
        oddities: Messages that broke the exchange's own rules and were read all the same, counted by rule.
    """

    awaiting: str | None = None
    subscribed: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()
        self.oddities: Counter[str] = Counter()

    @property
    def greeted(self) -> bool:
        """Whether everything asked for at the start has been answered."""
        raise NotImplementedError

    def opened(self, unix_ms: int) -> Control:
        """
        Begin: the connection is up.

        Args:
            unix_ms: Wall time, for signatures.
        """
        raise NotImplementedError

    def receive(self, text: str, received_ns: int, seq: int) -> list[Record] | Control:
        """
        Read one message.

        Args:
            text: The message.
            received_ns: When it was read.
            seq: The ``seq`` of the first record; the following ones count up.

        Returns:
            The records it holds, in order; or, if it holds none by its nature, what it means.

        Raises:
            MessageNotUnderstood: It cannot be read; the session goes on.
        """
        raise NotImplementedError

    def take_sends(self) -> tuple[Send, ...]:
        """
        Return, once, what is to be sent because of a message that held records.

        Asked for after every :meth:`receive` that returned records. An exchange may answer a subscription with its data
        at once, and the next subscription has to go out all the same.
        """
        return ()

    def subscribe(self, channels: Sequence[str]) -> Control:
        """Ask for more channels (neutral words), those already confirmed or asked for excepted."""
        raise NotImplementedError

    def unsubscribe(self, channels: Sequence[str]) -> Control:
        """Give up channels (neutral words)."""
        raise NotImplementedError

    def proceed(self) -> Control:
        """Go on without the subscription that was just refused."""
        raise NotImplementedError

    def without_secrets(self, text: str) -> str:
        """Return what the exchange said, for a notice, with everything masked that must not be shown."""
        return text
