"""What a process holds: memory, threads, descriptors."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Sequence

from attrs import frozen

_PAGE = os.sysconf("SC_PAGE_SIZE")


@frozen
class Footprint:
    """
    One look at this process; Linux only, zeros elsewhere.

    Attributes:
        memory: What it holds of the machine's memory, in MB.
        threads: How many threads it has, those that are not Python's included.
        descriptors: How many files it has open.
    """

    memory: float
    threads: int
    descriptors: int

    @classmethod
    def take(cls) -> Footprint:
        """Look, once what is garbage has gone."""
        gc.collect()
        if not os.path.isdir("/proc/self/fd"):
            return cls(0.0, threading.active_count(), 0)
        with open("/proc/self/statm", encoding="ascii") as statm:
            pages = int(statm.read().split()[1])
        return cls(pages * _PAGE / 1e6, len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")) - 1)

    @classmethod
    def take_settled(cls, earlier: Sequence[Footprint], patience: float) -> Footprint:
        """Look again and again, for so many seconds, until no more threads and descriptors are held than earlier."""
        deadline = time.monotonic() + patience
        pause = threading.Event()
        while True:
            look = cls.take()
            settled = all(look.threads <= one.threads and look.descriptors <= one.descriptors for one in earlier)
            if settled or time.monotonic() >= deadline:
                return look
            pause.wait(0.05)

    def __str__(self) -> str:
        return f"{self.memory:.1f} MB, {self.threads} threads, {self.descriptors} descriptors"
