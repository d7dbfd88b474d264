"""Learning how the account stands, after connecting and after a gap, as far as the exchange can be asked."""

from __future__ import annotations

from collections import deque
from functools import partial

from futures_stream.dialects.identity import EVENTS
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.plan import Plan
from futures_stream.engine.repair import Outcome, Recovered, Repair, Scope
from futures_stream.engine.rest_thread import Answered, Asker

__all__ = ["Resync"]

_UNDER_WAY = 60_000  # ms that a message may have been under way at most: who is silent for longer is hung up on
_UNORDERED = 2_000  # ms by which what is pushed later may have happened before, on another channel
_ALIKE = 2.0  # seconds that two clocks which are right seem to differ: one is read to the second, a while after it told


class Resync:
    """
    Runs one repair at a time, and knows what was known before the gap that it is to close.

    Args:
        plan: Who asks whom.
        delivery: Takes what is fetched; knows what is delivered.

    Attributes:
        asker: Asks the exchange; None where there is no REST.
        lenient: Whether the stream goes on when the exchange refuses to be asked; it does once it has been live.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, *, plan: Plan, delivery: Delivery) -> None:
        self.asker: Asker | None = None
        self.lenient = False
        self._plan = plan
        self._delivery = delivery
        self._repair: Repair | None = None
        self._recovered = Recovered()
        self._said_at: int | None = None  # what was pushed last before the gap, by the exchange's clock, in ms
        self._ahead: deque[float] = deque(maxlen=2)  # of the connection that was lost, and of the one after it

    def clock_seen(self, ahead: float | None) -> None:
        """A new connection's server told its time: so many seconds ahead of ours; None if it did not."""
        if ahead is not None:
            self._ahead.append(ahead)

    @property
    def running(self) -> bool:
        """Whether a repair has begun and has not been finished or abandoned."""
        return self._repair is not None

    @property
    def done(self) -> bool:
        """Whether the repair that has begun has asked all it had to ask."""
        return self._repair is not None and self._repair.done

    def mark(self) -> None:
        """A gap begins: remember how the account stood."""
        knowledge = self._delivery.knowledge
        self._recovered = Recovered(before=knowledge.picture(), told=knowledge.collect())
        self._said_at = knowledge.said_at

    def begin(self, channels: tuple[str, ...], since: int | None) -> None:
        """
        Ask how the account stands.

        Args:
            channels: What is subscribed.
            since: The gap's beginning, in ms; None if there is none to close.
        """
        self.abandon()
        dialect, plan, knowledge = self._plan.dialect, self._plan, self._delivery.knowledge
        kinds = dialect.kinds(channels)
        wanted = {*kinds, "executions"} if since is not None else {*kinds} - EVENTS
        asked = tuple(kind for kind in dialect.queryable if kind in wanted) if self.asker is not None else ()
        queries = dialect.queries(
            plan.credentials,
            kinds=asked,
            symbols=plan.symbols,
            known=knowledge.symbols,
            since=None if since is None else self._from_when(since),
        )
        self._repair = Repair(
            scope=Scope(
                kinds=kinds,
                asked=asked,
                queries=queries,
                reasons=frozenset(kind for kind in kinds if dialect.unprovable(kind, plan.symbols)),
                lenient=self.lenient,
                about=partial(dialect.order_queries, plan.credentials),
            ),
            recovered=self._recovered if since is not None else Recovered(),
            asker=self.asker,
            knowledge=knowledge,
            delivery=self._delivery,
        )

    def _from_when(self, since: int) -> int:
        """
        Return from when on it is asked what happened, by the exchange's clock, in ms.

        When the last message came, others were under way, and are lost with the connection: they may tell of what
        happened before that message came, by as much as the network was slow, but not before what it told.
        """
        since = self._at_the_exchange(since)
        if self._said_at is None:
            return since
        return min(since, max(self._said_at - _UNORDERED, since - _UNDER_WAY, 0))

    def _at_the_exchange(self, since: int) -> int:
        """
        Return what the exchange's clock showed when ours showed *since*, in ms.

        By a clock of ours that is minutes ahead, what was executed in a gap would seem to be older than the gap, and
        would not be asked for. Where ours was set in between, the earlier time counts: what is known is not told again.
        """
        ahead = min(self._ahead, default=0.0)
        return since if abs(ahead) < _ALIKE else max(0, since + round(ahead * 1000))

    def hear(self, answered: Answered) -> None:
        """Deal with an answer."""
        if self._repair is not None:
            self._repair.hear(answered)

    def finish(self) -> Outcome:
        """Return what is known, and be ready for the next one."""
        repair, self._repair = self._repair, None
        return Outcome() if repair is None else repair.outcome()

    def closed(self) -> None:
        """The gap is closed: what happens from now on explains nothing about it."""
        self._delivery.knowledge.collect_no_more()

    def abandon(self) -> None:
        """Ask nothing more."""
        repair, self._repair = self._repair, None
        if repair is not None:
            if self.asker is not None:
                self.asker.forget()
            repair.abandon()
