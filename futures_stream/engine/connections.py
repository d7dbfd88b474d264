"""The connection that serves, and the way to the next one: dialled, greeted, tended, lost, replaced."""

from __future__ import annotations

import logging
from collections.abc import Callable
from random import Random

from futures_stream.clock import Clock
from futures_stream.dialects.counts import counted_together
from futures_stream.engine.backoff import Backoff
from futures_stream.engine.budget import Budget, budget_at
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.dialing import Dialed, Dialing
from futures_stream.engine.lease import LeaseGranted, LeaseRefused, LeaseReplaced
from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.engine.link import Link
from futures_stream.engine.links import Links
from futures_stream.engine.monitors import renumbered
from futures_stream.engine.plan import Plan
from futures_stream.engine.rotation import Rotations
from futures_stream.engine.server_time import ServerTime
from futures_stream.engine.standing import Doubt, Standing
from futures_stream.engine.subscriptions import Subscriptions
from futures_stream.errors import (
    ClockSkew,
    ConnectFailed,
    ConnectionLost,
    FuturesStreamError,
    Throttled,
    TransientError,
)
from futures_stream.records import Record, Rotated
from futures_stream.vocabulary import State

__all__ = ["Connections"]

log = logging.getLogger("futures_stream.engine")


class Connections:
    """
    Sees to it that one connection serves, for as long as the stream lives.

    Args:
        plan: What is asked for.
        dialing: Makes connections.
        links: Watches them.
        subscriptions: What they are to be asked for.
        standing: Is told what may be missing, and when all is well.
        delivery: Takes the records.
        lifecycle: Is told where the stream stands.
        clock: Measures everything.
        random: Where jitter comes from.

    Threads:
        Belongs to the I/O thread; :attr:`unknown_words` may be read by any.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        dialing: Dialing,
        links: Links,
        subscriptions: Subscriptions,
        standing: Standing,
        delivery: Delivery,
        lifecycle: Lifecycle,
        clock: Clock,
        random: Random,
    ) -> None:
        self._plan = plan
        self._dialing = dialing
        self._links = links
        self._subscriptions = subscriptions
        self._standing = standing
        self._delivery = delivery
        self._lifecycle = lifecycle
        self._clock = clock
        self._backoff = Backoff(random)
        self._server_time = ServerTime(clock)
        self._link: Link | None = None
        self._peer_answers = plan.dialect.ping.answered
        self._retry_at: float | None = clock.monotonic()
        self._rotations = Rotations(
            name=plan.name,
            lifetime=plan.dialect.lifetime,
            links=links,
            begin_dial=dialing.begin,
            give_up_dial=dialing.give_up,
            deliver=self._deliver_held,
            missing=self._missed,
            left=self._moved,
            farewell=plan.limits.farewell,
            clock=clock,
            random=random,
        )

    @property
    def deadlines(self) -> list[float | None]:
        """When to look at the time, in monotonic seconds."""
        ask_again = self._subscriptions.deadline if self._lifecycle.status.state is State.LIVE else None
        return [self._retry_at, self._dialing.deadline, ask_again, *self._links.deadlines, *self._rotations.deadlines]

    @property
    def unknown_words(self) -> dict[str, int]:
        """The exchange's words that the dialect does not know, counted; callable from any thread."""
        link = self._link
        past = self._links.unknown_words
        return dict(past if link is None else counted_together(past, dict(link.session.unknown)))

    @property
    def undisturbed(self) -> Link | None:
        """
        The connection that serves, if there is nothing else that a turn of the loop would have to look at uncalled.

        That is: the stream is live, no move to another connection is under way, and on this one no answer is awaited,
        nothing waits to be sent. All else has a deadline or comes by the inbox.
        """
        link = self._link
        if link is None or self._rotations.under_way or self._lifecycle.status.state is not State.LIVE:
            return None
        return link if link.owes_nothing else None

    # -- in every turn of the loop ----------------------------------------------------------------------------------

    def begin_what_is_due(self) -> None:
        """Start on a new connection, if it is time to: after a pause, or before the exchange cuts this one."""
        if self._retry_at is not None and self._clock.monotonic() >= self._retry_at:
            self._retry_at = None
            self._lifecycle.to(State.CONNECTING)
            self._try(self._dialing.begin)
        if self._rotations.due:
            self.rotate("the exchange would cut this connection soon")

    def tend(self) -> None:
        """
        Read, write and look at the time, on the connection that serves and on its successor.

        Raises:
            FatalError: There is no going on.
        """
        self._try(self._dialing.look_at_time)
        if self._link is not None:
            try:
                self._tend(self._link)
            except ClockSkew as error:
                meaning = self._server_time.correct(error, self._link.connection)
                if isinstance(meaning, ClockSkew):
                    raise meaning from None
                self.lose(meaning)
            except TransientError as error:
                self.lose(error)
        greeted = self._rotations.successor
        try:
            successor = self._rotations.tend()
        except ClockSkew as error:
            self._failed(error if greeted is None else self._server_time.correct(error, greeted.connection))
        except FuturesStreamError as error:
            self._failed(error)
        else:
            if successor is not None:
                self._switch(successor)

    def went_live(self) -> None:
        """The stream is live on this connection: plan its end."""
        self._subscriptions.lenient = True
        self._server_time.accepted()
        self._rotations.plan()
        log.info("%s is live", self._plan.name)

    def hurry(self) -> None:
        """The machine may have slept: ask for a sign of life now."""
        if self._link is not None:
            self._link.hurry()

    # -- what is heard ----------------------------------------------------------------------------------------------

    def dialed(self, news: Dialed) -> None:
        """A dial is home."""
        self._try(lambda: self._meet(news))

    def granted(self, news: LeaseGranted) -> None:
        """There is a listen key to connect with."""
        self._try(lambda: self._dialing.granted(news))

    def refused(self, news: LeaseRefused) -> None:
        """There is none."""
        if self._dialing.concerns(news):
            self._failed(news.error)
        elif news.generation is None:
            raise news.error  # nobody extends the key any more: the connection that serves falls silent with it

    def replaced(self, news: LeaseReplaced) -> None:
        """The listen key of the connection that serves, or is being made, is another one now."""
        self.doubt(Doubt.REPLACED, news.error, news.since)
        if self._link is None:
            if self._dialing.under_way and not news.asked:  # with the old key
                self.lose(news.error)
        elif not (news.asked and self._rotations.awaits_connection):  # by who connects now, with the new key
            self.rotate(str(news.error))

    def subscribe(self, channels: tuple[str, ...]) -> None:
        """Ask for more channels, if there is anybody to ask; the next connection asks for all of them."""
        for link in self._speaking:
            link.obey(link.session.subscribe(channels))

    def unsubscribe(self, channels: frozenset[str]) -> None:
        """Give up channels."""
        for link in self._speaking:
            link.obey(link.session.unsubscribe(sorted(channels)))

    # -- what goes wrong --------------------------------------------------------------------------------------------

    def rotate(self, reason: str) -> None:
        """Move to a new connection; the one that serves goes on until then."""
        link = self._link
        if link is not None:
            self._try(lambda: self._rotations.begin(reason, link))

    def _leave(self, link: Link, reason: str) -> None:
        """
        The exchange asks to leave a connection. It may say so more than once, and again while it is being left.

        Raises:
            ConnectionLost: It is the one that was to take over.
        """
        if self._rotations.awaits_connection:
            if link is not self._link:
                raise ConnectionLost(f"the new connection is to be left at once: {reason}")
        elif link is self._link:
            self.rotate(reason)

    def doubt(self, doubt: Doubt, error: TransientError, since: int) -> None:
        """The connection that serves may push nothing although it should, since then (ms) at the latest."""
        if self._link is None:
            return
        if self._lifecycle.status.state is State.GREETING:
            self.lose(error)  # it has not begun to serve, and need not
        else:
            since = min(since, self._link.sure_until)
            self._standing.doubt(doubt, str(error), since, self._subscriptions.channels)

    def lose(self, error: TransientError) -> None:
        """The connection, or the way to one, is lost: say what may be missing, and try again."""
        live_for = self._standing.live_for
        link, self._link = self._link, None
        self._subscriptions.connection_lost()
        if link is not None:
            self._peer_answers = link.answers
            unsure_since = self._rotations.unsure_since
            since = link.sure_until if unsure_since is None else min(link.sure_until, unsure_since)
            self._standing.lost(str(error), since, self._subscriptions.channels, link.told)
            self._links.drop(link)
        self._rotations.forget()
        self._dialing.give_up()
        asked = error.retry_after if isinstance(error, Throttled | ConnectFailed) else None
        self._heed(error)
        delay = self._backoff.delay(live_for, asked)
        self._retry_at = self._clock.monotonic() + delay
        error.exchange = error.exchange or self._plan.dialect.name
        self._lifecycle.note(error=error.with_traceback(None))  # its variables hold what was heard
        self._delivery.flush()
        self._lifecycle.to(State.BACKING_OFF)
        log.warning("%s: %s; next try in %.1f s", self._plan.name, error, delay)

    # -- the end ----------------------------------------------------------------------------------------------------

    def say_farewell(self, meanwhile: Callable[[], None]) -> None:
        """Close the connection politely, and deliver what was in flight; *meanwhile* is called after each wait."""
        self._rotations.forget()
        link = self._link
        if link is None:
            return
        until = self._clock.monotonic() + self._plan.limits.farewell
        link.connection.close()
        try:
            while (left := until - self._clock.monotonic()) > 0:
                link.write()
                self._links.wait(left)
                meanwhile()
                link.read()
        except FuturesStreamError as end:
            log.debug("%s: closed: %s", self._plan.name, end)

    def give_up(self) -> None:
        """Let go of every connection, made or being made."""
        self._dialing.give_up()
        self._links.drop_all()

    # -- inside -----------------------------------------------------------------------------------------------------

    def _meet(self, news: Dialed) -> None:
        """Begin the conversation on a fresh connection."""
        connection = self._dialing.take(news)
        if connection is None:
            return
        dialect = self._plan.dialect
        try:
            session = dialect.session(
                credentials=self._plan.credentials,
                account=self._plan.account,
                channels=self._subscriptions.channels,
                symbols=self._plan.symbols,
            )
        except BaseException:
            connection.dispose()
            raise

        def asked_to_leave(reason: str) -> None:
            self._leave(link, reason)

        link = Link(
            connection,
            session,
            ping=dialect.ping,
            silence_limit=dialect.silence_limit,
            answers=self._peer_answers,
            answer_limit=self._plan.limits.answer,
            clock=self._clock,
            delivery=self._delivery,
            budget=self._budget,
            refused=self._subscriptions.refused,
            moved=asked_to_leave,
            key_confirmed_at=self._dialing.key_confirmed_at,
        )
        self._links.add(link)
        self._standing.clock_seen(connection.clock_ahead)
        self._lifecycle.note(connects=self._lifecycle.status.connects + 1)
        if self._rotations.awaits_connection:
            self._rotations.meet(link)
        else:
            self._link = link
            self._lifecycle.to(State.GREETING)
        link.greet(self._server_time.at(connection))

    def _tend(self, link: Link) -> None:
        link.read()
        link.look_at_time()
        link.write()
        if link.take_unread():
            self._standing.misunderstood()
        if self._lifecycle.status.state is State.GREETING and link.session.greeted:
            self._standing.greeted(self._subscriptions.channels)
        self._tend_lost_channels(link)
        self._subscriptions.keep_promises(link.session)

    def _tend_lost_channels(self, link: Link) -> None:
        """Ask for what the exchange took away, if it is time to, and tell what was missed of what is back."""
        if self._lifecycle.status.state is not State.LIVE:
            return
        if due := self._subscriptions.ask_again():
            link.obey(link.session.subscribe(due))
        found = self._subscriptions.found(link.session)
        if found is not None and not self._standing.is_asking:
            channels, since = found
            self._standing.missed(f"{' and '.join(channels)} had been refused, and is served again", since, channels)
            self._subscriptions.back(channels)

    def _switch(self, link: Link) -> None:
        """Another connection serves from now on."""
        self._link = link
        if self._lifecycle.status.state is State.LIVE:
            self._delivery.notice(Rotated, reason=self._rotations.reason)

    def _deliver_held(self, records: list[Record]) -> None:
        self._delivery.add(renumbered(records, self._delivery.next_seq))

    def _missed(self, reason: str, since: int) -> None:
        """Something may be missing although the connection that serves is well."""
        log.warning("%s: %s", self._plan.name, reason)
        self._standing.missed(reason, since, self._subscriptions.channels)

    def _moved(self) -> None:
        self._standing.moved(self._subscriptions.channels)

    def _try(self, step: Callable[[], None]) -> None:
        """Take a step on the way to a connection."""
        try:
            step()
        except FuturesStreamError as error:
            self._failed(error)

    def _failed(self, error: FuturesStreamError) -> None:
        """
        The way to a connection failed.

        Raises:
            FatalError: For good, and there is no other connection to go on with.
        """
        if self._rotations.awaits_connection and not self._standing.doubts(Doubt.REPLACED):
            self._heed(error)
            self._rotations.failed(error)
        elif isinstance(error, TransientError):
            self.lose(error)
        else:
            raise error

    @property
    def _speaking(self) -> list[Link]:
        """The connection that serves, and the one that is being greeted to take over."""
        return [link for link in (self._link, self._rotations.successor) if link is not None]

    def _heed(self, error: FuturesStreamError) -> None:
        """Keep everybody in this process from the host for as long as it says, if it does."""
        if isinstance(error, Throttled) and error.retry_after is not None:
            self._dialing.pause(error.retry_after)

    def _budget(self, kind: str) -> Budget:
        return budget_at(self._clock, self._plan.endpoints.ws_url or "", kind, self._plan.dialect.limits)
