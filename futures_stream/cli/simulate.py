"""``simulate``: the exchanges on this machine, for programs to be tried against."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import TYPE_CHECKING, Any, cast

import attrs

from futures_stream.cli.arguments import Commands, add_command, on_a_terminal, port, seconds
from futures_stream.cli.exits import Exit, say
from futures_stream.cli.interrupts import Interrupts
from futures_stream.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from futures_stream.simulator import Simulator

__all__ = ["add_to", "run"]

_EXAMPLES = """\
  futures-stream simulate
  futures-stream simulate bitmusa --port 8080 --seed 7 --tick 1

the first line is a JSON object: for each exchange its ws_url, its rest_url, and as environment the variables with the
credentials that it accepts (they are worth nothing anywhere else).
"""


def add_to(commands: Commands) -> None:
    """Add the subcommand."""
    parser = add_command(commands, "simulate", "run the simulator alone, on this machine, until it is ended", _EXAMPLES)
    parser.add_exchange(nargs="?")
    parser.add_argument("--port", type=port, default=0, help="the port to listen on; any free one by default")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="what the market's story depends on")
    parser.add_argument("--tick", type=seconds, default=0.5, metavar="S", help="seconds between steps of the market")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="end after S seconds")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Run the simulator until the time is over or a signal comes."""
    from futures_stream.simulator import Simulator
    from futures_stream.simulator.values import EXCHANGES

    exchanges = (arguments.exchange,) if arguments.exchange else EXCHANGES
    try:
        simulator = Simulator(seed=arguments.seed, port=arguments.port, tick=arguments.tick).start()
    except OSError as error:
        say(f"cannot listen on port {arguments.port}: {error.strerror or error}; choose another --port")
        return Exit.UNAVAILABLE
    with simulator:
        told = {exchange: _told(simulator, exchange) for exchange in exchanges}
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
        if on_a_terminal():
            for exchange, where in told.items():
                say(f"try in another terminal: {_try(exchange, where)}")
        SYSTEM_CLOCK.event().wait(arguments.seconds)  # or a signal ends it
    return Exit.FINE


def _told(simulator: Simulator, exchange: Any) -> dict[str, Any]:
    endpoints = simulator.endpoints(exchange)
    credentials = simulator.credentials(exchange)
    prefix = type(credentials).prefixes[0]
    return {
        "ws_url": endpoints.ws_url,
        "rest_url": endpoints.rest_url,
        "environment": {
            f"{prefix}{field.name.upper()}": getattr(credentials, field.name).reveal()
            for field in attrs.fields(type(credentials))
        },
    }


def _try(exchange: str, where: dict[str, Any]) -> str:
    variables = cast("dict[str, str]", where["environment"])
    return " ".join(
        (
            *(f"{name}={shlex.quote(value)}" for name, value in variables.items()),
            f"futures-stream tail {exchange} --ws-url {where['ws_url']} --rest-url {where['rest_url']}",
        )
    )
