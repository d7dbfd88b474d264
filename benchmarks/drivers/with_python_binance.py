"""python-binance: asyncio in a thread, a callback, dicts."""

import os
import sys

from binance import AsyncClient, BinanceSocketManager, ThreadedWebsocketManager
from meter import Meter

AsyncClient.API_URL = f"http://{sys.argv[1]}/api"
AsyncClient.FUTURES_URL = f"http://{sys.argv[1]}/fapi"
BinanceSocketManager.FSTREAM_URL = f"ws://{sys.argv[1]}/binance/"
meter = Meter(sys.argv[1])


def hear(message: dict) -> None:
    """Take an update."""
    if message["e"] == "error":
        raise SystemExit(f"python-binance: {message}")
    meter.take(message["o"]["c"])


# Its usual 100 updates of room are an error, and the end, in a burst.
manager = ThreadedWebsocketManager(api_key="key", api_secret="secret", max_queue_size=1_000_000)
manager.start()
manager.start_futures_user_socket(hear)
meter.done.wait()
sys.stdout.flush()
os._exit(0)  # its threads take seconds to end
