"""What only futures-stream is asked: memory, growth, many streams, v2, the time to go live, the time to import."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from .load import Source

_DRIVER = Path(__file__).parent / "drivers" / "own_figures.py"
_IMPORTS = {"nothing": "pass", "needed": "import requests, websocket, attrs", "ours": "import futures_stream"}


def measure(python: str, quick: bool) -> dict[str, Any]:
    """Return all of it for one environment."""
    count = 20_000 if quick else 100_000
    figures: dict[str, Any] = {}
    print("memory, growth, opening, streams, import …", file=sys.stderr)
    for figure, burst in (("memory", 20_000 if quick else 80_000), ("growth", 200_000 if quick else 1_000_000)):
        with Source(burst=burst, live=figure == "growth") as source:
            figures |= source.run(python, _DRIVER, figure, after=(str(burst),)) or {}
    with Source() as source:
        figures |= source.run(python, _DRIVER, "opening", after=("20" if quick else "100",)) or {}
    figures["streams"] = []
    for number in (1, 10, 100):
        with Source(burst=count // number, wait=True) as source:
            told = source.run(python, _DRIVER, "streams", after=(str(count), str(number), "2" if quick else "5"))
            figures["streams"] += [told] if told else []
    figures["orders"] = _orders(python, count, 2 if quick else 5)
    return figures | {"import_ms": _imports(python, 7 if quick else 21)}


def _orders(python: str, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the burst of order updates of both of Bitget's APIs: medians of runs in turn."""
    taken: dict[str, list[dict[str, float]]] = {"bitget": [], "bitget-v2": []}
    for _ in range(rounds):
        for name, runs in taken.items():
            with Source(burst=count) as source:
                told = source.run(python, _DRIVER, "orders", after=(str(count), name))
                runs += [told] if told else []
    return {
        name: {fact: statistics.median(run[fact] for run in runs) for fact in runs[0]}
        for name, runs in taken.items()
        if runs
    }


def _imports(python: str, rounds: int) -> dict[str, float]:
    """
    Return the CPU time of imports in ms, without the interpreter's own start, and how ours compares with the rest.

    The ratio is the median of those of neighbours in time, so that what else the machine does touches both alike.
    """
    taken: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    for _ in range(rounds + 1):
        for name, code in _IMPORTS.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([python, "-c", code], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken[name].append((after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3)
    nothing, needed, ours = (times[1:] for times in taken.values())  # the first may have compiled
    ratios = [(mine - bare) / (others - bare) for bare, others, mine in zip(nothing, needed, ours, strict=True)]
    bare = statistics.median(nothing)
    facts = {"needed": statistics.median(needed) - bare, "ours": statistics.median(ours) - bare}
    return facts | {"ratio": statistics.median(ratios)}
