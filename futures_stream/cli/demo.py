"""``demo``: exchanges, simulated on this machine; no network, no credentials."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack

from futures_stream.cli.arguments import Commands, add_command, seconds
from futures_stream.cli.exits import Exit
from futures_stream.cli.follow import taken
from futures_stream.cli.interrupts import Interrupts
from futures_stream.cli.output import Printer
from futures_stream.cli.summary import summary
from futures_stream.clock import SYSTEM_CLOCK, Deadline
from futures_stream.dialects import DIALECTS
from futures_stream.records import RiskAlert
from futures_stream.stream import Stream, StreamQueue, open_stream
from futures_stream.trackers import RiskMonitor

__all__ = ["add_to", "run"]

_EXAMPLES = """\
  futures-stream demo
  futures-stream demo --exchange bitmusa --seconds 5
  futures-stream demo | jq -c 'select(.kind == "order")'
"""
_SHOWN = ("bitget", "bitmusa")  # unless others are asked for
_STEPS = 25  # of the market, in the time that there is; within a third of them every kind of record has come
_SLOWEST_TICK = 0.6
_REST = 1.0  # seconds for starting and closing, so that the whole command takes no longer than it says


def add_to(commands: Commands) -> None:
    """Add the subcommand."""
    parser = add_command(commands, "demo", "show it at work on simulated exchanges, needing nothing", _EXAMPLES)
    parser.add_argument("--seconds", type=seconds, default=15.0, metavar="S", help="end after S seconds (15)")
    parser.add_argument(
        "--exchange", action="append", choices=list(DIALECTS), metavar="EXCHANGE", help="only this one; may be repeated"
    )
    parser.add_format()
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Print the simulated accounts' records until the time is over, then what came of it."""
    from futures_stream.simulator import Simulator
    from futures_stream.simulator.values import EXCHANGES

    deadline = Deadline(SYSTEM_CLOCK, arguments.seconds - min(_REST, arguments.seconds / 5))
    exchanges = [name for name in EXCHANGES if name in (arguments.exchange or _SHOWN)]
    printer = Printer(interrupts, arguments.format, names=tuple(exchanges))
    _remark(printer, _opening(exchanges, arguments.seconds))
    queue = StreamQueue()
    with Simulator(tick=min(_SLOWEST_TICK, arguments.seconds / _STEPS)) as simulator, ExitStack() as open_streams:
        monitors = {name: RiskMonitor() for name in exchanges}
        streams = {
            name: open_streams.enter_context(
                open_stream(
                    name,
                    simulator.credentials(name),
                    endpoints=simulator.endpoints(name),
                    queue=queue,
                    monitors=[monitors[name]],
                )
            )
            for name in exchanges
        }
        alerts: dict[str, list[RiskAlert]] = {name: [] for name in exchanges}

        def stop() -> None:
            stop_all(streams.values())

        with interrupts.asking(stop):
            for record in taken(queue, deadline, stop):
                printer.show(record)
                if isinstance(record, RiskAlert):
                    alerts[record.exchange].append(record)
    for name in exchanges:
        for line in summary(streams[name], monitors[name], alerts[name]):
            _remark(printer, line)
    _remark(printer, _closing(exchanges))
    return Exit.FINE


def stop_all(streams: Iterable[Stream]) -> None:
    """Ask some streams to end."""
    for stream in streams:
        stream.stop()


def _opening(exchanges: Sequence[str], lasting: float) -> str:
    titles = " and ".join(DIALECTS[name].title for name in exchanges)
    return (
        f"{titles}, simulated on this machine: the private records of an account that trades by itself, "
        f"as they come, for {lasting:g} s (times in UTC)"
    )


def _closing(exchanges: Sequence[str]) -> str:
    return (
        f"That was the demo. Next: futures-stream exchanges (what they can tell), tail {exchanges[-1]} (your account), "
        "simulate (for your own program)."
    )


def _remark(printer: Printer, text: str) -> None:
    """Say something about the records where it does not stand among them."""
    if printer.text:
        printer.write(text)
    elif sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
