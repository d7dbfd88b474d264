"""What Bitmusa's REST tells of the account: the documented rows, with numbers where its stream has words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from futures_stream.simulator.holdings import ZERO, round_money
from futures_stream.simulator.market import INSTRUMENTS
from futures_stream.simulator.values import BookedExecution, BookedOrder, BookedPosition, Side, Statement

ZONE = timedelta(hours=9)  # what its clocks are ahead of UTC; no row says so
MEMBER = 79010
ORDERS, TRADES = 50, 10  # rows in a list unless another number is asked for
ORDER_TYPES = ("MARKET", "LIMIT", "TAKE_PROFIT", "STOP_LOSS", "LIQUIDATION")
_BEGINNING = datetime(1970, 1, 1)
_CLOSE_FEE = Decimal("0.0006")

Row = dict[str, object]


class BadParameter(ValueError):
    """A parameter is missing, or not one that is known."""


def wallet(books: Statement, _: Mapping[str, str]) -> list[Row]:
    """Tell the balances, each with the positions in it."""
    return [
        {
            "symbol": each.asset,
            "total_wallet_balance": each.wallet,
            "total_margin_balance": each.equity,
            "total_available_balance": each.available,
            "total_unpnl": each.unrealized_pnl,
            "position": [
                {**_position(held), "mark_price": held.mark_price, "unpnl": held.unrealized_pnl}
                for held in reversed(books.positions)
            ],
        }
        for each in books.balances
    ]


def positions(books: Statement, asked: Mapping[str, str]) -> list[Row]:
    """Tell one contract's open positions; the simulated account is in one-way mode."""
    ticker, mode = _ticker(asked), _one_of(asked, "position_mode", ("0", "1"))
    return [_position(each) for each in reversed(books.positions) if each.symbol == ticker and mode == "0"]


def position_mode(_: Statement, asked: Mapping[str, str]) -> str:
    """Tell one contract's position mode."""
    _ticker(asked)
    return "ONEWAY"


def open_orders(books: Statement, asked: Mapping[str, str]) -> list[Row]:
    """Tell the newest of the open orders."""
    ticker = _ticker(asked) if asked.get("ticker") else None
    since = _number(asked, "start_time", 0)
    found = [
        each
        for each in reversed(books.orders)
        if each.working and ticker in (None, each.symbol) and each.created_ms >= since
    ]
    return [_order(each) for each in found[: _number(asked, "size", ORDERS)]]


def trades(books: Statement, asked: Mapping[str, str]) -> list[Row]:
    """Tell one page of the executions of one contract, position, direction and type, the newest first."""
    ticker, position = _ticker(asked), _one_of(asked, "position", ("BUY", "SELL"))
    direction, kind = _one_of(asked, "direction", ("OPEN", "CLOSE")), _one_of(asked, "order_type", ORDER_TYPES)
    orders = {each.order_id: each for each in books.orders}
    found = [
        (each, orders[each.order_id])
        for each in reversed(books.executions)
        if (each.symbol, each.side.upper(), each.effect.upper()) == (ticker, position, direction)
        and orders[each.order_id].type.upper() == kind
    ]
    size, page = _number(asked, "size", TRADES), _number(asked, "page", 1)
    return [_trade(each, order) for each, order in found[max(page - 1, 0) * size :][:size]]


READERS: Mapping[str, Callable[[Statement, Mapping[str, str]], object]] = {
    "/future/wallet": wallet,
    "/future/position": positions,
    "/future/position/mode": position_mode,
    "/future/order": open_orders,
    "/future/trade/history": trades,
}


def _ticker(asked: Mapping[str, str]) -> str:
    return _one_of(asked, "ticker", tuple(INSTRUMENTS))


