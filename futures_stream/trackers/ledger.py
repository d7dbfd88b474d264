"""What one thread writes and any thread reads: the latest entries, and a frozen state of them for whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Ledger"]

_SHORTEST_LOG = 64

EntryT = TypeVar("EntryT")
StateT = TypeVar("StateT")


class Ledger(Generic[EntryT, StateT]):
    """
    Entries by key, and a log of their changes from which readers make frozen states for themselves.

    A write is a dict's and a list's, whether or not anybody reads. A reader goes on from the state that was read last,
    by what has been logged since: so a read costs as much as was written since the last one, which is amortised O(1),
    and nobody waits for anybody. When the log is a quarter as long as the entries are many, a new one is begun.

    Args:
        empty: The state of no entries.
        step: Makes the next state of a state, a key and its new entry, None for one that is gone. A key of None is a
            remark about everything, such as whether it can be trusted.

    Threads:
        One thread writes; :meth:`state` is callable from any. It rests on two things that CPython promises: a list
        that another thread appends to can be read up to the length that was seen, and an attribute is swapped whole.
    """

    def __init__(self, empty: StateT, step: Callable[[StateT, Hashable, EntryT | None], StateT]) -> None:
        self.entries: dict[Hashable, EntryT] = {}
        self._empty = empty
        self._step = step
        self._remark: EntryT | None = None
        self._log: list[tuple[Hashable, EntryT | None]] = []
        self._longest = _SHORTEST_LOG
        # What readers start from: a state's entries and remark, the log behind them, and the log before that.
        self._public: tuple[dict[Hashable, EntryT], EntryT | None, list[tuple[Hashable, EntryT | None]], object] = (
            {},
            None,
            self._log,
            None,
        )
        self._read: tuple[object, int, StateT] = (self._log, 0, empty)

    def put(self, key: Hashable, entry: EntryT) -> None:
        """Write an entry."""
        self.entries[key] = entry
        self._log.append((key, entry))
        if len(self._log) > self._longest:
            self._begin_log()

    def drop(self, key: Hashable) -> None:
        """Forget an entry."""
        del self.entries[key]
        self._log.append((key, None))
        if len(self._log) > self._longest:
            self._begin_log()

    def remark(self, entry: EntryT) -> None:
        """Write what is to be said about everything."""
        self._remark = entry
        self._log.append((None, entry))

    def state(self) -> StateT:
        """Return the state as it is now, frozen."""
        entries, remark, log, before = self._public
        length = len(log)
        read_log, at, state = self._read
        if read_log is not log:
            if read_log is before and isinstance(before, list):
                state = self._replayed(state, before, at, len(before))
            else:
                state = self._empty if remark is None else self._step(self._empty, None, remark)
                for key, entry in entries.items():
                    state = self._step(state, key, entry)
            at = 0
        if at != length or read_log is not log:
            state = self._replayed(state, log, at, length)
            self._read = (log, length, state)
        return state

    def _replayed(self, state: StateT, log: list[tuple[Hashable, EntryT | None]], at: int, length: int) -> StateT:
        for place in range(at, length):
            key, entry = log[place]
            state = self._step(state, key, entry)
        return state

    def _begin_log(self) -> None:
        before, self._log = self._log, []
        self._longest = max(_SHORTEST_LOG, len(self.entries) // 4)
        self._public = (self.entries.copy(), self._remark, self._log, before)
