"""What the engine needs of the outside: the transport below it and the consumer's queues above it satisfy these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from futures_stream.dialects.base import Request, Response
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import TransientError
from futures_stream.records import Closed, Record

__all__ = ["Connection", "Errand", "Network", "Sink"]

ResultT = TypeVar("ResultT", covariant=True)


class Connection(Protocol):
    """
    An upgraded WebSocket that never blocks.

    Threads:
        Only the thread that owns it may touch it (OpenSSL allows no two threads in one connection, FAULTS.md §0.1).
    """

    @property
    def ended(self) -> TransientError | None:
        """Why nothing more can come or go; None while the connection lives."""

    @property
    def clock_ahead(self) -> float | None:
        """Seconds by which the server's clock was ahead of ours at the upgrade; None if it did not tell."""

    @property
    def frames(self) -> int:
        """How many complete frames of any kind have come so far."""

    @property
    def pongs(self) -> int:
        """How many WebSocket pongs have come so far."""

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be written."""

    @property
    def has_more(self) -> bool:
        """Whether :meth:`receive` would return something at once, whatever a selector says."""

    def fileno(self) -> int:
        """The descriptor, for a selector."""

    def receive(self) -> Sequence[str | bytes]:
        """
        Return all messages that can be had without waiting, in order; pings are answered on the way.

        A message is text, or bytes if it is not UTF-8. What came before an end is returned before :attr:`ended` says
        so.
        """

    def send(self, text: str) -> None:
        """Queue a message; :meth:`flush` writes it."""

    def ping(self) -> None:
        """Queue a WebSocket ping; :meth:`flush` writes it."""

    def close(self) -> None:
        """Queue a close frame; what still comes may be received until :attr:`ended`."""

    def flush(self) -> None:
        """Write as much of what is queued as the socket takes."""

    def dispose(self) -> None:
        """Give the descriptor back, now."""


class Errand(Protocol[ResultT]):
    """Something that may block, for a thread of its own."""

    def run(self) -> ResultT:
        """
        Do it, within its own total time limit.

        Raises:
            FuturesStreamError: It did not work out; never a secret.
            Exception: A defect, which ends the stream: to try again would be to fail again, and nobody would be told.
        """

    def cancel(self) -> None:
        """Make :meth:`run` end soon, with an error; callable from any thread, any number of times."""


class Network(Protocol):
    """
    The way out.

    Threads:
        Callable from any thread.
    """

    def dial(self, url: Secret, timeout: float) -> Errand[Connection]:
        """Prepare a connection to *url*: name resolution, TCP, TLS and upgrade in *timeout* seconds in all."""

    def call(self, base_url: str, request: Request, timeout: float) -> Errand[Response]:
        """Prepare a REST call, *timeout* seconds in all; every HTTP status is an answer."""


class Sink(Protocol):
    """
    A consumer's queue, as the stream that fills it sees it.

    Threads:
        Called by the I/O thread only. No method waits for the consumer.
    """

    def deliver(self, records: Sequence[Record]) -> None:
        """Take the records that this queue is for, in order; count those for which there is no room."""

    def end(self, notice: Closed) -> None:
        """Take the last notice of this stream; there is always room for it."""
