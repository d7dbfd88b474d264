"""What a forked child inherits: memory and descriptors, but no thread. Streams and their queues are given up there."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

from futures_stream import transport
from futures_stream.engine import budget
from futures_stream.errors import ForkedError

__all__ = ["Forkable", "forked_error", "tell_after_fork"]


class Forkable(Protocol):
    """Something that must know when it is a copy in a child that was forked."""

    def after_fork(self) -> None:
        """
        Become useless, without waiting for anything; called in the child, which has no other thread yet.

        A lock may be held for ever by a thread that is not here, so each must be made anew.
        """

    def __hash__(self) -> int: ...


_concerned: WeakSet[Forkable] = WeakSet()


def tell_after_fork(part: Forkable) -> None:
    """Have *part* told in every child that is forked, for as long as it lives."""
    _concerned.add(part)


def forked_error() -> ForkedError:
    """Return what a child is told that uses a stream of its parent's."""
    return ForkedError("this stream belongs to the process that opened it; open another one in this one")


def _in_the_child() -> None:
    transport.after_fork()
    budget.after_fork()
    for part in tuple(_concerned):
        part.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_in_the_child)
