"""The connections that the I/O thread waits for: mostly one, two for a moment while one takes over from the other."""

from __future__ import annotations

import selectors
from collections import Counter

from futures_stream.clock import Clock
from futures_stream.dialects.counts import counted_together
from futures_stream.engine.inbox import Inbox
from futures_stream.engine.link import Link

__all__ = ["Links"]

_READ, _READ_AND_WRITE = selectors.EVENT_READ, selectors.EVENT_READ | selectors.EVENT_WRITE


class Links:
    """
    One selector over an inbox and some links.

    Args:
        inbox: What wakes the thread besides its links.
        clock: Owns the wait.

    Attributes:
        unknown_words: Words that no dialect knew, of the links that are gone.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self.unknown_words: Counter[str] = Counter()
        self._inbox = inbox
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._selector.register(inbox, selectors.EVENT_READ)
        self._watched: dict[Link, int] = {}

    def add(self, link: Link) -> None:
        """Watch a link."""
        self._selector.register(link.connection, _READ)
        self._watched[link] = _READ

    def drop(self, link: Link) -> None:
        """Watch a link no more, and give its descriptor back."""
        if self._watched.pop(link, None) is not None:
            self.unknown_words = counted_together(self.unknown_words, link.session.unknown)
            self._selector.unregister(link.connection)
            link.connection.dispose()

    def drop_all(self) -> None:
        """Watch nothing but the inbox."""
        for link in tuple(self._watched):
            self.drop(link)

    def wait(self, timeout: float | None) -> bool:
        """
        Wait until something can be read or written, or the inbox calls, at most *timeout* seconds.

        Returns:
            Whether there is something to read or write, and the inbox has not called.
        """
        has_more = False
        for link, watched in self._watched.items():
            connection = link.connection
            # Writing is waited for only while something is to be written: a socket is almost always ready for more.
            wanted = _READ_AND_WRITE if connection.wants_write else _READ
            if wanted != watched:
                self._selector.modify(connection, wanted)
                self._watched[link] = wanted
            has_more = has_more or connection.has_more
        ready = self._clock.select(self._selector, 0.0 if has_more else timeout)
        for key, _events in ready:
            if key.fileobj is self._inbox:
                self._inbox.woken()
                return False
        return has_more or bool(ready)

    @property
    def deadlines(self) -> list[float]:
        """When the links want to look at the time, in monotonic seconds."""
        return [link.deadline for link in self._watched]

    def after_fork(self) -> None:
        """In a child that was forked: give the selector back as it is; to drop a link would drop it for the parent."""
        self._selector.close()

    def close(self) -> None:
        """Give everything back."""
        self.drop_all()
        self._selector.close()
