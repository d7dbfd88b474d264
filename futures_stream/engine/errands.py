"""Short-lived threads for what cannot be made non-blocking: connecting, and REST calls."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from futures_stream.clock import Clock, Deadline
from futures_stream.engine.defects import Defect, defect, defects
from futures_stream.engine.ports import Errand
from futures_stream.errors import ConnectFailed, FuturesStreamError, ShutdownTimeout

__all__ = ["Errands", "Running"]

log = logging.getLogger("futures_stream.engine")

ResultT = TypeVar("ResultT")


class Running(Generic[ResultT]):
    """
    One errand on its way.

    What it brings home belongs to whoever takes it; what nobody takes is thrown away, so that no socket is left lying.

    Threads:
        Every method is callable from any thread.
    """

    def __init__(self, label: str, errand: Errand[ResultT], discard: Callable[[ResultT], None]) -> None:
        self.label = label
        self._errand = errand
        self._discard = discard
        self._lock = threading.Lock()
        self._unwanted = False
        self._told = False  # somebody, of the error
        self._result: ResultT | None = None
        self._error: FuturesStreamError | Defect | None = None
        self._home = False

    def cancel(self) -> None:
        """Give it up: it ends soon, and its result is thrown away."""
        with self._lock:
            self._unwanted = True
            left, self._result = self._result, None
            untold = self._untold_defect()
        if left is not None:
            self._throw_away(left)
        if untold is not None:
            log.critical("%s: %s", self.label, untold)
        self._errand.cancel()

    def take(self) -> ResultT:
        """
        Take the result, once.

        Raises:
            FuturesStreamError: It failed.
            Defect: In a way that nobody foresaw.
        """
        with self._lock:
            result, self._result = self._result, None
            error, self._told = self._error, True
        if error is not None:
            raise error
        if result is None:
            raise RuntimeError(f"{self.label}: nothing to take")
        return result

    @property
    def home(self) -> bool:
        """Whether it has come back, with a result or an error."""
        return self._home

    @property
    def unclaimed(self) -> bool:
        """Whether it has brought home something that nobody has taken yet."""
        return self._result is not None

    def go(self) -> None:
        """Run the errand; the helper thread's whole life."""
        result: ResultT | None = None
        try:
            result = self._errand.run()
        except FuturesStreamError as error:
            self._error = error
        except BaseException as error:
            self._error = Defect(defect(error))
        with self._lock:
            unwanted = self._unwanted
            if not unwanted:
                self._result = result
            self._home = True
            untold = self._untold_defect() if unwanted else None
        if unwanted and result is not None:
            self._throw_away(result)
        if untold is not None:
            log.critical("%s: %s", self.label, untold)

    def _untold_defect(self) -> Defect | None:
        """Return the defect that ended it, if nobody has been told of it and now nobody will be; with the lock held."""
        if self._told or not isinstance(self._error, Defect):
            return None
        self._told = True
        return self._error

    def _throw_away(self, result: ResultT) -> None:
        # Nobody is left to be told: who wanted the result has something else to do by now.
        for bug in defects(lambda: self._discard(result)):
            log.critical("%s: %s", self.label, bug)


class Errands:
    """
    The helper threads of one owner.

    Args:
        name: Beginning of the threads' names.
        clock: Measures the wait at the end.

    Threads:
        Belongs to the thread that made it.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._out: list[tuple[threading.Thread, Running[Any]]] = []

    def launch(
        self,
        label: str,
        errand: Errand[ResultT],
        done: Callable[[Running[ResultT]], None],
        discard: Callable[[ResultT], None] = lambda result: None,
    ) -> Running[ResultT]:
        """
        Start an errand on a thread of its own.

        Args:
            label: Last part of the thread's name.
            errand: What to do.
            done: Called on that thread when it is home; must not block.
            discard: Called with a result that nobody takes.

        Raises:
            ConnectFailed: The system gives us no thread now.
        """
        running = Running(label, errand, discard)

        def life() -> None:
            running.go()
            done(running)

        helper = threading.Thread(target=life, name=f"{self._name}/{label}", daemon=True)
        self._out = [(thread, other) for thread, other in self._out if thread.is_alive() or other.unclaimed]
        try:
            helper.start()
        except RuntimeError:
            raise ConnectFailed(f"no thread could be started for {helper.name}: this machine has too many") from None
        self._out.append((helper, running))
        return running

    def close(self, timeout: float) -> None:
        """
        Give up all that is still out and wait for the threads, at most *timeout* seconds.

        Raises:
            ShutdownTimeout: Some hang in a system call that cannot be interrupted; it names them. They end by
                themselves, and what they bring home is thrown away.
        """
        deadline = Deadline(self._clock, timeout)
        for _, running in self._out:
            running.cancel()
        for helper, _ in self._out:
            helper.join(deadline.remaining)
        alive = tuple(helper.name for helper, _ in self._out if helper.is_alive())
        if alive:
            raise ShutdownTimeout(f"abandoned in a system call: {', '.join(alive)}", threads=alive)
