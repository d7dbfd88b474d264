"""
What a dialect is: everything about one exchange's private stream, and nothing that waits.

A further exchange is one file with a subclass of :class:`Dialect` and one of :class:`Session`, and a line in the
registry (``dialects/__init__.py``). Text goes in, records or things to send come out, bad news is raised as an
exception whose class says what the engine will do (:mod:`futures_stream.errors`). Wall time is an argument. Requests
over REST are values, so that they can be tested without a socket.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from futures_stream.dialects.calls import Answer, Query, Request, Response
from futures_stream.dialects.credentials import Credentials, Secret
from futures_stream.dialects.endpoints import Endpoints, is_loopback
from futures_stream.dialects.figures import Figures
from futures_stream.dialects.masking import masked
from futures_stream.dialects.session import Control, Send, Session
from futures_stream.dialects.terms import CONNECTS, LeaseTerms, Limits, Ping
from futures_stream.errors import (
    ConfigError,
    ConnectFailed,
    FuturesStreamError,
    LeaseLost,
    PermissionRefused,
    Throttled,
)
from futures_stream.records import Order

__all__ = [
    "CONNECTS",
    "KINDS",
    "Answer",
    "Control",
    "Dialect",
    "Endpoints",
    "LeaseTerms",
    "Limits",
    "Ping",
    "Query",
    "Request",
    "Response",
    "Send",
    "Session",
    "is_loopback",
    "masked",
]

KINDS = {
    "account": "balances",
    "positions": "positions",
    "orders": "orders",
    "executions": "executions",
    "trigger_orders": "trigger_orders",
    "closed_positions": "closed_positions",
}
"""The kinds of state that a channel carries, by neutral channel; a channel that only warns carries none."""

_BAN_PAUSE = 300.0  # seconds; a ban that names no end is not tested for by knocking (FAULTS N21)


@frozen(kw_only=True)
class Dialect:
    """
    Everything about one exchange's private stream; immutable, and safe to share.

    Subclass it with your own defaults, and override what is said to be overridden. Every figure that a source does
    not confirm is an attribute, so that a user can put another one in its place: ``open_stream(Bitmusa(ping=…))``.

    Attributes:
        name: Its word in ``open_stream`` and on the command line; lower case.
        title: Its name for people.
        endpoints: Where it is.
        channels: What one can listen to: neutral word → the exchange's own word.
        credentials: The class of its credentials.
        ping: How a connection is kept alive.
        silence_limit: Seconds without any message, pings included, after which a connection is dead.
        lifetime: Seconds after which the exchange cuts a connection; None if it does not.
        lease: Terms of the listen key, None if there is none.
        rest_roots: What may stand between the REST base URL and a request's path; when the first answers 404 the
            next is tried, and what answered is kept.
        symbols_at_exchange: Whether the exchange itself filters by symbol; if not, the session does.
        queryable: The kinds of state that REST can be asked for; () if there is no REST, or none for that.
        limits: How often one address may do something at the exchange's hosts: by kind of action, (number, seconds)
            pairs that all hold. The kinds are ``connect``, ``login``, ``subscribe`` (requests), ``message`` (anything
            that is sent) and ``rest`` (calls). All streams of a process share them.
        accounts: Which accounts it is for, where an exchange has several kinds; None if it has not.
        live_today: Whether this API is known to answer today, or known not to; None if nobody has shown either.
        caveats: What it cannot tell, or what a user must know, a sentence each.
        figures: What its balances and margin ratios mean.
    """

    name: str
    title: str
    endpoints: Endpoints
    channels: Mapping[str, str]
    credentials: type[Credentials]
    ping: Ping = Ping()
    silence_limit: float = 30.0
    lifetime: float | None = 86400.0
    lease: LeaseTerms | None = None
    rest_roots: tuple[str, ...] = ("",)
    symbols_at_exchange: bool = False
    queryable: tuple[str, ...] = ()
    limits: Mapping[str, Limits] = field(factory=lambda: {"connect": CONNECTS})
    accounts: str | None = None
    live_today: bool | None = True
    caveats: tuple[str, ...] = ()
    figures: Figures = Figures()

    def session(
        self,
        *,
        credentials: Credentials,
        account: str,
        channels: Sequence[str],
        symbols: Sequence[str] | None,
    ) -> Session:
        """
        Begin one connection's conversation.

        Args:
            credentials: Who asks.
            account: The label that every record carries.
            channels: Neutral words of what to listen to.
            symbols: Contracts to listen to, as the exchange spells them; None for all.
        """
        raise NotImplementedError

    def stream_url(self, endpoints: Endpoints, listen_key: Secret | None) -> Secret:
        """
        Return the whole URL to connect to; a secret, since it may hold the listen key.

        Override it where there is a listen key.
        """
        return Secret(endpoints.ws_url or "")

    def lease_request(self, verb: str, credentials: Credentials) -> Request:
        """
        Return the call that creates, renews or releases the listen key.

        Args:
            verb: ``create``, ``renew`` or ``release``.
            credentials: Who asks.
        """
        raise NotImplementedError

    def read_lease(self, verb: str, response: Response) -> Secret | None:
        """
        Read the answer to :meth:`lease_request`: the listen key after ``create``, None after the others.

        Raises:
            LeaseLost: There is no key to renew any more.
            FuturesStreamError: Another class, as the exchange's code means.
        """
        raise NotImplementedError

    def queries(
        self,
        credentials: Credentials,
        *,
        kinds: Sequence[str],
        symbols: Sequence[str] | None,
        known: Sequence[str] = (),
        since: int | None = None,
    ) -> tuple[Query, ...]:
        """
        Return what to ask over REST to know some kinds of state as they are now; without REST, nothing.

        Args:
            credentials: Who asks.
            kinds: Of :attr:`queryable`; others are left out.
            symbols: The contracts that the stream listens to, as the exchange spells them; None for all.
            known: Contracts that the stream has told of. Where *symbols* is None and the exchange only answers
                about contracts that are named, these are.
            since: The time, in ms, from which on executions are wanted.
        """
        return ()

    def read_answer(self, query: Query, response: Response, *, account: str, received_ns: int) -> Answer:
        """
        Read the answer to one of :meth:`queries`, or to what such an answer gave as its next page.

        Args:
            query: What was asked.
            response: The answer.
            account: The label that every record carries.
            received_ns: When it was read.

        Raises:
            FuturesStreamError: It is no answer; of the class that the exchange's code means.
        """
        raise NotImplementedError

    def order_queries(self, credentials: Credentials, orders: Sequence[Order]) -> tuple[Query, ...]:
        """
        Return what to ask over REST to learn how some orders ended, an order a query; without such REST, nothing.

        To be asked when a whole set of open orders is without them. Each is answered by one row, or none if the
        exchange does not know the order; the answer says nothing about other orders, so it closes no set.

        Args:
            credentials: Who asks.
            orders: Orders that were open when they were last told of.
        """
        return ()

    def clock_request(self) -> Request | None:
        """Return the call that asks for the exchange's time; None if there is none. It needs no credentials."""
        return None

    def read_clock(self, response: Response) -> int:
        """
        Read the answer to :meth:`clock_request`: the exchange's time, in ms since 1970.

        Raises:
            FuturesStreamError: It is no answer.
        """
        raise NotImplementedError

    def unprovable(self, kind: str, symbols: Sequence[str] | None) -> str | None:
        """
        Return why answers about a kind of state can never be the whole truth; None if they can.

        Args:
            kind: The kind.
            symbols: The contracts that the stream listens to; None for all.
        """
        return None if kind in self.queryable else f"{self.title} cannot be asked for {kind}"

    def upgrade_refused(self, status: int, retry_after: float | None) -> FuturesStreamError:
        """
        Return what it means that the WebSocket upgrade was answered with another status than 101.

        Args:
            status: HTTP status.
            retry_after: Seconds that the server asks to wait, if it does.
        """
        facts: dict[str, Any] = {"exchange": self.name, "code": str(status)}
        if status in (401, 403, 404) and self.lease is not None:
            return LeaseLost(f"{self.title} does not know the listen key (HTTP {status})", **facts)
        return self.http_refused(status, retry_after, "the stream's upgrade") or ConnectFailed(
            f"{self.title} answered HTTP {status} instead of upgrading to a WebSocket; check ws_url",
            status=status,
            **facts,
        )

    def http_refused(self, status: int, retry_after: float | None, what: str) -> FuturesStreamError | None:
        """Return what an HTTP status means by itself, on any request; None if it means nothing bad."""
        facts: dict[str, Any] = {"exchange": self.name, "code": str(status)}
        if status == 401:
            return PermissionRefused(f"{self.title} refused {what} (HTTP 401): check the credentials", **facts)
        if status in (403, 418):
            pause = _BAN_PAUSE if retry_after is None else retry_after
            return Throttled(
                f"{self.title} refused {what} (HTTP {status}): this address is banned for a while, or not allowed",
                retry_after=pause,
                **facts,
            )
        if status in (429, 503):
            return Throttled(f"{self.title} is overloaded (HTTP {status} to {what})", retry_after=retry_after, **facts)
        if 300 <= status < 400:
            return ConnectFailed(
                f"{self.title} redirects {what} elsewhere (HTTP {status}); redirects are not followed, "
                "since credentials would go along: check the URL",
                status=status,
                **facts,
            )
        if status >= 400:
            return ConnectFailed(f"{self.title} answered HTTP {status} to {what}", status=status, **facts)
        return None

    def unreachable_hint(self, endpoints: Endpoints) -> str | None:
        """Return what a user should know whose connection to *endpoints* fails; None if there is nothing special."""
        return None

    @property
    def auditable(self) -> tuple[str, ...]:
        """
        The kinds of state that an audit compares, of :attr:`queryable`: those with a quantity that only what happens to
        the account changes. Override it where a push and an answer tell a quantity in different ways.
        """
        return tuple(kind for kind in self.queryable if kind in ("orders", "positions"))

    def kinds(self, channels: Iterable[str]) -> tuple[str, ...]:
        """Return the kinds of state that some channels carry."""
        return tuple(KINDS[channel] for channel in channels if channel in KINDS)

    def resolve_channels(self, channels: Iterable[str] | None) -> tuple[str, ...]:
        """
        Return neutral words for what a user asked for, in the dialect's order; all channels for None.

        Raises:
            ConfigError: A word is neither neutral nor the exchange's own; the message lists them.
        """
        if channels is None:
            return tuple(str(word) for word in self.channels)
        if isinstance(channels, str):
            channels = (channels,)
        by_own_word = {own: neutral for neutral, own in self.channels.items()}
        asked = set()
        for word in channels:
            neutral = word if word in self.channels else by_own_word.get(word)
            if neutral is None:
                known = ", ".join(str(known) for known in self.channels)
                raise ConfigError(f"{self.title} has no channel {str(word)!r}; it has {known}", exchange=self.name)
            asked.add(str(neutral))
        if not asked:
            raise ConfigError("no channels given; leave the argument out to get all of them", exchange=self.name)
        return tuple(str(word) for word in self.channels if word in asked)

    def at(self, endpoints: Endpoints | None) -> Endpoints:
        """Return where to connect: *endpoints*, completed with the dialect's own."""
        return self.endpoints if endpoints is None else endpoints.filled_from(self.endpoints)
