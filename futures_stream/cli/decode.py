"""``decode``: read recorded messages with the same parser that reads live ones."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import attrs

from futures_stream.cli.arguments import Commands, add_command
from futures_stream.cli.exits import Exit, UsageError, say
from futures_stream.cli.interrupts import Interrupts
from futures_stream.cli.output import Printer
from futures_stream.dialects import Dialect, find_dialect
from futures_stream.dialects.base import Control, Session
from futures_stream.errors import FuturesStreamError, MessageNotUnderstood, SubscriptionRejected
from futures_stream.records import Record, Unreadable

__all__ = ["Recording", "add_to", "run"]

_EXAMPLES = """\
  futures-stream decode bitget recorded.jsonl
  futures-stream decode bitmusa --info < recorded.jsonl | jq .

each line is one message as it came: a JSON text. Control messages (logins, confirmations, pongs, errors) are counted on
standard error; a message that cannot be read becomes an "unreadable" line, and the exit code 1.
"""
_ACCOUNT = "default"
_NOBODY = "nobody-at-all-since-a-recording-needs-no-credentials"
_LONGEST_SHOWN = 4096
_BOM = b"\xef\xbb\xbf"


def add_to(commands: Commands) -> None:
    """Add the subcommand."""
    parser = add_command(commands, "decode", "print the records that recorded messages hold, as JSONL", _EXAMPLES)
    parser.add_exchange()
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="the recording; - or none: standard input")
    parser.add_argument("--info", action="store_true", help="show the exchange's raw rows as well")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Print what a recording holds."""
    recording = Recording(find_dialect(arguments.exchange))
    printer = Printer(interrupts, "jsonl", info=arguments.info)
    lost = False
    with _opened(arguments.file) as file:
        for line in iter(file.readline, b""):
            for record in recording.read(line):
                printer.show(record)
                lost = lost or isinstance(record, Unreadable)
    for label, times in recording.control.items():
        say(f"{times} x {label}")
    return Exit.LOST if lost else Exit.FINE


class Recording:
    """
    Reads messages one after another, whatever connections they came from.

    Args:
        dialect: What they are written in.

    Attributes:
        control: Messages that hold no records by their nature, counted by what they are.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.control: Counter[str] = Counter()
        self._dialect = dialect
        self._session = self._new_session()
        self._next_seq = 1

    def read(self, line: bytes) -> list[Record]:
        """Return the records of one message, an ``Unreadable`` if it cannot be read; nothing for an empty line."""
        line = line.removeprefix(_BOM).strip()
        if not line:
            return []
        records = self._records(line)
        self._next_seq += len(records)
        return records

    def _records(self, line: bytes) -> list[Record]:
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            shown = line[:_LONGEST_SHOWN].decode(errors="backslashreplace")
            return [self._unreadable(f"not UTF-8: {error.reason} at byte {error.start}", shown)]
        try:
            heard = self._session.receive(text, received_ns=0, seq=self._next_seq)
        except MessageNotUnderstood as error:
            return [self._unreadable(error.message, error.text or text)]
        except FuturesStreamError as error:
            self._told(error)
            return []
        if not isinstance(heard, Control):
            self._session.take_sends()
            return heard
        self.control[heard.label] += 1
        return []

    def _told(self, error: FuturesStreamError) -> None:
        """Count an error message, and go on as the next connection of a recording would."""
        self.control[f"{type(error).__name__}: {error.message}"] += 1
        if isinstance(error, SubscriptionRejected):
            self._session.proceed()
        else:
            self._session = self._new_session()

    def _new_session(self) -> Session:
        kind: Any = self._dialect.credentials
        session = self._dialect.session(
            credentials=kind(**{field.name: _NOBODY for field in attrs.fields(kind)}),
            account=_ACCOUNT,
            channels=self._dialect.resolve_channels(None),
            symbols=None,
        )
        session.opened(0)
        return session

    def _unreadable(self, error: str, text: str) -> Unreadable:
        return Unreadable(
            exchange=self._dialect.name,
            account=_ACCOUNT,
            seq=self._next_seq,
            text=text[:_LONGEST_SHOWN],
            error=error,
        )


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        if sys.stdin is None:
            raise UsageError("there is no standard input; name a FILE")
        yield sys.stdin.buffer
        return
    try:
        file = open(name, "rb")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from None
    with file:
        yield file
