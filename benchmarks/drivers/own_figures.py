"""What only futures-stream is asked: memory, growth, many streams, v2, the time to go live. One figure a process."""

import json
import os
import socket
import statistics
import sys
import threading
import time

from futures_stream import (
    Bitget,
    BitgetCredentials,
    BitgetV2,
    BitgetV2Credentials,
    Endpoints,
    Options,
    Order,
    StreamQueue,
    open_stream,
)

figure, source, count = sys.argv[1], sys.argv[2], int(sys.argv[3])


def open_one(account: str = "default", queue: StreamQueue | None = None, most_orders: int = 10_000):
    """Open a stream of orders."""
    return open_stream(
        "bitget",
        BitgetCredentials("key", "secret", "passphrase"),
        account=account,
        channels=["orders"],
        endpoints=Endpoints(ws_url=f"ws://{source}/bitget"),
        queue=queue,
        options=Options(most_orders=most_orders),
    )


def resident() -> int:
    """Bytes of memory that this process has now."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def memory() -> dict:
    """Let *count* records wait in a queue, and see what they take."""
    with open_one(queue=StreamQueue(maxsize=0)) as stream:
        before = resident()
        while stream.queue.qsize() < count:
            time.sleep(0.05)
        return {"bytes_per_record": (resident() - before) / count}


def growth() -> dict:
    """Consume *count* records, and see what has grown since the first tenth."""
    taken, early = 0, 0
    with open_one() as stream:
        for record in stream:
            if isinstance(record, Order):
                taken += 1
                if taken == count // 10:
                    early = resident()
            if (
                taken + stream.queue.missed == count
            ):  # a queue that was full for a moment must not make it wait for ever
                return {"growth_mb": (resident() - early) / 2**20, "consumed": taken}
    return {}


def opening() -> dict:
    """Open and close a stream over and over."""
    opened, closed = [], []
    for _ in range(count):
        start = time.perf_counter()
        stream = open_one()
        opened.append(time.perf_counter() - start)
        start = time.perf_counter()
        stream.close()
        closed.append(time.perf_counter() - start)
    return {"open_ms": statistics.median(opened) * 1e3, "close_ms": statistics.median(closed) * 1e3}


def streams() -> dict:
    """
    Keep some streams open, idle first, then with *count* records over all of them.

    However many there are, they remember the same orders: to remember them costs, and one stream would stop at 10,000.
    """
    number, idle_for = int(sys.argv[4]), float(sys.argv[5])
    queue = StreamQueue(maxsize=0)
    before = resident()
    opened = [open_one(f"account-{index}", queue, most_orders=count) for index in range(number)]
    facts = {"streams": number, "threads": threading.active_count() - 1, "mb": (resident() - before) / 2**20}
    time.sleep(0.5)
    start, cpu = time.monotonic(), time.process_time()
    time.sleep(idle_for)
    facts["idle_share"] = (time.process_time() - cpu) / (time.monotonic() - start)
    cpu, taken, wanted = time.process_time(), 0, count // number * number
    host, _, port = source.partition(":")
    with socket.create_connection((host, int(port))) as go:
        go.sendall(b"GET /start HTTP/1.1\r\n\r\n")
        for record in queue:
            if isinstance(record, Order):
                taken += 1
                if taken == wanted:
                    break
        facts["cpu_us"] = (time.process_time() - cpu) / taken * 1e6
    for stream in opened:
        stream.stop()
    return facts


def orders() -> dict:
    """Take a burst of *count* order updates of the exchange that is named."""
    if sys.argv[4] == "bitget":
        dialect, credentials = Bitget(), BitgetCredentials("key", "secret", "passphrase")
    else:
        dialect = BitgetV2(products=("USDT-FUTURES",), queryable=())  # the source is asked for nothing
        credentials = BitgetV2Credentials("key", "secret", "passphrase")
    endpoints = Endpoints(ws_url=f"ws://{source}/{dialect.name}")
    with open_stream(dialect, credentials, channels=["orders"], endpoints=endpoints) as stream:
        taken, began = 0, (0.0, 0.0)
        for record in stream:
            if isinstance(record, Order):
                began = began if taken else (time.monotonic(), time.process_time())
                taken += 1
                if taken == count:
                    break
        seconds, cpu = time.monotonic() - began[0], time.process_time() - began[1]
        return {"burst": taken / seconds, "cpu_us": cpu / taken * 1e6}


FIGURES = {"memory": memory, "growth": growth, "opening": opening, "streams": streams, "orders": orders}
print(json.dumps(FIGURES[figure]()), flush=True)
os._exit(0)  # what is left to close is not measured
