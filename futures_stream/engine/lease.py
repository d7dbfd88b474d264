"""The listen key: asked for, extended in time, asked for anew when it could not be, given back if that is wanted."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable
from random import Random

from attrs import field, frozen

from futures_stream.clock import Age, Clock, Event
from futures_stream.dialects.base import Dialect, LeaseTerms, Response
from futures_stream.dialects.credentials import Credentials, Secret
from futures_stream.engine.rest import RestCaller
from futures_stream.errors import FatalError, FuturesStreamError, LeaseLost, Throttled, TransientError

__all__ = [
    "LeaseAtRisk",
    "LeaseConfirmed",
    "LeaseExtended",
    "LeaseGranted",
    "LeaseKeeper",
    "LeaseRefused",
    "LeaseReplaced",
]

log = logging.getLogger("futures_stream.engine")

_FIRST_RETRY = 5.0  # seconds; doubled up to the longest: a key that lives an hour leaves room for dozens of tries
_LONGEST_RETRY = 60.0
_RELEASE_LIMIT = 2.0  # seconds that giving the key back may hold up a close


@frozen
class LeaseGranted:
    """The key that was asked for with that generation."""

    generation: int
    key: Secret


@frozen
class LeaseRefused:
    """
    There is no key: the next one must be asked for again, or never, as the error says.

    Attributes:
        generation: With which it was asked for; None if nobody has, and the key that is held is not extended any more.
    """

    generation: int | None
    error: FuturesStreamError


@frozen
class LeaseExtended:
    """The key lives on, until then (ms since 1970)."""

    expires_at: int


@frozen
class LeaseAtRisk:
    """
    The key's life is over as far as we know, and REST does not answer: the connection may be mute.

    Attributes:
        error: What became of the last try.
        since: When the key's life was over, in ms since 1970.
    """

    error: FuturesStreamError
    since: int


@frozen
class LeaseConfirmed:
    """The key that was at risk is still the active one."""


@frozen
class LeaseReplaced:
    """
    The account has another key now; the connection on the old one is dead or will be.

    Attributes:
        key: The other key.
        error: What happened.
        since: When the key before was last known to be the account's, in ms since 1970.
        asked: Whether it came out when a key was asked for to connect with: then that connection is the new one.
    """

    key: Secret
    error: LeaseLost = field(eq=False)
    since: int
    asked: bool = False


class LeaseKeeper:
    """
    Keeps one account's listen key alive, step by step on the REST thread.

    Each PUT is followed by the next one after ``renew_every``, give or take a tenth. A failed one is tried again after
    5, 10, 20, 40, 60, 60 … seconds while the key lives; then, or when the exchange says that there is no key, a new
    one is asked for. POST returns the key that other programs of this account use too, of unknown age, so a key is
    extended as soon as it was got, and deleted at the end only if that was asked for.

    Args:
        dialect: Whose key it is.
        credentials: Who asks.
        rest: Makes the calls.
        post: Where the news go; called on the REST thread.
        clock: Measures the key's life.
        random: Where the jitter comes from.
        release: Whether to delete the key at the end.
        news: Wakes the REST thread.
        stopping: Raised when the thread should end.

    Threads:
        :meth:`ask` and :meth:`look` are callable from any thread; the rest is the REST thread's.
    """

    def __init__(
        self,
        *,
        dialect: Dialect,
        credentials: Credentials,
        rest: RestCaller,
        post: Callable[[object], None],
        clock: Clock,
        random: Random,
        release: bool,
        news: Event,
        stopping: Event,
    ) -> None:
        self._dialect = dialect
        self._terms = dialect.lease or LeaseTerms()
        self._credentials = credentials
        self._rest = rest
        self._post = post
        self._clock = clock
        self._random = random
        self._release = release
        self._stopping = stopping
        self._news = news
        self._asked: deque[int] = deque()
        self._key: Secret | None = None
        self._asked_at = Age(clock)  # when the account's key was last asked for
        self._confirmed = Age(clock)  # when ours was last known to be that
        self._proof = Age(clock)  # since when the key is known to live
        self._renew_after = 0.0  # seconds after the proof
        self._compared = Age(clock)
        self._compare_after = 0.0
        self._failures = 0
        self._at_risk = False

    def ask(self, generation: int) -> None:
        """Ask for a key; the answer carries *generation*."""
        self._asked.append(generation)
        self._news.set()

    @property
    def confirmed_at(self) -> int:
        """When the key was last known to be the account's, in ms since 1970; callable from any thread."""
        return self._ms_ago(self._confirmed.seconds)

    def look(self) -> None:
        """Make the thread look at the clocks, which may have jumped."""
        self._news.set()

    def step(self) -> float | None:
        """Do what is due; return the seconds until something is (0 if that may be now), None if nothing will be."""
        if self._asked:
            self._acquire(self._asked.popleft())
        elif self._key is None:
            return None
        elif self._renew_after <= self._proof.seconds:
            self._renew()
        elif self._compare_after <= self._compared.seconds:
            self._compare()
        else:
            until_renewal = self._renew_after - self._proof.seconds
            until_look = self._compare_after - self._compared.seconds
            return max(0.0, min(until_renewal, until_look))
        return 0.0

    def finish(self) -> None:
        """Give the key back, if that was asked for."""
        if self._release and self._key is not None:
            self._give_back()

    def _acquire(self, generation: int) -> None:
        try:
            key = self._create()
        except FuturesStreamError as error:
            if not self._stopping.is_set():
                self._post(LeaseRefused(generation, error))
        else:
            self._take(key, asked=True)
            self._post(LeaseGranted(generation, key))

    def _renew(self) -> None:
        started = Age(self._clock)
        try:
            self._ask_exchange("renew")
        except LeaseLost as error:
            self._replace(error)
        except FatalError as error:
            self._key = None
            self._post(LeaseRefused(None, error))
        except FuturesStreamError as error:
            if self._stopping.is_set():
                return
            log.warning("the listen key could not be extended: %s", error)
            if self._proof.seconds >= self._terms.life:
                self._replace(error)
            else:
                self._retry_later(error)
        else:
            self._prolong(started)
            if self._at_risk:
                self._at_risk = False
                self._post(LeaseConfirmed())

    def _replace(self, why: FuturesStreamError) -> None:
        """The key is or must be taken for dead: ask for the active one."""
        try:
            key = self._create()
        except FatalError as error:
            self._key = None
            self._post(LeaseRefused(None, error))
            return
        except FuturesStreamError as error:
            if not self._stopping.is_set():
                if not self._at_risk:
                    self._at_risk = True
                    self._post(LeaseAtRisk(error, self._ms_ago(self._proof.seconds - self._terms.life)))
                self._retry_later(error)
            return
        if key == self._key:
            # Still the active one. Only a PUT that is accepted ends the doubt, if there was any.
            self._confirmed = self._asked_at
            self._proof, self._renew_after = Age(self._clock), 0.0
            self._retry_later(why)
        else:
            self._take(key)

    def _compare(self) -> None:
        """See whether our key is still the account's: a PUT names no key, and may have extended another one."""
        self._compare_later(self._terms.compare_every)
        try:
            key = self._create()
        except FatalError as error:
            self._key = None
            self._post(LeaseRefused(None, error))
        except FuturesStreamError as error:
            if not self._stopping.is_set():
                log.warning("the listen key could not be compared: %s", error)
                self._compare_later(min(_LONGEST_RETRY, self._terms.compare_every))
        else:
            if key != self._key:
                self._take(key)
            self._confirmed = self._asked_at

    def _take(self, key: Secret, asked: bool = False) -> None:
        """Hold the account's active key; if it is another one than before, say so."""
        had, self._key = self._key, key
        held, self._confirmed = self._confirmed, self._asked_at
        self._at_risk = False
        self._failures = 0
        self._proof, self._renew_after = Age(self._clock), 0.0
        self._compare_later(self._terms.compare_every)
        if had is not None and key != had:
            why = LeaseLost("the listen key was replaced by another one")
            self._post(LeaseReplaced(key, why, self._ms_ago(held.seconds), asked))

    def _compare_later(self, seconds: float) -> None:
        self._compared = Age(self._clock)
        self._compare_after = seconds * self._random.uniform(0.9, 1.1)

    def _ms_ago(self, seconds: float) -> int:
        return self._clock.unix_ms() - max(0, math.ceil(seconds * 1000))

    def _create(self) -> Secret:
        self._asked_at = Age(self._clock)
        key = self._ask_exchange("create")
        if key is None:
            raise TransientError("no listen key in the answer")
        return key

    def _prolong(self, started: Age) -> None:
        self._failures = 0
        self._proof = started
        self._renew_after = self._terms.renew_every * self._random.uniform(0.9, 1.1)
        self._post(LeaseExtended(self._clock.unix_ms() + int(self._terms.life * 1000)))

    def _retry_later(self, error: FuturesStreamError) -> None:
        pause = min(_LONGEST_RETRY, _FIRST_RETRY * 2.0 ** min(self._failures, 10))
        self._failures += 1
        asked = error.retry_after if isinstance(error, Throttled) else None
        self._renew_after = self._proof.seconds + max(pause, asked or 0.0)

    def _ask_exchange(self, verb: str) -> Secret | None:
        request = self._dialect.lease_request(verb, self._credentials)
        response: Response = self._rest.call(request, self._stopping)
        return self._dialect.read_lease(verb, response)

    def _give_back(self) -> None:
        request = self._dialect.lease_request("release", self._credentials)
        try:
            response = self._rest.call(request, self._clock.event(), _RELEASE_LIMIT)
            self._dialect.read_lease("release", response)
        except FuturesStreamError as error:
            log.warning("the listen key could not be given back: %s", error)
