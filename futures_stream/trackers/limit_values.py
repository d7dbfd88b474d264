"""What may be given for each limit: one reader a name, each of which says what would make sense."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from futures_stream.errors import ConfigError

__all__ = [
    "ACCOUNT_LIMITS",
    "POSITION_LIMITS",
    "account_margin_ratio",
    "assets",
    "available",
    "blind_after",
    "exchange_warnings",
    "hysteresis",
    "liquidation_distance",
    "position_margin_ratio",
    "quiet",
    "symbols",
    "unrealized_pnl",
    "warning_lasts",
]

POSITION_LIMITS = ("position_margin_ratio", "unrealized_pnl", "liquidation_distance")
"""Limits of a position; each can be another one for a symbol."""

ACCOUNT_LIMITS = ("account_margin_ratio", "available")
"""Limits of the account; each can be another one for an asset."""


def _positive(value: Any, name: str) -> Decimal:
    found = _number(value, name)
    if found <= 0:
        raise ConfigError(f"{name}={value} makes no sense: it is a number above 0; None switches the limit off")
    return found


def _not_negative(value: Any, name: str) -> Decimal:
    found = _number(value, name)
    if found < 0:
        raise ConfigError(f"{name}={value} makes no sense: it is not negative; None switches the limit off")
    return found


def _loss(value: Any, name: str) -> Decimal:
    found = _number(value, name)
    if found > 0:
        raise ConfigError(f"{name}={value} makes no sense: a loss is negative, such as -1000; None switches it off")
    return found


def _share(value: Any, name: str) -> Decimal:
    found = _number(value, name)
    if not 0 <= found < 1:
        raise ConfigError(f"{name}={value} makes no sense: it is a share, at least 0 and less than 1")
    return found


def _number(value: Any, name: str) -> Decimal:
    """Return an exact number; a float is taken as it prints."""
    from futures_stream.dialects.wire import FieldUnreadable, number  # late: it brings a JSON decoder along

    try:
        found = None if isinstance(value, bool) else number(repr(value) if isinstance(value, float) else str(value))
    except FieldUnreadable:
        found = None
    if found is None:
        raise ConfigError(f"{name}={value!r} is not a number such as 0.8, Decimal('0.8') or '0.8'")
    return found


_CHECKS = {
    "position_margin_ratio": _positive,
    "unrealized_pnl": _loss,
    "liquidation_distance": _share,
    "account_margin_ratio": _positive,
    "available": _not_negative,
    "blind_after": _positive,
    "warning_lasts": _positive,
    "hysteresis": _share,
    "quiet": _not_negative,
}


def _maybe(name: str, value: Any) -> Decimal | None:
    return None if value is None else _CHECKS[name](value, name)


def position_margin_ratio(value: Any) -> Decimal | None:
    return _maybe("position_margin_ratio", value)


def unrealized_pnl(value: Any) -> Decimal | None:
    return _maybe("unrealized_pnl", value)


def account_margin_ratio(value: Any) -> Decimal | None:
    return _maybe("account_margin_ratio", value)


def liquidation_distance(value: Any) -> Decimal | None:
    return _maybe("liquidation_distance", value)


def blind_after(value: Any) -> Decimal | None:
    return _maybe("blind_after", value)


def hysteresis(value: Any) -> Decimal:
    return _CHECKS["hysteresis"](value, "hysteresis")


def quiet(value: Any) -> Decimal:
    return _CHECKS["quiet"](value, "quiet")


def warning_lasts(value: Any) -> Decimal:
    return _CHECKS["warning_lasts"](value, "warning_lasts")


def symbols(value: Any) -> Mapping[str, Mapping[str, Decimal | None]]:
    return _overrides("symbols", POSITION_LIMITS, value)


def assets(value: Any) -> Mapping[str, Mapping[str, Decimal | None]]:
    return _overrides("assets", ACCOUNT_LIMITS, value)


def available(value: Any) -> dict[str, Decimal | None]:
    if not isinstance(value, Mapping):
        raise ConfigError("available is a mapping from asset to what should be there at least, such as {'USDT': 100}")
    return {
        _name(asset): None if least is None else _not_negative(least, "available") for asset, least in value.items()
    }


def _overrides(what: str, known: tuple[str, ...], value: Any) -> dict[str, dict[str, Decimal | None]]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{what} is a mapping from {what[:-1]} to limits, such as {{'…': {{{known[0]!r}: …}}}}")
    return {_name(one): _named(one, limits, known) for one, limits in value.items()}


def _named(one: str, limits: Any, known: tuple[str, ...]) -> dict[str, Decimal | None]:
    if not isinstance(limits, Mapping):
        raise ConfigError(f"the limits of {one} are a mapping from name to limit; there are {', '.join(known)}")
    for name in limits:
        if name not in known:
            raise ConfigError(f"no limit {name!r} for {one}; there are {', '.join(known)}")
    return {name: None if value is None else _CHECKS[name](value, name) for name, value in limits.items()}


def exchange_warnings(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"exchange_warnings={value!r} makes no sense; it is True or False")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{value!r} is not the name of a symbol or asset")
    return value
