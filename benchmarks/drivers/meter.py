"""What every contender's program does with an update: look at its client order id, count, and take the time."""

from __future__ import annotations

import json
import resource
import socket
import sys
import threading
import time


class Meter:
    """
    Takes updates, and prints what it measured when the last has come.

    Args:
        source: Host and port of the source, which is told when all it sent has been taken.

    Attributes:
        done: Set when the last has come.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self.done = threading.Event()
        self._count = 0
        self._paced: dict[str, list[int]] = {"i": [], "c": []}
        self._facts: dict[str, float] = {}
        self._busy = False

    def take(self, client_order_id: str) -> None:
        """Take one update, by its id."""
        letter = client_order_id[0]
        if letter == "b":
            self._count += 1
        elif letter in "ic":
            self._paced[letter].append(time.monotonic_ns() - int(client_order_id[8:]))
        elif letter == "a":
            self._count = 1
            self._began = time.monotonic(), time.process_time()
        elif letter == "e":
            self._count += 1
            seconds, cpu = time.monotonic() - self._began[0], time.process_time() - self._began[1]
            self._facts |= {"burst": self._count / seconds, "cpu_us": cpu / self._count * 1e6, "count": self._count}
        elif letter == "s":
            if int(client_order_id[1:8]):
                self._busy = True
                threading.Thread(target=self._burn, daemon=True).start()
            host, _, port = self._source.partition(":")
            with socket.create_connection((host, int(port))) as caught_up:
                caught_up.sendall(b"GET /caught-up HTTP/1.1\r\n\r\n")
                caught_up.recv(65536)
        elif letter == "z":
            self._finish()

    def _burn(self) -> None:
        number = 0
        while self._busy:
            number += 1

    def _finish(self) -> None:
        self._busy = False
        for letter, name in (("i", "idle"), ("c", "beside")):
            if taken := self._paced[letter]:
                quarter = max(1, len(taken) // 4)
                self._facts[f"{name}_count"] = len(taken)
                self._facts[f"{name}_p50_us"] = _share(taken, 0.50) / 1e3
                self._facts[f"{name}_p99_us"] = _share(taken, 0.99) / 1e3
                # What waits behind a reader that falls back waits ever longer.
                self._facts[f"{name}_late_us"] = (_share(taken[-quarter:], 0.5) - _share(taken[:quarter], 0.5)) / 1e3
        self._facts["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self._facts["python"] = float(f"{sys.version_info[0]}.{sys.version_info[1]:02d}")
        print(json.dumps(self._facts), flush=True)
        self.done.set()


def _share(values: list[int], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
