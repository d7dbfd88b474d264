"""What a session wants sent, held back until the host's budget allows it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence

from futures_stream.clock import Clock
from futures_stream.dialects.base import Send
from futures_stream.engine.budget import Budget
from futures_stream.engine.ports import Connection

__all__ = ["Outbox"]

log = logging.getLogger("futures_stream.engine")


class Outbox:
    """
    Sends in order, and no more than is allowed.

    Args:
        connection: Takes what is sent.
        budget: Returns the host's budget for a kind of action.
        clock: Measures the pauses.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, connection: Connection, budget: Callable[[str], Budget], clock: Clock) -> None:
        self._connection = connection
        self._budget = budget
        self._clock = clock
        self._waiting: deque[tuple[float, Send]] = deque()

    @property
    def deadline(self) -> float | None:
        """When the next one may go, in monotonic seconds; None if none waits."""
        return self._waiting[0][0] if self._waiting else None

    def put(self, sends: Sequence[Send]) -> None:
        """Send these, after those that wait."""
        for send in sends:
            kinds = ("message",) if send.counts_as is None else ("message", send.counts_as)
            pause = max(self._budget(kind).book() for kind in kinds)
            at = self._clock.monotonic() + pause
            self._waiting.append((max(at, self._waiting[-1][0]) if self._waiting else at, send))
        self.pump()

    def ping(self, text: str) -> None:
        """Send a ping before all that waits: it counts as a message, but silence would end the connection."""
        self._budget("message").book()
        self._connection.send(text)

    def pump(self) -> None:
        """Send what may go by now."""
        while self._waiting and self._waiting[0][0] <= self._clock.monotonic():
            _, send = self._waiting.popleft()
            log.debug("send %s", send.label)
            self._connection.send(send.text)
