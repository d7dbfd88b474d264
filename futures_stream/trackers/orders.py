"""What became of each order, and the executions that explain it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from itertools import islice
from typing import Any

from attrs import evolve

from futures_stream.dialects.ordering import Precedence, of_orders
from futures_stream.errors import ConfigError
from futures_stream.records import Execution, Notice, Order, Record, Snapshot
from futures_stream.trackers.arithmetic import added, product_of
from futures_stream.trackers.changes import Change, ChangeKind, Verdict
from futures_stream.trackers.ledger import Ledger
from futures_stream.trackers.order_rows import LASTING, following, says_less, says_new
from futures_stream.trackers.order_views import NOTHING, Executed, OrderEntry, Orders, OrderState, step, whole
from futures_stream.trackers.tracker import Tracker, filled_in
from futures_stream.trackers.trust import Trust, scope_of
from futures_stream.vocabulary import Mark, OrderStatus, Origin

__all__ = ["OrderTracker"]

_entry: Any = tuple.__new__  # of the fields as they are: a NamedTuple's own way takes twice as long

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
        most: How many finished orders stay at most.
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
        self._clients: dict[str, str] = {}
        self._ended: OrderedDict[str, int] = OrderedDict()  # when each finished order ended, the oldest first
        self._trades: OrderedDict[Hashable, object] = OrderedDict()
        self._number = 0
        self._most_open = most_open
        self._crowd = most_open + most

    @property
    def view(self) -> Orders:
        """The orders as they stand now, frozen."""
        as_of = self.as_of
        return Orders(self._ledger.state(), as_of, self._products, self._symbols)

    def find(self, *, order_id: str | None = None, client_order_id: str | None = None) -> Order | None:
        """Return one order as it stands now, by either id; None if it was not told of. Callable from any thread."""
        key = self._clients.get(client_order_id or "") if order_id is None else order_id
        entry = self._ledger.entries.get(key)
        return None if entry is None else entry.order

    def executions(self, order_id: str) -> tuple[Execution, ...]:
        """Return the executions of one order so far, the oldest first. Callable from any thread."""
        entry = self._ledger.entries.get(order_id)
        return () if entry is None else tuple(entry.executed.told[: entry.executed.length])

    def has_vanished(self, order_id: str) -> bool:
        """Tell whether an order was missing in a full set of open ones, and all is known by now that will be."""
        entry = self._ledger.entries.get(order_id)
        return entry is not None and entry.gone and not self._trust.blind

    def _kinds(self) -> dict[type[Record], Callable[[Any], Change | None]]:
        return {Order: self._tell, Execution: self._explain, Notice: self._hear}

    # -- orders -----------------------------------------------------------------------------------------------------

    def hurried(self) -> dict[type[Record], Callable[[Any], bool]]:
        return {Order: self._take}

    def _take(self, told: Order) -> bool:
        """Fold a row as most are: of a new order, or newer than what is known, and leaving out nothing of it."""
        order_id, filled, status = told.order_id, told.filled, told.status
        if order_id is None:
            return False
        entry = self._ledger.entries.get(order_id)
        if entry is None:
            if told.product not in self._products or len(self._ledger.entries) > self._crowd:
                return False
            self._number = number = self._number + 1
            self._ledger.put(order_id, _entry(OrderEntry, (number, told, told, NOTHING, False)))
        else:
            known, when = entry.row, told.timestamp
            if known is None or known is not entry.order or known.status in _ENDS:
                return False
            if filled is None or known.filled is None or filled < known.filled:
                return False
            if when is None or known.timestamp is None or when < known.timestamp:
                return False
            if (filled == known.filled and status is known.status) or says_less(told, known):
                return False
            self._ledger.put(order_id, _entry(OrderEntry, (entry.number, told, told, entry.executed, False)))
        if told.client_order_id is not None:
            self._clients[told.client_order_id] = order_id
        if status in _ENDS:
            self._end(order_id)
        return True

    def _tell(self, told: Order) -> Change | None:
        order_id = told.order_id or self._clients.get(told.client_order_id or "")
        if order_id is None:
            return self._refuse(Verdict.UNIDENTIFIED)
        entry = self._ledger.entries.get(order_id)
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
                self._ledger.put(order_id, OrderEntry(entry.number, told, before, entry.executed, entry.gone))
            return self._refuse(Verdict.REPEATED)
        self._ledger.put(order_id, OrderEntry(entry.number, told, after, entry.executed, False))
        if told.client_order_id is not None:
            self._clients[told.client_order_id] = order_id
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
        self._number += 1
        executed = NOTHING if entry is None else entry.executed
        self._ledger.put(order_id, OrderEntry(self._number, told, told, executed, False))
        if told.client_order_id is not None:
            self._clients[told.client_order_id] = order_id
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
            self._ledger.put(order_id, OrderEntry(entry.number, entry.row, after, entry.executed, entry.gone))
            if after.client_order_id is not None:
                self._clients[after.client_order_id] = order_id
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
            entry = self._ledger.entries.get(order_id)
            if entry is None:
                entry = OrderEntry(0, None, None, NOTHING, False)
            said = entry.executed
            all_told = said.told if said.length else []
            all_told.append(told)
            cost = product_of(told.price, told.size)
            executed = Executed(all_told, said.length + 1, added(said.size, told.size), added(said.cost, cost))
            self._ledger.put(order_id, OrderEntry(entry.number, entry.row, entry.order, executed, entry.gone))
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
            entry = self._ledger.entries[order_id]
            order = entry.order
            if (
                order is not None
                and order_id not in keys
                and product in (None, order.product)
                and symbol in (None, order.symbol)
            ):
                gone = evolve(order, status=OrderStatus.UNKNOWN)
                self._ledger.put(order_id, OrderEntry(entry.number, entry.row, gone, entry.executed, True))
                self._end(order_id)
                parts.append(Change(ChangeKind.VANISHED, order, gone, snapshot))
        return Change(ChangeKind.SWEPT, None, None, snapshot, parts=tuple(parts)) if parts else None

    def _make_room(self) -> None:
        """Let the oldest tenth of the open orders go: there are more than there can be."""
        is_open = (order_id for order_id in self._ledger.entries if order_id not in self._ended)
        for order_id in list(islice(is_open, self._most_open // 10 + 1)):
            self._drop(str(order_id))
        self._trust = evolve(self._trust, proven=False, covered=frozenset(), doubtful=True)
        self._ledger.remark((self._trust, self._execution_trust))

    def _drop(self, order_id: str) -> None:
        entry = self._ledger.entries.get(order_id)
        if entry is not None:
            client_order_id = None if entry.order is None else entry.order.client_order_id
            if client_order_id is not None and self._clients.get(client_order_id) == order_id:
                del self._clients[client_order_id]
            self._ledger.drop(order_id)

    def _end(self, order_id: str) -> None:
        ended, now = self._ended, self._as_of_ns
        if order_id in ended:
            ended.move_to_end(order_id)
        ended[order_id] = now
        if len(ended) > self._most:
            self._drop(ended.popitem(last=False)[0])
        if self._keep_ns is not None and now + self._keep_ns < self._forget_ns:
            self._forget_ns = now + self._keep_ns
            if now >= self._forget_ns:
                self._forget()

    def _forget(self) -> None:
        """Let those finished orders go that are too old; note when to look again."""
        if self._keep_ns is None:
            return
        limit = self._as_of_ns - self._keep_ns
        while self._ended:
            order_id, ended_at = next(iter(self._ended.items()))
            if ended_at > limit:
                self._forget_ns = ended_at + self._keep_ns
                return
            del self._ended[order_id]
            self._drop(order_id)
        self._forget_ns = float("inf")
