"""
Both exchanges over TLS, on asyncio and the ``websockets`` library: nothing of this project speaks here.

A process of its own, and one thread in it: what must not happen on a TLS connection does not happen on this side.
Every connection is closed by this side, soon, with a code from 4300 on; any other end is a false loss.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
from collections import Counter

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

KEY = "tlsPeerListenKeyThatIsLongEnough0123456789"
counts: Counter[str] = Counter()


def push(number: int, exchange: str) -> str:
    """Return an order, as the exchange pushes it."""
    if exchange == "bitmusa":
        row = {"orderId": f"C{number}", "ticker": "BTCUSDT", "status": "TRADING", "price": 3, "amount": 2}
        return json.dumps({"data": {**row, "tradedAmount": 0}, "stream": "future_order", "eventTime": 1700000000000})
    row = {"orderId": str(number), "symbol": "BTCUSDT", "status": "new", "size": "2", "filledSize": "0", "side": "buy"}
    arg = {"instType": "FUTURES", "channel": "orders", "instId": "default"}
    return json.dumps({"action": "update", "arg": arg, "data": [row]})


async def converse(connection: ServerConnection) -> None:
    """Speak while being spoken to, for a moment; then close."""
    counts["connections"] += 1
    assert connection.request is not None
    exchange = "bitmusa" if KEY in connection.request.path else "bitget"
    ends = asyncio.create_task(end_soon(connection, exchange))
    try:
        async for text in connection:
            message = json.loads(text)
            if message["op"] == "login":
                await connection.send('{"event":"login","code":"0"}')
            elif message["op"] == "ping":
                await connection.send('{"event":"pong"}')
            else:
                for arg in message["args"]:
                    await connection.send(json.dumps({"event": message["op"], "arg": arg}))
    except ConnectionClosed:
        pass
    await ends
    counts["closed" if connection.close_code and 4300 <= connection.close_code < 4400 else "ended otherwise"] += 1


async def end_soon(connection: ServerConnection, exchange: str) -> None:
    """Push a few orders at once, while the client greets, some more, and go."""
    try:
        for _ in range(random.randrange(3)):
            for _ in range(random.randrange(30)):
                counts["pushes"] += 1
                await connection.send(push(counts["pushes"], exchange))
            await asyncio.sleep(random.uniform(0.0, 0.02))
        await connection.close(4300 + random.randrange(100), "enough")
    except ConnectionClosed:
        pass


async def desk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a REST call: the listen key is always the same, and there is nothing on the account."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        counts["calls"] += 1
        data: object = {"listenKey": KEY} if head.startswith("POST") else []
        body = json.dumps({"code": 0, "message": "success", "data": data}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main(certificate: str) -> None:
    """Serve until the standard input ends."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with serve(converse, "localhost", 0, ssl=context, family=2) as stream:
        rest = await asyncio.start_server(desk, "localhost", 0, ssl=context, family=2)
        ports = [next(iter(server.sockets)).getsockname()[1] for server in (stream, rest)]
        sys.stdout.write(json.dumps(ports) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        rest.close()
    sys.stdout.write(json.dumps(counts) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
