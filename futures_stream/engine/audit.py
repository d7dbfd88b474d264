"""Whether a healthy connection tells the truth: now and then the exchange is asked, and compared with what was told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence, Set
from decimal import Decimal
from random import Random

from attrs import frozen

from futures_stream.clock import Clock
from futures_stream.dialects.base import Answer, Query
from futures_stream.dialects.identity import Key, amount_of, is_open, keyed
from futures_stream.engine.knowledge import Knowledge
from futures_stream.engine.picture import Picture
from futures_stream.engine.plan import Plan
from futures_stream.engine.rest_thread import Answered, Asker
from futures_stream.records import Record

__all__ = ["Audit", "Difference"]

_QUIET = 5.0  # seconds of listening before anything is compared
_MOST_STRETCHED = 16  # times the usual pause, when one audit after the other finds something


@frozen
class Difference:
    """
    Something that the exchange says over REST otherwise than the stream told it.

    Attributes:
        kind: The kind of state.
        key: Which one of that kind.
        symbol: The contract.
        stream: What the stream told; None if that it is not there.
        rest: What REST says; None likewise.
    """

    kind: str
    key: Key
    symbol: str | None
    stream: Decimal | None
    rest: Decimal | None


class Audit:
    """
    Looks at a live stream every minute or so.

    What was pushed in the last seconds, or while the exchange was asked, is left out: its REST may lag behind. What
    differs otherwise is looked at twice, and only what differs both times is told: a push that is under way is no
    fault. A question that fails proves nothing. How a stream that pushes nothing although it should would be
    found out otherwise: not at all.

    Args:
        plan: Who asks whom, and how often.
        knowledge: What the stream has told.
        asker: Asks the exchange.
        clock: Measures the pauses.
        random: Where jitter comes from: not all accounts ask at once.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, *, plan: Plan, knowledge: Knowledge, asker: Asker, clock: Clock, random: Random) -> None:
        self._serving_since = clock.unix_ms()
        self._plan = plan
        self._knowledge = knowledge
        self._asker = asker
        self._clock = clock
        self._random = random
        self._due: float | None = None
        self._touched: set[tuple[str, Key]] | None = None  # since we listen to what is pushed
        self._look: _Look | None = None
        self._suspects: frozenset[tuple[str, Key]] = frozenset()
        self._in_a_row = 0

    @property
    def deadline(self) -> float | None:
        """When to look at the time, in monotonic seconds; None if there is nothing to wait for."""
        return self._due

    def unsure_since(self, kinds: Iterable[str]) -> int:
        """
        Return since when some kinds of state may not have been pushed, in ms since 1970: since the last push of one.

        That stream and REST have agreed since proves how the account stood then. What came and went in between, such as
        a position that was opened and closed, leaves no trace in that.
        """
        return max(self._serving_since, min(self._knowledge.pushed_at(kind) for kind in kinds))

    def begin(self, anew: bool) -> None:
        """The stream is live; *anew* says that it has just become so, and no gap is left behind it."""
        if anew:
            self._serving_since = self._clock.unix_ms()
        self._wait()

    def stop(self) -> None:
        """The stream is not to be believed anyhow, or is being asked about: compare nothing."""
        self._due = None
        self._suspects = frozenset()
        self._give_up()

    def look_at_time(self, channels: tuple[str, ...]) -> None:
        """Listen, or ask, if it is time to."""
        if self._due is None or self._clock.monotonic() < self._due:
            return
        if not self._asker.has_spare():
            self._wait()
        elif self._touched is None:
            self._listen()
        else:
            self._ask(channels, self._touched)

    def hear(self, answered: Answered) -> tuple[Difference, ...]:
        """Deal with an answer; return what is known, by now, to differ."""
        look = self._look
        if look is None or answered.asker is not look:
            return ()
        look.hear(answered)
        if not look.done:
            return ()
        self._give_up()
        found = look.differences
        persistent = tuple(each for each in found if (each.kind, each.key) in self._suspects)
        if found and not persistent and not self._suspects:
            self._suspects = frozenset((each.kind, each.key) for each in found)
            self._listen()
            return ()
        if look.agreed:
            self._in_a_row = 0
        self._in_a_row += bool(persistent)
        self._wait()
        return persistent

    def _wait(self) -> None:
        every = self._plan.audit_every
        self._suspects = frozenset()
        self._give_up()
        if every is not None:
            stretched = every * min(_MOST_STRETCHED, 2**self._in_a_row)
            self._due = self._clock.monotonic() + stretched * self._random.uniform(0.9, 1.1)

    def _listen(self) -> None:
        self._touched = self._knowledge.watch()
        self._due = self._clock.monotonic() + _QUIET

    def _ask(self, channels: tuple[str, ...], touched: set[tuple[str, Key]]) -> None:
        plan = self._plan
        wanted = plan.dialect.kinds(channels)
        queries = plan.dialect.queries(
            plan.credentials,
            kinds=tuple(kind for kind in plan.dialect.auditable if kind in wanted),
            symbols=plan.symbols,
            known=self._knowledge.symbols,
        )
        if not queries:
            self._wait()
            return
        self._due = None
        self._look = _Look(queries, self._knowledge, self._asker, touched)

    def _give_up(self) -> None:
        look, self._look = self._look, None
        if look is not None:
            look.end()
        if self._touched is not None:
            self._touched = None
            self._knowledge.look_away()


