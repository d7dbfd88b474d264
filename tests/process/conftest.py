"""The simulator that the programs of these tests connect to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from futures_stream.simulator import Simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """Both exchanges, with a market that moves."""
    with Simulator(seed=1, tick=0.02) as simulator:
        yield simulator
