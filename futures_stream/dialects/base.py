"""
What a dialect is: everything about one exchange's private stream, and nothing that waits.

A further exchange is one file with a subclass of :class:`Dialect` and one of :class:`Session`, and a line in the
registry (``dialects/__init__.py``). Text goes in, records or things to send come out, bad news is raised as an
exception whose class says what the engine will do (:mod:`futures_stream.errors`). Wall time is an argument. Requests
over REST are values, so that they can be tested without a socket.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from futures_stream.dialects.calls import Answer, Query, Request, Response
from futures_stream.dialects.credentials import Credentials, Secret
from futures_stream.dialects.figures import Figures
from futures_stream.errors import (
    ConfigError,
    ConnectFailed,
    FuturesStreamError,
    LeaseLost,
    PermissionRefused,
    Throttled,
)
from futures_stream.records import Order, Record

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
}
"""The kinds of state that a channel carries, by neutral channel; a channel that only warns carries none."""

Limits = tuple[tuple[int, float], ...]
"""At most so many in so many seconds, in pairs that all hold."""

CONNECTS: Limits = ((10, 10.0), (100, 300.0))
"""How often one address may connect where nobody says otherwise: a third of what Bitget allows (WIRE.md A.4)."""

_SHORTEST_SECRET = 4  # what is shorter would be found in every message
_NO_BASE_URL = re.compile(r"[^\x21-\x7e]|[@?#\\]")
_LONGEST_MASKED = 65536
_ESCAPABLE = re.compile(r"[^A-Za-z0-9]")
_BAN_PAUSE = 300.0  # seconds; a ban that names no end is not tested for by knocking (FAULTS N21)


@frozen
class Endpoints:
    """
    Where an exchange is.

    Attributes:
        ws_url: The stream's URL (for exchanges with a listen key: the part before it). None: the dialect's own.
        rest_url: The REST API's base URL, any path prefix included. None: the dialect's own.

    Raises:
        ConfigError: A URL is not one, or holds what does not belong into a base URL (user, password, query, fragment).
    """

    ws_url: str | None = field(default=None)
    rest_url: str | None = field(default=None)

    def __attrs_post_init__(self) -> None:
        _check_url("ws_url", self.ws_url, ("wss", "ws"))
        _check_url("rest_url", self.rest_url, ("https", "http"))

    def filled_from(self, defaults: Endpoints) -> Endpoints:
        """Return these endpoints with what is missing taken from *defaults*."""
        return Endpoints(self.ws_url or defaults.ws_url, self.rest_url or defaults.rest_url)

    def refuse_plaintext(self) -> None:
        """
        Make sure that nothing secret travels in the clear.

        Raises:
            ConfigError: A URL is ``ws://`` or ``http://`` and not to this machine.
        """
        for name, url in (("ws_url", self.ws_url), ("rest_url", self.rest_url)):
            parts = urlsplit(url or "")
            if parts.scheme in ("ws", "http") and not is_loopback(parts.hostname or ""):
                raise ConfigError(
                    f"{name} ({parts.scheme}://{parts.hostname}) is not encrypted and not on this machine; "
                    f"use {parts.scheme}s://, "
                    "or say Options(allow_plaintext=True) if your credentials may be read on the way"
                )


def is_loopback(host: str) -> bool:
    """Tell whether a host name is this machine: ``localhost`` or a literal loopback address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def masked(text: str, secrets: Iterable[Secret]) -> str:
    r"""
    Return what a server said, with our own secrets masked should it say them back to us.

    They are found as they are, and as JSON and URLs spell them: ``\/``, ``\u003d``, ``%2B``. A text of more than 64 KiB
    is cut: nobody shows as much, and looking through it takes time.
    """
    text = text[:_LONGEST_MASKED]
    for known in secrets:
        if len(known.reveal()) >= _SHORTEST_SECRET:
            text = text.replace(known.reveal(), "***")
            if _ESCAPABLE.search(known.reveal()) and ("\\" in text or "%" in text):
                text = re.sub(_ESCAPABLE.sub(_spellings, known.reveal()), "***", text)
    return text


def _spellings(char: re.Match[str]) -> str:
    """
    Return the pattern of a character as it is, and as JSON and URLs may spell it.

    No two of its ways begin alike for longer than a character: nothing can make the search go back and forth.
    """
    code = "".join(f"[{digit}{digit.upper()}]" for digit in f"{ord(char[0]):02x}")
    plain = r"\\\\" if char[0] == "\\" else rf"\\?{re.escape(char[0])}"
    return rf"(?:{plain}|\\u00{code}|%{code})"


