"""What the stream listens to: asked for, promised, refused, given up."""

from __future__ import annotations

from attrs import frozen

from futures_stream.dialects.base import Dialect, Session
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.engine.lost_channels import LostChannels
from futures_stream.engine.promise import Promise
from futures_stream.errors import ConfigError, FuturesStreamError, SubscriptionRejected
from futures_stream.records import ChannelLost

__all__ = ["AddChannels", "RemoveChannels", "Subscriptions"]


@frozen
class AddChannels:
    """Somebody wants more channels, and waits for the promise."""

    channels: tuple[str, ...]
    promise: Promise


@frozen
class RemoveChannels:
    """Somebody gives up channels."""

    channels: frozenset[str]


class Subscriptions:
    """
    The channels of one stream, across its sessions.

    Args:
        dialect: Gives their order.
        channels: What to begin with.
        delivery: Takes the notice of a channel that is lost.
        lifecycle: Shows what is subscribed.
        lost: Knows what the exchange took away.

    Attributes:
        channels: What is subscribed, or will be.
        lenient: Whether the stream goes on without a channel that is refused; it does once it has been live.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(
        self,
        dialect: Dialect,
        channels: tuple[str, ...],
        delivery: Delivery,
        lifecycle: Lifecycle,
        lost: LostChannels,
    ) -> None:
        self.channels = channels
        self.lenient = False
        self._dialect = dialect
        self._delivery = delivery
        self._lifecycle = lifecycle
        self._lost = lost
        self._promises: list[AddChannels] = []

    def add(self, asked: AddChannels) -> None:
        """Want these channels, too."""
        self._promises.append(asked)
        self._want({*self.channels, *asked.channels})

    def remove(self, asked: RemoveChannels) -> None:
        """Want these channels no more; who waits for one of them is told."""
        for waiting in tuple(self._promises):
            if not asked.channels.isdisjoint(waiting.channels):
                self._promises.remove(waiting)
                waiting.promise.break_(ConfigError("the channel was removed while it was waited for"))
        self._lost.forget(asked.channels)
        self._want(set(self.channels) - asked.channels)

    @property
    def deadline(self) -> float | None:
        """When to ask for a lost channel again, in monotonic seconds; None if there is none to ask for."""
        return self._lost.deadline

    def ask_again(self) -> tuple[str, ...]:
        """Want those lost channels that it is time to ask for again, and return them."""
        due = self._lost.take_due()
        if due:
            self._want({*self.channels, *due})
        return due

    def connection_lost(self) -> None:
        """What was asked for once more has no answer: the next connection begins with what is sure to be served."""
        unanswered = self._lost.take_unanswered()
        promised = {channel for asked in self._promises for channel in asked.channels}
        self._want({*self.channels} - ({*unanswered} - promised))

    def found(self, session: Session) -> tuple[tuple[str, ...], int] | None:
        """Return the lost channels that the session serves, and since when (ms) they were not; None if none is."""
        return self._lost.found(session.subscribed)

    def back(self, channels: tuple[str, ...]) -> None:
        """What was missed of these lost channels has been told."""
        self._lost.forget(channels)

    def keep_promises(self, session: Session) -> None:
        """Tell those who wait for channels that the session has them confirmed."""
        for asked in tuple(self._promises):
            if session.subscribed.issuperset(asked.channels):
                self._promises.remove(asked)
                self._delivery.flush()  # who is told finds what came before it in the queue
                asked.promise.keep()

    def break_promises(self, error: FuturesStreamError) -> None:
        """Tell those who wait for channels that nothing will come of it."""
        for asked in self._promises:
            asked.promise.break_(error)
        self._promises.clear()

    def refused(self, error: SubscriptionRejected) -> None:
        """
        The exchange refuses a channel: at the first greeting that fails the stream, later the others go on.

        It is asked for again, ever more seldom. Where only a symbol or a product family of it is refused the channel
        itself goes on; that is asked for again on the next connection.

        Raises:
            SubscriptionRejected: There is no going on.
        """
        channel = error.channel or "unknown"
        error.exchange = error.exchange or self._dialect.name
        error = error.with_traceback(None)  # its variables hold what was heard, and the error may be shown
        if channel in self._dialect.channels and channel not in self.channels:
            return  # it was told by the other connection, while one takes over from the other
        waiting = [asked for asked in self._promises if channel in asked.channels]
        whole = error.symbol is None and (error.product is None or bool(waiting))
        left = set(self.channels) - ({channel} if whole else set())
        if not left or not (self.lenient or waiting):
            raise error  # what is wanted stays as it is: another connection may serve, and go on
        self._want(left)
        is_known, is_told = channel in self._lost, not all(asked.promise.forsaken for asked in waiting)
        if whole and (is_known or not is_told):
            self._lost.refused(channel)
        for asked in waiting:
            self._promises.remove(asked)
            asked.promise.break_(error)
        if not (is_known or is_told):
            self._delivery.notice(ChannelLost, channel=channel, symbol=error.symbol, product=error.product, error=error)

    def _want(self, channels: set[str]) -> None:
        self.channels = tuple(str(word) for word in self._dialect.channels if word in channels)
        self._lifecycle.note(channels=self.channels)
