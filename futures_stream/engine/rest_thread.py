"""The REST thread: cares for the listen key, and asks about the account's state in between."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Protocol

from attrs import evolve, frozen

from futures_stream.clock import Clock, Event
from futures_stream.dialects.base import Answer, Dialect, Query
from futures_stream.engine.budget import budget_at
from futures_stream.engine.errands import Errands
from futures_stream.engine.lease import LeaseKeeper
from futures_stream.engine.plan import Plan
from futures_stream.engine.ports import Network
from futures_stream.engine.rest import RestCaller
from futures_stream.errors import ClockSkew, FuturesStreamError

__all__ = ["Answered", "Asker", "RestThread", "rest_thread"]

log = logging.getLogger("futures_stream.engine")


@frozen
class Answered:
    """
    What became of a query: an answer, or an error.

    Attributes:
        asker: Who asked; an answer for anybody else than who asks now comes too late.
    """

    asker: object
    query: Query
    answer: Answer | None
    error: FuturesStreamError | None


class Asker(Protocol):
    """
    What asks an exchange over REST; :class:`RestThread` does.

    Threads:
        Every method is callable from any thread.
    """

    def ask(self, asker: object, query: Query) -> None:
        """Ask the exchange; the answer comes as an :class:`Answered` for that asker."""

    def forget(self) -> None:
        """Ask nothing of what has not been asked yet."""

    def has_spare(self) -> bool:
        """Tell whether the host allows much more than is being asked; what can wait should, if it does not."""


class RestThread:
    """
    One thread for all that an account asks over REST, the listen key first.

    Args:
        dialect: Reads the answers.
        account: The label on their records.
        rest: Makes the calls.
        keeper: Cares for the listen key; None where there is none.
        post: Where answers go; called on the REST thread.
        clock: Stamps the answers.
        news: Wakes the thread; the keeper's own, if there is one.
        stopping: Raised when the thread should end.

    Threads:
        :meth:`run` is the thread itself; the rest is callable from any thread.
    """

    def __init__(
        self,
        *,
        dialect: Dialect,
        account: str,
        rest: RestCaller,
        keeper: LeaseKeeper | None,
        post: Callable[[object], None],
        clock: Clock,
        news: Event,
        stopping: Event,
    ) -> None:
        self._dialect = dialect
        self._account = account
        self._rest = rest
        self._keeper = keeper
        self._post = post
        self._clock = clock
        self._news = news
        self._stopping = stopping
        self._queries: deque[tuple[object, Query]] = deque()
        self._ahead_ms = 0

    def ask(self, asker: object, query: Query) -> None:
        """Ask the exchange; the answer comes as an :class:`Answered` for that asker."""
        self._queries.append((asker, query))
        self._news.set()

    def forget(self) -> None:
        """Ask nothing of what has not been asked yet."""
        self._queries.clear()

    def has_spare(self) -> bool:
        """Tell whether the host allows much more than is being asked; what can wait should, if it does not."""
        return not self._queries and self._rest.has_spare

    def wake(self) -> None:
        """Make the thread look at its stop flag."""
        self._news.set()
        self._rest.wake()

    def run(self) -> None:
        """Serve until told to stop."""
        while True:
            self._news.clear()  # before anything is looked at, so that no wake-up gets lost
            if self._stopping.is_set():
                break
            pause = None if self._keeper is None else self._keeper.step()
            if pause == 0.0:
                continue
            try:
                asker, query = self._queries.popleft()
            except IndexError:
                self._news.wait(pause)
            else:
                self._inquire(asker, query)
        if self._keeper is not None:
            self._keeper.finish()

    def _inquire(self, asker: object, query: Query) -> None:
        try:
            answer = self._answer(query)
        except FuturesStreamError as error:
            self._post(Answered(asker, query, None, error))
        else:
            self._post(Answered(asker, query, answer, None))

    def _answer(self, query: Query) -> Answer:
        try:
            return self._answer_at(query, self._ahead_ms)
        except ClockSkew as refused:
            error = refused
        ahead_ms = self._measure_clock()
        if ahead_ms is None:
            raise error
        if ahead_ms == self._ahead_ms:  # it was the exchange's own time that was refused
            error.offset = ahead_ms / 1000
            raise error
        log.warning("%s; asking once more with the exchange's time", error)
        try:
            answer = self._answer_at(query, ahead_ms)
        except ClockSkew as again:
            again.offset = ahead_ms / 1000
            raise
        self._ahead_ms = ahead_ms
        return answer

    def _answer_at(self, query: Query, ahead_ms: int) -> Answer:
        """Ask with our time, corrected by so much."""
        response = self._rest.call(evolve(query.request, ahead_ms=ahead_ms), self._stopping)
        received_ns = self._clock.unix_ns()
        return self._dialect.read_answer(query, response, account=self._account, received_ns=received_ns)

    def _measure_clock(self) -> int | None:
        """Return how far the exchange's clock is ahead of ours, in ms; None if it does not say."""
        request = self._dialect.clock_request()
        if request is None:
            return None
        asked_at = self._clock.unix_ms()
        theirs = self._dialect.read_clock(self._rest.call(request, self._stopping))
        return theirs - (asked_at + self._clock.unix_ms()) // 2


def rest_thread(
    *,
    plan: Plan,
    network: Network,
    errands: Errands,
    post: Callable[[object], None],
    clock: Clock,
    random: Random,
    stopping: Event,
) -> tuple[RestThread, LeaseKeeper | None] | None:
    """
    Return what is to run as a stream's REST thread, and the listen key's keeper in it; None if it needs no REST.

    Args:
        plan: Who asks whom.
        network: The way out.
        errands: Helper threads for the calls; nobody else's.
        post: Where news go; called on the REST thread.
        clock: Measures everything.
        random: Where jitter comes from.
        stopping: Raised when the thread should end.
    """
    dialect, base_url = plan.dialect, plan.endpoints.rest_url or ""
    if dialect.lease is None and not dialect.queryable:
        return None
    rest = RestCaller(
        network=network,
        base_url=base_url,
        roots=dialect.rest_roots,
        errands=errands,
        clock=clock,
        limit=plan.limits.phase,
        budget=budget_at(clock, base_url, "rest", dialect.limits),
    )
    news = clock.event()
    keeper = None
    if dialect.lease is not None:
        keeper = LeaseKeeper(
            dialect=dialect,
            credentials=plan.credentials,
            rest=rest,
            post=post,
            clock=clock,
            random=random,
            release=plan.release_lease,
            news=news,
            stopping=stopping,
        )
    thread = RestThread(
        dialect=dialect,
        account=plan.account,
        rest=rest,
        keeper=keeper,
        post=post,
        clock=clock,
        news=news,
        stopping=stopping,
    )
    return thread, keeper
