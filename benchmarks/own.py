"""What only futures-stream is asked: memory, growth, many streams, the time to go live, the time to import."""

from __future__ import annotations

import os
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
        with Source(burst=burst) as source:
            figures |= source.run(python, _DRIVER, figure, after=(str(burst),)) or {}
    with Source() as source:
        figures |= source.run(python, _DRIVER, "opening", after=("20" if quick else "100",)) or {}
    figures["streams"] = []
    for number in (1, 10, 100):
        with Source(burst=count // number, wait=True) as source:
            told = source.run(python, _DRIVER, "streams", after=(str(count), str(number), "2" if quick else "10"))
            figures["streams"] += [told] if told else []
    return figures | {"import_ms": _imports(python, 7 if quick else 21)}


def _imports(python: str, rounds: int) -> dict[str, float]:
    """Return the CPU time of imports in ms, without the interpreter's own start; measured in turn."""
    taken: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    for _ in range(rounds + 1):
        for name, code in _IMPORTS.items():
            before = os.times()
            subprocess.run([python, "-c", code], check=True)
            after = os.times()
            user, system = after.children_user - before.children_user, after.children_system - before.children_system
            taken[name].append((user + system) * 1e3)
    medians = {name: statistics.median(times[1:]) for name, times in taken.items()}  # the first may have compiled
    return {name: medians[name] - medians["nothing"] for name in ("needed", "ours")}
