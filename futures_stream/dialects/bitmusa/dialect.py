"""What Bitmusa's stream is: where, which channels, how its listen key and its connection are kept alive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import field, frozen

from futures_stream.dialects.base import (
    CONNECTS,
    Answer,
    Dialect,
    Endpoints,
    LeaseTerms,
    Limits,
    Ping,
    Query,
    Request,
    Response,
)
from futures_stream.dialects.bitmusa.lease import listen_key_request, read_listen_key
from futures_stream.dialects.bitmusa.rest import BitmusaCredentials
from futures_stream.dialects.bitmusa.terms import BitmusaRest
from futures_stream.dialects.credentials import Credentials, Secret
from futures_stream.dialects.figures import Figures
from futures_stream.errors import ConfigError, LeaseLost
from futures_stream.vocabulary import Origin

if TYPE_CHECKING:
    from futures_stream.dialects.bitmusa.session import BitmusaSession

__all__ = ["Bitmusa"]

_HOME = Endpoints("wss://websocket.bitmusa.com:60002", "https://openapi.bitmusa.com")
_PING = Ping(text=None, every=20.0, answered=False)
_LEASE = LeaseTerms(life=3600.0, renew_every=1200.0)
# No ratio is told. The REST row's total is the wallet's; contracts are settled in the asset that prices are in.
_FIGURES = Figures(total="wallet", linear=True)
_REST = BitmusaRest()


def _channels() -> dict[str, str]:
    return {"account": "future_wallet", "positions": "future_position", "orders": "future_order"}


@frozen(kw_only=True)
class Bitmusa(Dialect):
    """
    Bitmusa futures.

    Attributes:
        rest: How the account is asked over REST, and how the answers are read.
    """

    name: str = "bitmusa"
    title: str = "Bitmusa"
    endpoints: Endpoints = _HOME
    channels: Mapping[str, str] = field(factory=_channels)
    credentials: type[Credentials] = BitmusaCredentials
    ping: Ping = _PING
    silence_limit: float = 30.0
    lifetime: float | None = 86400.0
    lease: LeaseTerms | None = _LEASE
    rest_roots: tuple[str, ...] = ("", "/api/v2")
    symbols_at_exchange: bool = False
    queryable: tuple[str, ...] = ("balances", "positions", "orders", "executions")
    limits: Mapping[str, Limits] = field(factory=lambda: {"connect": CONNECTS, "rest": ((8, 1.0), (200, 60.0))})
    live_today: bool | None = None
    caveats: tuple[str, ...] = (
        "Bitmusa never published the page that describes this stream: that it answers today is unverified.",
        "There is no execution channel, nothing is sent on connecting, and events carry no sequence numbers.",
        "Positions and executions can only be asked for contract by contract, never for all at once.",
        "Times over REST name no zone and have no milliseconds; they are read as UTC+9 unless told otherwise.",
        "Orders do not say their side (buy or sell) and carry no client order id; effect says open or close.",
        "The listen key belongs to the account: all programs share it, so close() does not delete it unless asked to.",
    )
    figures: Figures = _FIGURES
    rest: BitmusaRest = _REST

    def session(
        self,
        *,
        credentials: Credentials,
        account: str,
        channels: Sequence[str],
        symbols: Sequence[str] | None,
    ) -> BitmusaSession:
        """Begin one connection's conversation."""
        # Not at the top: what reads an exchange is imported by whoever connects to it, not by everybody.
        from futures_stream.dialects.bitmusa.session import BitmusaSession

        known = self._own(credentials)
        return BitmusaSession(self, known, account=account, channels=channels, symbols=symbols)

    def stream_url(self, endpoints: Endpoints, listen_key: Secret | None) -> Secret:
        """Return the whole URL: the listen key is its end."""
        if listen_key is None:
            raise LeaseLost("there is no listen key to connect with; a new one is asked for", exchange=self.name)
        return Secret(f"{(endpoints.ws_url or '').rstrip('/')}/ws/future/{listen_key.reveal()}")

    def lease_request(self, verb: str, credentials: Credentials) -> Request:
        """Return the call that creates, renews or releases the listen key."""
        return listen_key_request(verb, self._own(credentials))

    def read_lease(self, verb: str, response: Response) -> Secret | None:
        """Read the answer: the listen key after ``create``, None after the others."""
        return read_listen_key(verb, response, self.name, self.http_refused)

    def queries(
        self,
        credentials: Credentials,
        *,
        kinds: Sequence[str],
        symbols: Sequence[str] | None,
        known: Sequence[str] = (),
        since: int | None = None,
    ) -> tuple[Query, ...]:
        """Return what to ask over REST; executions twenty times a contract, since each filter must be given."""
        from futures_stream.dialects.bitmusa.queries import ask

        own = self._own(credentials)
        return tuple(query for kind in kinds for query in ask(kind, self.rest, own, symbols, known, since))

    def read_answer(self, query: Query, response: Response, *, account: str, received_ns: int) -> Answer:
        """Read the answer to one of :meth:`queries`; positions have a page for each position mode."""
        from futures_stream.dialects.bitmusa.queries import read_answer
        from futures_stream.dialects.rows import Frame

        frame = Frame(self.name, account, None, None, None, received_ns, Origin.SNAPSHOT, Counter())
        return read_answer(query, response, frame, self.rest, self.http_refused)

    def unprovable(self, kind: str, symbols: Sequence[str] | None) -> str | None:
        """Return why answers about a kind of state can never be the whole truth; None if they can."""
        from futures_stream.dialects.bitmusa.queries import why_unprovable

        return super().unprovable(kind, symbols) or why_unprovable(kind, self.rest, symbols)

    def _own(self, credentials: Credentials) -> BitmusaCredentials:
        if not isinstance(credentials, BitmusaCredentials):
            raise ConfigError(f"{self.title} needs BitmusaCredentials, not {type(credentials).__name__}")
        return credentials
