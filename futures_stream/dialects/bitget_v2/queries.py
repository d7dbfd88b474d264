"""The questions to Bitget about an account's state, and what the answers say (WIRE.md A.8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from attrs import evolve, frozen

from futures_stream.dialects.base import Answer, Query, Request, Response, masked
from futures_stream.dialects.bitget_v2.credentials import RestSigner
from futures_stream.dialects.bitget_v2.fields import READERS
from futures_stream.dialects.bitget_v2.orders import read_fetched_order, read_trigger_order
from futures_stream.dialects.bitget_v2.rest import NO_SUCH_ORDER, HttpRefused, read_body
from futures_stream.dialects.bitget_v2.rows import (
    read_balance,
    read_deleveraging,
    read_execution,
    read_position,
    read_position_result,
)
from futures_stream.dialects.identity import EVENTS, key_of
from futures_stream.dialects.rows import Frame, Parser, read_rows
from futures_stream.errors import ConnectFailed, RequestRejected
from futures_stream.records import Execution, Order, Position, Record, TriggerOrder
from futures_stream.vocabulary import OrderStatus, Origin

__all__ = ["Desk"]

_LARGEST = 4 * 1024 * 1024
_PAGE = 100  # rows of a page: the most that Bitget gives
_MOST_PAGES = 100  # of one list; what is behind them is unproven
_LISTS = ("entrustedList", "fillList", "list")


@frozen
class _Subject:
    """
    What can be asked for.

    Attributes:
        path: The resource.
        parse: Reads a row.
        paged: Whether it comes in pages.
        variants: Further parameters with which it has to be asked for, one after the other.
    """

    path: str
    parse: Parser
    paged: bool = False
    variants: tuple[tuple[tuple[str, str], ...], ...] = ((),)


_ORDER = "/api/v2/mix/order/detail"
_NORMAL, _TRAILED, _OF_POSITIONS = "normal_plan", "track_plan", "profit_loss"
_PLAN_LISTS = {_NORMAL: _NORMAL, _TRAILED: _TRAILED} | dict.fromkeys(
    ("profit_plan", "loss_plan", "moving_plan", "pos_profit", "pos_loss"), _OF_POSITIONS
)
_SUBJECTS: dict[str, _Subject] = {
    "balances": _Subject("/api/v2/mix/account/accounts", read_balance),
    "positions": _Subject("/api/v2/mix/position/all-position", read_position),
    # Without a status only those are listed that nothing is filled of, the documents say.
    "orders": _Subject(
        "/api/v2/mix/order/orders-pending",
        read_fetched_order,
        paged=True,
        variants=((("status", "live"),), (("status", "partially_filled"),)),
    ),
    "executions": _Subject("/api/v2/mix/order/fills", read_execution, paged=True),
    "trigger_orders": _Subject(
        "/api/v2/mix/order/orders-plan-pending",
        read_trigger_order,
        paged=True,
        variants=tuple((("planType", plan),) for plan in (_NORMAL, _TRAILED, _OF_POSITIONS)),
    ),
    "closed_positions": _Subject("/api/v2/mix/position/history-position", read_position_result, paged=True),
    "deleveraging": _Subject("/api/v2/mix/position/adlRank", read_deleveraging),
}


@frozen(kw_only=True)
class Desk:
    """
    Asks Bitget about an account, and reads the answers.

    A question goes on for as many pages as it takes: of a list, of its variants, of the product families, one after
    the other. So what is answered in the end is the whole account, or nothing is whole.

    Attributes:
        exchange: The dialect's name.
        products: The product families that are asked about.
        headers: What goes with every call.
        overlap: Seconds by which executions are asked for that may be older than wanted: the two clocks differ, and a
            message takes its time.
    """

    exchange: str
    products: tuple[str, ...]
    headers: Mapping[str, str]
    overlap: float

    def ask(self, kind: str, signer: RestSigner, symbols: Sequence[str] | None, since: int | None) -> Query:
        """
        Return the question for a kind of state.

        Args:
            kind: The kind.
            signer: Signs for who asks.
            symbols: The contracts that are wanted; None for all.
            since: From when on events are wanted, in ms.
        """
        only = None if symbols is None else tuple(dict.fromkeys(symbol.upper() for symbol in symbols))
        request = Request(
            method="GET",
            path=_SUBJECTS[kind].path,
            label=f"ask for {kind}",
            headers=self.headers,
            largest=_LARGEST,
            secrets=signer.secrets,
            signer=signer,
        )
        return self._at(Query(kind=kind, request=request, since=since, only=only), 0)

    def ask_order(self, order: Order, signer: RestSigner) -> Query:
        """Return the question for one order, whatever became of it."""
        parameters = [
            ("orderId", order.order_id or ""),
            ("productType", order.product or self.products[0]),
            ("symbol", order.symbol or ""),
        ]
        request = Request(
            method="GET",
            path=_ORDER,
            label="ask for an order",
            headers=self.headers,
            query=tuple(parameters),
            secrets=signer.secrets,
            signer=signer,
        )
        return Query(kind="orders", request=request, symbol=order.symbol, closes_set=False)

    def read(self, query: Query, response: Response, account: str, received_ns: int, refused: HttpRefused) -> Answer:
        """
        Read the answer to one of the questions.

        Args:
            query: What was asked.
            response: The answer.
            account: The label that every record carries.
            received_ns: When it was read.
            refused: What an HTTP status means by itself.

        Raises:
            FuturesStreamError: It is no answer; of the class that its code means.
        """
        what = f"the request for {query.kind}"
        try:
            body = read_body(response, what, self.exchange, refused)
        except RequestRejected as error:
            if error.code in NO_SUCH_ORDER and not query.closes_set:
                return Answer(records=(), whole=True, scope=(None, query.symbol), keys=())
            raise
        rows, end = self._rows(body, what)
        asked = dict(query.request.query)
        frame = Frame(
            self.exchange,
            account,
            asked["productType"],
            None,
            body.get("requestTime"),
            received_ns,
            Origin.SNAPSHOT,
            Counter(),
            partial(masked, secrets=response.secrets),
        )
        parse = _SUBJECTS[query.kind].parse
        records = [record for row in rows for record in read_rows(parse, [row], frame, 0, READERS)]
        cut = self._goes_on(query, records)
        records = [record for record in records if _is_wanted(record, query.only, asked)]
        if not query.closes_set:
            return _answer(query, records, whole=True)
        return self._turn_page(query, records, end if cut else None, cut=cut)

    def _turn_page(self, query: Query, records: list[Record], end: str | None, *, cut: bool) -> Answer:
        """Return an answer, and the way to what is to be asked next."""
        asked = dict(query.request.query)
        step = self._steps(query.kind).index(_step_of(asked))
        if query.kind in EVENTS:
            query, records = evolve(query, held=query.held + tuple(records)), []
        paged = _SUBJECTS[query.kind].paged and cut
        if paged and (end is None or end == asked.get("idLessThan") or query.page >= _MOST_PAGES):
            return self._last(query, records, whole=False)
        if paged:
            following = dict(query.request.query) | {"idLessThan": str(end)}
            request = evolve(query.request, query=tuple(sorted(following.items())))
            more = evolve(query, request=request, page=query.page + 1)
            return _answer(query, records, whole=False, more=more)
        if step + 1 < len(self._steps(query.kind)):
            more = self._at(evolve(query, page=query.page + 1), step + 1)
            return _answer(query, records, whole=False, more=more)
        return self._last(query, records, whole=True)

    def _last(self, query: Query, records: list[Record], *, whole: bool) -> Answer:
        """Return the last answer; with events, all of them, since only then is known which came first."""
        if query.kind in EVENTS:
            records = [each for each in reversed(query.held) if self._is_late_enough(each, query.since)]
            records.sort(key=_moment_of)  # the lists of several product families follow each other
        return _answer(query, records, whole=whole)

    def _is_late_enough(self, record: Record, since: int | None) -> bool:
        return since is None or record.timestamp is None or record.timestamp >= since - self._overlap_ms

    def _goes_on(self, query: Query, page: list[Record]) -> bool:
        """Tell whether there may be more behind a page that is wanted; closed positions come newest first."""
        if len(page) < _PAGE:
            return False
        return query.kind != "closed_positions" or self._is_late_enough(page[-1], query.since)

    @property
    def _overlap_ms(self) -> int:
        return round(self.overlap * 1000)

    def _at(self, query: Query, step: int) -> Query:
        """Return the question for the first page of one product family and variant."""
        product, variant = self._steps(query.kind)[step]
        parameters = {"productType": product, **dict(variant)}
        if _SUBJECTS[query.kind].paged:
            parameters["limit"] = str(_PAGE)
        # Of closed positions it is not documented whether the time is that of closing or of opening them.
        if query.since is not None and query.kind == "executions":
            parameters["startTime"] = str(max(0, query.since - self._overlap_ms))
        return evolve(query, request=evolve(query.request, query=tuple(sorted(parameters.items()))))

    def _steps(self, kind: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
        return [(product, variant) for product in self.products for variant in _SUBJECTS[kind].variants]

    def _rows(self, body: dict[str, Any], what: str) -> tuple[list[Any], str | None]:
        """Return the rows of a body, and where the next page begins."""
        data, end = body.get("data"), None
        if isinstance(data, dict):
            said = data.get("endId")
            end = str(said) if isinstance(said, str | int) and said != "" else None
            name = next((each for each in _LISTS if each in data), None)
            if name is not None:
                data = [] if data[name] is None else data[name]  # no orders can be null
            elif data.keys() & {"marginCoin", "orderId"}:
                data = [data]
        if not isinstance(data, list):  # no list is not the same as an empty one
            raise ConnectFailed(
                f"Bitget's answer to {what} holds no list of them", exchange=self.exchange, code="00000"
            )
        return data, end


def _step_of(asked: dict[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    variant = tuple((name, asked[name]) for name in ("status", "planType") if name in asked)
    return asked["productType"], variant


def _is_wanted(record: Record, only: tuple[str, ...] | None, asked: Mapping[str, str]) -> bool:
    """
    Tell whether a row belongs into the answer.

    Should Bitget give more than what was asked for, an order of either status or a plan of any type, each is told once
    all the same; what no list is known for is told in any.
    """
    if only is not None and record.symbol is not None and record.symbol not in only:
        return False
    if isinstance(record, Position) and record.size == 0:
        return False  # it is closed, and the set is of those that are open
    if isinstance(record, Order) and "status" in asked:
        return (record.status is OrderStatus.PARTIALLY_FILLED) == (asked["status"] == "partially_filled")
    if isinstance(record, TriggerOrder):
        said = record.info.get("planType")
        return _PLAN_LISTS.get(said if isinstance(said, str) else "") in (None, asked["planType"])
    return True


def _moment_of(record: Record) -> int:
    return record.timestamp or 0


def _answer(query: Query, records: list[Record], *, whole: bool, more: Query | None = None) -> Answer:
    keys = tuple(_key_of(record) for record in records)
    symbol = query.only[0] if query.only is not None and len(query.only) == 1 else None
    return Answer(
        records=tuple(records),
        whole=whole and all(keys),
        scope=(None, symbol),
        keys=keys,
        more=more,
    )


def _key_of(record: Record) -> tuple[str | None, ...]:
    if isinstance(record, Execution) and record.trade_id is None:
        return ()
    return key_of(record) or ()
