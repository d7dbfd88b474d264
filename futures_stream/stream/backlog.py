"""How far a consumer is behind: said in the log when it is far, and when it is not any more."""

from __future__ import annotations

import logging

from futures_stream.records import Record

__all__ = ["Backlog"]

log = logging.getLogger("futures_stream.stream")

_FIRST_MARK = 10_000  # records that wait; then ten times as many, and so on
_CAUGHT_UP = 0.8  # of a mark, below which it counts again


class Backlog:
    """
    Warns whoever reads the log that records pile up, once a mark; it would be no use to tell the consumer, who does not
    read.

    Threads:
        Belongs to whoever fills the queue; two that do so at once may say something twice.
    """

    __slots__ = ("_high", "_low")

    def __init__(self) -> None:
        self._high = _FIRST_MARK
        self._low = -1.0

    def look(self, waiting: int, last: Record) -> None:
        """
        Take note of how many wait now.

        Args:
            waiting: How many.
            last: The newest of them, which says whose they are.
        """
        if waiting >= self._high:
            log.warning(
                "%s/%s: the consumer is behind: %s records wait in its queue. What finds no room will be missing",
                last.exchange,
                last.account,
                f"{waiting:,}",
            )
            while waiting >= self._high:
                self._low = self._high * _CAUGHT_UP
                self._high *= 10
        elif waiting < self._low:
            log.info("%s/%s: the consumer catches up: %s records wait", last.exchange, last.account, f"{waiting:,}")
            while waiting < self._low:
                self._high //= 10
                self._low = self._high // 10 * _CAUGHT_UP if self._high > _FIRST_MARK else -1.0
