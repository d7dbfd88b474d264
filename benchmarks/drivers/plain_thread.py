"""The plainest thread that one writes by hand: receive, decode, put the dict onto a queue."""

import json
import queue
import sys
import threading

import websocket
from meter import Meter


def read(url: str, updates: queue.Queue) -> None:
    """Put what is received onto the queue."""
    connection = websocket.create_connection(f"ws://{url}/plain")
    while True:
        updates.put(json.loads(connection.recv()))


updates: queue.Queue = queue.Queue()
threading.Thread(target=read, args=(sys.argv[1], updates), daemon=True).start()
meter = Meter(sys.argv[1])
while not meter.done.is_set():
    meter.take(updates.get()["data"][0]["clientOid"])
