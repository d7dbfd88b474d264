"""Records on standard output: a line each, flushed."""

from __future__ import annotations

import os
import sys

from futures_stream.cli.arguments import on_a_terminal
from futures_stream.cli.interrupts import Interrupts
from futures_stream.cli.lines import Layout
from futures_stream.interop import to_json
from futures_stream.records import ChannelLost, Overflow, Record, Unreadable

__all__ = ["LOSSES", "Printer"]

LOSSES = (Overflow, Unreadable, ChannelLost)
"""Notices that tell of lost data; so does a gap that is not proven to be repaired."""


class Printer:
    """
    Prints records.

    Args:
        interrupts: May break a write that hangs.
        form: ``jsonl`` or ``text``; None for text on a terminal, else jsonl.
        info: Whether to show the raw rows.
        names: The labels (``exchange/account``) that will come, so that the columns fit.
    """

    def __init__(
        self, interrupts: Interrupts, form: str | None = None, *, info: bool = False, names: tuple[str, ...] = ()
    ) -> None:
        if sys.stdout is None:
            raise OSError(0, "standard output is closed")
        self._interrupts = interrupts
        self._info = info
        self.text = form == "text" if form else on_a_terminal()
        self._layout = Layout(names, colours=on_a_terminal() and _colours_wanted())
        if self.text and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a character should not end us

    def show(self, record: Record) -> None:
        """Print a record or notice."""
        self.write(self._layout.line(record, self._info) if self.text else to_json(record, self._info))

    def write(self, line: str) -> None:
        """Print a line as it is."""
        with self._interrupts.breakable():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def _colours_wanted() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
