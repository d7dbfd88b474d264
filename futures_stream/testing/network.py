"""A network in memory: every dial and every REST call has the outcome that a test wrote down."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from attrs import frozen

from futures_stream.dialects.base import Request, Response
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConnectFailed
from futures_stream.testing.clock import FakeClock
from futures_stream.testing.connection import FakeConnection, FakeServer

__all__ = ["HANG", "STUCK", "Called", "FakeNetwork"]


class _Hanging(Enum):
    HANG = "until it is cancelled"
    STUCK = "in a system call that nothing ends"


HANG = _Hanging.HANG
"""Outcome of what does not come back before it is cancelled."""

STUCK = _Hanging.STUCK
"""Outcome of what does not come back even then, as a name resolution may; :meth:`FakeNetwork.release` frees it."""

Answer = Response | Exception | Callable[[str, Request], Response] | _Hanging
DialOutcome = Exception | _Hanging | None


@frozen
class Called:
    """
    A REST call that was made.

    Attributes:
        at: When, in the clock's monotonic seconds.
        base_url: The base URL, the root included.
        request: The call.
    """

    at: float
    base_url: str
    request: Request

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.method


class _Errand:
    """Something that may take its time, on a helper thread; satisfies :class:`futures_stream.engine.ports.Errand`."""

    def __init__(self, network: FakeNetwork, label: str, go: Callable[[], Any], hanging: _Hanging | None) -> None:
        self._network = network
        self._label = label
        self._go = go
        self._hanging = hanging
        self._cancelled = network.clock.event()
        network.clock.expect(self)

    def run(self) -> Any:
        """Bring home what was written down."""
        self._network.clock.begun(self)
        if self._hanging is HANG:
            self._cancelled.wait()
        elif self._hanging is STUCK:
            self._network.released.wait()
        if self._cancelled.is_set() or self._hanging is HANG:
            raise ConnectFailed(f"{self._label} was cancelled")
        return self._go()

    def cancel(self) -> None:
        """Make :meth:`run` end soon, unless it is stuck."""
        self._cancelled.set()

    def __repr__(self) -> str:
        return self._label


class FakeNetwork:
    """
    The way out, in memory; satisfies :class:`futures_stream.engine.ports.Network`.

    A dial succeeds, unless :meth:`fail_dials` says otherwise; :meth:`accept` gives its other end. A REST call gets what
    :meth:`answer` says for its method.

    Args:
        clock: What hanging dials and calls sleep in.
        replies: What every server says by itself, see :attr:`FakeServer.replies`.

    Attributes:
        connections: The other ends of the connections that were made, oldest first.
        dials: The URLs that were dialled.
        calls: The REST calls that were made.
        clock_ahead: What every server says of its clock, see :attr:`FakeServer.clock_ahead`.

    Threads:
        Every method is callable from any thread.
    """

    def __init__(self, clock: FakeClock, replies: Callable[[str], Iterable[str]] | None = None) -> None:
        self.clock = clock
        self.replies = replies
        self.connections: queue.Queue[FakeServer] = queue.Queue()
        self.dials: list[Secret] = []
        self.calls: list[Called] = []
        self.clock_ahead: float | None = None
        self.released = clock.event()
        self._lock = threading.Lock()
        self._dial_outcomes: deque[DialOutcome] = deque()
        self._answers: dict[str, deque[Answer]] = {}

    # -- for the test -----------------------------------------------------------------------------------------------

    def accept(self, timeout: float = 10.0) -> FakeServer:
        """
        Return the other end of the next connection.

        Args:
            timeout: Longest wait, in real seconds.

        Raises:
            TimeoutError: Nobody connected.
        """
        try:
            return self.connections.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"nobody connected within {timeout:g} s") from None

    def fail_dials(self, *outcomes: DialOutcome) -> None:
        """Let the next dials come out so, one each: an exception, HANG, STUCK, or None for one that succeeds."""
        with self._lock:
            self._dial_outcomes.extend(outcomes)

    def let_dials_succeed(self) -> None:
        """Forget how the next dials were to come out: they succeed."""
        with self._lock:
            self._dial_outcomes.clear()

    def answer(self, method: str, *answers: Answer) -> None:
        """
        Answer the next REST calls with this method so, one each, and all further ones as the last.

        Args:
            method: GET, POST, PUT or DELETE.
            answers: A response; an exception to raise; a function of base URL and request that returns one or raises
                the other; HANG or STUCK. They replace what was said before.
        """
        with self._lock:
            self._answers[method] = deque(answers)

    def release(self) -> None:
        """Let go of everything that is STUCK."""
        self.released.set()

    # -- for the library --------------------------------------------------------------------------------------------

    def dial(self, url: Secret, timeout: float) -> _Errand:
        """Prepare a connection to *url*."""
        with self._lock:
            self.dials.append(url)
            outcome = self._dial_outcomes.popleft() if self._dial_outcomes else None

        def connect() -> FakeConnection:
            if isinstance(outcome, Exception):
                raise outcome
            server = FakeServer(url, self.replies)
            server.clock_ahead = self.clock_ahead
            self.connections.put(server)
            return FakeConnection(server)

        return _Errand(self, f"dial {len(self.dials)}", connect, outcome if isinstance(outcome, _Hanging) else None)

    def call(self, base_url: str, request: Request, timeout: float) -> _Errand:
        """Prepare a REST call."""
        request = request.signed(self.clock.unix_ms())
        with self._lock:
            self.calls.append(Called(self.clock.monotonic(), base_url, request))
            answers = self._answers.get(request.method) or deque([ConnectFailed(f"no answer to {request.method}")])
            answer = answers.popleft() if len(answers) > 1 else answers[0]

        def ask() -> Response:
            if isinstance(answer, Exception):
                raise answer
            assert not isinstance(answer, _Hanging)
            return answer if isinstance(answer, Response) else answer(base_url, request)

        return _Errand(self, request.label, ask, answer if isinstance(answer, _Hanging) else None)
