"""Reconnects, again and again: the ledger stays clean, and nothing grows."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from random import Random

import pytest

from tests.faults.effort import FULL, how_many
from tests.faults.footprint import Footprint
from tests.faults.weather import Subject
from tests.faults.world import World

USUAL, HASTY = 0.005, 1e-6  # seconds between two switches of threads: the interpreter's, and one that shakes out races
CASES = [("bitget", HASTY), ("bitmusa", USUAL)] + ([("bitget", USUAL), ("bitmusa", HASTY)] if FULL else [])
CYCLES = how_many("RECONNECTS", 8, 1000)  # for each of them
LOOKS = min(CYCLES, 16)
WARM_UP_LOOKS = LOOKS // 4  # what is made once has been made by then
MOST_GROWTH = 6.0  # MB of memory after that: the allocator's own unrest, and the stream's bounded memory of orders
PATIENCE = 30.0  # seconds that a dial or a call which was given up may need on its way out, on a busy machine
LONGEST_PAUSE = 0.02  # seconds; a reconnect takes about as long, so that cuts fall into every phase of it


@pytest.fixture
def interval(request: pytest.FixtureRequest) -> Iterator[float]:
    """Run with another switch interval than usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(request.param)
    yield request.param
    sys.setswitchinterval(usual)


def cut(world: World, exchange: str, random: Random) -> None:
    """End the connection, on the way or at the server, between two frames or inside of one."""
    how = random.choice(["rst", "fin", "close", "proxy rst", "proxy fin", "torn", "torn greeting"])
    if how.startswith("torn"):
        scope = "open" if how == "torn" else "all"
        world.proxy(exchange, "set", "down", scope, cut_after=random.randrange(1, 400))
        world.simulator("flood", exchange, 5)  # more bytes than that
    elif how.startswith("proxy"):
        world.proxy(exchange, "cut", how.partition(" ")[2])
    else:
        world.simulator("drop", exchange, how, random.choice([1000, 1001, 1012, 4009]))


@pytest.mark.parametrize(("exchange", "interval"), CASES, indirect=["interval"])
def test_reconnects_at_random_instants(exchange: str, interval: float) -> None:
    """However often and whenever a connection is cut, each event is delivered or lies in a gap, and nothing is left."""
    random, pause = Random(f"{exchange} {interval}"), threading.Event()
    calm: list[Footprint] = []
    with World(seed=3, tick=None) as world:
        subject = Subject(world, exchange)
        try:
            subject.calm()
            for cycle in range(1, CYCLES + 1):
                world.simulator("step", random.randrange(4))
                pause.wait(random.uniform(0.0, LONGEST_PAUSE))
                tries = world.proxy(exchange, "accepted")
                cut(world, exchange, random)
                if random.random() < 0.7:
                    world.simulator("step", 1)
                    # Mostly it comes back; not if it was on its way already, and the cut has met nobody.
                    world.proxy(exchange, "wait_accepted", tries + 1, 0.05)
                world.proxy(exchange, "heal")
                if cycle % (CYCLES // LOOKS) == 0:
                    subject.calm()
                    subject.check()
                    calm.append(Footprint.take_settled(calm[WARM_UP_LOOKS:], PATIENCE))
        finally:
            subject.close()
        subject.check()

    later = calm[WARM_UP_LOOKS:]
    assert subject.stream.status.connects > CYCLES // 2
    assert later[-1].threads <= min(one.threads for one in later), later
    assert later[-1].descriptors <= min(one.descriptors for one in later), later
    assert later[-1].memory - later[0].memory < MOST_GROWTH, [one.memory for one in calm]
