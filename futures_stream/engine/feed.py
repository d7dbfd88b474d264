"""The I/O thread: one loop that owns a stream's connection and everything about it, for as long as the stream lives."""

from __future__ import annotations

import logging
from random import Random

from attrs import frozen

from futures_stream.clock import Clock
from futures_stream.engine.clock_steps import ClockSteps
from futures_stream.engine.connections import Connections
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
from futures_stream.engine.links import Links
from futures_stream.engine.lost_channels import LostChannels
from futures_stream.engine.plan import Plan
from futures_stream.engine.ports import Network
from futures_stream.engine.promise import Promise
from futures_stream.engine.rest_thread import Answered, rest_thread
from futures_stream.engine.standing import Doubt, Standing
from futures_stream.engine.steady import Steady
from futures_stream.engine.subscriptions import AddChannels, RemoveChannels, Subscriptions
from futures_stream.errors import (
    FuturesStreamError,
    LeaseLost,
    ShutdownTimeout,
    StreamFailed,
)
from futures_stream.records import LeaseRenewed
from futures_stream.vocabulary import State

__all__ = ["Feed"]

log = logging.getLogger("futures_stream.engine")


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
        self._errands = Errands(plan.name, clock)
        self._rest_errands = Errands(plan.name, clock)  # the REST thread's, until it has ended
        self._inbox = Inbox()
        self._links = Links(self._inbox, clock)
        self._steady = Steady(self._links, delivery, clock)
        self._stop_asked = False
        self._subscriptions = Subscriptions(
            plan.dialect, plan.channels, delivery, lifecycle, LostChannels(clock, random)
        )
        self._standing = Standing(
            plan=plan, delivery=delivery, lifecycle=lifecycle, clock=clock, random=random, mute=self._rotate
        )
        self._connections: Connections | None = None  # until the I/O thread runs
        self._clock_steps = ClockSteps(clock)
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
        connections = self._connections
        return {} if connections is None else connections.unknown_words

    # -- the I/O thread ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until told to stop, or until it cannot go on; then say so on every queue."""
        error: FuturesStreamError | None = None
        try:
            self._serve()
        except FuturesStreamError as failure:
            error = failure.with_traceback(None)  # its variables hold what was heard, and may be printed
        except BaseException as bug:
            error = defect(bug)
            log.critical("%s: %s", self._plan.name, error)
        self._conclude(error)

    def _serve(self) -> None:
        with Crew(self._plan.name, self._clock, wake=self._inbox.wake) as crew:
            self._start_rest(crew)
            dialing = Dialing(
                plan=self._plan,
                network=self._network,
                keeper=self._keeper,
                errands=self._errands,
                post=self._inbox.post,
                clock=self._clock,
            )
            connections = self._connections = Connections(
                plan=self._plan,
                dialing=dialing,
                links=self._links,
                subscriptions=self._subscriptions,
                standing=self._standing,
                delivery=self._delivery,
                lifecycle=self._lifecycle,
                clock=self._clock,
                random=self._random,
            )
            try:
                while not self._stop_asked and not crew.failed:
                    self._turn(connections)
                connections.say_farewell(self._keep_askers)
            finally:
                connections.give_up()

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
            self._standing.can_ask(thread)
            crew.start("rest", thread.run, thread.wake)

    def _turn(self, connections: Connections) -> None:
        """Wait for something to happen, and deal with all that has."""
        connections.begin_what_is_due()
        self._steady.wait(connections.undisturbed, self._patience(connections))
        self._look_at_clocks(connections)
        for news in self._inbox.take():
            self._hear(news, connections)
        connections.tend()
        if self._standing.settle(self._subscriptions.channels):
            connections.went_live()
        self._standing.look_at_time(self._subscriptions.channels)
        self._delivery.look_at_time()
        self._delivery.flush()

    def _look_at_clocks(self, connections: Connections) -> None:
        """Notice that the machine has slept or its wall clock was set: listen key and connection may be older now."""
        step = self._clock_steps.look()
        if step is None:
            return
        if step.set_back:
            self._standing.clock_set_back(step)
        if step.jumped:
            log.warning("%s: the clock jumped by %.0f s", self._plan.name, step.by)
            if self._keeper is not None:
                self._keeper.look()
            connections.hurry()

    def _patience(self, connections: Connections) -> float | None:
        """Return how long nothing needs to be done, in seconds."""
        due = [self._delivery.deadline, *self._standing.deadlines, *connections.deadlines]
        waits = [at - self._clock.monotonic() for at in due if at is not None]
        return max(0.0, min(waits)) if waits else None

    def _hear(self, news: object, connections: Connections) -> None:
        match news:
            case Dialed():
                connections.dialed(news)
            case LeaseGranted():
                connections.granted(news)
            case LeaseRefused():
                connections.refused(news)
            case LeaseReplaced():
                connections.replaced(news)
            case LeaseAtRisk(error=error, since=since):
                lost = LeaseLost(f"the listen key has run out, and could not be renewed: {error}")
                connections.doubt(Doubt.AT_RISK, lost, since)
            case LeaseExtended(expires_at=expires_at):
                self._delivery.notice(LeaseRenewed, expires_at=expires_at)
            case LeaseConfirmed():
                self._standing.believe_again(Doubt.AT_RISK, self._subscriptions.channels)
            case Answered():
                self._standing.hear(news, self._subscriptions.channels)
            case _Refresh(promise=promise):
                self._standing.refresh(promise, self._subscriptions.channels)
            case AddChannels(channels=channels):
                self._subscriptions.add(news)
                connections.subscribe(channels)
            case RemoveChannels(channels=removed):
                self._subscriptions.remove(news)
                connections.unsubscribe(removed)

    def _rotate(self, reason: str) -> None:
        if self._connections is not None:
            self._connections.rotate(reason)

    # -- the end ----------------------------------------------------------------------------------------------------

    def _conclude(self, error: FuturesStreamError | None) -> None:
        """Tell the end to everybody and give everything back; what fails of that keeps nothing else from being done."""
        failed = defects(self._close_errands, self._delivery.flush)
        error = error or next(iter(failed), None)
        over = _over(error)
        failed += defects(
            lambda: self._lifecycle.note(error=error),  # first: who finds the queue ended looks here for the reason
            # Who reads the last record finds the last state, and who has waited for that state finds the record.
            lambda: self._lifecycle.to(State.CLOSED if error is None else State.FAILED, announced=False),
            lambda: self._delivery.end(error),
            self._lifecycle.announce,
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
