"""The command line: one module a subcommand, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from futures_stream import __version__
from futures_stream.cli import decode, demo, exchanges, simulate, tail
from futures_stream.cli.arguments import CommandParser
from futures_stream.cli.exits import Exit, explain, leave_quietly
from futures_stream.cli.interrupts import Interrupted, Interrupts
from futures_stream.cli.logs import logs_on_stderr

__all__ = ["main"]

_DESCRIPTION = "Private futures streams of crypto exchanges, one record a line."
_EPILOG = """\
examples:
  futures-stream demo                           both exchanges, simulated on this machine; needs nothing
  futures-stream exchanges                      what is supported, and what an exchange cannot tell
  futures-stream tail bitmusa                   follow an account (credentials from the environment or a profile)
  futures-stream tail bitmusa orders | jq .     one JSON object a line when piped

exit codes:
  0 fine   1 ran, but data was lost or a check failed   2 usage   69 could not connect   77 refused by the exchange
  78 bad configuration, such as missing credentials   130, 143 ended by SIGINT, SIGTERM
"""


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line, and return the exit code.

    Whatever goes wrong becomes one line on standard error, never a traceback.

    Args:
        argv: The arguments without the program's name; those of the process by default.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as ending:  # argparse's way to end: help, version, or a usage error that it has told
        return int(ending.code) if isinstance(ending.code, int) else int(Exit.USAGE)
    with logs_on_stderr(arguments.verbose), Interrupts() as interrupts:
        try:
            code: int = arguments.run(arguments, interrupts)
        except BrokenPipeError:  # the reader, head for example, has seen enough
            code = leave_quietly()
        except Interrupted:
            code = leave_quietly()  # a line may be stuck half written
        except Exception as error:
            code = explain(error)
        return interrupts.exit_code or int(code)


def _parser() -> CommandParser:
    parser = CommandParser(prog="futures-stream", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"futures-stream {__version__}")
    parser.add_verbosity()
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (demo, tail, decode, simulate, exchanges):
        module.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
