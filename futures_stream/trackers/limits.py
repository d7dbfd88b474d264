"""The limits that a risk monitor watches."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import field, fields, frozen

from futures_stream.errors import ConfigError
from futures_stream.trackers import limit_values as values

__all__ = ["Limits"]

_DEFAULT_AVAILABLE = {"USDT": Decimal(100), "USDC": Decimal(100)}


@frozen(kw_only=True)
class Limits:
    """
    What must not be crossed.

    The first four are the ones of Bitget's document, with its figures. Numbers may be Decimal, int, text or float; a
    float is taken as it prints. None switches a limit off.

    Attributes:
        position_margin_ratio: A position's margin ratio must not be above this.
        unrealized_pnl: A position's profit must not be below this, in its margin asset.
        account_margin_ratio: The account's margin ratio must not be above this.
        available: What must be free at least, by asset.
        liquidation_distance: The mark price must not be closer to the liquidation price than this, as a share of the
            mark price; off unless given.
        exchange_warnings: Whether the exchange's own :class:`~futures_stream.records.LiquidationWarning` is an alert.
        blind_after: Seconds without a live stream, while a position is open, until that is an alert.
        symbols: Other limits of positions for a symbol: ``{"BTCUSDT": {"unrealized_pnl": -5000}}``.
        assets: Other limits of the account for an asset: ``{"USDC": {"available": 50}}``.
        hysteresis: How far a value must come back until the alert is taken back, as a share of the limit.
        quiet: Seconds after an alert in which the same limit is not told again, however often it is crossed.
        warning_lasts: Seconds after which a warning of the exchange that is not repeated is over.

    Raises:
        ConfigError: A limit that makes no sense, or that there is none of.
    """

    position_margin_ratio: Decimal | None = field(default=Decimal("0.8"), converter=values.position_margin_ratio)
    unrealized_pnl: Decimal | None = field(default=Decimal(-1000), converter=values.unrealized_pnl)
    account_margin_ratio: Decimal | None = field(default=Decimal("0.9"), converter=values.account_margin_ratio)
    available: Mapping[str, Decimal | None] = field(default=_DEFAULT_AVAILABLE, converter=values.available)
    liquidation_distance: Decimal | None = field(default=None, converter=values.liquidation_distance)
    exchange_warnings: bool = field(default=True, converter=values.exchange_warnings)
    blind_after: Decimal | None = field(default=Decimal(30), converter=values.blind_after)
    symbols: Mapping[str, Mapping[str, Decimal | None]] = field(factory=dict, converter=values.symbols)
    assets: Mapping[str, Mapping[str, Decimal | None]] = field(factory=dict, converter=values.assets)
    hysteresis: Decimal = field(default=Decimal("0.05"), converter=values.hysteresis)
    quiet: Decimal = field(default=Decimal(60), converter=values.quiet)
    warning_lasts: Decimal = field(default=Decimal(60), converter=values.warning_lasts)

    @classmethod
    def read(cls, limits: Limits | Mapping[str, Any] | None) -> Limits:
        """
        Return limits as they are, or by name out of a mapping, such as one that was read from a file.

        Raises:
            ConfigError: A name that there is no limit of, or a limit that makes no sense.
        """
        if limits is None:
            return cls()
        if isinstance(limits, Limits):
            return limits
        known = [each.name for each in fields(cls)]
        if not isinstance(limits, Mapping):
            raise ConfigError(f"limits are Limits(…) or a mapping from name to limit, not {type(limits).__name__}")
        for name in limits:
            if name not in known:
                raise ConfigError(f"no limit {name!r}; there are {', '.join(known)}")
        return cls(**limits)

    def of_position(self, name: str, symbol: str | None) -> Decimal | None:
        """Return a limit of positions, for a symbol; None if it is off."""
        own = self.symbols.get(symbol or "", {})
        limit: Decimal | None = own[name] if name in own else getattr(self, name)
        return limit

    def of_account(self, name: str, asset: str) -> Decimal | None:
        """Return a limit of the account, for an asset; None if it is off."""
        own = self.assets.get(asset, {})
        if name in own:
            return own[name]
        return self.available.get(asset) if name == "available" else self.account_margin_ratio
