"""What Bitget's first stream is: where, which channels, how it is kept alive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from attrs import field, frozen

from futures_stream.dialects.base import Dialect, Endpoints, Ping
from futures_stream.dialects.bitget.login import BitgetCredentials
from futures_stream.dialects.credentials import Credentials
from futures_stream.dialects.figures import Figures
from futures_stream.errors import ConfigError

if TYPE_CHECKING:
    from futures_stream.dialects.bitget.session import BitgetSession

__all__ = ["Bitget"]

_DEFAULT_URL = "wss://ws.bitget.com/mix/v1/stream"
_HOME = Endpoints(_DEFAULT_URL, "https://api.bitget.com")
# The document names the ratios and gives limits for them (0.8, 0.9); what they are it shows by its warning at 0.95.
_FIGURES = Figures(
    total="equity",
    margin_ratio="maintenance margin as a share of what covers it: it rises with the risk, at 1 Bitget takes over",
    liquidated_at=Decimal(1),
    linear=True,
)
_PING = Ping(text='{"op":"ping"}', every=20.0, answered=True)


def _channels() -> dict[str, str]:
    return {
        "account": "account",
        "positions": "positions",
        "orders": "orders",
        "executions": "execution",
        "liquidations": "liquidation",
    }


@frozen(kw_only=True)
class Bitget(Dialect):
    """
    Bitget, classic futures, as its first document says.

    Attributes:
        inst_type: The product family that is subscribed.
    """

    name: str = "bitget"
    title: str = "Bitget"
    endpoints: Endpoints = _HOME
    channels: Mapping[str, str] = field(factory=_channels)
    credentials: type[Credentials] = BitgetCredentials
    ping: Ping = _PING
    silence_limit: float = 30.0
    symbols_at_exchange: bool = True
    accounts: str | None = "classic accounts, until 2025-11-28; today they need bitget-v2"
    live_today: bool | None = False
    caveats: tuple[str, ...] = (
        "Bitget switched this API off on 2025-11-28; nothing answers at its URL today.",
        "Events carry no sequence numbers: what was missed while disconnected cannot be counted.",
        "There is no REST snapshot through this dialect: orders that ended while disconnected are not heard of.",
        "Fees are given with the sign that the exchange sends.",
    )
    figures: Figures = _FIGURES
    inst_type: str = "FUTURES"

    def session(
        self,
        *,
        credentials: Credentials,
        account: str,
        channels: Sequence[str],
        symbols: Sequence[str] | None,
    ) -> BitgetSession:
        """Begin one connection's conversation."""
        # Not at the top: what reads an exchange is imported by whoever connects to it, not by everybody.
        from futures_stream.dialects.bitget.session import BitgetSession

        if not isinstance(credentials, BitgetCredentials):
            raise ConfigError(f"{self.title} needs BitgetCredentials, not {type(credentials).__name__}")
        return BitgetSession(
            self, credentials, inst_type=self.inst_type, account=account, channels=channels, symbols=symbols
        )

    def unreachable_hint(self, endpoints: Endpoints) -> str | None:
        """Say that the default URL is dead."""
        if (endpoints.ws_url or "").rstrip("/") != _DEFAULT_URL:
            return None
        return (
            f"Bitget switched this API ({_DEFAULT_URL}) off on 2025-11-28. Today's classic accounts need Bitget's "
            "version 2 stream (bitget-v2), which is another API; use ws_url to reach a server that still speaks "
            "this one, such as the simulator"
        )
