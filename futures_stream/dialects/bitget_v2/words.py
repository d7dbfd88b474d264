"""Bitget's words of today, and what they mean; the same word may be spelled in several ways (WIRE.md A.7)."""

from __future__ import annotations

from typing import Any

from futures_stream.dialects.counts import count_odd
from futures_stream.dialects.rows import Frame, Readers
from futures_stream.dialects.wire import Words
from futures_stream.errors import printable
from futures_stream.vocabulary import (
    Cause,
    Effect,
    PriceSource,
    TriggerStatus,
    TriggerType,
)

__all__ = [
    "PRICE_SOURCE",
    "TRIGGER",
    "TRIGGER_STATUS",
    "is_of_whole_position",
    "meaning_of_trade_side",
]

PRICE_SOURCE = Words(
    PriceSource,
    {
        "fill_price": PriceSource.LAST,
        "last": PriceSource.LAST,
        "mark_price": PriceSource.MARK,
        "mark": PriceSource.MARK,
        "index_price": PriceSource.INDEX,
    },
)
TRIGGER = Words(
    TriggerType,
    {
        "pl": TriggerType.CONDITIONAL,
        "normal_plan": TriggerType.CONDITIONAL,
        "tp": TriggerType.TAKE_PROFIT,
        "ptp": TriggerType.TAKE_PROFIT,
        "profit_plan": TriggerType.TAKE_PROFIT,
        "pos_profit": TriggerType.TAKE_PROFIT,
        "sl": TriggerType.STOP_LOSS,
        "psl": TriggerType.STOP_LOSS,
        "loss_plan": TriggerType.STOP_LOSS,
        "pos_loss": TriggerType.STOP_LOSS,
        "track": TriggerType.TRAILING,
        "track_plan": TriggerType.TRAILING,
        "mtpsl": TriggerType.TRAILING,
        "moving_plan": TriggerType.TRAILING,
    },
)
TRIGGER_STATUS = Words(
    TriggerStatus,
    {
        "live": TriggerStatus.WAITING,
        "not_trigger": TriggerStatus.WAITING,
        "executing": TriggerStatus.TRIGGERING,
        "executed": TriggerStatus.TRIGGERED,
        "triggered": TriggerStatus.TRIGGERED,
        "fail_execute": TriggerStatus.FAILED,
        "fail_trigger": TriggerStatus.FAILED,
        "cancelled": TriggerStatus.CANCELED,
        "canceled": TriggerStatus.CANCELED,
        "cancel": TriggerStatus.CANCELED,
    },
)

_OF_WHOLE_POSITION = frozenset({"ptp", "psl", "pos_profit", "pos_loss"})
_OF_PART = frozenset({"tp", "sl", "profit_plan", "loss_plan"})

_TRADE_SIDES: dict[str, tuple[Effect | None, Cause]] = {
    "open": (Effect.OPEN, Cause.USER),
    "close": (Effect.CLOSE, Cause.USER),
    "open_long": (Effect.OPEN, Cause.USER),  # these four are of the API before
    "open_short": (Effect.OPEN, Cause.USER),
    "close_long": (Effect.CLOSE, Cause.USER),
    "close_short": (Effect.CLOSE, Cause.USER),
    "buy_single": (None, Cause.USER),  # in one-way mode an order may open, close, or both
    "sell_single": (None, Cause.USER),
}
_BY_THE_EXCHANGE = {
    "reduce": Cause.REDUCTION,
    "burst": Cause.LIQUIDATION,
    "offset": Cause.OFFSET,
    "delivery": Cause.DELIVERY,
}
for _word, _cause in _BY_THE_EXCHANGE.items():
    for _what in ("close_long", "close_short", "buy_single", "sell_single"):
        _TRADE_SIDES[f"{_word}_{_what}"] = (Effect.CLOSE, _cause)
_SINGLE = ("buy_single", "sell_single", "buy_in_single_side_mode", "sell_in_single_side_mode")
for _what in ("close_long", "close_short", *_SINGLE):
    _TRADE_SIDES[f"dte_sys_adl_{_what}"] = (Effect.CLOSE, Cause.ADL)


def meaning_of_trade_side(_: Readers, frame: Frame, word: Any) -> tuple[Effect | None, Cause | None]:
    """Return what a ``tradeSide`` says: whether it opens or closes, and who wanted it; None for what it does not."""
    found = _TRADE_SIDES.get(word) if type(word) is str else None
    if found is not None:
        return found
    if word is None or word == "" or word == "null":
        return None, None
    said = word.strip().lower() if type(word) is str else f"<{type(word).__name__}>"
    found = _TRADE_SIDES.get(said)
    if found is None:
        count_odd(frame.unknown, f"TradeSide:{printable(said, 40)}")
        return Effect.UNKNOWN, Cause.UNKNOWN
    return found


def is_of_whole_position(_: Readers, __: Frame, plan_type: Any) -> bool | None:
    """Return whether a plan closes all that there is; None where its type does not say."""
    if type(plan_type) is not str:
        return None
    word = plan_type.lower()
    return True if word in _OF_WHOLE_POSITION else False if word in _OF_PART else None