def _check_url(name: str, url: str | None, schemes: tuple[str, ...]) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or 0 < parts.port < 65536
        host = parts.hostname
    except (ValueError, TypeError, AttributeError):
        raise ConfigError(f"{name} is not a URL such as {schemes[0]}://host[:port][/path]") from None
    wanted = f"{schemes[0]}://host[:port][/path]"
    if parts.scheme not in schemes or not host or not port_is_fine:
        raise ConfigError(f"{name} should look like {wanted}")
    # The whole text is looked at, not only its parts: urlsplit drops line breaks, and an empty part is a part as well.
    if _NO_BASE_URL.search(url):
        raise ConfigError(f"{name} should look like {wanted}, without user, password, query, fragment or spaces")


@frozen(kw_only=True)
class Ping:
    """
    How a connection is kept alive.

    Attributes:
        text: What to send as a message; None for a WebSocket ping frame.
        every: Seconds between two.
        answered: Whether the exchange is known to answer. If it is not, silence only counts as death once it has been
            seen to answer (WIRE.md B.3 knows of no answer, and silence alone is not death).
    """

    text: str | None = None
    every: float = 20.0
    answered: bool = True


@frozen(kw_only=True)
class LeaseTerms:
    """
    How long a listen key lives, and how it is cared for.

    Attributes:
        life: Seconds that a key is valid after it was made or extended.
        renew_every: Seconds between two renewals; well inside ``life``, so that some may fail.
        compare_every: Seconds between two looks whether our key is still the account's: a renewal names no key, so it
            may extend another one (FAULTS.md §0.5).
    """

    life: float = 3600.0
    renew_every: float = 1200.0
    compare_every: float = 300.0


@frozen
class Send:
    """
    A message to send.

    Attributes:
        text: The message; not shown, a login holds secrets.
        label: What it is, in words for a log.
        counts_as: The kind of action in :attr:`Dialect.limits` that it is, besides ``message``; None for no other.
    """

    text: str = field(repr=False)
    label: str
    counts_as: str | None = None


@frozen(kw_only=True)
class Control:
    """
    What a message that holds no records means for the conversation.

    Attributes:
        label: What it was, in words for a log; ``pong`` for the answer to a ping.
        sends: What to send now.
        move: Why the exchange asks to move to another connection while this one still serves; None if it does not.
    """

    label: str
    sends: tuple[Send, ...] = ()
    move: str | None = None


class Session:
    """
    One connection's conversation with an exchange, as a value machine: it never waits, and never knows the socket.

    It is greeted when everything that was asked for at the start has been confirmed. Every method may raise
    :exc:`~futures_stream.errors.FuturesStreamError`; a session that raised a transient or a fatal error is over,
    but for :exc:`~futures_stream.errors.SubscriptionRejected` (see :meth:`proceed`).

    Attributes:
        awaiting: What the exchange owes an answer to right now, in words; None if nothing. Whenever it changes a new
            time limit begins.
        subscribed: The neutral channels whose subscription has been confirmed.
        unknown: Words that the dialect did not know, counted.
        oddities: Messages that broke the exchange's own rules and were read all the same, counted by rule.
    """

    awaiting: str | None = None
    subscribed: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()
        self.oddities: Counter[str] = Counter()

    @property
    def greeted(self) -> bool:
        """Whether everything asked for at the start has been answered."""
        raise NotImplementedError

    def opened(self, unix_ms: int) -> Control:
        """
        Begin: the connection is up.

        Args:
            unix_ms: Wall time, for signatures.
        """
        raise NotImplementedError

    def receive(self, text: str, received_ns: int, seq: int) -> list[Record] | Control:
        """
        Read one message.

        Args:
            text: The message.
            received_ns: When it was read.
            seq: The ``seq`` of the first record; the following ones count up.

        Returns:
            The records it holds, in order; or, if it holds none by its nature, what it means.

        Raises:
            MessageNotUnderstood: It cannot be read; the session goes on.
        """
        raise NotImplementedError

    def take_sends(self) -> tuple[Send, ...]:
        """
        Return, once, what is to be sent because of a message that held records.

        Asked for after every :meth:`receive` that returned records. An exchange may answer a subscription with its data
        at once, and the next subscription has to go out all the same.
        """
        return ()

    def subscribe(self, channels: Sequence[str]) -> Control:
        """Ask for more channels (neutral words), those already confirmed or asked for excepted."""
        raise NotImplementedError

    def unsubscribe(self, channels: Sequence[str]) -> Control:
        """Give up channels (neutral words)."""
        raise NotImplementedError

    def proceed(self) -> Control:
        """Go on without the subscription that was just refused."""
        raise NotImplementedError

    def without_secrets(self, text: str) -> str:
        """Return what the exchange said, for a notice, with everything masked that must not be shown."""
        return text


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
