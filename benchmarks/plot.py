"""Draw the results: ``python plot.py results.json results.png``, in an environment with matplotlib."""

import json
import sys

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

PANELS = (
    ("burst", 1, "records a second, in a burst", False, "{:,.0f}"),
    ("idle_p50_us", 1, "median latency at 1,000 a second (µs)", False, "{:,.0f}"),
    ("beside_p99_us", 1e-3, "p99 latency beside a busy thread (ms)", True, "{:,.0f}"),
)


def main() -> None:
    """Draw."""
    with open(sys.argv[1], encoding="utf-8") as file:
        results = json.load(file)
    medians = results["medians"]
    names = [name for name in medians if not name.startswith("floor: ")]
    colors = ["#d9480f" if name.startswith("futures-stream") else "#868e96" for name in names]
    figure, axes = plt.subplots(1, len(PANELS), figsize=(12, 0.5 * len(names) + 1.2), sharey=True)
    for axis, (fact, factor, title, logarithmic, form) in zip(axes, PANELS, strict=True):
        values = [medians[name][fact] * factor for name in names]
        bars = axis.barh(names, values, color=colors, log=logarithmic)
        axis.bar_label(bars, [form.format(value) for value in values], padding=3, fontsize=8)
        axis.set_title(title, fontsize=10)
        axis.margins(x=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    axes[0].invert_yaxis()
    machine = results["machine"]
    figure.text(
        0.5,
        0.01,
        f"Python {machine['python']}, one machine, loopback, medians of {machine['rounds']}",
        ha="center",
        fontsize=7,
    )
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    figure.savefig(sys.argv[2], dpi=110)


main()
