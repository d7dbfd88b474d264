"""
What no library can be faster than in its shape: bytes of the socket, an id cut out of them, and nothing made of it.

``callback``: taken on the thread that reads. ``queue``: handed over to another thread, as a library with a queue does.
"""

import queue
import sys
import threading
from collections.abc import Callable

import websocket
from meter import Meter

_ID = b'"clientOid":"'


def read(url: str, take: Callable[[str], object]) -> None:
    """Take the id of each update that is received; they are whole frames of a length in two bytes."""
    connection = websocket.create_connection(f"ws://{url}/plain")
    waiting = b""
    while data := connection.sock.recv(65536):
        waiting += data
        at = 0
        while len(waiting) - at >= 4:
            end = at + 4 + int.from_bytes(waiting[at + 2 : at + 4], "big")
            if end > len(waiting):
                break
            begins = waiting.index(_ID, at) + len(_ID)
            take(waiting[begins : waiting.index(b'"', begins)].decode())
            at = end
        waiting = waiting[at:]


meter = Meter(sys.argv[1])
if sys.argv[2] == "callback":
    threading.Thread(target=read, args=(sys.argv[1], meter.take), daemon=True).start()
    meter.done.wait()
else:
    updates: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=read, args=(sys.argv[1], updates.put), daemon=True).start()
    while not meter.done.is_set():
        meter.take(updates.get())
