"""REST calls under a total time limit, from a thread that may wait but must be able to stop."""

from __future__ import annotations

import logging
import math

from futures_stream.clock import Clock, Deadline, Event
from futures_stream.dialects.base import Request, Response
from futures_stream.engine.budget import Budget
from futures_stream.engine.errands import Errands, Running
from futures_stream.engine.ports import Network
from futures_stream.errors import ConnectFailed, Throttled

__all__ = ["RestCaller"]

log = logging.getLogger("futures_stream.engine")

_BANS = {429: 10.0, 418: 300.0}  # HTTP statuses after which everybody pauses: seconds if the answer does not say


class RestCaller:
    """
    Makes the REST calls of one account.

    Args:
        network: The way out.
        base_url: The REST base URL.
        roots: What may stand between base URL and path: when one answers 404 the next is tried, and what answered is
            used from then on.
        errands: Helper threads; each call runs on one, so that the caller's wait is always bounded.
        clock: Measures the limits.
        limit: Seconds that a call may take in all.
        budget: What the host allows to all of this process; None for anything.

    Threads:
        Belongs to the REST thread; :meth:`wake` is callable from any.
    """

    def __init__(
        self,
        *,
        network: Network,
        base_url: str,
        roots: tuple[str, ...],
        errands: Errands,
        clock: Clock,
        limit: float,
        budget: Budget | None = None,
    ) -> None:
        self._network = network
        self._base_url = base_url.rstrip("/")
        self._roots = [root for root in roots if not (root and self._base_url.endswith(root))] or [""]
        self._errands = errands
        self._clock = clock
        self._limit = limit
        self._budget = budget or Budget((), clock)
        self._woken = clock.event()

    def wake(self) -> None:
        """End the current wait, if the stop flag that it looks at is up."""
        self._woken.set()

    @property
    def has_spare(self) -> bool:
        """Whether the host allows much more than is asked of it now."""
        return self._budget.has_spare

    def call(self, request: Request, stopping: Event, limit: float | None = None) -> Response:
        """
        Make a call and wait for the answer; any HTTP status is one, but 404 sends it to the next root.

        Args:
            request: What to ask.
            stopping: Ends the wait.
            limit: Seconds for all of it, the wait for a turn and further roots included; None for the usual limit, for
                each try, behind a turn that may take longer.

        Raises:
            ConnectFailed: There was no answer in time, or it was stopped.
            Throttled: The host allows no call for longer than the limit.
        """
        total = None if limit is None else Deadline(self._clock, limit)
        answer = self._once(self._base_url + self._roots[0], request, stopping, total)
        for root in self._roots[1:]:
            if answer.status != 404:
                break
            log.info("%s is not at %r, trying %r", request.label, self._roots[0], root)
            second = self._once(self._base_url + root, request, stopping, total)
            if second.status < 400:
                self._roots = [root]
            if second.status != 404:
                return second
        if answer.status < 400:
            self._roots = self._roots[:1]
        return answer

    def _once(self, base_url: str, request: Request, stopping: Event, total: Deadline | None) -> Response:
        self._await_turn(request, stopping, total)
        limit = self._limit if total is None else total.remaining or 0.0
        deadline = Deadline(self._clock, limit)
        self._woken.clear()

        def done(running: Running[Response]) -> None:
            self._woken.set()

        running = self._errands.launch("call", self._network.call(base_url, request, limit), done)
        while not running.home:  # everything is looked at after the flag was lowered, so that no wake-up gets lost
            if stopping.is_set() or deadline.expired:
                running.cancel()
                why = "was stopped" if stopping.is_set() else f"had no answer within {limit:g} s"
                raise ConnectFailed(f"{request.label} {why}")
            self._woken.wait(deadline.remaining)
            self._woken.clear()
        response = running.take()
        if response.status in _BANS:
            self._budget.pause(_BANS[response.status] if response.retry_after is None else response.retry_after)
        return response

    def _await_turn(self, request: Request, stopping: Event, total: Deadline | None) -> None:
        """Wait until the host's budget allows a call."""
        limit = self._limit if total is None else total.remaining or 0.0
        wait = self._budget.paused_for
        if wait <= limit:
            wait = self._budget.book()
            limit = math.inf if total is None else limit
        if wait > limit:
            raise Throttled(f"{request.label}: the host allows no call for another {wait:.0f} s", retry_after=wait)
        turn = Deadline(self._clock, wait)
        self._woken.clear()
        while not turn.expired:
            if stopping.is_set():
                raise ConnectFailed(f"{request.label} was stopped")
            self._woken.wait(turn.remaining)
            self._woken.clear()
