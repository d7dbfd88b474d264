"""Calls over REST as values: what is asked, what was answered, and what the answer says about an account's state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import evolve, field, frozen

from futures_stream.dialects.credentials import Secret
from futures_stream.records import Record

__all__ = ["Answer", "Query", "Request", "Response", "Signer"]


class Signer(Protocol):
    """
    What makes the headers of a call that hold its time and a signature over it.

    A value: those of equal credentials are equal, and none shows a secret.
    """

    def __call__(self, request: Request, unix_ms: int) -> Mapping[str, str]:
        """Return the headers for *request* sent at *unix_ms*."""


@frozen(kw_only=True)
class Request:
    """
    A REST call as a value.

    Attributes:
        method: GET, POST, PUT or DELETE.
        path: The path below the REST root, beginning with ``/``.
        headers: What goes with it; never shown, they carry credentials.
        query: Parameters of the URL, in order.
        body: The body, None for none.
        label: What it is for, in words for a log.
        largest: The most bytes that a sane answer has.
        secrets: Those in it; the answer carries them along, so that none is shown should the server say it back.
        signer: Makes headers that hold the time of sending; None where there are none. A call may wait for its turn,
            and a signature is good for seconds only, so it is made last of all.
        ahead_ms: How far the exchange's clock is ahead of ours, where ours was refused.
    """

    method: str
    path: str
    label: str
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    query: tuple[tuple[str, str], ...] = ()
    body: str | None = field(default=None, repr=False)
    largest: int = 65536
    secrets: tuple[Secret, ...] = ()
    signer: Signer | None = None
    ahead_ms: int = 0

    def signed(self, unix_ms: int) -> Request:
        """Return the call as it is to be sent now: with the signer's headers, if it has one."""
        if self.signer is None:
            return self
        made = self.signer(self, unix_ms + self.ahead_ms)
        secrets = (*self.secrets, *(Secret(value) for value in made.values() if not value.isdigit()))
        return evolve(self, headers={**self.headers, **made}, secrets=secrets, signer=None)


@frozen(kw_only=True)
class Response:
    """
    The answer to a REST call.

    Attributes:
        status: HTTP status.
        text: The body; not shown, it may hold a listen key.
        retry_after: Seconds that the server asks to wait, if it does.
        secrets: The request's own.
    """

    status: int
    text: str = field(repr=False)
    retry_after: float | None = None
    secrets: tuple[Secret, ...] = ()


@frozen(kw_only=True)
class Query:
    """
    One question over REST about an account's state.

    Attributes:
        kind: Which kind of state: balances, positions, orders, executions or trigger_orders.
        request: The call that asks.
        symbol: The contract that is asked about; None for all.
        since: The time, in ms, from which on executions are wanted; None for all that there are, and for other kinds.
        page: Which part of the answer it asks for, counted from 1.
        only: The contracts of which rows are wanted; None for all. (*symbol* is what the exchange is asked about.)
        closes_set: Whether a whole answer is a full set; not so where it is about one thing alone.
        held: What earlier pages brought and the last one will tell, where only all of them together are in order.
    """

    kind: str
    request: Request
    symbol: str | None = None
    since: int | None = None
    page: int = 1
    only: tuple[str, ...] | None = None
    closes_set: bool = True
    held: tuple[Record, ...] = field(default=(), repr=False)


@frozen(kw_only=True)
class Answer:
    """
    What the answer to a :class:`Query` says.

    Attributes:
        records: The rows, ``origin=SNAPSHOT`` and ``seq=0``; executions oldest first, others as the exchange lists
            them. A row that is none is an ``Unreadable`` in its place.
        whole: Whether these records, with those of the earlier pages, are all that there are in the query's scope.
        scope: What that is: (product, symbol), with None for "all", as in :class:`~futures_stream.records.Snapshot`.
        keys: The records' own keys, one each, as in :class:`~futures_stream.records.Snapshot`, and (symbol, trade id)
            for executions; () for a record that has none.
        more: What to ask for the next page; None if there is no further one, or none that is wanted.
    """

    records: tuple[Record, ...]
    whole: bool
    scope: tuple[str | None, ...]
    keys: tuple[tuple[str | None, ...], ...]
    more: Query | None = None
