"""What the subcommands' arguments have in common."""

from __future__ import annotations

import argparse
import math
import sys
from typing import Any, NoReturn

from futures_stream.cli.exits import Exit
from futures_stream.dialects import DIALECTS

__all__ = ["CommandParser", "Commands", "count", "port", "seconds"]

Commands = Any
"""What ``add_subparsers`` returns; argparse keeps its class to itself."""


class CommandParser(argparse.ArgumentParser):
    """
    An argument parser whose errors are one line, and whose help keeps its line breaks.

    One that has no subcommands takes options and positional arguments in any order. By itself argparse would refuse
    ``tail bitmusa --symbol BTCUSDT orders``.
    """

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        settings.setdefault("allow_abbrev", False)
        super().__init__(**settings)
        self._intermixing = False

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, and end with the code for usage."""
        self.exit(Exit.USAGE, f"{self.prog}: {' '.join(message.split())}; see {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; argparse's own way to mix them calls this again, inside."""
        if self._intermixing or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._intermixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixing = False

    def add_verbosity(self, **settings: Any) -> None:
        """Add ``--verbose``."""
        settings.setdefault("default", 0)
        self.add_argument(
            "-v", "--verbose", action="count", help="log to standard error; twice for every step", **settings
        )

    def add_exchange(self, **settings: Any) -> None:
        """Add the argument that names an exchange."""
        self.add_argument("exchange", metavar="EXCHANGE", choices=list(DIALECTS), help=", ".join(DIALECTS), **settings)

    def add_format(self) -> None:
        """Add ``--format``."""
        self.add_argument(
            "--format",
            choices=("jsonl", "text"),
            help="JSON, an object a line, or lines for people; by default text on a terminal, else jsonl",
        )


def add_command(commands: Commands, name: str, summary: str, examples: str) -> CommandParser:
    """
    Add a subcommand, and return its parser.

    Args:
        commands: What ``add_subparsers`` returned.
        name: Its word.
        summary: What it does, a line.
        examples: Shown under its help.
    """
    parser: CommandParser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=f"examples:\n{examples}"
    )
    parser.add_verbosity(default=argparse.SUPPRESS)
    return parser


def on_a_terminal() -> bool:
    """Tell whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def seconds(text: str) -> float:
    """Read a number of seconds above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def count(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def port(text: str) -> int:
    """Read the number of a TCP port; 0 means any."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)
