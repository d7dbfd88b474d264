"""pybit: a thread of its own, a callback, dicts."""

import sys

import pybit._websocket_stream as stream
from meter import Meter
from pybit import unified_trading

unified_trading.PRIVATE_WSS = f"ws://{sys.argv[1]}/bybit/private"  # it has no other way to be led elsewhere
meter = Meter(sys.argv[1])


def hear(message: dict) -> None:
    """Take an update."""
    meter.take(message["data"][0]["orderLinkId"])


assert stream.DOMAIN_MAIN == "bybit"
client = unified_trading.WebSocket(testnet=False, channel_type="private", api_key="key", api_secret="secret")
client.order_stream(hear)
meter.done.wait()
