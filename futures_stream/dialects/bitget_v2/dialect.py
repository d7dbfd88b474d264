"""What Bitget's stream of today is: where, which channels, how it is kept alive, how the account is asked over REST."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from futures_stream.dialects.base import Answer, Dialect, Endpoints, Limits, Ping, Query, Request, Response
from futures_stream.dialects.bitget.login import BitgetCredentials
from futures_stream.dialects.bitget_v2.credentials import BitgetV2Credentials, RestSigner
from futures_stream.dialects.credentials import Credentials
from futures_stream.dialects.figures import Figures
from futures_stream.errors import ConfigError, ConnectFailed
from futures_stream.records import Order

if TYPE_CHECKING:
    from futures_stream.dialects.bitget_v2.queries import Desk
    from futures_stream.dialects.bitget_v2.session import BitgetV2Session

__all__ = ["BITGET_V2_DEMO", "BitgetV2"]

BITGET_V2_DEMO = Endpoints("wss://wspap.bitget.com/v2/ws/private", "https://api.bitget.com")
"""Where demo trading is; :meth:`BitgetV2.demo` says so over REST, too."""

_HOME = Endpoints("wss://ws.bitget.com/v2/ws/private", "https://api.bitget.com")
# That a position is taken over at 1 follows from the documented REST position itself: its liquidation price is where
# its ratio would be 1, to the last digit printed; the ratio counts a closing fee of 0.0006 besides keepMarginRate.
_FIGURES = Figures(
    total="equity",
    margin_ratio="what is needed, the fee of closing included, as a share of what covers it: at 1 Bitget takes over",
    liquidated_at=Decimal(1),
    linear=True,
    not_linear=frozenset({"COIN-FUTURES"}),
    pooled=True,  # unionMm, told in multi-asset mode
)
_PING = Ping(text="ping", every=20.0, answered=True)
_PRODUCTS = ("USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES")
_PRODUCT = re.compile(r"[A-Z]+-FUTURES")
_OLD_SYMBOL = re.compile(r"_[SUDC]{1,2}MCBL$", re.IGNORECASE)


def _channels() -> dict[str, str]:
    return {
        "account": "account",
        "positions": "positions",
        "orders": "orders",
        "executions": "fill",
        "trigger_orders": "orders-algo",
        "closed_positions": "positions-history",
        "deleveraging": "adl-noti",
        "equity": "equity",
    }


def _keys() -> dict[str, str | None]:
    return {"account": "coin", "deleveraging": None}


def _checked_products(_: object, __: object, products: Any) -> None:
    if isinstance(products, str) or not products:
        raise ConfigError(f"products are a tuple such as {_PRODUCTS!r}, not {products!r}")
    for product in products:
        if not (isinstance(product, str) and _PRODUCT.fullmatch(product)):
            raise ConfigError(f"{product!r} is no product type; there are {', '.join(_PRODUCTS)}")


def _limits() -> dict[str, Limits]:
    """Return what Bitget allows to an address (WIRE.md A.4, A.8)."""
    return {
        "connect": ((10, 10.0), (300, 300.0)),  # 300 in five minutes, and not all of them at once
        "subscribe": ((240, 3600.0),),
        "message": ((10, 1.0),),
        "rest": ((10, 1.0), (6000, 60.0)),
    }


@frozen(kw_only=True)
class BitgetV2(Dialect):
    """
    Bitget's classic futures accounts, API version 2 (WIRE.md A).

    Attributes:
        products: The product families that are listened to and asked about: USDT-FUTURES, COIN-FUTURES, USDC-FUTURES.
        subscribe_keys: Channel → the field of a subscription that says "all"; None for no such field. Those that are
            not named say ``instId`` (WIRE.md A.5, in parts unverified).
        paper_trading: Whether REST is asked about the demo account.
        executions_overlap: Seconds by which executions and closed positions are asked for that may be older than a gap:
            our clock and Bitget's differ, and what was on its way when the connection was lost is older than what came
            last.

    Raises:
        ConfigError: There is no such product family.
    """

    name: str = "bitget-v2"
    title: str = "Bitget v2"
    endpoints: Endpoints = _HOME
    channels: Mapping[str, str] = field(factory=_channels)
    credentials: type[Credentials] = BitgetV2Credentials
    ping: Ping = _PING
    silence_limit: float = 30.0
    lifetime: float | None = 86400.0
    symbols_at_exchange: bool = False
    queryable: tuple[str, ...] = (
        "balances",
        "positions",
        "orders",
        "executions",
        "trigger_orders",
        "closed_positions",
    )
    limits: Mapping[str, Limits] = field(factory=_limits)
    accounts: str | None = (
        "classic accounts (API v2); a unified account needs Bitget's API v3, is refused with code 40085, and cannot "
        "be followed with this library"
    )
    live_today: bool | None = True
    caveats: tuple[str, ...] = (
        "Events carry no sequence numbers: one that Bitget leaves out on a healthy connection cannot be noticed.",
        "Bitget sends no liquidation warnings: watch margin_ratio, distance, deleveraging, and cause of executions.",
        "After a gap, balances, positions, orders, executions, trigger orders and closed positions are fetched; "
        "deleveraging notices and equity cannot be.",
        "Contracts are filtered here: Bitget sends those of all, whatever is asked for.",
        "Positions of several changes at once come as one; what they were in between is not told.",
        "Fees and funding are given with the sign that Bitget sends: what was paid is negative.",
        "Keys must be HMAC keys: signing with RSA keys is not supported.",
    )
    figures: Figures = _FIGURES
    products: tuple[str, ...] = field(default=_PRODUCTS, validator=_checked_products)
    subscribe_keys: Mapping[str, str | None] = field(factory=_keys)
    paper_trading: bool = False
    executions_overlap: float = 5.0

    @classmethod
    def demo(cls, **settings: Any) -> BitgetV2:
        """Return the dialect for demo trading: its stream, and REST about the demo account (unverified)."""
        return cls(**{"endpoints": BITGET_V2_DEMO, "paper_trading": True, **settings})

    def session(
        self,
        *,
        credentials: Credentials,
        account: str,
        channels: Sequence[str],
        symbols: Sequence[str] | None,
    ) -> BitgetV2Session:
        """Begin one connection's conversation."""
        # Not at the top: what reads an exchange is imported by whoever connects to it, not by everybody.
        from futures_stream.dialects.bitget_v2.session import BitgetV2Session

        for symbol in symbols or ():
            if _OLD_SYMBOL.search(symbol):
                raise ConfigError(
                    f"{symbol!r} is spelled as in Bitget's API v1; in v2 it is {_OLD_SYMBOL.sub('', symbol)!r}",
                    exchange=self.name,
                )
        return BitgetV2Session(
            self.name,
            self.channels,
            self.subscribe_keys,
            self.products,
            self._own(credentials),
            account=account,
            channels=channels,
            symbols=symbols,
        )

    def queries(
        self,
        credentials: Credentials,
        *,
        kinds: Sequence[str],
        symbols: Sequence[str] | None,
        known: Sequence[str] = (),
        since: int | None = None,
    ) -> tuple[Query, ...]:
        """Return what to ask over REST: one question a kind, which goes through all product families."""
        signer = RestSigner(self._own(credentials))
        return tuple(self._desk.ask(kind, signer, symbols, since) for kind in kinds if kind in self.queryable)

    def order_queries(self, credentials: Credentials, orders: Sequence[Order]) -> tuple[Query, ...]:
        """Return what to ask over REST to learn how some orders ended."""
        signer = RestSigner(self._own(credentials))
        return tuple(self._desk.ask_order(order, signer) for order in orders if order.order_id and order.symbol)

    def read_answer(self, query: Query, response: Response, *, account: str, received_ns: int) -> Answer:
        """Read the answer to one of :meth:`queries` or :meth:`order_queries`."""
        return self._desk.read(query, response, account, received_ns, self.http_refused)

    def clock_request(self) -> Request:
        """Return the call that asks for Bitget's time."""
        return Request(method="GET", path="/api/v2/public/time", label="ask for the time")

    def read_clock(self, response: Response) -> int:
        """Read Bitget's time, in ms since 1970."""
        from futures_stream.dialects.bitget_v2.rest import read_body
        from futures_stream.dialects.wire import FieldUnreadable, instant

        body = read_body(response, "the request for the time", self.name, self.http_refused)
        data = body.get("data")
        said = data.get("serverTime") if isinstance(data, dict) else None
        try:
            now = instant(said)
        except FieldUnreadable:
            now = None
        if now is None:
            raise ConnectFailed("Bitget's answer to the request for the time holds none", exchange=self.name)
        return now

    @property
    def _desk(self) -> Desk:
        from futures_stream.dialects.bitget_v2.queries import Desk

        headers = {"Content-Type": "application/json", "locale": "en-US"}
        if self.paper_trading:
            headers["paptrading"] = "1"
        return Desk(exchange=self.name, products=self.products, headers=headers, overlap=self.executions_overlap)

    def _own(self, credentials: Credentials) -> BitgetCredentials:
        if not isinstance(credentials, BitgetCredentials):
            raise ConfigError(f"{self.title} needs BitgetV2Credentials, not {type(credentials).__name__}")
        return credentials
