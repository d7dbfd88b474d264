"""What became of each order, and the executions that explain it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Sequence
from itertools import islice
from typing import Any

from attrs import evolve

from futures_stream.dialects.ordering import Precedence, of_orders
from futures_stream.errors import ConfigError
from futures_stream.records import Execution, Notice, Order, Record, Snapshot
from futures_stream.trackers.arithmetic import added, product_of
from futures_stream.trackers.changes import Change, ChangeKind, Verdict
from futures_stream.trackers.client_ids import ClientIds
from futures_stream.trackers.ledger import Ledger
from futures_stream.trackers.order_rows import LASTING, following, says_less, says_new
from futures_stream.trackers.order_views import (
    NOTHING,
    Executed,
    Kept,
    OrderEntry,
    Orders,
    OrderState,
    entry_of,
    step,
    whole,
)
from futures_stream.trackers.tracker import Tracker, filled_in
from futures_stream.trackers.trust import Trust, scope_of
from futures_stream.vocabulary import Mark, OrderStatus, Origin

__all__ = ["OrderTracker"]

_AT_ONCE = 64  # as many finished orders go at once as a part of those that may stay
_ENDS = frozenset(status for status in OrderStatus if status.final)


class OrderTracker(Tracker):
    """
    Follows the orders of one account.

    The rows of orders are the truth about an order, executions explain it; both may come in any order, repeat and be
    late. What was filled never goes back, an order that ended never opens again, and an execution counts once for each
    (symbol, trade id). An order that is not in a full set of open ones has *vanished*: it is open no more, and how it
    ended is not made up.

    Finished orders leave *keep* seconds after their end, and the oldest of them when there are more than *most*; open
    ones never do. Trade ids are remembered longer than orders, so that an execution that is told again after its order
    has left still counts once.

    Run it over records of your own::

        tracker = OrderTracker()
        for record in records:
            change = tracker.apply(record)
            if change is not None and change.kind is ChangeKind.ENDED:
                print(change.after.order_id, change.after.status, tracker.view.average_price(change.after.order_id))

    Args:
        exchange: Whose records it takes; None for whose come first.
        account: Of which account; None for which comes first.
        symbols: The contracts that the stream listens to; None for all.
        keep: Seconds that a finished order stays.
        most: How many finished orders stay at most; beyond it the oldest sixty-fourth goes.
        most_trades: How many trade ids are remembered.
        most_open: How many open orders there can be. Beyond that the oldest tenth goes, and the view is not trusted:
            a bound of last resort, a hundred times what an exchange allows.

    Raises:
        ConfigError: A bound that makes no sense.

    Threads:
        One thread folds; :attr:`view` is callable from any.
    """

    def __init__(
        self,
        exchange: str | None = None,
        account: str | None = None,
        symbols: Collection[str] | None = None,
        *,
        keep: float = 3600.0,
        most: int = 10_000,
        most_trades: int = 100_000,
        most_open: int = 100_000,
    ) -> None:
        super().__init__(exchange, account, symbols)
        bounds = {"keep": keep, "most": most, "most_trades": most_trades, "most_open": most_open}
        for name, bound in bounds.items():
            if isinstance(bound, bool) or not isinstance(bound, int | float) or not bound >= 0:
                raise ConfigError(f"{name}={bound!r} makes no sense; it is a number that is not negative")
        self._keep_ns = None if keep == float("inf") else round(keep * 1e9)
        self._most = most
        self._most_trades = most_trades
        self._trust, self._execution_trust = Trust(kind="orders"), Trust(kind="executions")
        self._ledger: Ledger[Any, OrderState] = Ledger(OrderState(self._trust, self._execution_trust), step, whole)
        self._clients = ClientIds(self._ledger.entries)
        self._ended: dict[Any, int] = {}  # when each finished order ended, the oldest first
        self._trades: OrderedDict[Hashable, object] = OrderedDict()
        self._most_open = most_open
        self._crowd = most_open + most

    @property
    def view(self) -> Orders:
        """The orders as they stand now, frozen."""
        as_of = self.as_of
        return Orders(self._ledger.state(), as_of, self._products, self._symbols)

    def find(self, *, order_id: str | None = None, client_order_id: str | None = None) -> Order | None:
        """Return one order as it stands now, by either id; None if it was not told of. Callable from any thread."""
        key = self._clients.find(client_order_id) if order_id is None else order_id
        entry = None if key is None else self._entry(key)
        return None if entry is None else entry.order

    def executions(self, order_id: str) -> tuple[Execution, ...]:
        """Return the executions of one order so far, the oldest first. Callable from any thread."""
        entry = self._entry(order_id)
        return () if entry is None else tuple(entry.executed.told[: entry.executed.length])

    def has_vanished(self, order_id: str) -> bool:
        """Tell whether an order was missing in a full set of open ones, and all is known by now that will be."""
        entry = self._entry(order_id)
        return entry is not None and entry.gone and not self._trust.blind

    def _kinds(self) -> dict[type[Record], Callable[[Any], Change | None]]:
        return {Order: self._tell, Execution: self._explain, Notice: self._hear}

    # -- orders -----------------------------------------------------------------------------------------------------

    def hurry(self, records: Sequence[Record], at: int) -> int:
        """Fold rows as most are: of new orders, or newer than what is known, and leaving out nothing of it."""
        entries, products, ended, now = self._ledger.entries, self._products, self._ended, self._as_of_ns
        exchange, account, room = self._exchange, self._account, self._crowd - len(entries)
        fresh: dict[Any, Kept] = {}
        for told in records[at:] if at else records:
            if type(told) is not Order or told.account != account or told.exchange != exchange:
                break
            order_id, status = told.order_id, told.status
            if order_id is None:
                break
            kept = fresh.get(order_id) or entries.get(order_id)
            if kept is None:
                if told.product not in products or room < 0:
                    break
                room -= 1
                fresh[order_id] = told
            else:
                if isinstance(kept, Order):
                    known, executed = kept, NOTHING
                elif kept.row is kept.order:
                    known, executed = kept.row, kept.executed
                else:
                    break
                filled, when = told.filled, told.timestamp
                if known is None or known.status in _ENDS:
                    break
                if filled is None or known.filled is None or filled < known.filled:
                    break
                if when is None or known.timestamp is None or when < known.timestamp:
                    break
                if (filled == known.filled and status is known.status) or says_less(told, known):
                    break
                fresh[order_id] = told if executed is NOTHING else OrderEntry(told, told, executed, False)
            if status in _ENDS:
                ended[order_id] = now
            at += 1
        if fresh:
            self._ledger.put_all(fresh)
            self._clients.note_all(fresh.items())
            self._look_at_ended()
        return at

    def _entry(self, order_id: str) -> OrderEntry | None:
        kept = self._ledger.entries.get(order_id)
        return None if kept is None else entry_of(kept)

    def _tell(self, told: Order) -> Change | None:
        order_id = told.order_id or self._clients.find(told.client_order_id)
        if order_id is None:
            return self._refuse(Verdict.UNIDENTIFIED)
        entry = self._entry(order_id)
        if entry is None or entry.row is None:
            return self._begin(order_id, entry, told)
        known, before = entry.row, entry.order
        answer = of_orders(known, told)
        if answer is Precedence.OLDER:
            return self._note_late(order_id, entry, told)
        two_ends = told.status is not known.status and told.status in _ENDS and known.status in _ENDS
        if two_ends and answer is Precedence.UNKNOWN:
            return self._refuse(Verdict.CONFLICT)  # nothing tells which of them is true
        after, conflict = following(before, told)
        is_back = entry.gone and answer is Precedence.NEWER
        if after.filled == before.filled and not is_back and not says_new(told, known, before):
            if told.timestamp != known.timestamp:
                self._ledger.put(order_id, OrderEntry(told, before, entry.executed, entry.gone))
            return self._refuse(Verdict.REPEATED)
        self._ledger.put(order_id, OrderEntry(told, after, entry.executed, False))
        self._clients.note(order_id, told)
        self._judge(Verdict.CONFLICT if conflict or two_ends else Verdict.NEWS)
        if told.status in _ENDS:
            if known.status not in _ENDS:
                self._end(order_id)
                return Change(ChangeKind.ENDED, before, after, told)
        elif entry.gone:
            del self._ended[order_id]  # it was not gone after all
        kind = ChangeKind.UPDATED if after.filled == before.filled else ChangeKind.FILLED
        return Change(kind, before, after, told)

    def _begin(self, order_id: str, entry: OrderEntry | None, told: Order) -> Change:
        if told.product not in self._products:
            self._products |= {told.product}
        if len(self._ledger.entries) > self._crowd:
            self._make_room()
        executed = NOTHING if entry is None else entry.executed
        self._ledger.put(order_id, told if executed is NOTHING else OrderEntry(told, told, executed, False))
        self._clients.note(order_id, told)
        self._judge(Verdict.NEWS)
        if told.status.final:
            self._end(order_id)
            return Change(ChangeKind.ENDED, None, told, told)
        self._ended.pop(order_id, None)
        was_whole = self._trust.was_whole(told.product, told.symbol)
        kind = ChangeKind.FOUND if told.origin is Origin.SNAPSHOT and not was_whole else ChangeKind.PLACED
        return Change(kind, None, told, told)

    def _note_late(self, order_id: str, entry: OrderEntry, told: Order) -> Change | None:
        """An older row changes nothing, but may say what newer ones leave out; and more filled than they is news."""
        before = entry.order
        after = filled_in(before, told, LASTING) if says_less(before, told) else before
        is_more = told.filled is not None and (before.filled is None or told.filled > before.filled)
        if is_more:
            after = evolve(after, filled=told.filled)
        if after is not before:
            self._ledger.put(order_id, OrderEntry(entry.row, after, entry.executed, entry.gone))
            self._clients.note(order_id, after)
        two_ends = told.status.final and entry.row.status.final and told.status is not entry.row.status
        self._judge(Verdict.CONFLICT if is_more or two_ends else Verdict.LATE)
        return Change(ChangeKind.FILLED, before, after, told) if is_more else None

    # -- executions -------------------------------------------------------------------------------------------------

    def _explain(self, told: Execution) -> Change | None:
        if told.trade_id is None:
            return self._refuse(Verdict.UNIDENTIFIED)
        if Mark.CONFLICT in told.marks:  # the stream knows another execution of that id
            return self._refuse(Verdict.CONFLICT)
        key, content = (told.symbol, told.trade_id), (told.price, told.size, told.order_id)
        if key in self._trades:
            return self._refuse(Verdict.REPEATED if self._trades[key] == content else Verdict.CONFLICT)
        self._trades[key] = content
        if len(self._trades) > self._most_trades:
            self._trades.popitem(last=False)
        self._judge(Verdict.NEWS)
        order_id = told.order_id
        if order_id is not None:
            entry = self._entry(order_id) or OrderEntry(None, None, NOTHING, False)
            said = entry.executed
            all_told = said.told if said.length else []
            all_told.append(told)
            cost = product_of(told.price, told.size)
            executed = Executed(all_told, said.length + 1, added(said.size, told.size), added(said.cost, cost))
            self._ledger.put(order_id, OrderEntry(entry.row, entry.order, executed, entry.gone))
            if entry.row is None and order_id not in self._ended:
                self._end(order_id)  # of an order that is never told, the executions do not stay for ever
        return Change(ChangeKind.EXECUTED, None, told, told)

    # -- notices, and forgetting ------------------------------------------------------------------------------------

    def _hear(self, notice: Notice) -> Change | None:
        trust, executions = self._trust.hearing(notice), self._execution_trust.hearing(notice)
        change = None
        if isinstance(notice, Snapshot) and notice.of == "orders":
            change = self._sweep(notice)
        if trust is not self._trust or executions is not self._execution_trust:
            self._trust, self._execution_trust = trust, executions
            self._ledger.remark((trust, executions))
        return change

    def _sweep(self, snapshot: Snapshot) -> Change | None:
        """What is open and not among the keys of a full set is open no more."""
        product, symbol = scope_of(snapshot)
        keys = {key[0] for key in snapshot.keys if key}
        parts = []
        for order_id in [str(order_id) for order_id in self._ledger.entries if order_id not in self._ended]:
            entry = entry_of(self._ledger.entries[order_id])
            order = entry.order
            if (
                order is not None
                and order_id not in keys
                and product in (None, order.product)
                and symbol in (None, order.symbol)
            ):
                gone = evolve(order, status=OrderStatus.UNKNOWN)
                self._ledger.put(order_id, OrderEntry(entry.row, gone, entry.executed, True))
                self._end(order_id)
                parts.append(Change(ChangeKind.VANISHED, order, gone, snapshot))
        return Change(ChangeKind.SWEPT, None, None, snapshot, parts=tuple(parts)) if parts else None

    def _make_room(self) -> None:
        """Let the oldest tenth of the open orders go: there are more than there can be."""
        is_open = (order_id for order_id in self._ledger.entries if order_id not in self._ended)
        self._drop([str(order_id) for order_id in islice(is_open, self._most_open // 10 + 1)])
        self._trust = evolve(self._trust, proven=False, covered=frozenset(), doubtful=True)
        self._ledger.remark((self._trust, self._execution_trust))

    def _drop(self, order_ids: Sequence[str]) -> None:
        self._clients.forget_all(zip(order_ids, self._ledger.drop_all(order_ids), strict=True))

    def _end(self, order_id: str) -> None:
        self._ended.pop(order_id, None)  # what has ended once more is the last to go
        self._ended[order_id] = self._as_of_ns
        self._look_at_ended()

    def _look_at_ended(self) -> None:
        """Let the oldest of the finished orders go if there are too many; note when to look at their age."""
        ended, now = self._ended, self._as_of_ns
        if len(ended) > self._most:
            # The first of a dict take the longer to find, the more were in front of them and are not any more.
            oldest = list(islice(ended, len(ended) - self._most + self._most // _AT_ONCE))
            for order_id in oldest:
                del ended[order_id]
            self._drop(oldest)
        if self._keep_ns is not None and ended and now + self._keep_ns < self._forget_ns:
            self._forget_ns = now + self._keep_ns
            if now >= self._forget_ns:
                self._forget()

    def _forget(self) -> None:
        """Let those finished orders go that are too old; note when to look again."""
        if self._keep_ns is None:
            return
        limit, old = self._as_of_ns - self._keep_ns, []
        self._forget_ns = float("inf")
        for order_id, ended_at in self._ended.items():
            if ended_at > limit:
                self._forget_ns = ended_at + self._keep_ns
                break
            old.append(order_id)
        for order_id in old:
            del self._ended[order_id]
        self._drop(old)