class _Look:
    """
    One round of questions.

    Attributes:
        failed: Whether it proves nothing.
    """

    def __init__(
        self, queries: Sequence[Query], knowledge: Knowledge, asker: Asker, touched: Set[tuple[str, Key]]
    ) -> None:
        self.failed = False
        self._open = deque(queries)
        self._knowledge = knowledge
        self._asker = asker
        self._touched = touched
        self._rows: dict[Key, Record] = {}  # of the pages of the question that is being asked
        self._found: list[Difference] = []
        self._next()

    @property
    def done(self) -> bool:
        """Whether all has been asked."""
        return not self._open

    @property
    def agreed(self) -> bool:
        """Whether nothing at all differs; what differs and was pushed meanwhile proves nothing, either way."""
        return not self.failed and not self._found

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What differs, and has not been pushed."""
        if self.failed:
            return ()
        return tuple(each for each in self._found if (each.kind, each.key) not in self._touched)

    def hear(self, answered: Answered) -> None:
        """Deal with what became of the question that was asked last."""
        query = self._open.popleft()
        if answered.answer is None:
            self.failed = True
            self._open.clear()
            return
        answer = answered.answer
        for record in answer.records:
            found = keyed(record)
            if found is not None and found[0] == query.kind:
                self._rows[found[1]] = record
        if answer.more is not None:
            self._open.appendleft(answer.more)
        else:
            self._found += _compared(query.kind, self._rows, answer, self._knowledge.picture())
            self._rows = {}
        self._next()

    def end(self) -> None:
        """Ask nothing more."""
        if self._open:
            self._asker.forget()
        self._open.clear()

    def _next(self) -> None:
        if self._open:
            self._asker.ask(self, self._open[0])


def _compared(kind: str, rows: dict[Key, Record], answer: Answer, told: Picture) -> list[Difference]:
    """Return what differs between the rows of a set and what was told."""
    mine = told.of_kind(kind)
    symbol = answer.scope[1] if len(answer.scope) > 1 else None
    theirs = {key: row for key, row in rows.items() if is_open(row)}
    found = []
    for key in {**theirs, **mine}:
        row, known = theirs.get(key), mine.get(key)
        if row is None and (not answer.whole or known is None or symbol not in (None, known.symbol)):
            continue  # it was not asked for
        rest, stream = amount_of(row), amount_of(known)
        is_unknown = (row is not None and rest is None) or (known is not None and stream is None)
        if rest != stream and not is_unknown:
            about = row if row is not None else known
            found.append(Difference(kind, key, None if about is None else about.symbol, stream, rest))
    return found
