"""The questions to Bitmusa about an account's state, and what the answers prove (WIRE.md B.2)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve

from futures_stream.dialects.base import Answer, Query, Request, Response
from futures_stream.dialects.bitmusa.rest import BitmusaCredentials, HttpRefused, headers_of, read_body
from futures_stream.dialects.bitmusa.snapshots import oldest_first, read_snapshot
from futures_stream.dialects.bitmusa.terms import BitmusaRest
from futures_stream.dialects.bitmusa.words import POSITION_MODE
from futures_stream.dialects.identity import key_of
from futures_stream.dialects.rows import Frame
from futures_stream.errors import ConnectFailed
from futures_stream.records import Record

__all__ = ["ask", "read_answer", "why_unprovable"]

_WALLET, _POSITION, _ORDER, _TRADES = "/future/wallet", "/future/position", "/future/order", "/future/trade/history"
_LARGEST = 4 * 1024 * 1024
_SECOND = 1000
_CLOCKS_MAY_DIFFER = 60 * _SECOND


def ask(
    kind: str,
    terms: BitmusaRest,
    credentials: BitmusaCredentials,
    symbols: Sequence[str] | None,
    known: Sequence[str],
    since: int | None,
) -> Iterator[Query]:
    """
    Yield the questions that tell a kind of state as it is now.

    Args:
        kind: The kind.
        terms: How Bitmusa is asked.
        credentials: Who asks.
        symbols: The contracts that are listened to; None for all.
        known: The contracts to name where they must be named and *symbols* is None.
        since: From when on executions are wanted, in ms.
    """
    headers, secrets = headers_of(credentials), (credentials.auth_key, credentials.api_key)

    def query(path: str, symbol: str | None = None, since: int | None = None, **parameters: str | int | None) -> Query:
        said = tuple((name, str(value)) for name, value in parameters.items() if value is not None)
        request = Request(
            method="GET",
            path=path,
            label=f"ask for {kind}",
            headers=headers,
            query=said,
            largest=_LARGEST,
            secrets=secrets,
        )
        return Query(kind=kind, request=request, symbol=symbol, since=since)

    all_or_some = (None,) if symbols is None else tuple(dict.fromkeys(symbols))
    named = tuple(dict.fromkeys(known if symbols is None else symbols))
    if kind == "balances":
        yield query(_WALLET)
    elif kind == "orders":
        for symbol in all_or_some:
            yield query(_ORDER, symbol, ticker=symbol, size=terms.order_size)
    elif kind == "positions" and terms.positions_from == "wallet":
        for symbol in all_or_some:
            yield query(_WALLET, symbol)
    elif kind == "positions":
        for symbol in named:
            yield _in_mode(query(_POSITION, symbol), terms, 1)
    elif kind == "executions":
        choices = (terms.trade_positions, terms.trade_directions, terms.trade_order_types)
        for symbol, *words in itertools.product(named, *(each or (None,) for each in choices)):
            chosen = dict(zip(("position", "direction", "order_type"), words, strict=True))
            yield query(_TRADES, symbol, since, ticker=symbol, **chosen, size=terms.trade_size, page=1)


def why_unprovable(kind: str, terms: BitmusaRest, symbols: Sequence[str] | None) -> str | None:
    """Return why answers about a kind of state can never be the whole truth; None if they can."""
    by_name = kind == "executions" or (kind == "positions" and terms.positions_from == "position")
    if symbols is None and by_name:
        return f"Bitmusa tells {kind} of contracts only that are named: those that the stream has not told of are not"
    return None


def read_answer(
    query: Query,
    response: Response,
    frame: Frame,
    terms: BitmusaRest,
    http_refused: HttpRefused,
) -> Answer:
    """
    Read the answer to one of :func:`ask`'s questions.

    Args:
        query: What was asked.
        response: The answer.
        frame: What its rows have in common.
        terms: How they are to be read.
        http_refused: What an HTTP status means by itself.

    Raises:
        FuturesStreamError: It is no answer; of the class that its code means.
    """
    rows = _rows(query, response, frame.exchange, http_refused)
    mode = terms.position_modes[query.page - 1] if query.request.path == _POSITION else None
    records = [
        record
        for record in read_snapshot(query.kind, rows, frame, terms, POSITION_MODE(mode, frame.unknown))
        if query.symbol is None or record.symbol is None or record.symbol == query.symbol
    ]
    if query.kind == "executions":
        return _executions(query, records, len(rows) < terms.trade_size, frame.received_ns // 10**6, terms)
    if mode is not None and query.page < len(terms.position_modes):
        return _answer(query, records, whole=False, more=_in_mode(query, terms, query.page + 1))
    return _answer(query, records, whole=query.kind != "orders" or len(rows) < terms.order_size)


def _rows(query: Query, response: Response, exchange: str, http_refused: HttpRefused) -> list[Any]:
    what = f"the request for {query.kind}"
    data = read_body(response, what, exchange, http_refused).get("data")
    if isinstance(data, dict):  # a page of executions, as an open client of Bitmusa's reads it
        data = data.get("content")
    if isinstance(data, list) and query.kind == "positions" and query.request.path == _WALLET:
        held: list[Any] = [wallet.get("position") if isinstance(wallet, dict) else None for wallet in data]
        data = [row for rows in held for row in rows] if all(isinstance(rows, list) for rows in held) else None
    if not isinstance(data, list):  # no list is not the same as an empty one
        raise ConnectFailed(f"Bitmusa's answer to {what} holds no list of them", exchange=exchange, code="0")
    return data


def _executions(query: Query, records: list[Record], is_last: bool, received_ms: int, terms: BitmusaRest) -> Answer:
    """Return those executions that are wanted, and the way to the next page if there may be more of them there."""
    since = None if query.since is None else query.since // _SECOND * _SECOND  # their times are in whole seconds
    times = [record.timestamp for record in records if record.timestamp is not None]
    wanted = oldest_first(
        [each for each in records if since is None or each.timestamp is None or each.timestamp >= since]
    )
    newest_first = all(earlier >= later for earlier, later in itertools.pairwise(times))
    if is_last or (since is not None and newest_first and times and times[-1] < since):
        return _answer(query, wanted, whole=since is None or not _is_zone_in_doubt(times, since, received_ms, terms))
    if query.page >= terms.trade_pages:
        return _answer(query, wanted, whole=False)
    parameters = tuple(each for each in query.request.query if each[0] != "page")
    request = evolve(query.request, query=(*parameters, ("page", str(query.page + 1))))
    return _answer(query, wanted, whole=False, more=evolve(query, request=request, page=query.page + 1))


def _is_zone_in_doubt(times: list[int], since: int, received_ms: int, terms: BitmusaRest) -> bool:
    """
    Tell whether an execution that was left out as too old would be a wanted one if the times were in UTC.

    That they are not is plain from an execution that would be in the future then.
    """
    in_utc = [time + round(terms.zone_hours * 3600 * _SECOND) for time in times]
    if any(time > received_ms + _CLOCKS_MAY_DIFFER for time in in_utc):
        return False
    return any(time < since <= otherwise for time, otherwise in zip(times, in_utc, strict=True))


def _in_mode(query: Query, terms: BitmusaRest, page: int) -> Query:
    """Return the question for one contract's positions in the position mode of that page."""
    mode = terms.position_modes[page - 1]
    if terms.position_parameters_in == "body":
        body = json.dumps({"ticker": query.symbol, "position_mode": mode}, separators=(",", ":"))
        return evolve(query, request=evolve(query.request, body=body), page=page)
    parameters = (("ticker", str(query.symbol)), ("position_mode", str(mode)))
    return evolve(query, request=evolve(query.request, query=parameters), page=page)


def _answer(query: Query, records: list[Record], *, whole: bool, more: Query | None = None) -> Answer:
    keys = tuple(key_of(record) or () for record in records)
    return Answer(
        records=tuple(records),
        whole=whole and all(keys),
        scope=(None, query.symbol),
        keys=keys,
        more=more,
    )
