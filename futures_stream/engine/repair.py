"""Asking the exchange how the account stands, and making of the answers what a consumer can trust."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence

from attrs import define, evolve, field, frozen

from futures_stream.dialects.base import Answer, Query
from futures_stream.dialects.identity import EVENTS, Key, amount_of, as_text, keyed
from futures_stream.dialects.ordering import Precedence, of_orders
from futures_stream.engine.audit import Difference
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.knowledge import Knowledge, set_mark
from futures_stream.engine.monitors import renumbered
from futures_stream.engine.picture import Collected, Picture
from futures_stream.engine.proof import unexplained, without_result
from futures_stream.engine.rest_thread import Answered, Asker
from futures_stream.errors import ConnectFailed, FatalError, FuturesStreamError, RequestRejected
from futures_stream.records import Order, Record, Snapshot
from futures_stream.vocabulary import Origin

__all__ = ["Outcome", "Recovered", "Repair", "Scope"]

log = logging.getLogger("futures_stream.engine")

_MOST_STRANGERS = 100  # orders that began and ended unseen: as many are asked about as take some ten seconds


@frozen(kw_only=True)
class Outcome:
    """
    What is known when all has been asked.

    Attributes:
        recovered: How many records were delivered that the stream had not told.
        proven: Kinds that were shown to be complete.
        unproven: The others of those that were to be.
        unexplained: What does not add up.
        error: Why something could not be asked; None if all was answered.
        changes: Orders that answers told to be otherwise than the stream had told.
    """

    recovered: int = 0
    proven: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()
    error: FuturesStreamError | None = None
    changes: tuple[Difference, ...] = ()


@define
class Recovered:
    """
    What has been recovered of one gap so far; several rounds of questions may be asked while it lasts.

    Attributes:
        before: The account when the last message before the gap had been read.
        told: Events that were told since, by REST or by pushes: both are in what is known now.
        count: How many records were delivered that the stream had not told.
    """

    before: Picture = field(factory=Picture)
    told: Collected = field(factory=Collected)
    count: int = 0


@frozen(kw_only=True)
class Scope:
    """
    What a repair is about.

    Attributes:
        kinds: Kinds of state that the stream carries.
        asked: Kinds to ask for.
        queries: What to ask, in order.
        reasons: Kinds that can never be proven.
        about: What to ask about orders that were open and are not in the set of those that are, and about those that
            were executed and never told.
        lenient: Whether the stream goes on when the exchange refuses to be asked; it does once it has been live.
    """

    kinds: tuple[str, ...]
    asked: tuple[str, ...]
    queries: tuple[Query, ...]
    reasons: frozenset[str] = field(factory=frozenset)
    about: Callable[[Sequence[Order]], tuple[Query, ...]] = lambda _: ()
    lenient: bool = True


class Repair:
    """
    One round of questions over REST, and what became of it.

    The order is fixed: subscriptions are acknowledged before it begins, so whatever happens from then on is pushed.
    A row that is fetched is delivered only if no push has touched what it is about since the question was asked: the
    push is newer, or as new. So an older row never follows a newer push, and nothing is held back meanwhile.

    Args:
        scope: What it is about.
        recovered: What was recovered of the gap before, and will be.
        asker: Asks the exchange; None if there is nothing to ask.
        knowledge: What has been delivered so far.
        delivery: Takes the rows.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(
        self,
        *,
        scope: Scope,
        recovered: Recovered,
        asker: Asker | None,
        knowledge: Knowledge,
        delivery: Delivery,
    ) -> None:
        self._scope = scope
        self._gap = recovered
        self._asker = asker
        self._knowledge = knowledge
        self._delivery = delivery
        self._open = deque(scope.queries)
        self._touched: set[tuple[str, Key]] = set()
        self._keys: dict[Key, None] = {}  # of the pages of the question that is being asked
        self._failed: set[str] = set()
        self._met_strangers = False
        self._error: FuturesStreamError | None = None
        self._changes: list[Difference] = []
        self._next()

    @property
    def done(self) -> bool:
        """Whether all has been asked."""
        return not self._open

    def hear(self, answered: Answered) -> None:
        """
        Deal with what became of the question that was asked last.

        Raises:
            FatalError: It was refused, and would be again: account, key or settings are wrong.
        """
        if answered.asker is self and self._open:
            query = self._open.popleft()
            if answered.answer is None:
                self._give_up(query.kind, answered.error)
            else:
                self._take(query, answered.answer)
            self._next()

    def abandon(self) -> None:
        """Ask nothing more."""
        self._open.clear()
        self._knowledge.look_away()

    def outcome(self) -> Outcome:
        """Return what is known now."""
        scope, before = self._scope, self._gap.before
        after = self._knowledge.picture()
        ended = {order_id: order for order_id in before.orders if (order := self._knowledge.order(order_id))}
        faults = unexplained(before, after, ended, self._gap.told.executions)
        if "closed_positions" in scope.asked and (lines := without_result(before, after, self._gap.told.results)):
            faults["closed_positions"] = lines
        doubtful = self._failed | scope.reasons | faults.keys()
        proven = tuple(kind for kind in scope.kinds if kind in scope.asked and kind not in doubtful)
        return Outcome(
            recovered=self._gap.count,
            proven=proven,
            unproven=tuple(kind for kind in scope.kinds if kind not in proven),
            unexplained=tuple(fault for kind in sorted(faults) for fault in faults[kind]),
            error=self._error,
            changes=tuple(self._changes),
        )

    def _next(self) -> None:
        if not self._open and self._asker is not None and not self._met_strangers:
            self._met_strangers = True
            self._open.extend(self._scope.about(self._strangers()))
        if not self._open or self._asker is None:
            self._knowledge.look_away()
            return
        query = self._open[0]
        if query.page == 1:
            self._touched = self._knowledge.watch()
            self._keys = {}
        self._asker.ask(self, query)

    def _strangers(self) -> list[Order]:
        """Return the orders that began and ended while nobody looked, as far as their executions tell of them."""
        strangers: dict[str, Order] = {}
        if "orders" in self._scope.kinds:
            for each in self._gap.told.executions:
                if each.order_id is not None and self._knowledge.order(each.order_id) is None:
                    strangers[each.order_id] = Order(
                        exchange=each.exchange,
                        account=each.account,
                        product=each.product,
                        symbol=each.symbol,
                        order_id=each.order_id,
                    )
        if len(strangers) > _MOST_STRANGERS:
            self._failed.add("orders")
        return list(strangers.values())[-_MOST_STRANGERS:]

    def _give_up(self, kind: str, error: FuturesStreamError | None) -> None:
        if not self._scope.lenient and isinstance(error, FatalError) and not isinstance(error, RequestRejected):
            raise error
        log.warning("the exchange could not be asked for %s: %s", kind, error)
        self._error = self._error or error
        if isinstance(error, ConnectFailed) and error.status is None and error.code is None:
            # Nobody answers there: waiting for every further question's time limit would teach nothing.
            self._failed.update(query.kind for query in self._open)
            self._open.clear()
        self._failed.add(kind)
        self._open = deque(query for query in self._open if query.kind != kind)

    def _take(self, query: Query, answer: Answer) -> None:
        touched = frozenset(self._touched)
        self._deliver(query.kind, [record for record in answer.records if self._is_news(record, touched)])
        self._touched.intersection_update(touched)  # what we deliver ourselves is not a push
        if not query.closes_set:
            return
        self._keys.update(dict.fromkeys(answer.keys))
        if answer.more is not None:
            self._open.appendleft(answer.more)
        elif not answer.whole:
            self._failed.add(query.kind)
        elif query.kind not in EVENTS:
            self._close_set(query.kind, answer)

    def _is_news(self, record: Record, touched: frozenset[tuple[str, Key]]) -> bool:
        found = keyed(record)
        if found is None:
            return True
        if found[0] in EVENTS:
            return not self._knowledge.knows_event(*found)
        if isinstance(record, Order) and self._goes_back(record):
            return False
        return found not in touched and not _is_in_set(found[0], record, touched)

    def _goes_back(self, order: Order) -> bool:
        """Tell whether a row is behind what was told of its order: answers may lag behind what was pushed before."""
        known = self._knowledge.order(order.order_id or "")
        # Times of answers and of pushes are of different clocks, some of them by the second; what cannot go back tells.
        return known is not None and of_orders(evolve(known, timestamp=None), order) is Precedence.OLDER

    def _deliver(self, kind: str, records: Sequence[Record]) -> None:
        self._gap.count += sum(1 for record in records if kind in EVENTS or self._is_change(record))
        for record in records:
            if isinstance(record, Order) and record.order_id is not None:
                known = self._knowledge.order(record.order_id)
                if known is None or known.filled != record.filled:
                    self._note_change(record, known, record)
        self._delivery.add(renumbered(records, self._delivery.next_seq))

    def _note_change(self, about: Order, stream: Order | None, rest: Order | None) -> None:
        told, said = amount_of(stream), amount_of(rest)
        self._changes.append(Difference("orders", (about.order_id,), about.symbol, told, said))

    def _is_change(self, record: Record) -> bool:
        if isinstance(record, Order) and record.order_id is not None:
            known = self._knowledge.order(record.order_id)
            return known is None or (known.filled, known.status) != (record.filled, record.status)
        return False

    def _close_set(self, kind: str, answer: Answer) -> None:
        """The rows before this are all there are: say so, and what is not among them is gone."""
        for touched_kind, key in self._touched:
            if touched_kind == kind:  # a push was heard since, and knows better
                if self._knowledge.is_open(kind, key):
                    self._keys[key] = None
                else:
                    self._keys.pop(key, None)
        # Rows that were not delivered are of what has ended: a full set was pushed since, or the answer lags behind.
        self._keys = {key: None for key in self._keys if self._knowledge.is_open(kind, key)}
        symbol = answer.scope[1] if len(answer.scope) > 1 else None
        gone = self._knowledge.missing_from(kind, answer.scope, self._keys)
        ended = [each for each in gone.values() if isinstance(each, Order)]
        self._open.extendleft(reversed(self._scope.about(ended)))
        for order in ended:
            self._note_change(order, order, None)
        self._knowledge.keep_only(kind, answer.scope, self._keys)
        self._delivery.notice(
            Snapshot,
            of=kind,
            scope=answer.scope,
            keys=tuple(map(as_text, self._keys)),
            origin=Origin.SNAPSHOT,
            symbol=symbol,
        )


def _is_in_set(kind: str, record: Record, touched: frozenset[tuple[str, Key]]) -> bool:
    """Tell whether a full set was pushed that would hold this row, were it still true."""
    return any(
        set_mark(kind, (product, symbol)) in touched
        for product in (None, record.product)
        for symbol in (None, record.symbol)
    )
