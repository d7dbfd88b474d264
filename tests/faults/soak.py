"""
An hour of trading on both exchanges through a hostile network, with a look at the ledger every half minute.

Run it as ``python -m tests.faults.soak [seconds]``; ``FUTURES_STREAM_SOAK`` says the same. It prints a
line a minute and a summary, and ends with 1 if a promise was not kept or something grew.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.faults.footprint import Footprint
from tests.faults.in_memory import order_push
from tests.faults.ledger import Broken
from tests.faults.weather import Subject, Weather
from tests.faults.world import World

HOUR = 3600.0
SPELL = 30.0  # seconds of trouble between two looks
SHORTEST, LONGEST = 0.02, 1.5  # seconds between two troubles
LONG = 4.0  # seconds that a trouble lasts now and then: longer than the silence that is taken for death
LIFETIME = 25.0  # seconds after which a connection is moved, so that rotations fall into trouble, too
WARM_UP = 0.3  # of the time: what is made once has been made by then, and what is bounded has been filled
MOST_GROWTH = 0.05  # of the memory after that. What the library keeps is bounded, and was filled while it warmed up;
# the rest is the allocator's, whose heap never shrinks back to where it was: five in a hundred is its unrest, measured.
FILLING = 12_000  # orders that are told before anything is measured: the stream remembers the newest 10,000
TRADES = 101_000  # executions, likewise: 100,000 of them. Bitmusa pushes none, and its gaps bring few


class Soak:
    """
    Both exchanges, their troubles, and what is held while it lasts.

    Args:
        seconds: How long.
        seed: What comes when depends on it, but for what two cores make of it.
        lifetime: Seconds after which a connection is moved; None for never.
        filling: How many orders come before anything is measured.
        trades: How many executions of them.
    """

    def __init__(
        self, seconds: float, seed: int = 1, lifetime: float | None = LIFETIME, filling: int = 0, trades: int = 0
    ) -> None:
        self.seconds = seconds
        self.figures: Counter[str] = Counter()
        self.looks: list[Footprint] = []
        self.troubles: Counter[str] = Counter()
        self._random = Random(seed)
        self._seed = seed
        self._lifetime = lifetime
        self._filling = filling
        self._trades = trades
        self._pause = threading.Event()
        self._keys_gone = 0  # listen keys that had been taken away at the last look

    def run(self) -> None:
        """
        Trade through it all.

        Raises:
            Broken: A promise was not kept.
        """
        with World(seed=self._seed, tick=None, key_life=60.0) as world:
            weather = Weather(world, self._seed)
            self.troubles = weather.counts
            subjects = [Subject(world, exchange, self._lifetime) for exchange in ("bitget", "bitmusa")]
            try:
                self._fill(world, subjects)
                end, said = time.monotonic() + self.seconds, time.monotonic()
                while time.monotonic() < end:
                    self._spell(world, weather, min(end, time.monotonic() + SPELL))
                    self._look(weather, subjects)
                    if time.monotonic() >= said + 60.0:
                        said = time.monotonic()
                        say(self)
            finally:
                weather.clear_up()
                for subject in subjects:
                    subject.close()
            for subject in subjects:
                self.figures.update(subject.check())
        self._judge()

    def _fill(self, world: World, subjects: Sequence[Subject]) -> None:
        """Let so much happen that whatever is bounded has reached its bound."""
        for subject in subjects:
            subject.calm()
        for first in range(0, self._filling, 1000):
            for subject in subjects:
                for text in ended_orders(subject.exchange, first, 1000):
                    world.simulator("send_text", subject.exchange, text)
            for subject in subjects:
                subject.calm()
                self.figures.update(subject.check())
        pushed = next(subject for subject in subjects if subject.exchange == "bitget")
        for first in range(0, self._trades, 1000):
            world.simulator("send_text", pushed.exchange, executions(first, 1000, self._filling))
            if first % 5000 == 0:
                pushed.calm()
                self.figures.update(pushed.check())

    def _spell(self, world: World, weather: Weather, until: float) -> None:
        """Trade, one trouble after the other."""
        random = self._random
        while time.monotonic() < until:
            weather.trouble(random.choice(["bitget", "bitmusa"]))
            lasts = time.monotonic() + (LONG if random.random() < 0.1 else random.uniform(SHORTEST, LONGEST))
            while time.monotonic() < min(until, lasts):
                world.simulator("step", random.randrange(3))
                self._pause.wait(random.uniform(0.0, 0.1))
            if random.random() < 0.4:
                weather.clear_up()

    def _look(self, weather: Weather, subjects: Sequence[Subject]) -> None:
        """Calm down, and hold everything against what was written."""
        weather.clear_up()
        keys_gone = weather.keys_gone
        for subject in subjects:
            subject.calm()
        for subject in subjects:
            self.figures.update(subject.check())
            self.figures.update(subject.check_views(may_be_mute=keys_gone > self._keys_gone))
        self._keys_gone = keys_gone
        self.looks.append(Footprint.take())

    def _judge(self) -> None:
        if self.looks and not self.figures["views"]:
            raise Broken("no view was ever to be trusted")
        later = self.looks[int(len(self.looks) * WARM_UP) :]
        if len(later) < 2:
            return
        usual = Counter((one.threads, one.descriptors) for one in later).most_common(1)[0][0]
        odd = [one for one in later if one.threads > usual[0] + 2 or one.descriptors > usual[1] + 4]
        # A dial or a call that was given up may still be on its way out at one look; nothing may stay.
        if odd and later[-1] in odd:
            raise Broken(f"threads or descriptors have been left behind: {later[-1]}, usually {usual}")
        third = max(1, len(later) // 3)
        before = sorted(one.memory for one in later[:third])[third // 2]
        after = sorted(one.memory for one in later[-third:])[third // 2]
        if after > before * (1 + MOST_GROWTH):
            raise Broken(f"memory grows: {before:.1f} MB, then {after:.1f} MB")

    def __str__(self) -> str:
        held = self.looks[-1] if self.looks else "-"
        figures = ", ".join(f"{self.figures[name]} {name}" for name in ("written", "told", "lost", "gaps"))
        views = f"{self.figures['views']} views held against the books"
        troubles = sum(self.troubles.values())
        return f"{len(self.looks)} looks, {troubles} troubles; {figures} (each in a gap), {views}; {held}"


def ended_orders(exchange: str, first: int, number: int) -> list[str]:
    """Return one push of so many orders that have ended, and one of their executions where there is such a channel."""
    message = json.loads(order_push(exchange, 0))
    ids = [f"E{first + count}" for count in range(number)]
    if exchange == "bitmusa":
        row = message["data"] | {"status": "FILLED", "tradedAmount": 2}
        return [json.dumps(message | {"data": [row | {"orderId": order_id} for order_id in ids]})]
    row = message["data"][0] | {"status": "filled", "filledSize": "2"}
    fill = {"symbol": "BTCUSDT", "side": "buy", "price": "3", "size": "2", "fee": "0.1", "feeCurrency": "USDT"}
    fills = [fill | {"orderId": order_id, "tradeId": f"T{order_id}", "role": "maker"} for order_id in ids]
    executed = {"action": "update", "arg": message["arg"] | {"channel": "execution"}, "data": fills}
    return [
        json.dumps(message | {"data": [row | {"orderId": order_id} for order_id in ids]}),
        json.dumps(executed),
    ]


def executions(first: int, number: int, orders: int) -> str:
    """Return one push of so many of Bitget's executions, of so many orders in turn."""
    message = json.loads(order_push("bitget", 0))
    message["arg"]["channel"] = "execution"
    row = {"symbol": "BTCUSDT", "side": "buy", "price": "1", "size": "1", "fee": "0", "feeCurrency": "USDT"}
    row |= {"role": "maker", "timestamp": 1}
    message["data"] = [
        row | {"tradeId": f"E{trade}", "orderId": f"E{trade % orders}"} for trade in range(first, first + number)
    ]
    return json.dumps(message)


def say(words: object) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Run it, and say how it went."""
    seconds = float(arguments[0] if arguments else os.environ.get("FUTURES_STREAM_SOAK", HOUR))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s.%(msecs)03d %(message)s")
    soak = Soak(seconds, seed=int(os.environ.get("FUTURES_STREAM_SEED", "1")), filling=FILLING, trades=TRADES)
    try:
        soak.run()
    finally:
        say(soak)
        say(", ".join(f"{name}: {count}" for name, count in sorted(soak.troubles.items())))
        say("memory at each look, in MB: " + " ".join(f"{one.memory:.1f}" for one in soak.looks))
    say("nothing was lost in silence, and nothing has grown")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Broken as broken:
        say(f"broken: {broken}")
        sys.exit(1)
