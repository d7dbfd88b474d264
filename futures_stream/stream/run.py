"""The one run of a stream: started once, ended once, whoever asks for it and from wherever."""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING

from futures_stream.clock import Clock, Deadline
from futures_stream.engine.crew import Crew
from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.errors import ShutdownTimeout, StreamFailed
from futures_stream.stream.forking import forked_error
from futures_stream.stream.interrupted import interrupts_us

if TYPE_CHECKING:  # see stream.py
    from futures_stream.engine.feed import Feed
    from futures_stream.engine.plan import Plan
    from futures_stream.stream.alerting import Alerting

__all__ = ["Run"]


class Run:
    """
    The threads of a stream, from outside; its methods are the stream's.

    Args:
        plan: What it is called.
        feed: What it runs.
        lifecycle: Where the stream stands.
        clock: Measures the patience of :meth:`close`.
        alerting: Calls the monitors' functions, if there are any.

    Attributes:
        forked: Whether this is a copy in a child that was forked, where nobody runs it.

    Threads:
        Every method is callable from any thread; :meth:`stop` and :meth:`close` also from a signal handler.
    """

    def __init__(self, plan: Plan, feed: Feed, lifecycle: Lifecycle, clock: Clock, alerting: Alerting) -> None:
        self.forked = False
        self._plan = plan
        self._feed = feed
        self._lifecycle = lifecycle
        self._clock = clock
        self._alerting = alerting
        self._crew = Crew(plan.name, clock)
        self._started = False
        # Who takes the one thing in it runs the stream (the I/O thread), or ends it without its ever having run (who
        # closes it). A deque's pop is atomic, where a lock could be held by whom a signal handler has interrupted.
        self._unrun = deque([True])

    def start(self) -> None:
        """Start the threads."""
        self.check_process()
        if self._started or self._lifecycle.status.state.ended:
            raise StreamFailed("a stream is started once; open a new one", exchange=self._plan.dialect.name)
        if self._alerting.wanted:
            self._crew.start("alerts", self._alerting.run, self._alerting.wake)
        self._crew.start("io", self._live, self._feed.stop)
        self._started = True

    def stop(self) -> None:
        """Ask for the end."""
        self.check_process()
        self._feed.stop()

    def close(self, timeout: float) -> None:
        """Ask for the end, and wait for it."""
        self.stop()
        if not self._crew.has_me and interrupts_us():
            return
        deadline = Deadline(self._clock, timeout)
        if self._may_run():
            self._feed.end_unrun()
        self._crew.join(deadline.remaining or 0.0)
        self._lifecycle.wait(lambda now: now.state.ended, deadline.remaining)  # another thread may be ending it
        left, self._feed.abandoned = self._feed.abandoned, ()
        if left:
            raise ShutdownTimeout(f"hanging in a system call, abandoned: {', '.join(left)}", threads=left)

    def check_process(self) -> None:
        """
        Go on only in the process that this belongs to.

        Raises:
            ForkedError: It is another process's stream.
        """
        if self.forked:
            raise forked_error()

    def after_fork(self) -> None:
        """In a child that was forked: close the descriptors, and be of no use, unless it had ended before."""
        self.forked = self._lifecycle.after_fork(forked_error())
        self._feed.after_fork()

    def _live(self) -> None:
        """Be the I/O thread, unless somebody has closed the stream before this thread had begun."""
        if self._may_run():
            self._feed.run()

    def _may_run(self) -> bool:
        """Tell whether nobody has run it, or ended it without: true for one caller only."""
        with contextlib.suppress(IndexError):
            return self._unrun.pop()
        return False
