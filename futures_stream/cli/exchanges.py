"""``exchanges``: what is supported, and what an exchange cannot tell."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import Any

import attrs

from futures_stream.cli.arguments import Commands, add_command
from futures_stream.cli.exits import Exit
from futures_stream.cli.interrupts import Interrupts
from futures_stream.cli.output import Printer
from futures_stream.dialects import DIALECTS, Dialect

__all__ = ["add_to", "run"]

_EXAMPLES = """\
  futures-stream exchanges
  futures-stream exchanges --format jsonl | jq .caveats
"""
_WIDTH = 100

_LIVE = {True: "yes", False: "no", None: "unverified"}


def add_to(commands: Commands) -> None:
    """Add the subcommand."""
    parser = add_command(commands, "exchanges", "list what is supported, and what an exchange cannot tell", _EXAMPLES)
    parser.add_format()
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Print what is supported."""
    printer = Printer(interrupts, arguments.format)
    for dialect in DIALECTS.values():
        facts = facts_of(dialect)
        printer.write(_paragraph(facts) if printer.text else json.dumps(facts))
    return Exit.FINE


def facts_of(dialect: Dialect) -> dict[str, Any]:
    """Return what there is to know about an exchange, as plain values."""
    return {
        "name": dialect.name,
        "title": dialect.title,
        "live_today": dialect.live_today,
        "accounts": dialect.accounts,
        "ws_url": dialect.endpoints.ws_url,
        "rest_url": dialect.endpoints.rest_url if dialect.lease is not None or dialect.queryable else None,
        "channels": {str(neutral): own for neutral, own in dialect.channels.items()},
        "environment": [
            f"{dialect.credentials.prefixes[0]}{field.name.upper()}" for field in attrs.fields(dialect.credentials)
        ],
        "listen_key": dialect.lease is not None,
        "caveats": list(dialect.caveats),
    }


def _paragraph(facts: dict[str, Any]) -> str:
    words = [neutral if neutral == own else f"{neutral} ({own})" for neutral, own in facts["channels"].items()]
    rows = [
        ("live today", _LIVE[facts["live_today"]]),
        *([("accounts", facts["accounts"])] if facts["accounts"] else []),
        ("stream", facts["ws_url"]),
        ("REST", facts["rest_url"] or "not used"),
        ("channels", ", ".join(words)),
        ("credentials", ", ".join(facts["environment"])),
        *(("know that" if first else "", caveat) for first, caveat in _numbered(facts["caveats"])),
    ]
    lines = [f"{facts['name']}: {facts['title']}"]
    for name, text in rows:
        lines += textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=f"  {name:<12} ",
            subsequent_indent=" " * 15,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines) + "\n"


def _numbered(caveats: list[str]) -> list[tuple[bool, str]]:
    return [(index == 0, caveat) for index, caveat in enumerate(caveats)]
