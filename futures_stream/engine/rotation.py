"""Moving to a new connection on purpose: it is made before the old one is given up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from random import Random

from futures_stream.clock import Clock
from futures_stream.engine.link import Link
from futures_stream.engine.links import Links
from futures_stream.engine.overlap import Overlap
from futures_stream.errors import ConnectionLost, FuturesStreamError
from futures_stream.records import Record

__all__ = ["Rotations"]

log = logging.getLogger("futures_stream.engine")

_WITHIN = (0.94, 0.98)  # of a connection's lifetime; of a day, between 22.6 and 23.5 hours
_AGAIN = 60.0  # seconds after a move that failed
_NOT_HEARD_OUT = "the connection that was left did not close in order"
_ECHO = 10.0  # seconds that the new connection may lag behind what the old one had said


class Rotations:
    """
    When to move to a new connection, and the move that is under way.

    Args:
        name: The stream's, for the log.
        lifetime: Seconds after which the exchange cuts a connection; None if it does not.
        links: Watches the connections.
        begin_dial: Starts on a new connection.
        give_up_dial: Forgets the one that is being made.
        deliver: Takes records that were held back.
        missing: Told why and since when (ms) something may be missing, of a connection that was left in vain.
        left: Called when the old connection has ended, and what was held back of the new one is delivered.
        farewell: Seconds that an old connection gets to end.
        clock: Measures everything.
        random: Where the jitter comes from: not all of a machine's accounts should move at once.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(
        self,
        *,
        name: str,
        lifetime: float | None,
        links: Links,
        begin_dial: Callable[[], None],
        give_up_dial: Callable[[], None],
        deliver: Callable[[list[Record]], None],
        missing: Callable[[str, int], None],
        left: Callable[[], None],
        farewell: float,
        clock: Clock,
        random: Random,
    ) -> None:
        self._name = name
        self._lifetime = lifetime
        self._links = links
        self._begin_dial = begin_dial
        self._give_up_dial = give_up_dial
        self._deliver = deliver
        self._missing = missing
        self._left = left
        self._farewell = farewell
        self._clock = clock
        self._random = random
        self._due_at: float | None = None
        self._move: _Move | None = None

    @property
    def deadlines(self) -> list[float | None]:
        """When to look at the time, in monotonic seconds."""
        return [
            self._due_at if self.unsure_since is None else None,
            None if self._move is None else self._move.deadline,
        ]

    @property
    def due(self) -> bool:
        """Whether it is time for a planned move; never before the one before has heard its old connection out."""
        return self._due_at is not None and self.unsure_since is None and self._clock.monotonic() >= self._due_at

    @property
    def under_way(self) -> bool:
        """Whether a move has begun whose echo may still be heard."""
        return self._move is not None

    @property
    def awaits_connection(self) -> bool:
        """Whether the connection that is being made is for a move."""
        return self._move is not None and self._move.undecided

    @property
    def successor(self) -> Link | None:
        """The new connection while it is greeted; None if there is none, or it serves already."""
        return None if self._move is None else self._move.greeting

    @property
    def unsure_since(self) -> int | None:
        """Since when, in ms, something may be missing of a connection that is being left; None of none."""
        return None if self._move is None else self._move.unsure_since

    @property
    def reason(self) -> str:
        """Why the move that is under way was begun."""
        return "" if self._move is None else self._move.reason

    def plan(self) -> None:
        """A connection has begun to serve: move before the exchange cuts it."""
        if self._lifetime is not None:
            self._due_at = self._clock.monotonic() + self._lifetime * self._random.uniform(*_WITHIN)

    def begin(self, reason: str, old: Link) -> None:
        """
        Start on a new connection while the old one goes on.

        Raises:
            TransientError: It cannot even be started on.
        """
        unsure_since = self.unsure_since
        self.forget()
        if unsure_since is not None:
            self._missing(_NOT_HEARD_OUT, unsure_since)
        self._move = _Move(reason, old, self._links, self._deliver, self._missing, self._clock)
        self._begin_dial()

    def meet(self, new: Link) -> None:
        """The new connection is there; it is to be greeted by the caller."""
        if self._move is not None:
            self._move.meet(new)

    def tend(self) -> Link | None:
        """
        Deal with what both connections say; return the new one at the moment when it begins to serve.

        Raises:
            FuturesStreamError: The new one cannot be made to serve.
        """
        move = self._move
        if move is None:
            return None
        served = move.try_new()
        if served is not None:
            move.switch(self._farewell)
            self.plan()
        if move.tend_old():
            self._left()
        if move.over and self._move is move:
            self._move = None
        return served

    def failed(self, error: FuturesStreamError) -> None:
        """The move that is under way has failed; the old connection goes on, and it is tried again later."""
        log.warning("%s: could not move to a new connection: %s", self._name, error)
        self.forget()
        self._due_at = self._clock.monotonic() + _AGAIN

    def forget(self) -> None:
        """
        Plan nothing, and leave what is under way; whichever connection serves goes on serving.

        Whether something may be missing of one that is being left (:attr:`unsure_since`) is the caller's to tell.
        """
        self._due_at = None
        move, self._move = self._move, None
        if move is not None:
            if move.undecided:
                self._give_up_dial()
            move.give_up()