def _one_of(asked: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    if asked.get(name) not in known:
        raise BadParameter
    return asked[name]


def _number(asked: Mapping[str, str], name: str, default: int) -> int:
    said = asked.get(name, str(default))
    if not (said.isascii() and said.isdigit() and len(said) <= 15):
        raise BadParameter
    return int(said)


def _position(position: BookedPosition) -> Row:
    held = position.size * position.entry_price
    return {
        "id": position.created_ms // 100 % 10**9,
        "position": 0 if position.side == "long" else 1,
        "entry_price": position.entry_price,
        "margin_gap": ZERO,
        "status": 0,
        "liquid_price": position.liquidation_price,
        "close_fee": round_money(held * _CLOSE_FEE),
        "member_id": MEMBER,
        "ticker": position.symbol,
        "bankruptcy_price": ZERO,
        "take_profit_price": ZERO,
        "entry_time": _time(position.created_ms),
        **_coins(position.symbol),
        "initial_margin": position.margin,
        "close_time": _time(position.closed_ms),
        "maintenance_margin": position.maintenance_margin,
        "stop_loss_price": ZERO,
        "leverage": position.leverage,
        "liquid_margin": ZERO,
        "adl": ZERO,
        "margin_mode": 0,
        "qty": position.size,
        "position_margin": position.margin,
        "return_liquid_margin": None,
        "value": held,
        "extra_margin": ZERO,
    }


def _order(order: BookedOrder) -> Row:
    return {
        "id": _digits(order.order_id),
        "member_id": MEMBER,
        "order_id": order.order_id,
        "margin_mode": 0,
        "direction": 0 if order.effect == "open" else 1,
        "position": _position_of(order.side),
        "order_type": ORDER_TYPES.index(order.type.upper()),
        "status": 0,
        "tif_mode": 0,
        "trigger_type": 0,
        "trigger_direction": 0,
        "ticker": order.symbol,
        **_coins(order.symbol),
        "leverage": order.leverage,
        "order_price": order.price,
        "order_qty": order.size,
        "traded_price": order.average_price,
        "traded_qty": order.filled,
        "traded_value": order.cost,
        "left_qty": order.remaining,
        "is_post_only": False,
        "is_reduce_only": order.effect == "close",
        "is_price_protected": False,
        "trigger_id": None,
        "trigger": None,
        "order_time": _time(order.created_ms),
        "filled_time": _time(order.completed_ms),
        "cancel_time": _time(order.canceled_ms),
    }


def _trade(trade: BookedExecution, order: BookedOrder) -> Row:
    coins = _coins(trade.symbol)
    return {
        "id": int(trade.trade_id),
        "direction": trade.effect.upper(),
        "position": trade.side.upper(),
        "leverage": order.leverage,
        "ticker": trade.symbol,
        "symbol": coins["base_symbol"],
        "price": trade.price,
        "role": trade.liquidity.upper(),
        "member_id": MEMBER,
        "order_id": trade.order_id,
        "opposite_order_id": f"F{trade.trade_id}",
        "transaction_time": _time(trade.unix_ms),
        "ticker_id": coins["ticker_id"],
        "order_type": order.type.upper(),
        "margin_mode": "ISOLATED",
        "position_mode": "ONEWAY",
        "income_symbol": coins["coin_symbol"],
        "traded_qty": trade.size,
        "traded_value": trade.price * trade.size,
        "trading_fee": trade.fee,
        "profit_and_loss": trade.realized_pnl,
    }


def _position_of(side: Side) -> int:
    # "0 : BUY(Long), 1 : SELL(Short), close : on the other way": what closes a long says SELL.
    return 0 if side == "buy" else 1


def _coins(symbol: str) -> Row:
    return {
        "ticker_id": list(INSTRUMENTS).index(symbol) + 1,
        "coin_symbol": symbol.removesuffix("USDT"),
        "base_symbol": "USDT",
    }


def _digits(order_id: str) -> int:
    return int("".join(filter(str.isdigit, order_id)))


def _time(unix_ms: int | None) -> str | None:
    """Write a time as Bitmusa's clocks show it, in whole seconds and without their zone."""
    return None if unix_ms is None else (_BEGINNING + timedelta(seconds=unix_ms // 1000) + ZONE).isoformat()
