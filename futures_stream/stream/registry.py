"""The open streams of this process: closed when the interpreter ends, replaced when a notebook's cell runs again."""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from typing import TYPE_CHECKING

from attrs import frozen

from futures_stream.clock import SYSTEM_CLOCK, Clock, Deadline
from futures_stream.dialects import Credentials
from futures_stream.errors import FuturesStreamError
from futures_stream.stream.forking import tell_after_fork

if TYPE_CHECKING:
    from futures_stream.stream.stream import Stream

__all__ = ["Registry", "in_notebook", "open_streams"]

_EXIT_PATIENCE = 2.0  # seconds that closing what was left open may take when the interpreter ends


@frozen(kw_only=True)
class _Entry:
    """One open stream, and what makes another one its successor."""

    stream: Stream
    exchange: str
    account: str
    credentials: Credentials
    since: int


class Registry:
    """
    Keeps the streams that are open, or being opened; those that have ended are forgotten when the next one comes.

    Args:
        clock: Stamps the entries, and measures the patience at the end.

    Threads:
        Every method is callable from any thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self._opening: set[Stream] = set()
        tell_after_fork(self)

    def enter(self, stream: Stream, credentials: Credentials) -> list[tuple[Stream, int]]:
        """
        Take a stream that is about to be started.

        Returns:
            The open streams of the same exchange, account and credentials, and since when (ms) each has been open.
        """
        mine = _Entry(
            stream=stream,
            exchange=stream.exchange,
            account=stream.account,
            credentials=credentials,
            since=self._clock.unix_ms(),
        )
        with self._lock:
            others = [other for other in self._entries if not other.stream.status.state.ended]
            self._entries = [*others, mine]
            self._opening.add(stream)
        return [
            (other.stream, other.since)
            for other in others
            if (other.exchange, other.account) == (mine.exchange, mine.account)
            and other.credentials == mine.credentials
        ]

    def opened(self, stream: Stream) -> None:
        """Take note that nobody waits for a stream to open any more."""
        with self._lock:
            self._opening.discard(stream)

    def close_all(self) -> None:
        """
        Close what was left open, when the interpreter ends: the threads are daemons, but a farewell should be heard.

        What is still being opened has nobody to say farewell to, and a thread that waits for it; it is left alone, so
        that this thread does not print a traceback about an end that nobody regrets.
        """
        with self._lock:
            left = [entry.stream for entry in self._entries if entry.stream not in self._opening]
        for stream in left:
            with contextlib.suppress(FuturesStreamError):
                stream.stop()
        deadline = Deadline(self._clock, _EXIT_PATIENCE)
        for stream in left:
            with contextlib.suppress(FuturesStreamError, RuntimeError):
                stream.close(deadline.remaining or 0.0)

    def after_fork(self) -> None:
        """Know of no stream: those that were open are the parent's."""
        self._lock = threading.Lock()
        self._entries = []
        self._opening = set()


def in_notebook() -> bool:
    """Tell whether this is an IPython kernel or shell, where a cell that opens a stream may be run again."""
    ipython = sys.modules.get("IPython")
    find_shell = getattr(ipython, "get_ipython", None)
    return find_shell is not None and find_shell() is not None


open_streams = Registry(SYSTEM_CLOCK)
"""The one registry of this process."""

atexit.register(open_streams.close_all)
