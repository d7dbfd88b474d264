"""The way to a connection: a listen key where there is one, then the dial, each for one generation."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from futures_stream.clock import Clock
from futures_stream.dialects.credentials import Secret
from futures_stream.engine.budget import budget_at
from futures_stream.engine.errands import Errands, Running
from futures_stream.engine.lease import LeaseGranted, LeaseKeeper, LeaseRefused
from futures_stream.engine.plan import Plan
from futures_stream.engine.ports import Connection, Network
from futures_stream.errors import ConnectFailed, FuturesStreamError, Throttled

__all__ = ["Dialed", "Dialing"]

_ABANDON_AFTER = 1.0  # seconds past its own limit after which a dial must be hanging in a system call


@frozen
class Dialed:
    """A dial is home."""

    generation: int
    running: Running[Connection]


class Dialing:
    """
    Makes one connection after another, each with a generation; what belongs to an older one is ignored.

    Args:
        plan: What to connect to.
        network: The way out.
        keeper: Gives listen keys; None where there are none.
        errands: Helper threads for the dials.
        post: Where :class:`Dialed` goes; called on a helper thread.
        clock: Measures the limits.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        network: Network,
        keeper: LeaseKeeper | None,
        errands: Errands,
        post: Callable[[object], None],
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._network = network
        self._keeper = keeper
        self._errands = errands
        self._post = post
        self._clock = clock
        self._generation = 0
        self._running: Running[Connection] | None = None
        self._begin_at: float | None = None
        self._abandon_at: float | None = None
        self._budget = budget_at(clock, plan.endpoints.ws_url or "", "connect", plan.dialect.limits)

    @property
    def deadline(self) -> float | None:
        """When to look at the time, in monotonic seconds; None if there is nothing to wait for."""
        return self._begin_at if self._abandon_at is None else self._abandon_at

    @property
    def under_way(self) -> bool:
        """Whether a dial is out, with the listen key that was granted for it."""
        return self._running is not None

    def key_confirmed_at(self) -> int | None:
        """Return when the listen key was last known to be the account's, in ms since 1970; None where there is none."""
        return None if self._keeper is None else self._keeper.confirmed_at

    def begin(self) -> None:
        """
        Start on a new connection, as soon as the host's budget allows one.

        Raises:
            Throttled: The host wants to hear of nobody for a while.
        """
        self.give_up()
        if (pause := self._budget.paused_for) > 0:
            raise Throttled(f"the host allows no connection for another {pause:.0f} s", retry_after=pause)
        wait = self._budget.book()
        if wait > 0:
            self._begin_at = self._clock.monotonic() + wait
        else:
            self._begin()

    def pause(self, seconds: float) -> None:
        """Keep all streams of this process from connecting to the host for so long: it has said so."""
        self._budget.pause(seconds)

    def _begin(self) -> None:
        self._begin_at = None
        if self._keeper is None:
            self._dial(None)
        else:
            self._keeper.ask(self._generation)

    def give_up(self) -> None:
        """Forget the connection that is being made; what still comes for it belongs to an older generation."""
        self._generation += 1
        self._abandon_at = self._begin_at = None
        running, self._running = self._running, None
        if running is not None:
            running.cancel()

    def granted(self, news: LeaseGranted) -> None:
        """A listen key came: dial with it."""
        if news.generation == self._generation:
            self._dial(news.key)

    def concerns(self, news: LeaseRefused) -> bool:
        """Tell whether a refusal is about the connection that is being made."""
        return news.generation == self._generation

    def take(self, news: Dialed) -> Connection | None:
        """
        Take the connection that a dial brought home; None if it is not the one that is waited for.

        Raises:
            FuturesStreamError: The dial failed.
        """
        if news.generation != self._generation or news.running is not self._running:
            news.running.cancel()
            return None
        self._running = None
        self._abandon_at = None
        try:
            return news.running.take()
        except ConnectFailed as error:
            failure = self._explained(error)
        raise failure

    def look_at_time(self) -> None:
        """
        Begin what had to wait, and give up a dial that hangs in a system call.

        Raises:
            ConnectFailed: It did.
        """
        if self._begin_at is not None and self._clock.monotonic() >= self._begin_at:
            self._begin()
        if self._abandon_at is not None and self._clock.monotonic() >= self._abandon_at:
            self.give_up()
            limit = self._plan.limits.phase
            raise ConnectFailed(f"connecting took longer than {limit:g} s: probably the name resolution hangs")

    def _dial(self, key: Secret | None) -> None:
        limit = self._plan.limits.phase
        url = self._plan.dialect.stream_url(self._plan.endpoints, key)
        generation = self._generation

        def done(running: Running[Connection]) -> None:
            self._post(Dialed(generation, running))

        self._abandon_at = self._clock.monotonic() + limit + _ABANDON_AFTER
        self._running = self._errands.launch(
            "connect", self._network.dial(url, limit), done, discard=lambda connection: connection.dispose()
        )

    def _explained(self, error: ConnectFailed) -> FuturesStreamError:
        dialect = self._plan.dialect
        if error.status is not None:
            return dialect.upgrade_refused(error.status, error.retry_after)
        hint = dialect.unreachable_hint(self._plan.endpoints)
        return error if hint is None else ConnectFailed(f"{error.message}. {hint}", exchange=dialect.name)
