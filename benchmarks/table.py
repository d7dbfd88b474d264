"""The results as text."""

from __future__ import annotations

from typing import Any

FAST = "futures-stream[fast]"
PLAIN = "futures-stream"
FLOOR = "floor: "

Medians = dict[str, dict[str, float]]


def comparison(medians: Medians) -> list[str]:
    """Return the table of all contenders."""
    lines = [
        f"{'':<22}{'burst':>10}{'':>8}{'CPU':>9}{'1,000/s':>10}{'':>10}{'beside load':>12}{'':>12}{'left':>9}",
        f"{'':<22}{'records/s':>10}{'ratio':>8}{'µs each':>9}{'p50 µs':>10}{'p99 µs':>10}{'p50 ms':>12}{'p99 ms':>12}"
        f"{'behind':>9}",
    ]
    most = max((told["burst"] for name, told in medians.items() if not name.startswith(FLOOR)), default=1)
    for name, told in medians.items():
        behind = "yes" if told["beside_late_us"] > 100_000 else "no"
        lines.append(
            f"{name:<22}{told['burst']:>10,.0f}{told['burst'] / most:>8.2f}{told['cpu_us']:>9.1f}"
            f"{told['idle_p50_us']:>10.0f}{told['idle_p99_us']:>10.0f}"
            f"{told['beside_p50_us'] / 1e3:>12.2f}{told['beside_p99_us'] / 1e3:>12.1f}{behind:>9}"
        )
    return lines


def own_table(figures: dict[str, Any]) -> list[str]:
    """Return the table of what only we are asked."""
    lines = []
    for name, told in figures.items():
        lines.append(f"{name}:")
        if "bytes_per_record" in told:
            lines.append(f"  memory of a record that waits     {told['bytes_per_record']:,.0f} bytes")
        if "growth_mb" in told:
            lines.append(f"  growth over {told['consumed']:>9,} consumed    {told['growth_mb']:+.1f} MB")
        if "open_ms" in told:
            lines.append(f"  open to live / close              {told['open_ms']:.1f} / {told['close_ms']:.1f} ms")
        lines += [
            f"  {many['streams']:>3} streams: {many['cpu_us']:.1f} µs CPU a record, "
            f"idle {many['idle_share']:.2%} of a core, {many['threads']} threads, {many['mb']:+.1f} MB"
            for many in told["streams"]
        ]
        lines += _orders(told.get("orders", {}))
        took = told["import_ms"]
        lines.append(
            f"  import                            {took['ours']:.0f} ms; what it needs: {took['needed']:.0f} ms"
        )
    return lines


def _orders(told: dict[str, dict[str, float]]) -> list[str]:
    """Return the line on the burst of Bitget's v2, whose updates are three times as long as the others'."""
    if len(told) < 2:
        return []
    old, new = told["bitget"], told["bitget-v2"]
    return [
        f"  burst of v2 orders, 1,000 bytes   {new['burst']:,.0f} records/s, {new['cpu_us']:.1f} µs CPU each; "
        f"{new['burst'] / old['burst']:.2f} of the burst of 340 bytes ({old['burst']:,.0f})"
    ]


def reaches(medians: Medians, figures: dict[str, Any]) -> list[str]:
    """Return what is aimed at, and whether it is reached in this run."""
    lines = ["aims (ratios in this run):"]
    peers = {name: told for name, told in medians.items() if name not in (PLAIN, FAST) and not name.startswith(FLOOR)}

    def aim(text: str, value: float, limit: float, least: bool, unit: str = "") -> None:
        reached = value >= limit if least else value <= limit
        lines.append(f"  {'yes' if reached else 'NO ':<4}{text}: {value:,.2f}{unit} (aim: {limit:,g}{unit})")

    if peers and FAST in medians:
        ours = medians[FAST]
        fastest = max(told["burst"] for told in peers.values())
        aim("burst beside the fastest peer's", ours["burst"] / fastest, 5, True)
        if "plain thread" in peers:
            aim("burst beside the plain thread's", ours["burst"] / peers["plain thread"]["burst"], 8, True)
        if PLAIN in medians:
            aim("the same without [fast], fastest peer", medians[PLAIN]["burst"] / fastest, 3, True)
        best = min(told["idle_p50_us"] for told in peers.values())
        aim("p50 at 1,000/s beside the best peer's", ours["idle_p50_us"] / best, 0.6, False)
        if "floor: queue" in medians:
            floor = medians["floor: queue"]["idle_p50_us"] / best
            lines.append(f"      bytes handed to another thread, and nothing made of them: {floor:,.2f}")
        best = min(told["idle_p99_us"] for told in peers.values())
        aim("p99 at 1,000/s beside the best peer's", ours["idle_p99_us"] / best, 1.0, False)
    for name in (PLAIN, FAST):
        if name in medians:
            aim(f"{name}: p99 beside a busy thread", medians[name]["beside_p99_us"] / 1e6, 0.03, False, " s")
        if name in figures:
            told = figures[name]
            aim(f"{name}: memory of a record that waits", told.get("bytes_per_record", 0), 1800, False, " bytes")
            if len(told["streams"]) == 3:
                one, _, hundred = told["streams"]
                aim(f"{name}: CPU a record, 100 streams to 1", hundred["cpu_us"] / one["cpu_us"], 1.25, False)
                aim(f"{name}: 100 idle streams", hundred["idle_share"] * 100, 3, False, " % of a core")
            took = told["import_ms"]
            aim(f"{name}: import, to what it needs", took["ratio"], 1.3, False)
    return lines