class _Move:
    """
    One move from an old connection to a new one.

    While the new one is dialled and greets, the old one goes on. Then the old one is pinged and asked to close, and
    what it had still in flight is delivered; behind that comes what only the new one has said (:class:`Overlap`). That
    all has come which the old one was to say before the new one served is known by its answer to the close frame, which
    not every exchange gives, or to the ping: TCP keeps the order. An old one that gives neither was dead already,
    perhaps, and nobody had noticed: that is a gap.

    Attributes:
        reason: Why.
        over: Whether nothing is left to do.
    """

    def __init__(
        self,
        reason: str,
        old: Link,
        links: Links,
        deliver: Callable[[list[Record]], None],
        missing: Callable[[str, int], None],
        clock: Clock,
    ) -> None:
        self.reason = reason
        self.over = False
        self._old = old
        self._new: Link | None = None
        self._links = links
        self._deliver = deliver
        self._missing = missing
        self._clock = clock
        self._overlap = Overlap()
        self._old_until: float | None = None
        self._echo_until: float | None = None
        # From now on, not from when the new connection is in our hands: the exchange may push to both before that.
        before = self._before = old.through  # the old one may itself still lag behind its predecessor
        says = self._overlap.old_says
        old.through = says if before is None else lambda records: says(before(records))

    @property
    def undecided(self) -> bool:
        """Whether the old connection still serves."""
        return self._old_until is None and self._echo_until is None and not self.over

    @property
    def greeting(self) -> Link | None:
        """The new connection, as long as the old one serves."""
        return self._new if self.undecided else None

    @property
    def unsure_since(self) -> int | None:
        """When the old connection was heard last, in ms, while it has been asked to answer and has not done so."""
        return None if self._old_until is None or self._old.has_answered else self._old.sure_until

    @property
    def deadline(self) -> float | None:
        """When to look at the time, in monotonic seconds."""
        return self._old_until if self._echo_until is None else self._echo_until

    def meet(self, new: Link) -> None:
        """The new connection is there; it is to be greeted by the caller."""
        self._new = new
        new.through = self._overlap.new_says

    def try_new(self) -> Link | None:
        """Go on with the new connection's greeting; return it when it is done."""
        new = self._new
        if new is None or not self.undecided:
            return None
        new.read()
        new.look_at_time()
        new.write()
        return new if new.session.greeted else None

    def switch(self, farewell: float) -> None:
        """The new connection serves from now on: ask the old one to close, within *farewell* seconds."""
        self._old_until = self._clock.monotonic() + farewell
        self._old.ping()
        self._old.connection.close()

    def tend_old(self) -> bool:
        """Read what the old connection still says, and end what is to end; tell whether it has been left now."""
        now = self._clock.monotonic()
        if self._old_until is not None:
            try:
                self._old.read()
                self._old.look_at_time()  # what it wanted to do by now would else be due for ever
                self._old.write()
            except FuturesStreamError as end:  # which was asked for
                if not (self._old.has_answered or (isinstance(end, ConnectionLost) and end.heard_out)):
                    self._missing(f"{_NOT_HEARD_OUT}: {end}", self._old.sure_until)
                self._let_go(now)
                return True
            if now >= self._old_until:
                if not self._old.has_answered:
                    self._missing(_NOT_HEARD_OUT, self._old.sure_until)
                self._let_go(now)
                return True
        elif self._echo_until is not None and now >= self._echo_until:
            if self._new is not None and self._new.through == self._overlap.new_says:
                self._new.through = None
            self.over = True
        return False

    def give_up(self) -> None:
        """Leave it; whichever connection serves goes on serving."""
        if self.undecided:
            self._old.through = self._before
            if self._new is not None:
                self._links.drop(self._new)
        elif self._old_until is not None:
            self._let_go(self._clock.monotonic())
        self.over = True

    def _let_go(self, now: float) -> None:
        self._links.drop(self._old)
        self._deliver(self._overlap.release())
        self._old_until = None
        self._echo_until = now + _ECHO
