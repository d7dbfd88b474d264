"""Steady traffic: records come, and nothing else is to be done."""

from __future__ import annotations

import math

from futures_stream.clock import Clock
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.link import Link
from futures_stream.engine.links import Links

__all__ = ["Steady"]

_LOOK_EVERY = 0.25  # seconds of traffic after which the loop looks at everything all the same


class Steady:
    """
    Waits for the loop, and meanwhile delivers what the connection that serves says, if that is records and no more.

    A turn of the loop looks at everything that may be due, and nearly every time at nothing but one record. Who waits
    for that record waits for the turn: for its first half before the record is on the queue, and for its second half
    too, because until the loop waits again nobody else has the interpreter. So between two turns there is only read,
    deliver, wait.

    That nothing is late by it relies on this, and whoever changes one of these changes them here:

    * What a connection says besides records (an answer, a pong, what cannot be read, its end) is never all that
      happens: :meth:`Link.hear_records` says so, keeps an error for :meth:`Link.read`, and the turn follows at once.
    * Other threads ring the inbox, :meth:`Feed.stop` too, and :meth:`Links.wait` says so.
    * A record moves no deadline to an earlier time: it moves the silence limit to a later one, and no other. What moves
      one to an earlier time is done in a turn, and the next wait knows.
    * The loop says when nothing is under way that a turn has to look at without being called: see
      :attr:`Connections.undisturbed`.

    Args:
        links: What is waited for.
        delivery: Takes the records.
        clock: Measures the time.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, links: Links, delivery: Delivery, clock: Clock) -> None:
        self._links = links
        self._delivery = delivery
        self._clock = clock

    def wait(self, link: Link | None, patience: float | None) -> None:
        """
        Wait until there is something to do for the loop, at most *patience* seconds.

        Args:
            link: The connection that serves, if nothing else is under way; None to do no more than wait.
            patience: How long nothing needs to be done; None for ever.
        """
        if link is None:
            self._links.wait(patience)
            return
        due = math.inf if patience is None else self._clock.monotonic() + patience
        until: float | None = None  # counted from the first record: a stream that is silent need not be looked at
        while self._links.wait(patience) and link.hear_records():
            self._delivery.flush()
            now = self._clock.monotonic()
            if until is None:
                until = min(due, now + _LOOK_EVERY)
            if now >= until:
                return
            patience = until - now
