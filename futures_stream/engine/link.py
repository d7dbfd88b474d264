"""One connection and its conversation: reading, writing, keepalive, and the answers that are owed."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable

from futures_stream.clock import Clock
from futures_stream.dialects.base import Control, Ping, Send, Session
from futures_stream.engine.budget import Budget
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.keepalive import Keepalive
from futures_stream.engine.monitors import renumbered
from futures_stream.engine.outbox import Outbox
from futures_stream.engine.ports import Connection
from futures_stream.errors import (
    FuturesStreamError,
    MessageNotUnderstood,
    PeerSilent,
    SubscriptionRejected,
    TransientError,
    printable,
)
from futures_stream.records import Record, Unreadable

__all__ = ["Link"]

log = logging.getLogger("futures_stream.engine")

_SHOWN = 4096  # characters of a message that a notice keeps
_WRITE_LIMIT = 10.0  # seconds that the other side may refuse to take what we write


class Link:
    """
    A connection with the session that speaks on it.

    Args:
        connection: The open connection; from now on it belongs to this link.
        session: A fresh session.
        ping: How the exchange is pinged.
        silence_limit: Seconds without any frame after which it is dead.
        answers: Whether the exchange is known to answer pings.
        answer_limit: Seconds that the exchange has for an answer it owes.
        clock: Measures all of that.
        delivery: Takes the records.
        budget: Returns the host's budget for a kind of action.
        refused: Told of a subscription that the exchange refuses; raises it if it must not go on without.
        moved: Told why the exchange asks to move to another connection.
        key_confirmed_at: Tells when its listen key was last known to be the account's, in ms; None where there is none.

    Attributes:
        session: The session.
        heard_at: Wall time of the last frame, in ms since 1970.
        told: How many records it has delivered.
        through: What its records go through before they are delivered; None for nothing.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(
        self,
        connection: Connection,
        session: Session,
        *,
        ping: Ping,
        silence_limit: float,
        answers: bool,
        answer_limit: float,
        clock: Clock,
        delivery: Delivery,
        budget: Callable[[str], Budget],
        refused: Callable[[SubscriptionRejected], None],
        moved: Callable[[str], None] = lambda _: None,
        key_confirmed_at: Callable[[], int | None] = lambda: None,
    ) -> None:
        now = clock.monotonic()
        self.connection = connection
        self.session = session
        self.heard_at = clock.unix_ms()
        self.told = 0
        self._told_at = 0  # when it last delivered something
        self._key_confirmed_at = key_confirmed_at
        self._unread = False  # a message that may have been about the account, since somebody asked
        self._bad: FuturesStreamError | None = None  # what is to be raised by the next read()
        self.through: Callable[[list[Record]], list[Record]] | None = None
        self._ping = ping
        self._keepalive = Keepalive(ping, silence_limit, answers, now)
        self._answer_limit = answer_limit
        self._clock = clock
        self._delivery = delivery
        self._refused = refused
        self._moved = moved
        self._outbox = Outbox(connection, budget, clock)
        self._frames = connection.frames
        self._awaiting: str | None = None
        self._answer_due: float | None = None
        self._stuck_since: float | None = None
        self._texts_as_pongs = self._pongs_wanted = 0

    @property
    def sure_until(self) -> int:
        """
        Until when, in ms, nothing can be missing of what was to be said here: until the last frame.

        With a listen key that another program may have replaced a pong proves nothing: until the last record, or until
        the key was known to be the account's.
        """
        confirmed_at = self._key_confirmed_at()
        return self.heard_at if confirmed_at is None else min(self.heard_at, max(self._told_at, confirmed_at))

    @property
    def answers(self) -> bool:
        """Whether the exchange is known, or was seen, to answer pings."""
        return self._keepalive.answers

    def greet(self, unix_ms: int) -> None:
        """Begin the conversation, at that wall time."""
        self.obey(self.session.opened(unix_ms))

    def obey(self, control: Control) -> None:
        """Send what the session wants sent, and move if it says so."""
        self._send(control.sends)
        if control.move is not None:
            self._moved(control.move)

    @property
    def owes_nothing(self) -> bool:
        """Whether nothing is awaited, held back or left to be written."""
        return (
            self._awaiting is None
            and self.session.awaiting is None
            and self._outbox.deadline is None
            and not self.connection.wants_write
        )

    def read(self) -> None:
        """
        Read all that is there, and take its records to the delivery.

        Raises:
            FuturesStreamError: What a message or the connection's end means.
        """
        self.hear_records()
        bad, self._bad = self._bad, None
        if bad is not None:
            raise bad

    def hear_records(self) -> bool:
        """
        Do what :meth:`read` does, which raises the error, if there was one, when it is called next.

        Returns:
            Whether there was nothing but records, so that nothing else is to be done about it.
        """
        connection = self.connection
        messages = connection.receive()
        received_ns = self._clock.unix_ns()
        came, self._frames = connection.frames - self._frames, connection.frames
        told = self.told
        if came:
            self.heard_at = received_ns // 1_000_000
            self._keepalive.heard(self._clock.monotonic())
            if connection.pongs:
                self._keepalive.answers = True
        only_records = came == len(messages)  # else there was a pong, a ping or a piece of a message
        batch: list[Record] = []  # of messages that are records and no more: they go to the delivery together
        try:
            for message in messages:
                try:
                    only_records = self._hear(message, received_ns, batch) and only_records
                except MessageNotUnderstood as error:
                    only_records = False
                    self._unread = self._unread or not error.is_news
                    self._hand_over(batch)
                    self._delivery.notice(Unreadable, text=error.text[:_SHOWN], error=error.message)
                except FuturesStreamError as error:
                    self._bad = self._bad or error  # what was received behind it is delivered all the same
        finally:  # of a defect, too: what was read before it is told
            self._hand_over(batch)
        if self.told > told:
            self._told_at = self.heard_at
        self._bad = self._bad or self._told(connection.ended)
        return only_records and self._bad is None and self.owes_nothing

    def take_unread(self) -> bool:
        """Tell, once, whether a message could not be read that may have been about the account."""
        unread, self._unread = self._unread, False
        return unread

    def write(self) -> None:
        """Write what the socket takes."""
        if self.connection.wants_write:
            self.connection.flush()
        if not self.connection.wants_write:
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = self._clock.monotonic()

    def look_at_time(self) -> None:
        """
        Ping if it is time to; read before you call this, since data may wait behind a stall of our own.

        Raises:
            PeerSilent: The other side owes an answer, or any sign of life, for too long.
        """
        now = self._clock.monotonic()
        self._pump()
        if self._keepalive.is_dead(now):
            raise PeerSilent(f"nothing was heard for {self._keepalive.silent_for(now):.0f} s, pings included")
        if self._answer_due is not None and now >= self._answer_due:
            raise PeerSilent(f"{self._awaiting} did not come within {self._answer_limit:g} s")
        if self._stuck_since is not None and now >= self._stuck_since + _WRITE_LIMIT:
            raise PeerSilent(f"the other side has taken nothing that we wrote for {_WRITE_LIMIT:g} s")
        if self._keepalive.ping_is_due(now):
            self.ping()

    def ping(self) -> None:
        """Ask the other side for a sign of life; :meth:`write` sends it."""
        if self._ping.text is None:
            self.connection.ping()
        else:
            self._outbox.ping(self._ping.text)
        self._pongs_wanted = max(self._pongs_wanted, self._pongs) + 1  # more than came by now, whoever asked for those
        self._keepalive.pinged(self._clock.monotonic())

    @property
    def has_answered(self) -> bool:
        """Whether every ping has been answered by now, so that all which was said before the last answer has come."""
        return self._pongs >= self._pongs_wanted > 0

    @property
    def _pongs(self) -> int:
        return self.connection.pongs if self._ping.text is None else self._texts_as_pongs

    def hurry(self) -> None:
        """Ask the other side for a sign of life now."""
        self._keepalive.hurry(self._clock.monotonic())

    @property
    def deadline(self) -> float:
        """When to look at the time again, in monotonic seconds."""
        due = [self._keepalive.deadline]
        if (next_send := self._outbox.deadline) is not None:
            due.append(next_send)
        if self._answer_due is not None:
            due.append(self._answer_due)
        if self._stuck_since is not None:
            due.append(self._stuck_since + _WRITE_LIMIT)
        return min(due)

    def _told(self, end: TransientError | None) -> TransientError | None:
        """Return the end of the connection; a close frame's reason may say secrets back to us."""
        if end is None or (said := self.session.without_secrets(end.message)) == end.message:
            return end
        told = copy.copy(end)
        told.message, told.args = said, (said,)
        return told

    def _hear(self, message: str | bytes, received_ns: int, batch: list[Record]) -> bool:
        """Deal with a message, whose records go to the *batch* if nothing else follows; tell whether it was records."""
        if isinstance(message, bytes):
            shown = self.session.without_secrets(message.decode("utf-8", "backslashreplace"))
            raise MessageNotUnderstood("not UTF-8 text", text=printable(shown, _SHOWN))
        try:
            answer = self.session.receive(message, received_ns, self._delivery.next_seq + len(batch))
        except SubscriptionRejected as error:
            self._hand_over(batch)
            self._refused(error)
            answer = self.session.proceed()
        if type(answer) is list:
            batch += answer
            if self.through is not None or self._awaiting is not None:
                self._hand_over(batch)
                if self._awaiting is not None:  # data can stand for an acknowledgement
                    self._send(self.session.take_sends())
            return True
        self._hand_over(batch)
        if isinstance(answer, Control):
            log.debug("heard %s", answer.label)
            self._texts_as_pongs += answer.label == "pong"
            self.obey(answer)
        return False

    def _hand_over(self, batch: list[Record]) -> None:
        """Take the records to the delivery, and leave the batch empty."""
        if batch:
            records = batch.copy()
            batch.clear()
            if self.through is not None:
                records = renumbered(self.through(records), self._delivery.next_seq)
            self._delivery.add(records)
            self.told += len(records)

    def _send(self, sends: tuple[Send, ...]) -> None:
        self._outbox.put(sends)
        self._pump()

    def _pump(self) -> None:
        self._outbox.pump()
        awaiting = None if self._outbox.deadline is not None else self.session.awaiting
        if awaiting != self._awaiting:  # an answer is due from when the question is out
            self._awaiting = awaiting
            self._answer_due = None if awaiting is None else self._clock.monotonic() + self._answer_limit
