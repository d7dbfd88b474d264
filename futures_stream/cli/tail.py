"""``tail``: follow one account."""

from __future__ import annotations

import argparse
import sys

from futures_stream.cli.arguments import Commands, add_command, count, seconds
from futures_stream.cli.exits import Exit, UsageError, explain, say
from futures_stream.cli.follow import taken
from futures_stream.cli.interrupts import Interrupts
from futures_stream.cli.lines import label
from futures_stream.cli.output import LOSSES, Printer
from futures_stream.clock import SYSTEM_CLOCK, Deadline
from futures_stream.dialects import Dialect, Endpoints, find_dialect
from futures_stream.errors import ConfigError
from futures_stream.records import Closed, Gap, Notice, Resynced
from futures_stream.stream import Options, Stream, open_stream
from futures_stream.stream.profiles import find_credentials

__all__ = ["add_to", "run"]

_EXAMPLES = """\
  futures-stream tail bitmusa
  futures-stream tail bitmusa orders positions --symbol BTCUSDT
  futures-stream tail bitmusa --account hedge --format jsonl >> hedge.jsonl
  futures-stream tail bitget --ws-url ws://127.0.0.1:8080/mix/v1/stream

credentials come from the environment (FUTURES_STREAM_BITMUSA_AUTH_KEY ...; futures-stream exchanges lists the names) or
from the profile file; never from arguments, which every user of the machine can see.

exit code 1 means that data was lost on the way: an overflow, unreadable or channel_lost was printed, or a
gap that was not proven to be repaired.
"""


def add_to(commands: Commands) -> None:
    """Add the subcommand."""
    parser = add_command(commands, "tail", "open one account's stream and print one record a line", _EXAMPLES)
    parser.add_exchange()
    parser.add_argument("channels", metavar="CHANNEL", nargs="*", default=[], help="what to listen to; all if left out")
    parser.add_argument("--symbol", action="append", metavar="S", help="only this contract; may be repeated")
    parser.add_argument("--account", default="default", metavar="NAME", help="a label, and the section of the profile")
    parser.add_argument(
        "--count", type=count, metavar="N", help="end after N records of the account; notices are not counted"
    )
    parser.add_argument("--seconds", type=seconds, metavar="S", help="end after S seconds of listening")
    parser.add_format()
    parser.add_argument("--info", action="store_true", help="show the exchange's raw rows as well")
    parser.add_argument("--ws-url", metavar="URL", help="the stream's URL; for bitmusa the part before /ws/future/")
    parser.add_argument("--rest-url", metavar="URL", help="the REST API's base URL")
    parser.add_argument("--timeout", type=seconds, default=30.0, metavar="S", help="longest wait to be live (30)")
    parser.add_argument("--proxy", metavar="URL", help="an HTTP proxy, http://host:port")
    parser.add_argument("--ca-file", metavar="FILE", help="trust these certificate authorities instead of the usual")
    parser.add_argument(
        "--allow-plaintext", action="store_true", help="let ws:// and http:// leave this machine, credentials and all"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Follow the account until it is enough."""
    dialect = find_dialect(arguments.exchange)
    _check_channels(dialect, arguments.channels)
    printer = Printer(
        interrupts, arguments.format, info=arguments.info, names=(label(dialect.name, arguments.account),)
    )
    with _opened(dialect, arguments) as stream, interrupts.asking(stream.stop):
        return _follow(stream, printer, arguments)


def _opened(dialect: Dialect, arguments: argparse.Namespace) -> Stream:
    endpoints = Endpoints(arguments.ws_url, arguments.rest_url)
    credentials = find_credentials(dialect, arguments.account, None)
    if sys.stderr is not None and sys.stderr.isatty():
        say(f"connecting to {dialect.at(endpoints).ws_url}, for at most {arguments.timeout:g} s ...")
    return open_stream(
        dialect,
        credentials,
        account=arguments.account,
        channels=arguments.channels or None,
        symbols=arguments.symbol,
        endpoints=endpoints,
        options=Options(proxy=arguments.proxy, ca_file=arguments.ca_file, allow_plaintext=arguments.allow_plaintext),
        timeout=arguments.timeout,
    )


def _follow(stream: Stream, printer: Printer, arguments: argparse.Namespace) -> int:
    left, lost, blind = arguments.count, False, False
    for record in taken(stream.queue, Deadline(SYSTEM_CLOCK, arguments.seconds), stream.stop):
        printer.show(record)
        lost = lost or isinstance(record, LOSSES)
        if isinstance(record, Gap):
            blind = True
        elif isinstance(record, Resynced):  # a gap that is proven to be repaired has lost nothing
            blind, lost = False, lost or not record.complete
        if isinstance(record, Closed) and record.error is not None:
            return explain(record.error)
        if left is not None and not isinstance(record, Notice):
            left -= 1
            if not left:
                break
    return Exit.LOST if lost or blind else Exit.FINE


def _check_channels(dialect: Dialect, channels: list[str]) -> None:
    try:
        dialect.resolve_channels(channels or None)
    except ConfigError as error:
        raise UsageError(error.message) from None
