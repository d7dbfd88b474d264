"""
Measure futures-stream beside others, on this machine, over loopback: ``python -m benchmarks [--quick]``.

All contenders run in one go, in turn, each in a process and an environment of its own, against one kind of load. What
counts are the ratios: absolute figures are this machine's, at this hour.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import own
from .environments import HOME, python_of, versions
from .load import Source
from .table import comparison, own_table, reaches

DRIVERS = Path(__file__).parent / "drivers"
CONTENDERS = {
    "floor: callback": "floor.py",
    "floor: queue": "floor.py",
    "plain thread": "plain_thread.py",
    "pybit": "with_pybit.py",
    "ccxt": "with_ccxt.py",
    "python-binance": "with_python_binance.py",
    "futures-stream": "with_futures_stream.py",
    "futures-stream[fast]": "with_futures_stream.py",
}
FLOORS = {"floor: callback": "callback", "floor: queue": "queue"}  # bytes and an id, of which nothing is made
OURS = ("futures-stream", "futures-stream[fast]")


def main() -> None:
    """Measure, print, and write the results and their plot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, in under two minutes")
    parser.add_argument("--rounds", type=int, help="how often each contender runs (5; with --quick 1)")
    parser.add_argument("--only", action="append", choices=CONTENDERS, help="only these contenders")
    parser.add_argument("--results", type=Path, default=HOME / "results", help="where .json and .png are written")
    arguments = parser.parse_args()
    chosen = arguments.only or list(CONTENDERS)
    rounds = arguments.rounds or (1 if arguments.quick else 5)
    pythons = {name: python_of("plain thread" if name in FLOORS else name) for name in chosen}
    burst, paced = (20_000, 2.0) if arguments.quick else (60_000, 4.0)

    runs: dict[str, list[dict[str, float]]] = {name: [] for name in chosen}
    for number in range(rounds):
        for name in chosen if number % 2 == 0 else reversed(chosen):  # nobody always runs after the same neighbour
            print(f"round {number + 1} of {rounds}: {name} …", file=sys.stderr)
            with Source(burst=burst, paced=paced) as source:
                after = (FLOORS[name],) if name in FLOORS else ()
                said = source.run(pythons[name], DRIVERS / CONTENDERS[name], after=after)
            runs[name] += [said] if said else []
    figures = {name: own.measure(pythons[name], arguments.quick) for name in chosen if name in OURS}

    medians = {name: _medians(told) for name, told in runs.items() if told}
    machine = {"python": platform.python_version(), "system": platform.platform(), "rounds": rounds, "burst": burst}
    results: dict[str, Any] = {"machine": machine, "medians": medians, "own": figures, "runs": runs}
    results["versions"] = {name: versions(python) for name, python in pythons.items()}
    for lines in (comparison(medians), own_table(figures), reaches(medians, figures)):
        print("\n".join(lines), end="\n\n")
    _write(results, arguments.results)


def _medians(told: list[dict[str, float]]) -> dict[str, float]:
    return {fact: statistics.median(run[fact] for run in told) for fact in told[0]}


def _write(results: dict[str, Any], to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    written = to.with_suffix(".json")
    written.write_text(json.dumps(results, indent=1) + "\n")
    plot = [python_of("plot"), str(Path(__file__).parent / "plot.py"), str(written), str(to.with_suffix(".png"))]
    subprocess.run(plot, check=True)
    print(f"written: {written} and {to.with_suffix('.png')}")


if __name__ == "__main__":
    main()
