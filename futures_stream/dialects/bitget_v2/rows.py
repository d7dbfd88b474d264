"""
Bitget's rows: one parser for each kind of thing, of the stream as of REST, which name some fields differently.

Only orders have two parsers, :mod:`~futures_stream.dialects.bitget_v2.orders`: there the same name means two things.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from futures_stream.dialects import table
from futures_stream.dialects.bitget.judging import above_zero, not_negative, status_by_size
from futures_stream.dialects.bitget.words import (
    LIQUIDITY,
    MARGIN_MODE,
    ORDER_TYPE,
    POSITION_MODE,
    POSITION_SIDE,
    SIDE,
)
from futures_stream.dialects.bitget_v2.fields import fees, real_id, sum_of
from futures_stream.dialects.bitget_v2.words import (
    meaning_of_trade_side,
)
from futures_stream.dialects.rows import Frame, Readers
from futures_stream.records import Balance, Deleveraging, Equity, Execution, Position, PositionResult
from futures_stream.vocabulary import MarginMode, PositionSide, Side

__all__ = [
    "read_balance",
    "read_deleveraging",
    "read_equity",
    "read_execution",
    "read_position",
    "read_position_result",
]


def _profit(readers: Readers, frame: Frame, whole: Any, *parts: Any) -> Decimal | None:
    """Read a profit; REST leaves the sum empty, and gives both parts."""
    said = readers.number(whole)
    return sum_of(readers, frame, *parts) if said is None else said


def _if_isolated(margin: Decimal | None, margin_mode: MarginMode | None) -> Decimal | None:
    return margin if margin_mode is MarginMode.ISOLATED else None


def _sides(_: Readers, frame: Frame, side: Any, *held: Any) -> tuple[Side | None, PositionSide | None]:
    """Read which side something is about; no source shows whether it is told of the order or of the position."""
    if type(side) is str and side.lower() in ("long", "short"):
        return None, POSITION_SIDE(side, frame.unknown)
    said = next((each for each in held if each is not None and each != ""), None)
    return SIDE(side, frame.unknown), POSITION_SIDE(said, frame.unknown)


# tests/frames/bitget-v2/docsv2_ws_account_push.json, docsv2_rest_accounts_resp.json
read_balance = table.parser(
    Balance,
    timestamp=table.instant("uTime", of_frame="said_at"),
    asset=table.text("marginCoin", "coin", then=str.upper),
    free=table.number("available"),
    locked=table.number("frozen", "locked"),
    total=table.number("equity", "accountEquity"),
    unrealized_pnl=table.made(_profit, "unrealizedPL", "crossedUnrealizedPL", "isolatedUnrealizedPL"),
    margin_mode=table.word(MARGIN_MODE, "marginMode"),
    margin_ratio=table.number("crossedRiskRate", then=not_negative),
    maintenance_margin=table.number("unionMm", then=not_negative),
    initial_margin=table.made(sum_of, "crossedMargin", "isolatedMargin"),
    withdrawable=table.number("maxTransferOut", then=not_negative),
    usd_value=table.number("usdtEquity"),
)
"""Reads what the account holds of one coin."""

# tests/frames/bitget-v2/docsv2_ws_positions_push.json, docsv2_rest_all-position_resp.json
read_position = table.parser(
    Position,
    symbol=table.text("instId", "symbol", then=str.upper),
    timestamp=table.instant("uTime", of_frame="said_at"),
    margin_asset=table.text("marginCoin", then=str.upper),
    side=table.word(POSITION_SIDE, "holdSide", default=PositionSide.UNKNOWN),
    size=table.size("total"),
    entry_price=table.number("openPriceAvg", then=above_zero),
    mark_price=table.number("markPrice", then=above_zero),
    liquidation_price=table.number("liquidationPrice", then=above_zero),
    unrealized_pnl=table.number("unrealizedPL"),
    leverage=table.number("leverage", then=not_negative),
    margin_mode=table.word(MARGIN_MODE, "marginMode"),
    position_mode=table.word(POSITION_MODE, "posMode"),
    position_margin=table.number("marginSize", then=not_negative),
    isolated_margin=table.derived(_if_isolated, "position_margin", "margin_mode"),
    margin_ratio=table.number("marginRate", "marginRatio", then=not_negative),
    status=table.derived(status_by_size, "size"),
    created_at=table.instant("cTime"),
    position_id=table.text("posId", then=real_id),
    available=table.number("available", then=not_negative),
    locked=table.number("frozen", "locked", then=not_negative),
    realized_pnl=table.number("achievedProfits"),
    break_even_price=table.number("breakEvenPrice", then=above_zero),
    maintenance_rate=table.number("keepMarginRate", then=not_negative),
    funding=table.number("totalFee"),
    fee=table.number("deductedFee"),
)
"""Reads an open position; one without size is closed."""

# tests/frames/bitget-v2/docsv2_ws_fill_push.json, docsv2_rest_fills_resp.json
read_execution = table.parser(
    Execution,
    symbol=table.text("symbol", "instId", then=str.upper),
    timestamp=table.instant("uTime", "cTime", of_frame="said_at"),
    trade_id=table.text("tradeId", then=real_id),
    order_id=table.text("orderId", then=real_id),
    side=table.word(SIDE, "side"),
    price=table.number("price", then=above_zero),
    size=table.number("baseVolume"),
    fee=table.made(fees, "feeDetail", also="fee_asset"),
    liquidity=table.word(LIQUIDITY, "tradeScope"),
    client_order_id=table.text("clientOid"),
    type=table.word(ORDER_TYPE, "orderType"),
    effect=table.made(meaning_of_trade_side, "tradeSide", also="cause"),
    position_mode=table.word(POSITION_MODE, "posMode"),
    notional=table.number("quoteVolume"),
    realized_pnl=table.number("profit"),
)
"""Reads one match; *baseVolume* is its size, here and over REST."""

# tests/frames/bitget-v2/docsv2_ws_positions-history_push.json, docsv2_rest_history-position_resp.json
read_position_result = table.parser(
    PositionResult,
    symbol=table.text("instId", "symbol", then=str.upper),
    timestamp=table.instant("uTime", "utime", of_frame="said_at"),
    margin_asset=table.text("marginCoin", then=str.upper),
    position_id=table.text("posId", "positionId", then=real_id),
    side=table.word(POSITION_SIDE, "holdSide", default=PositionSide.UNKNOWN),
    margin_mode=table.word(MARGIN_MODE, "marginMode"),
    position_mode=table.word(POSITION_MODE, "posMode"),
    entry_price=table.number("openPriceAvg", "openAvgPrice", then=above_zero),
    exit_price=table.number("closePriceAvg", "closeAvgPrice", then=above_zero),
    opened=table.number("openSize", "openTotalPos"),
    closed=table.number("closeSize", "closeTotalPos"),
    realized_pnl=table.number("achievedProfits", "pnl"),
    net_pnl=table.number("netProfit"),
    funding=table.number("settleFee", "totalFunding"),
    open_fee=table.number("openFee"),
    close_fee=table.number("closeFee"),
    created_at=table.instant("cTime", "ctime"),
    closed_at=table.instant("uTime", "utime"),
)
"""Reads what came of a position."""

# WIRE.md A.7 lists the fields of adl-noti; tests/frames/bitget-v2/jkorf_v2rest_GetAdlRank.json
read_deleveraging = table.parser(
    Deleveraging,
    symbol=table.text("symbol", "instId", then=str.upper),
    timestamp=table.instant("ts", of_frame="said_at"),
    margin_asset=table.text("marginCoin", then=str.upper),
    side=table.made(_sides, "side", "holdSide", "posSide", also="position_side"),
    price=table.number("price", then=above_zero),
    size=table.number("amount", "size"),
    rank=table.number("adlRank"),
    raw_status=table.text("status"),
)
"""Reads that a position is deleveraged, or where it stands in the queue of those that would be."""

# tests/frames/bitget-v2/jkorf_v2_Equity_push.json
read_equity = table.parser(
    Equity,
    timestamp=table.instant("uTime", of_frame="said_at"),
    asset=table.derived(lambda: "USDT"),
    total=table.number("usdtEquity"),
    btc_value=table.number("btcEquity"),
    unrealized_pnl=table.number("unrealizedPL", "usdtUnrealized"),
    collateral=table.number("unionTotalMargin"),
    free=table.number("unionAvailable"),
    maintenance_margin=table.number("unionMm", then=not_negative),
)
"""Reads what the account is worth."""
