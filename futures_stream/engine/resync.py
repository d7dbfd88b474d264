"""Learning how the account stands, after connecting and after a gap, as far as the exchange can be asked."""

from __future__ import annotations

from collections.abc import Callable

from futures_stream.dialects.base import Query
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.knowledge import Picture
from futures_stream.engine.plan import Plan
from futures_stream.engine.repair import Outcome, Repair, Scope
from futures_stream.engine.rest_thread import Answered

__all__ = ["Resync"]


class Resync:
    """
    Runs one repair at a time, and knows what was known before the gap that it is to close.

    Args:
        plan: Who asks whom.
        delivery: Takes what is fetched; shows what is delivered.
        ask: Puts a question to the REST thread; None where there is no REST.
        forget: Takes back what has not been asked yet.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        delivery: Delivery,
        ask: Callable[[int, Query], None] | None,
        forget: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._delivery = delivery
        self._ask = ask
        self._forget = forget
        self._generation = 0
        self._repair: Repair | None = None
        self._before = Picture()
        self._knowledge = delivery.knowledge

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
        self._before = self._knowledge.picture()

    def begin(self, channels: tuple[str, ...], since: int | None) -> None:
        """
        Ask how the account stands.

        Args:
            channels: What is subscribed.
            since: The gap's beginning, in ms; None if there is none to close.
        """
        self.abandon()
        dialect, plan = self._plan.dialect, self._plan
        kinds = dialect.kinds(channels)
        wanted = kinds if since is None else (*kinds, "executions")
        asked = tuple(kind for kind in dialect.queryable if kind in wanted) if self._ask is not None else ()
        if since is None:
            asked = tuple(kind for kind in asked if kind != "executions")
        queries = dialect.queries(
            plan.credentials, kinds=asked, symbols=plan.symbols, known=self._knowledge.symbols, since=since
        )
        self._generation += 1
        self._repair = Repair(
            generation=self._generation,
            scope=Scope(
                kinds=kinds,
                asked=asked,
                before=self._before,
                queries=queries,
                reasons=frozenset(kind for kind in kinds if dialect.unprovable(kind, plan.symbols)),
            ),
            ask=self._ask or _nobody,
            knowledge=self._knowledge,
            delivery=self._delivery,
        )

    def hear(self, answered: Answered) -> None:
        """Deal with an answer."""
        if self._repair is not None:
            self._repair.hear(answered)

    def finish(self) -> Outcome:
        """Return what is known, and be ready for the next one."""
        repair, self._repair = self._repair, None
        return Outcome() if repair is None else repair.outcome()

    def abandon(self) -> None:
        """Ask nothing more."""
        repair, self._repair = self._repair, None
        if repair is not None:
            self._forget()
            repair.abandon()


def _nobody(generation: int, query: Query) -> None:
    raise RuntimeError("a dialect with questions but without REST")
