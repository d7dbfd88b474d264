"""Heads of HTTP answers: read to their end and no further, bounded, and understood as far as we need."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import timezone
from email.utils import parsedate_to_datetime

from attrs import frozen

from futures_stream.clock import Clock
from futures_stream.transport.patience import Patience
from futures_stream.transport.patient_socket import PatientSocket

__all__ = ["Head", "HeadFirstSocket", "read_head", "retry_after", "seconds_ahead"]

_LARGEST = 65536
_BEGINNING = b"HTTP/1."
_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?:[ \r\n]|$)")


@frozen
class Head:
    """
    The head of an HTTP answer.

    Attributes:
        status: HTTP status.
        lines: Its header lines as they came, without line breaks.
    """

    status: int
    lines: tuple[bytes, ...]

    def lines_of(self, *names: str) -> list[bytes]:
        """Return the lines of some headers."""
        wanted = {name.lower().encode() for name in names}
        return [line for line in self.lines if line.partition(b":")[0].strip().lower() in wanted]

    def lines_for_library(self, *names: str) -> list[bytes]:
        """Return the lines of some headers, but for those that are not ASCII: nothing that matters is written so."""
        return [line for line in self.lines_of(*names) if line.isascii()]

    def value(self, name: str) -> str | None:
        """Return the first value of a header."""
        for line in self.lines_of(name):
            return line.partition(b":")[2].strip().decode("latin-1")
        return None


def read_head(recv: Callable[[], bytes], patience: Patience, beginning: bytes = b"") -> tuple[Head, bytes]:
    """
    Read a head, and nothing of what follows but what has come with it.

    Args:
        recv: What waits for more and returns it, empty at the end.
        patience: What makes the errors.
        beginning: What has come already.

    Returns:
        The head, and the bytes that came behind it.

    Raises:
        ConnectFailed: It is not HTTP, or longer than 64 KiB, or did not come.
    """
    data = bytearray(beginning)
    while (end := _END.search(data)) is None:
        if len(data) > _LARGEST:
            raise patience.failure("the head of the answer has no end")
        piece = recv()
        if not piece:
            raise patience.failure("closed before the answer was complete" if data else "closed without an answer")
        data += piece
        if not data.startswith(_BEGINNING[: len(data)]):
            raise patience.failure("the other side does not speak HTTP; check host and port")
    lines = bytes(data[: end.start()]).splitlines()
    status = _STATUS.match(lines[0])
    if status is None or end.start() > _LARGEST:
        raise patience.failure("the other side does not speak HTTP as it should")
    return Head(int(status[1]), tuple(lines[1:])), bytes(data[end.end() :])


class HeadFirstSocket(PatientSocket):
    """
    A socket that reads the head of an answer itself, and shows a library of it what *show* makes of it.

    So a library reads no head byte by byte, sees none that is endless, and cannot keep, follow, log or choke on what it
    need not know.

    Args:
        sock: A connected, non-blocking socket.
        patience: The errand's time limit and cancellation.
        show: Returns what the library may see of a head; None for one that is followed by another.

    Attributes:
        unread: What has come and was not asked for yet.
    """

    def __init__(self, sock: socket.socket, patience: Patience, show: Callable[[Head], bytes | None]) -> None:
        super().__init__(sock, patience)
        self.unread = b""
        self._show = show
        self._begun = False

    def recv(self, size: int = 65536) -> bytes:
        """Return what there is, the head first."""
        shown = None
        while not self._begun:
            self._patience.check()
            head, self.unread = read_head(super().recv, self._patience, self.unread)
            shown = self._show(head)
            self._begun = shown is not None
        if shown is not None:
            self.unread = shown + self.unread
        if not self.unread:
            return super().recv(size)
        part, self.unread = self.unread[:size], self.unread[size:]
        return part


def retry_after(value: str | None, clock: Clock) -> float | None:
    """
    Return what a Retry-After header asks for: seconds to wait, never negative; None if it says nothing.

    Args:
        value: Seconds, or a date.
        clock: What tells the time now, for a date.
    """
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    ahead = seconds_ahead(value, clock)
    return None if ahead is None else max(0.0, ahead)


def seconds_ahead(date: str | None, clock: Clock) -> float | None:
    """Return by how many seconds a date in a header is ahead of our clock; None if it is none."""
    if date is None:
        return None
    try:
        then = parsedate_to_datetime(date)
        if then.tzinfo is None:  # "-0000": a time in UTC that says nothing about where it was written
            then = then.replace(tzinfo=timezone.utc)
        return then.timestamp() - clock.unix_ms() / 1000
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
