"""The I/O thread: one loop that owns a stream's connection and everything about it, for as long as the stream lives."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from random import Random

from attrs import frozen

from futures_stream.clock import Clock
from futures_stream.engine.backoff import Backoff
from futures_stream.engine.crew import Crew
from futures_stream.engine.defects import defect, defects
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.dialing import Dialed, Dialing
from futures_stream.engine.errands import Errands
from futures_stream.engine.inbox import Inbox
from futures_stream.engine.lease import (
    LeaseAtRisk,
    LeaseConfirmed,
    LeaseExtended,
    LeaseGranted,
    LeaseKeeper,
    LeaseRefused,
    LeaseReplaced,
)
from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.engine.link import Link
from futures_stream.engine.links import Links
from futures_stream.engine.monitors import renumbered
from futures_stream.engine.plan import Plan
from futures_stream.engine.ports import Network
from futures_stream.engine.promise import Promise
from futures_stream.engine.rest_thread import Answered, rest_thread
from futures_stream.engine.rotation import Rotations
from futures_stream.engine.standing import Standing
from futures_stream.engine.subscriptions import AddChannels, RemoveChannels, Subscriptions
from futures_stream.errors import (
    ConnectFailed,
    FuturesStreamError,
    ShutdownTimeout,
    StreamFailed,
    Throttled,
    TransientError,
)
from futures_stream.records import LeaseRenewed, Record, Rotated
from futures_stream.vocabulary import State

__all__ = ["Feed"]

log = logging.getLogger("futures_stream.engine")

_CLOCK_JUMP = 5.0  # seconds by which wall and monotonic time drift apart only if somebody sets one or sleeps


@frozen
class _Refresh:
    """Somebody wants to know how the account stands, and waits for the promise."""

    promise: Promise


class Feed:
    """
    Keeps one account's stream alive across sessions, and delivers what it says.

    Args:
        plan: What is asked for.
        network: The way out.
        delivery: Takes the records.
        lifecycle: Is told where the stream stands.
        clock: Measures everything.
        random: Where jitter comes from.

    Threads:
        :meth:`run` is the I/O thread's whole life. :meth:`stop` is safe anywhere, a signal handler included;
        :meth:`add_channels` and :meth:`remove_channels` on any other thread.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        network: Network,
        delivery: Delivery,
        lifecycle: Lifecycle,
        clock: Clock,
        random: Random,
    ) -> None:
        self._plan = plan
        self._network = network
        self._delivery = delivery
        self._lifecycle = lifecycle
        self._clock = clock
        self._random = random
        self._backoff = Backoff(random)
        self._errands = Errands(plan.name, clock)
        self._rest_errands = Errands(plan.name, clock)  # the REST thread's, until it has ended
        self._inbox = Inbox()
        self._links = Links(self._inbox, clock)
        self._stop_asked = False
        self._subscriptions = Subscriptions(plan.dialect, plan.channels, delivery, lifecycle)
        self._standing = Standing(plan, delivery, lifecycle, clock)
        self._link: Link | None = None
        self._peer_answers = plan.dialect.ping.answered
        self._retry_at: float | None = clock.monotonic()
        self._wall_ahead = clock.unix_ms() / 1000 - clock.monotonic()
        self._keeper: LeaseKeeper | None = None
        self.abandoned: tuple[str, ...] = ()

    # -- for other threads ------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ask the stream to end: a flag and a wake-up, no lock."""
        self._stop_asked = True
        self._inbox.wake()

    def end_unrun(self) -> None:
        """End a stream whose I/O thread has never run, and never will; on the thread that closes it."""
        self._conclude(None)

    def after_fork(self) -> None:
        """In a child that was forked, where nobody runs this: give the descriptors back."""
        self._links.after_fork()
        self._inbox.close()

    def add_channels(self, channels: tuple[str, ...]) -> Promise:
        """Ask for more channels; the promise is kept when the exchange has confirmed them all."""
        promise = Promise(self._clock)
        self._inbox.post(AddChannels(channels, promise))
        if self._lifecycle.status.state.ended:
            promise.break_(_over(self._lifecycle.status.error))
        return promise

    def refresh(self) -> Promise:
        """Ask the exchange how the account stands; the promise is kept when its answers have been delivered."""
        promise = Promise(self._clock)
        self._inbox.post(_Refresh(promise))
        if self._lifecycle.status.state.ended:
            promise.break_(_over(self._lifecycle.status.error))
        return promise

    def remove_channels(self, channels: tuple[str, ...]) -> None:
        """Give up channels."""
        self._inbox.post(RemoveChannels(frozenset(channels)))

    @property
    def unknown_words(self) -> dict[str, int]:
        """The exchange's words that the dialect does not know, counted; callable from any thread."""
        link = self._link
        past = self._links.unknown_words
        return dict(past if link is None else past + Counter(dict(link.session.unknown)))

    # -- the I/O thread ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until told to stop, or until it cannot go on; then say so on every queue."""
        error: FuturesStreamError | None = None
        try:
            self._serve()
        except FuturesStreamError as failure:
            error = failure
        except BaseException as bug:
            error = defect(bug)
            log.critical("%s: %s", self._plan.name, error)
        self._conclude(error)

    def _serve(self) -> None:
        with Crew(self._plan.name, self._clock, wake=self._inbox.wake) as crew:
            self._start_rest(crew)
            self._dialing = Dialing(
                plan=self._plan,
                network=self._network,
                keeper=self._keeper,
                errands=self._errands,
                post=self._inbox.post,
                clock=self._clock,
            )
            self._rotations = Rotations(
                name=self._plan.name,
                lifetime=self._plan.dialect.lifetime,
                links=self._links,
                begin_dial=self._dialing.begin,
                give_up_dial=self._dialing.give_up,
                deliver=self._deliver_held,
                farewell=self._plan.limits.farewell,
                clock=self._clock,
                random=self._random,
            )
            try:
                while not self._stop_asked and not crew.failed:
                    self._turn()
                self._say_farewell()
            finally:
                self._dialing.give_up()
                self._links.drop_all()

    def _start_rest(self, crew: Crew) -> None:
        made = rest_thread(
            plan=self._plan,
            network=self._network,
            errands=self._rest_errands,
            post=self._inbox.post,
            clock=self._clock,
            random=self._random,
            stopping=crew.stopping,
        )
        if made is not None:
            thread, self._keeper = made
            self._standing.can_ask(thread.ask, thread.forget)
            crew.start("rest", thread.run, thread.wake)

    def _turn(self) -> None:
        """Wait for something to happen, and deal with all that has."""
        if self._retry_at is not None and self._clock.monotonic() >= self._retry_at:
            self._retry_at = None
            self._lifecycle.to(State.CONNECTING)
            self._try(self._dialing.begin)
        if self._rotations.due:
            self._rotate("the exchange would cut this connection soon")
        self._links.wait(self._patience())
        self._look_at_clocks()
        for news in self._inbox.take():
            self._hear(news)
        self._try(self._dialing.look_at_time)
        if self._link is not None:
            try:
                self._tend(self._link)
            except TransientError as error:
                self._lose(error)
        try:
            successor = self._rotations.tend()
        except FuturesStreamError as error:
            self._rotations.failed(error)
        else:
            if successor is not None:
                self._switch(successor)
        if self._standing.settle(self._subscriptions.channels):
            self._went_live()
        self._standing.look_at_time()
        self._delivery.look_at_time()
        self._delivery.flush()

    def _look_at_clocks(self) -> None:
        """Notice that the machine has slept or its wall clock was set: listen key and connection may be older now."""
        ahead = self._clock.unix_ms() / 1000 - self._clock.monotonic()
        if abs(ahead - self._wall_ahead) > _CLOCK_JUMP:
            log.warning("%s: the clock jumped by %.0f s", self._plan.name, ahead - self._wall_ahead)
            self._wall_ahead = ahead
            if self._keeper is not None:
                self._keeper.look()
            if self._link is not None:
                self._link.hurry()

    def _tend(self, link: Link) -> None:
        link.read()
        link.look_at_time()
        link.write()
        if self._lifecycle.status.state is State.GREETING and link.session.greeted:
            self._standing.greeted(self._subscriptions.channels)
        self._subscriptions.keep_promises(link.session)

    def _patience(self) -> float | None:
        """Return how long nothing needs to be done, in seconds."""
        due = [self._retry_at, self._dialing.deadline, self._standing.deadline, self._delivery.deadline]
        due += self._links.deadlines + self._rotations.deadlines
        waits = [at - self._clock.monotonic() for at in due if at is not None]
        return max(0.0, min(waits)) if waits else None

    # -- what is heard ----------------------------------------------------------------------------------------------

    def _hear(self, news: object) -> None:
        match news:
            case Dialed():
                self._try(lambda: self._meet(news))
            case LeaseGranted():
                self._try(lambda: self._dialing.granted(news))
            case LeaseRefused(error=error):
                if self._dialing.concerns(news):
                    self._failed(error)
            case LeaseExtended(expires_at=expires_at):
                self._delivery.notice(LeaseRenewed, expires_at=expires_at)
            case LeaseAtRisk(error=error):
                self._doubt(f"the listen key has run out, and could not be renewed: {error}")
            case LeaseConfirmed():
                self._standing.believe_again(self._subscriptions.channels)
            case Answered():
                self._standing.hear(news)
            case LeaseReplaced(error=error):
                if self._link is not None:
                    self._doubt(str(error))
                    self._rotate(str(error))
                elif self._dialing.under_way:  # with the old key
                    self._lose(error)
            case _Refresh(promise=promise):
                self._standing.refresh(promise, self._subscriptions.channels)
            case AddChannels(channels=channels):
                self._subscriptions.add(news)
                if self._link is not None:
                    self._link.obey(self._link.session.subscribe(channels))
            case RemoveChannels(channels=channels):
                self._subscriptions.remove(news)
                if self._link is not None:
                    self._link.obey(self._link.session.unsubscribe(sorted(channels)))

    def _meet(self, news: Dialed) -> None:
        """A dial is home: begin the conversation."""
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
        link = Link(
            connection,
            session,
            ping=dialect.ping,
            silence_limit=dialect.silence_limit,
            answers=self._peer_answers,
            answer_limit=self._plan.limits.answer,
            clock=self._clock,
            delivery=self._delivery,
            refused=self._subscriptions.refused,
        )
        self._links.add(link)
        self._lifecycle.note(connects=self._lifecycle.status.connects + 1)
        if self._rotations.awaits_connection:
            self._rotations.meet(link)
        else:
            self._link = link
            self._lifecycle.to(State.GREETING)
        link.greet()

    def _went_live(self) -> None:
        self._subscriptions.lenient = True
        self._rotations.plan()
        log.info("%s is live", self._plan.name)

    def _switch(self, link: Link) -> None:
        """Another connection serves from now on."""
        self._link = link
        if self._lifecycle.status.state is State.LIVE:
            self._delivery.notice(Rotated, reason=self._rotations.reason)
        self._standing.believe_again(self._subscriptions.channels)

    def _deliver_held(self, records: list[Record]) -> None:
        self._delivery.add(renumbered(records, self._delivery.next_seq))

    # -- what goes wrong --------------------------------------------------------------------------------------------

    def _rotate(self, reason: str) -> None:
        link = self._link
        if link is not None:
            self._try(lambda: self._rotations.begin(reason, link))

    def _try(self, step: Callable[[], None]) -> None:
        """Take a step on the way to a connection."""
        try:
            step()
        except TransientError as error:
            self._failed(error)

    def _failed(self, error: FuturesStreamError) -> None:
        """
        The way to a connection failed.

        Raises:
            FatalError: For good, and there is no other connection to go on with.
        """
        if self._rotations.awaits_connection:
            self._rotations.failed(error)
        elif isinstance(error, TransientError):
            self._lose(error)
        else:
            raise error

    def _lose(self, error: TransientError) -> None:
        """The connection, or the way to one, is lost: say what may be missing, and try again."""
        live_for = self._standing.live_for
        link, self._link = self._link, None
        if link is not None:
            self._peer_answers = link.answers
            self._standing.lost(str(error), link.heard_at, self._subscriptions.channels, link.told)
            self._links.drop(link)
        self._rotations.forget()
        self._dialing.give_up()
        asked = error.retry_after if isinstance(error, Throttled | ConnectFailed) else None
        delay = self._backoff.delay(live_for, asked)
        self._retry_at = self._clock.monotonic() + delay
        error.exchange = error.exchange or self._plan.dialect.name
        self._lifecycle.note(error=error)
        self._delivery.flush()
        self._lifecycle.to(State.BACKING_OFF)
        log.warning("%s: %s; next try in %.1f s", self._plan.name, error, delay)

    def _doubt(self, reason: str) -> None:
        if self._link is not None:
            self._standing.doubt(reason, self._link.heard_at, self._subscriptions.channels)

    # -- the end ----------------------------------------------------------------------------------------------------

    def _say_farewell(self) -> None:
        """Close the connection politely, and deliver what was in flight."""
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
                self._keep_askers()
                link.read()
        except FuturesStreamError as end:
            log.debug("%s: closed: %s", self._plan.name, end)

    def _conclude(self, error: FuturesStreamError | None) -> None:
        """Tell the end to everybody and give everything back; what fails of that keeps nothing else from being done."""
        failed = defects(self._close_errands, self._delivery.flush)
        error = error or next(iter(failed), None)
        over = _over(error)
        failed += defects(
            lambda: self._lifecycle.note(error=error),  # first: who finds the queue ended looks here for the reason
            lambda: self._delivery.end(error),
            lambda: self._lifecycle.to(State.CLOSED if error is None else State.FAILED),
            self._keep_askers,
            lambda: self._subscriptions.break_promises(over),
            lambda: self._standing.end(over),
            self._links.close,
            self._inbox.close,
        )
        for bug in failed:
            log.critical("%s: %s", self._plan.name, bug)

    def _close_errands(self) -> None:
        for errands in (self._errands, self._rest_errands):
            try:
                errands.close(self._plan.limits.farewell)
            except ShutdownTimeout as stuck:
                self.abandoned += stuck.threads

    def _keep_askers(self) -> None:
        """Look through the box for those who wait for an answer, and will get it at the end; the rest is too late."""
        for news in self._inbox.take():
            if isinstance(news, AddChannels):
                self._subscriptions.add(news)
            elif isinstance(news, _Refresh):
                self._standing.refresh(news.promise, self._subscriptions.channels)


def _over(error: FuturesStreamError | None) -> FuturesStreamError:
    """Return what somebody is told who asks a stream that has ended."""
    return StreamFailed("the stream has ended; open a new one") if error is None else error
