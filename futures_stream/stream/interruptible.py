"""A queue that Ctrl-C may interrupt anywhere."""

from __future__ import annotations

import queue
import threading
from typing import Any

from futures_stream.clock import SYSTEM_CLOCK, Bells, Deadline

__all__ = ["InterruptibleQueue", "ShutDown"]

if hasattr(queue, "ShutDown"):  # Python 3.13's own, so that code written for it catches ours
    ShutDown: type[Exception] = queue.ShutDown
else:

    class _ShutDown(Exception):
        """Everything that this queue will ever hold has been taken."""

    _ShutDown.__name__ = _ShutDown.__qualname__ = "ShutDown"
    ShutDown = _ShutDown

_NOTHING = object()
_NEGATIVE = "'timeout' must be a non-negative number"


class InterruptibleQueue(queue.Queue[Any]):
    """
    A :class:`queue.Queue` whose waits are :class:`~futures_stream.clock.Bells`, with an end, on every Python.

    However often an exception of a signal handler ends one of its methods, its lock is left alone, and what was taken
    is returned or stays in it. Nothing is raised while the lock is held: between an exception and the end of its block
    CPython 3.10 looks at signals, and would leave the block without giving the lock back.

    Threads:
        Every method is callable from any thread.
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.is_shutdown = False
        self._takers = Bells()
        self._putters = Bells()
        self._joiners = Bells()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """
        Take the next item.

        When Ctrl-C interrupts it the item is still the queue's, in its old place. (CPython 3.10 looks at signals once
        more when a call returns: there the one item that was about to be returned can be lost with the call.)

        Args:
            block: Whether to wait for one.
            timeout: Longest wait, in seconds; None for as long as it takes.

        Raises:
            queue.Empty: Nothing came in time.
            ShutDown: Nothing will ever come any more.
            ValueError: A negative timeout.
        """
        if timeout is not None and timeout < 0 and block:
            raise ValueError(_NEGATIVE)
        deadline: Deadline | None = None  # made when there is need to wait: mostly there is something
        while True:
            taken: Any = _NOTHING
            try:
                bell, ended = None, False
                with self.mutex:
                    if self.queue:
                        self._putters.ring(1)
                        taken = self._get()
                    elif self.is_shutdown:
                        ended = True
                    elif block and (deadline is None or not deadline.expired):
                        bell = self._takers.hang()
                if taken is not _NOTHING:
                    return taken  # no call is between this and whoever called: nothing that could be interrupted
                if bell is None:
                    raise self._ended() if ended else queue.Empty
                deadline = deadline or _deadline(block, timeout)
                self._takers.wait(bell, deadline.remaining)
            except BaseException:
                if taken is not _NOTHING:
                    self._give_back(taken)
                raise

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """
        Put an item of the program's own into the queue.

        Raises:
            queue.Full: No room came in time.
            ShutDown: The queue has ended.
            ValueError: A negative timeout.
        """
        deadline = _deadline(block, timeout)
        while True:
            bell, ended = None, False
            with self.mutex:
                if self.is_shutdown:
                    ended = True
                elif self.maxsize <= 0 or self._qsize() < self.maxsize:
                    self._put(item)
                    self.unfinished_tasks += 1
                    self._takers.ring(1)
                    return
                elif not deadline.expired:
                    bell = self._putters.hang()
            if bell is None:
                raise ShutDown if ended else queue.Full
            self._putters.wait(bell, deadline.remaining)

    def task_done(self) -> None:
        """
        Say that an item which was taken has been dealt with.

        Raises:
            ValueError: Said more often than items were put.
        """
        with self.mutex:
            too_often = self.unfinished_tasks <= 0
            if not too_often:
                self.unfinished_tasks -= 1
                if not self.unfinished_tasks:
                    self._joiners.ring()
        if too_often:
            raise ValueError("task_done() called too many times")

    def join(self) -> None:
        """Wait until everything that was put has been dealt with."""
        while True:
            with self.mutex:
                if not self.unfinished_tasks:
                    return
                bell = self._joiners.hang()
            self._joiners.wait(bell, None)

    def shutdown(self, immediate: bool = False) -> None:
        """End the queue: what is left can be taken (nothing, if *immediate*), then there is :exc:`ShutDown`."""
        with self.mutex:
            self.is_shutdown = True
            if immediate:
                self.queue.clear()
                self.unfinished_tasks = 0
                self._joiners.ring()
            self._takers.ring()
            self._putters.ring()

    def after_fork(self) -> None:
        """In a child that was forked: lock as if it were new; nobody waits."""
        self.mutex = threading.Lock()
        self.not_empty = threading.Condition(self.mutex)
        self.not_full = threading.Condition(self.mutex)
        self.all_tasks_done = threading.Condition(self.mutex)
        self._takers, self._putters, self._joiners = Bells(), Bells(), Bells()

    def _get(self) -> Any:
        # Two statements, not a call of popleft(): behind a call CPython looks at signals, and the item would be gone.
        item = self.queue[0]
        del self.queue[0]
        return item

    def _give_back(self, item: Any) -> None:
        with self.mutex:
            self.queue.appendleft(item)
            self._takers.ring(1)

    def _ended(self) -> Exception:
        """Return what is raised when nothing will ever come."""
        return ShutDown()


def _deadline(block: bool, timeout: float | None) -> Deadline:
    if not block:
        timeout = 0.0
    elif timeout is not None and timeout < 0:
        raise ValueError(_NEGATIVE)
    return Deadline(SYSTEM_CLOCK, timeout)
