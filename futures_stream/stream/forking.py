"""What a forked child inherits: memory and descriptors, but no thread. Streams and their queues are given up there."""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterator
from types import FrameType
from typing import Protocol
from weakref import WeakSet

from futures_stream.engine import budget, errands
from futures_stream.errors import ForkedError

__all__ = ["Forkable", "abandon", "forked_error", "tell_after_fork"]

_LOCK = type(threading.Lock())
_CONTAINERS = (dict, list, tuple, set, frozenset, deque)
_OF_A_CALL = ("requests.", "urllib3.", "http.client", "_io", "socket")  # what holds the socket of a REST call


class Forkable(Protocol):
    """Something that must know when it is a copy in a child that was forked."""

    def after_fork(self) -> None:
        """Become useless, without waiting for anything; called in the child, which has no other thread yet."""

    def __hash__(self) -> int: ...


_concerned: WeakSet[Forkable] = WeakSet()
_in_hand: list[object] = []  # filled before a fork, emptied behind it


def tell_after_fork(part: Forkable) -> None:
    """Have *part* told in every child that is forked, for as long as it lives."""
    _concerned.add(part)


def forked_error() -> ForkedError:
    """Return what a child is told that uses a stream of its parent's."""
    return ForkedError("this stream belongs to the process that opened it; open another one in this one")


def abandon(whole: object) -> None:
    """
    Close all sockets and selectors that can be reached from *whole*, and renew all locks.

    A socket is closed without being shut down, so that the parent's connection goes on; but closed it must be: the
    parent's own close would else not reach the exchange before the child ends. A selector is closed as it is:
    unregistering anything would unregister it for the parent. A lock may be held for ever by a thread that is not here.
    """
    parts = list(_parts(whole))  # before anything is closed: a closed selector does not tell what it watched
    for part in parts:
        if isinstance(part, socket.socket):
            if part.fileno() >= 0:  # not close(): that waits for the last file that was made of it
                socket.close(part.detach())
        elif isinstance(part, selectors.BaseSelector):
            with contextlib.suppress(OSError):
                part.close()
        elif _is_ours(part) and isinstance(getattr(part, "_lock", None), _LOCK):
            part._lock = threading.Lock()  # type: ignore[attr-defined]


def _parts(whole: object) -> Iterator[object]:
    seen: dict[int, object] = {}  # the values keep temporary objects, and so their ids, alive
    left = [whole]
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        yield part
        if isinstance(part, selectors.BaseSelector):
            left += [key.fileobj for key in (part.get_map() or {}).values()]
        elif isinstance(part, _CONTAINERS) or _is_ours(part) or type(part).__module__.startswith(_OF_A_CALL):
            left += gc.get_referents(part)


def _is_ours(part: object) -> bool:
    """Tell whether something is a working part of a stream: no class, no record, nothing of the user's."""
    module = type(part).__module__
    return module.startswith("futures_stream.") and module != "futures_stream.records"


def _before_a_fork() -> None:
    """Look at what helper threads have in their hands: a connection in the making is known to nobody else yet."""
    if _concerned:
        for frame in sys._current_frames().values():
            _in_hand.extend(_locals_of_errand(frame))


def _locals_of_errand(innermost: FrameType) -> list[object]:
    """Return the local variables of a thread that runs an errand; nothing of any other thread."""
    found: list[object] = []
    frame: FrameType | None = innermost
    while frame is not None:
        found += frame.f_locals.values()
        if frame.f_globals.get("__name__") == errands.__name__ and frame.f_code is errands.Running.go.__code__:
            return found
        frame = frame.f_back
    return []


def _in_the_child() -> None:
    abandon(_in_hand)
    _in_hand.clear()
    budget._lock = threading.Lock()
    for of_clock in tuple(budget._budgets.values()):
        abandon(of_clock)
    for part in tuple(_concerned):
        part.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(before=_before_a_fork, after_in_parent=_in_hand.clear, after_in_child=_in_the_child)
