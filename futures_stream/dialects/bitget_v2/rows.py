"""
Bitget's rows: one parser for each kind of thing, of the stream as of REST, which name some fields differently.

Only orders have two parsers, :mod:`~futures_stream.dialects.bitget_v2.orders`: there the same name means two things.
"""

from __future__ import annotations

from typing import Any

from futures_stream.dialects.bitget_v2.fields import fee_of, first, identity, moment, positive, rate, sum_of, upper
from futures_stream.dialects.bitget_v2.words import (
    LIQUIDITY,
    MARGIN_MODE,
    ORDER_TYPE,
    POSITION_MODE,
    POSITION_SIDE,
    SIDE,
    meaning_of_trade_side,
)
from futures_stream.dialects.rows import Frame, Readers
from futures_stream.records import Balance, Deleveraging, Equity, Execution, Position, PositionResult
from futures_stream.vocabulary import PositionSide, PositionStatus

__all__ = [
    "read_balance",
    "read_deleveraging",
    "read_equity",
    "read_execution",
    "read_position",
    "read_position_result",
]


# tests/frames/bitget-v2/docsv2_ws_account_push.json, docsv2_rest_accounts_resp.json
def read_balance(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Balance:
    """Read what the account holds of one coin."""
    marks, number, _, _, instant, text, _ = readers
    said = row.get
    profit = number(said("unrealizedPL"))
    if profit is None:  # REST leaves the sum empty and gives both parts
        profit = sum_of(number, said("crossedUnrealizedPL"), said("isolatedUnrealizedPL"))
    return Balance(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        timestamp=moment(instant, frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        asset=upper(text, said("marginCoin")),
        free=number(said("available")),
        locked=number(first(row, "frozen", "locked")),
        total=number(first(row, "equity", "accountEquity")),
        unrealized_pnl=profit,
        margin_mode=MARGIN_MODE(said("marginMode"), frame.unknown),
        margin_ratio=rate(number, said("crossedRiskRate")),
        maintenance_margin=rate(number, said("unionMm")),
        initial_margin=sum_of(number, said("crossedMargin"), said("isolatedMargin")),
        withdrawable=rate(number, said("maxTransferOut")),
        usd_value=number(said("usdtEquity")),
    )


# tests/frames/bitget-v2/docsv2_ws_positions_push.json, docsv2_rest_all-position_resp.json
def read_position(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Position:
    """Read an open position; one without size is closed."""
    marks, number, magnitude, _, instant, text, _ = readers
    said, unknown = row.get, frame.unknown
    size = magnitude(said("total"))
    margin_mode = MARGIN_MODE(said("marginMode"), unknown)
    margin = rate(number, said("marginSize"))
    return Position(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=upper(text, first(row, "instId", "symbol")),
        timestamp=moment(instant, said("uTime")) or moment(instant, frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        margin_asset=upper(text, said("marginCoin")),
        side=POSITION_SIDE(said("holdSide"), unknown) or PositionSide.UNKNOWN,
        size=size,
        entry_price=positive(number, said("openPriceAvg")),
        mark_price=positive(number, said("markPrice")),
        liquidation_price=positive(number, said("liquidationPrice")),
        unrealized_pnl=number(said("unrealizedPL")),
        leverage=rate(number, said("leverage")),
        margin_mode=margin_mode,
        position_mode=POSITION_MODE(said("posMode"), unknown),
        isolated_margin=margin if margin_mode == "isolated" else None,
        position_margin=margin,
        margin_ratio=rate(number, first(row, "marginRate", "marginRatio")),
        status=PositionStatus.UNKNOWN if size is None else PositionStatus.OPEN if size else PositionStatus.CLOSED,
        created_at=moment(instant, said("cTime")),
        position_id=identity(text, said("posId")),
        available=rate(number, said("available")),
        locked=rate(number, first(row, "frozen", "locked")),
        realized_pnl=number(said("achievedProfits")),
        break_even_price=positive(number, said("breakEvenPrice")),
        maintenance_rate=rate(number, said("keepMarginRate")),
        funding=number(said("totalFee")),
        fee=number(said("deductedFee")),
    )


# tests/frames/bitget-v2/docsv2_ws_fill_push.json, docsv2_rest_fills_resp.json
def read_execution(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Execution:
    """Read one match; *baseVolume* is its size, here and over REST."""
    marks, number, _, _, instant, text, _ = readers
    said, unknown = row.get, frame.unknown
    effect, cause = meaning_of_trade_side(said("tradeSide"), unknown)
    fee, fee_asset = fee_of(said("feeDetail"), "totalFee", number, text)
    return Execution(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=upper(text, first(row, "symbol", "instId")),
        timestamp=moment(instant, first(row, "uTime", "cTime")) or moment(instant, frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        trade_id=identity(text, said("tradeId")),
        order_id=identity(text, said("orderId")),
        side=SIDE(said("side"), unknown),
        price=positive(number, said("price")),
        size=number(said("baseVolume")),
        fee=fee,
        fee_asset=fee_asset,
        liquidity=LIQUIDITY(said("tradeScope"), unknown),
        client_order_id=text(said("clientOid")),
        type=ORDER_TYPE(said("orderType"), unknown),
        effect=effect,
        cause=cause,
        position_mode=POSITION_MODE(said("posMode"), unknown),
        notional=number(said("quoteVolume")),
        realized_pnl=number(said("profit")),
    )


# tests/frames/bitget-v2/docsv2_ws_positions-history_push.json, docsv2_rest_history-position_resp.json
def read_position_result(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> PositionResult:
    """Read what came of a position."""
    marks, number, _, _, instant, text, _ = readers
    said, unknown = row.get, frame.unknown
    closed_at = moment(instant, first(row, "uTime", "utime"))
    return PositionResult(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=upper(text, first(row, "instId", "symbol")),
        timestamp=closed_at or moment(instant, frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        margin_asset=upper(text, said("marginCoin")),
        position_id=identity(text, first(row, "posId", "positionId")),
        side=POSITION_SIDE(said("holdSide"), unknown) or PositionSide.UNKNOWN,
        margin_mode=MARGIN_MODE(said("marginMode"), unknown),
        position_mode=POSITION_MODE(said("posMode"), unknown),
        entry_price=positive(number, first(row, "openPriceAvg", "openAvgPrice")),
        exit_price=positive(number, first(row, "closePriceAvg", "closeAvgPrice")),
        opened=number(first(row, "openSize", "openTotalPos")),
        closed=number(first(row, "closeSize", "closeTotalPos")),
        realized_pnl=number(first(row, "achievedProfits", "pnl")),
        net_pnl=number(said("netProfit")),
        funding=number(first(row, "settleFee", "totalFunding")),
        open_fee=number(said("openFee")),
        close_fee=number(said("closeFee")),
        created_at=moment(instant, first(row, "cTime", "ctime")),
        closed_at=closed_at,
    )


# WIRE.md A.7 lists the fields of adl-noti; tests/frames/bitget-v2/jkorf_v2rest_GetAdlRank.json
def read_deleveraging(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Deleveraging:
    """Read that a position is deleveraged, or where it stands in the queue of those that would be."""
    marks, number, _, _, instant, text, _ = readers
    said = row.get
    side = said("side")
    is_of_position = type(side) is str and side.lower() in ("long", "short")  # no source shows which words it has
    return Deleveraging(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        symbol=upper(text, first(row, "symbol", "instId")),
        timestamp=moment(instant, said("ts")) or moment(instant, frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        margin_asset=upper(text, said("marginCoin")),
        side=None if is_of_position else SIDE(side, frame.unknown),
        position_side=POSITION_SIDE(side if is_of_position else first(row, "holdSide", "posSide"), frame.unknown),
        price=positive(number, said("price")),
        size=number(first(row, "amount", "size")),
        rank=number(said("adlRank")),
        raw_status=text(said("status")),
    )


# tests/frames/bitget-v2/jkorf_v2_Equity_push.json
def read_equity(row: dict[str, Any], frame: Frame, seq: int, readers: Readers) -> Equity:
    """Read what the account is worth."""
    marks, number, _, _, instant, _, _ = readers
    said = row.get
    return Equity(
        exchange=frame.exchange,
        account=frame.account,
        product=frame.product,
        timestamp=moment(instant, frame.said_at),
        received_ns=frame.received_ns,
        seq=seq,
        origin=frame.origin,
        marks=marks,
        info=row,
        asset="USDT",
        total=number(said("usdtEquity")),
        btc_value=number(said("btcEquity")),
        unrealized_pnl=number(first(row, "unrealizedPL", "usdtUnrealized")),
        collateral=number(said("unionTotalMargin")),
        free=number(said("unionAvailable")),
        maintenance_margin=rate(number, said("unionMm")),
    )
