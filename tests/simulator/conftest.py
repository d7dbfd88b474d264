"""What the simulator's tests share: a simulator that moves only by hand, and a guard against what it might leave."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from futures_stream.simulator import Simulator


def _sockets() -> set[str]:
    folder = "/proc/self/fd"
    found = set()
    for each in os.listdir(folder) if os.path.isdir(folder) else ():
        try:
            target = os.readlink(f"{folder}/{each}")
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest.fixture(autouse=True)
def leaves_nothing() -> Iterator[None]:
    """Fail the test that leaves a thread or a socket."""
    before = _sockets()
    yield

    assert [each.name for each in threading.enumerate() if each.name.startswith("futures-stream/simulator")] == []
    assert _sockets() <= before


@pytest.fixture
def open_all(leaves_nothing: None) -> Iterator[ExitStack]:
    """Give a stack that closes clients before the simulator is closed."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def sim(leaves_nothing: None) -> Iterator[Simulator]:
    """Start a simulator whose markets move only by hand."""
    with Simulator(seed=7, tick=None) as simulator:
        yield simulator
