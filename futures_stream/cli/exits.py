"""How the program ends: an exit code for each class of error, and one line that says what to do next."""

from __future__ import annotations

import logging
import os
import sys
from enum import IntEnum

from futures_stream.errors import (
    ConfigError,
    FatalError,
    FuturesStreamError,
    OpenTimeout,
    ShutdownTimeout,
    StreamFailed,
    TransientError,
    printable,
)

__all__ = ["Exit", "UsageError", "code_of", "explain", "leave_quietly", "say"]

_LONGEST_LINE = 1000
log = logging.getLogger(__name__)


class Exit(IntEnum):
    """The exit codes; those above 64 are the ones that sysexits.h names."""

    FINE = 0
    LOST = 1
    USAGE = 2
    UNAVAILABLE = 69
    REFUSED = 77
    MISCONFIGURED = 78


class UsageError(Exception):
    """The command line makes no sense, in a way that only showed when it ran."""


def code_of(error: BaseException | None) -> Exit:
    """Return the exit code that an error means."""
    if isinstance(error, StreamFailed) and error.__cause__ is not None:
        return code_of(error.__cause__)
    if isinstance(error, UsageError):
        return Exit.USAGE
    if isinstance(error, ConfigError):
        return Exit.MISCONFIGURED
    if isinstance(error, FatalError):
        return Exit.REFUSED
    if isinstance(error, TransientError | OpenTimeout | StreamFailed):
        return Exit.UNAVAILABLE
    return Exit.LOST


def explain(error: Exception) -> Exit:
    """Say in one line what happened and what to do next, and return the exit code."""
    code = code_of(error)
    log.debug("the command ended with an error", exc_info=error)
    text = str(error) or type(error).__name__
    if isinstance(error, FuturesStreamError):
        named = "" if error.exchange is None or text.startswith(error.exchange) else f"{error.exchange}: "
        say(f"{named}{text}{_advice(error, code)}")
    elif isinstance(error, UsageError):
        say(text)
    elif isinstance(error, OSError):
        say(f"cannot read or write: {error.strerror or text}")
    else:
        say(f"a defect of this program, please report it with what -vv logs: {type(error).__name__}: {text}")
    return code


def say(text: str) -> None:
    """Write a line to standard error, if there is one."""
    if sys.stderr is not None:
        try:
            sys.stderr.write(f"futures-stream: {printable(text, _LONGEST_LINE)}\n")
            sys.stderr.flush()
        except OSError:
            sys.stderr = None  # nobody listens there any more, not even when the interpreter flushes it


def leave_quietly() -> Exit:
    """Let what is still buffered for standard output vanish, so that the interpreter's last flush cannot fail."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, sys.stdout.fileno())
        finally:
            os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        pass  # standard output is no file: nothing to flush
    return Exit.FINE


def _advice(error: FuturesStreamError, code: Exit) -> str:
    if isinstance(error, ShutdownTimeout):
        return "; the program ends all the same"
    if code is Exit.UNAVAILABLE:
        return "; check network and URLs, and see each try with -v"
    return ""
