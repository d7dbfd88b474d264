"""The rows of Bitget's v2, of its stream and of its REST, which name the same things differently."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from futures_stream.simulator.holdings import MAINTENANCE_RATE, ZERO, round_money
from futures_stream.simulator.values import BookedBalance, BookedExecution, BookedOrder, BookedPosition, PositionSide

PRODUCT = "USDT-FUTURES"
COIN = "USDT"

Row = dict[str, object]

_STATUSES = {"new": "live", "partially_filled": "partially_filled", "filled": "filled", "cancelled": "canceled"}
_PLANS = {"take_profit": "tp", "stop_loss": "sl"}


def account_row(balance: BookedBalance) -> Row:
    """Tell a balance on the stream."""
    return {
        "marginCoin": balance.asset,
        "frozen": as_text(balance.frozen),
        "available": as_text(balance.available),
        "maxOpenPosAvailable": as_text(balance.available),
        "maxTransferOut": as_text(max(balance.available, ZERO)),
        "equity": as_text(balance.equity),
        "usdtEquity": as_text(balance.equity),
        "crossedRiskRate": as_text(balance.margin_ratio),
        "unrealizedPL": as_text(balance.unrealized_pnl),
    }


def fetched_account_row(balance: BookedBalance) -> Row:
    """Tell a balance over REST."""
    return {
        "marginCoin": balance.asset,
        "locked": as_text(balance.frozen),
        "available": as_text(balance.available),
        "crossedMaxAvailable": as_text(balance.available),
        "isolatedMaxAvailable": as_text(balance.available),
        "maxTransferOut": as_text(max(balance.available, ZERO)),
        "accountEquity": as_text(balance.equity),
        "usdtEquity": as_text(balance.equity),
        "btcEquity": "",
        "crossedRiskRate": as_text(balance.margin_ratio),
        "unrealizedPL": "",
        "coupon": "0",
        "isolatedMargin": as_text(balance.initial_margin),
        "crossedMargin": "0",
        "crossedUnrealizedPL": "0",
        "isolatedUnrealizedPL": as_text(balance.unrealized_pnl),
        "assetMode": "single",
    }


def equity_row(balance: BookedBalance) -> Row:
    """Tell what the account is worth."""
    return {
        "btcEquity": "",
        "usdtEquity": as_text(balance.equity),
        "unrealizedPL": as_text(balance.unrealized_pnl),
        "unionTotalMargin": "",
        "unionAvailable": "",
        "unionMm": "",
    }


def position_row(position: BookedPosition) -> Row:
    """Tell a position on the stream."""
    return {
        "posId": position_id(position),
        "instId": position.symbol,
        "marginCoin": COIN,
        "marginSize": as_text(position.margin),
        "marginMode": "isolated",
        "holdSide": position.side,
        "posMode": "hedge_mode",
        "total": as_text(position.size),
        "available": as_text(position.size),
        "frozen": "0",
        "openPriceAvg": as_text(position.entry_price),
        "leverage": position.leverage,  # a number here, as in the documents' own example
        "achievedProfits": "0",
        "unrealizedPL": as_text(position.unrealized_pnl),
        "unrealizedPLR": "0",
        "liquidationPrice": as_text(position.liquidation_price),
        "keepMarginRate": as_text(MAINTENANCE_RATE),
        "marginRate": as_text(position.margin_ratio),
        "markPrice": as_text(position.mark_price),
        "breakEvenPrice": as_text(position.entry_price),
        "totalFee": "",
        "deductedFee": "0",
        "cTime": str(position.created_ms),
        "uTime": str(position.unix_ms),
        "autoMargin": "off",
        "assetMode": "single",
    }


def fetched_position_row(position: BookedPosition) -> Row:
    """Tell a position over REST."""
    row = position_row(position)
    for name in ("posId", "unrealizedPLR"):
        del row[name]
    row["symbol"] = row.pop("instId")
    row["locked"] = row.pop("frozen")
    row["marginRatio"] = row.pop("marginRate")
    return {**row, "openDelegateSize": "0", "leverage": str(position.leverage)}


class Opened(Protocol):
    """What tells one position of a contract and side from the next: when it was opened."""

    @property
    def symbol(self) -> str:
        """The contract."""

    @property
    def side(self) -> PositionSide:
        """Long or short."""

    @property
    def created_ms(self) -> int:
        """When it was opened."""


def position_id(position: Opened) -> str:
    """Make an id of it, longer than a float can hold."""
    return f"1{position.created_ms}{sum(position.symbol.encode()) % 1000:03d}{int(position.side == 'long')}"


def order_row(order: BookedOrder, execution: BookedExecution | None = None) -> Row:
    """Tell an order on the stream, with the execution that changed it if one did."""
    row = _order(order)
    row["instId"] = row.pop("symbol")
    row |= {"notionalUsd": as_text(round_money(order.size * order.price)), "accBaseVolume": as_text(order.filled)}
    if not order.filled:
        del row["priceAvg"]
    if execution is not None:
        fee = as_text(-execution.fee)
        row |= {
            "baseVolume": as_text(execution.size),
            "fillPrice": as_text(execution.price),
            "fillTime": str(execution.unix_ms),
            "fillFee": fee,
            "fillFeeCoin": execution.fee_asset,
            "fillNotionalUsd": as_text(execution.price * execution.size),
            "tradeId": execution.trade_id,
            "tradeScope": "M" if execution.liquidity == "maker" else "T",
            "feeDetail": [{"feeCoin": execution.fee_asset, "fee": fee}],
            "pnl": as_text(execution.realized_pnl),
        }
    return row


def fetched_order_row(order: BookedOrder) -> Row:
    """Tell an order over REST, where *baseVolume* is all that is filled."""
    row = _order(order)
    row |= {"baseVolume": as_text(order.filled), "quoteVolume": as_text(order.cost), "fee": "", "orderSource": "normal"}
    return {**row, "priceAvg": as_text(order.average_price) if order.filled else ""}


def execution_row(execution: BookedExecution, order: BookedOrder) -> Row:
    """Tell an execution, on the stream and over REST alike."""
    return {
        "tradeId": execution.trade_id,
        "orderId": execution.order_id,
        "clientOid": f"c{execution.order_id}",
        "symbol": execution.symbol,
        "side": execution.side,
        "orderType": "limit" if order.type == "limit" else "market",
        "posMode": "hedge_mode",
        "price": as_text(execution.price),
        "baseVolume": as_text(execution.size),
        "quoteVolume": as_text(execution.price * execution.size),
        "profit": as_text(execution.realized_pnl),
        "tradeSide": _trade_side(order),
        "tradeScope": execution.liquidity,
        "enterPointSource": "api",
        "feeDetail": [
            {
                "feeCoin": execution.fee_asset,
                "deduction": "no",
                "totalDeductionFee": "0",
                "totalFee": as_text(-execution.fee),
            }
        ],
        "cTime": str(execution.unix_ms),
        "uTime": str(execution.unix_ms),
    }


def trigger_row(order: BookedOrder) -> Row | None:
    """Tell the trigger that placed *order*, if one did."""
    plan = _PLANS.get(order.type)
    if plan is None:
        return None
    return {
        "instId": order.symbol,
        "orderId": f"9{order.order_id}",
        "clientOid": f"c9{order.order_id}",
        "triggerPrice": as_text(order.price),
        "triggerType": "mark_price",
        "triggerTime": str(order.created_ms),
        "planType": plan,
        "price": "",
        "executePrice": "0",
        "size": as_text(order.size),
        "actualSize": as_text(order.size),
        "orderType": "market",
        "side": order.side,
        "tradeSide": "close",
        "posSide": order.position_side,
        "marginCoin": COIN,
        "status": "executed",
        "posMode": "hedge_mode",
        "enterPointSource": "web",
        "stpMode": "none",
        "cTime": str(order.created_ms),
        "uTime": str(order.created_ms),
    }


def _order(order: BookedOrder) -> Row:
    """Tell what stream and REST tell alike."""
    is_limit = order.type == "limit"
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "clientOid": f"c{order.order_id}",
        "size": as_text(order.size),
        "price": as_text(order.price) if is_limit else "0",
        "priceAvg": as_text(order.average_price),
        "orderType": "limit" if is_limit else "market",
        "force": "gtc",
        "side": order.side,
        "posSide": order.position_side,
        "tradeSide": _trade_side(order),
        "posMode": "hedge_mode",
        "marginMode": "isolated",
        "marginCoin": COIN,
        "leverage": str(order.leverage),
        "reduceOnly": "no",
        "status": _STATUSES[order.status],
        "enterPointSource": "API",
        "stpMode": "none",
        "cancelReason": "normal_cancel" if order.status == "cancelled" else "",
        "cTime": str(order.created_ms),
        "uTime": str(order.unix_ms),
    }


def _trade_side(order: BookedOrder) -> str:
    return f"burst_close_{order.position_side}" if order.type == "liquidation" else order.effect


def as_text(number: Decimal) -> str:
    """Write a number as Bitget does: never with an exponent."""
    return format(number, "f")
