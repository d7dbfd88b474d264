"""ccxt.pro: asyncio, a coroutine that waits for lists of dicts."""

import asyncio
import sys

import ccxt.pro
from meter import Meter


async def main() -> None:
    """Follow orders until the last has come."""
    exchange = ccxt.pro.bybit({"apiKey": "key", "secret": "secret", "enableRateLimit": False})
    exchange.urls["api"]["ws"]["private"]["contract"] = f"ws://{sys.argv[1]}/bybit"
    exchange.options |= {"enableUnifiedAccount": True, "enableUnifiedMargin": True, "unifiedMarginStatus": 6}
    exchange.options["ordersLimit"] = 1_000_000  # its usual 1,000 would lose what comes while nobody looks
    exchange.set_markets([market()])
    meter = Meter(sys.argv[1])
    while not meter.done.is_set():
        for order in await exchange.watch_orders():
            meter.take(order["clientOrderId"])
    await exchange.close()


def market() -> dict:
    """The one contract, as the exchange would have described it."""
    kind = {"type": "swap", "spot": False, "margin": False, "swap": True, "future": False, "option": False}
    names = {"id": "BTCUSDT", "symbol": "BTC/USDT:USDT", "base": "BTC", "quote": "USDT", "settle": "USDT"}
    ids = {"baseId": "BTC", "quoteId": "USDT", "settleId": "USDT", "contract": True, "linear": True, "inverse": False}
    limits = {name: {"min": None, "max": None} for name in ("amount", "price", "cost", "leverage")}
    precision = {"amount": 0.001, "price": 0.1}
    return {**kind, **names, **ids, "active": True, "contractSize": 1.0, "precision": precision, "limits": limits}


asyncio.run(main())
