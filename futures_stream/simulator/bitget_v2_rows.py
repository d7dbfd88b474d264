"""The rows of Bitget's v2, of its stream and of its REST, which name the same things differently."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from futures_stream.simulator.holdings import MAINTENANCE_RATE, ZERO, round_money
from futures_stream.simulator.values import BookedBalance, BookedExecution, BookedOrder, BookedPosition

PRODUCT = "USDT-FUTURES"
COIN = "USDT"

Row = dict[str, object]

_STATUSES = {"new": "live", "partially_filled": "partially_filled", "filled": "filled", "cancelled": "canceled"}
_PLANS = {"take_profit": "tp", "stop_loss": "sl"}


def account_row(balance: BookedBalance) -> Row:
    """Tell a balance on the stream."""
    return {
        "marginCoin": balance.asset,
        "frozen": _text(balance.frozen),
        "available": _text(balance.available),
        "maxOpenPosAvailable": _text(balance.available),
        "maxTransferOut": _text(max(balance.available, ZERO)),
        "equity": _text(balance.equity),
        "usdtEquity": _text(balance.equity),
        "crossedRiskRate": _text(balance.margin_ratio),
        "unrealizedPL": _text(balance.unrealized_pnl),
    }


def fetched_account_row(balance: BookedBalance) -> Row:
    """Tell a balance over REST."""
    return {
        "marginCoin": balance.asset,
        "locked": _text(balance.frozen),
        "available": _text(balance.available),
        "crossedMaxAvailable": _text(balance.available),
        "isolatedMaxAvailable": _text(balance.available),
        "maxTransferOut": _text(max(balance.available, ZERO)),
        "accountEquity": _text(balance.equity),
        "usdtEquity": _text(balance.equity),
        "btcEquity": "",
        "crossedRiskRate": _text(balance.margin_ratio),
        "unrealizedPL": "",
        "coupon": "0",
        "isolatedMargin": _text(balance.initial_margin),
        "crossedMargin": "0",
        "crossedUnrealizedPL": "0",
        "isolatedUnrealizedPL": _text(balance.unrealized_pnl),
        "assetMode": "single",
    }


def equity_row(balance: BookedBalance) -> Row:
    """Tell what the account is worth."""
    return {
        "btcEquity": "",
        "usdtEquity": _text(balance.equity),
        "unrealizedPL": _text(balance.unrealized_pnl),
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
        "marginSize": _text(position.margin),
        "marginMode": "isolated",
        "holdSide": position.side,
        "posMode": "hedge_mode",
        "total": _text(position.size),
        "available": _text(position.size),
        "frozen": "0",
        "openPriceAvg": _text(position.entry_price),
        "leverage": position.leverage,  # a number here, as in the documents' own example
        "achievedProfits": "0",
        "unrealizedPL": _text(position.unrealized_pnl),
        "unrealizedPLR": "0",
        "liquidationPrice": _text(position.liquidation_price),
        "keepMarginRate": _text(MAINTENANCE_RATE),
        "marginRate": _text(position.margin_ratio),
        "markPrice": _text(position.mark_price),
        "breakEvenPrice": _text(position.entry_price),
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


def position_id(position: BookedPosition) -> str:
    """Make an id of it, longer than a float can hold."""
    return f"1{position.created_ms}{sum(position.symbol.encode()) % 1000:03d}{int(position.side == 'long')}"


def order_row(order: BookedOrder, execution: BookedExecution | None = None) -> Row:
    """Tell an order on the stream, with the execution that changed it if one did."""
    row = _order(order)
    row["instId"] = row.pop("symbol")
    row |= {"notionalUsd": _text(round_money(order.size * order.price)), "accBaseVolume": _text(order.filled)}
    if not order.filled:
        del row["priceAvg"]
    if execution is not None:
        fee = _text(-execution.fee)
        row |= {
            "baseVolume": _text(execution.size),
            "fillPrice": _text(execution.price),
            "fillTime": str(execution.unix_ms),
            "fillFee": fee,
            "fillFeeCoin": execution.fee_asset,
            "fillNotionalUsd": _text(execution.price * execution.size),
            "tradeId": execution.trade_id,
            "tradeScope": "M" if execution.liquidity == "maker" else "T",
            "feeDetail": [{"feeCoin": execution.fee_asset, "fee": fee}],
            "pnl": _text(execution.realized_pnl),
        }
    return row


def fetched_order_row(order: BookedOrder) -> Row:
    """Tell an order over REST, where *baseVolume* is all that is filled."""
    row = _order(order)
    row |= {"baseVolume": _text(order.filled), "quoteVolume": _text(order.cost), "fee": "", "orderSource": "normal"}
    return {**row, "priceAvg": _text(order.average_price) if order.filled else ""}


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
        "price": _text(execution.price),
        "baseVolume": _text(execution.size),
        "quoteVolume": _text(execution.price * execution.size),
        "profit": _text(execution.realized_pnl),
        "tradeSide": _trade_side(order),
        "tradeScope": execution.liquidity,
        "enterPointSource": "api",
        "feeDetail": [
            {
                "feeCoin": execution.fee_asset,
                "deduction": "no",
                "totalDeductionFee": "0",
                "totalFee": _text(-execution.fee),
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
        "triggerPrice": _text(order.price),
        "triggerType": "mark_price",
        "triggerTime": str(order.created_ms),
        "planType": plan,
        "price": "",
        "executePrice": "0",
        "size": _text(order.size),
        "actualSize": _text(order.size),
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


def closed_row(position: BookedPosition, executions: Sequence[BookedExecution]) -> Row:
    """Tell what came of a position that was just closed; *executions* are all, oldest first."""
    of_it = []
    size = ZERO
    for each in reversed(executions):
        if (each.symbol, each.position_side) == (position.symbol, position.side):
            size += each.size if each.effect == "close" else -each.size
            of_it.append(each)
            if not size:
                break
    opened = [each for each in of_it if each.effect == "open"]
    closed = [each for each in of_it if each.effect == "close"]
    return {
        "posId": position_id(position),
        "instId": position.symbol,
        "marginCoin": COIN,
        "marginMode": "fixed",  # so in this channel alone
        "holdSide": position.side,
        "posMode": "hedge_mode",
        "openPriceAvg": _text(position.entry_price),
        "closePriceAvg": _text(_average(closed)),
        "openSize": _text(sum((each.size for each in opened), ZERO)),
        "closeSize": _text(sum((each.size for each in closed), ZERO)),
        "achievedProfits": _text(sum((each.realized_pnl for each in closed), ZERO)),
        "settleFee": "0",
        "openFee": _text(-sum((each.fee for each in opened), ZERO)),
        "closeFee": _text(-sum((each.fee for each in closed), ZERO)),
        "cTime": str(position.created_ms),
        "uTime": str(position.unix_ms),
    }


def _order(order: BookedOrder) -> Row:
    """Tell what stream and REST tell alike."""
    is_limit = order.type == "limit"
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "clientOid": f"c{order.order_id}",
        "size": _text(order.size),
        "price": _text(order.price) if is_limit else "0",
        "priceAvg": _text(order.average_price),
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


def _average(executions: Sequence[BookedExecution]) -> Decimal:
    size = sum((each.size for each in executions), ZERO)
    return round_money(sum((each.price * each.size for each in executions), ZERO) / size) if size else ZERO


def _text(number: Decimal) -> str:
    return format(number, "f")
