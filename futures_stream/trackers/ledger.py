"""What one thread writes and any thread reads: the latest entries, and a frozen state of them for whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

__all__ = ["Ledger"]

_SHORTEST_LOG = 64
_TRIES = 10  # to copy everything at a moment at which nothing was written

EntryT = TypeVar("EntryT")
StateT = TypeVar("StateT")


class Ledger(Generic[EntryT, StateT]):
    """
    Entries by key, and for those who read them a log of their changes, from which they make frozen states.

    A write is a dict's, and a list's if somebody reads: the log is begun by a reader, and given up when it is a quarter
    as long as the entries are many and nobody has come for it. A reader goes on from the state that was read last, by
    what has been logged since, or begins with a copy of the entries. So a read costs as much as was written since the
    last one, which is amortised O(1), nobody waits for anybody, and what nobody reads costs a dict's write.

    Args:
        empty: The state of no entries.
        step: Makes the next state of a state, a key and its new entry, None for one that is gone. A key of None is a
            remark about everything, such as whether it can be trusted. A step that is taken once more changes nothing.
        whole: Makes the state of the empty one and entries at once; by steps if left out.

    Threads:
        One thread writes; :meth:`state` is callable from any. It rests on three things that CPython promises: a list
        that another thread appends to can be read up to the length that was seen, a dict whose keys compare without
        Python code is copied at one moment, and an attribute is swapped whole.
    """

    def __init__(
        self,
        empty: StateT,
        step: Callable[[StateT, Hashable, EntryT | None], StateT],
        whole: Callable[[StateT, Mapping[Hashable, EntryT]], StateT] | None = None,
    ) -> None:
        self.entries: dict[Hashable, EntryT] = {}
        self._empty = empty
        self._step = step
        self._whole = whole or self._by_steps
        self._remark: EntryT | None = None
        self._log: list[tuple[Hashable, EntryT | None]] | None = None
        self._read: tuple[object, int, StateT] = (None, 0, empty)  # a log, how much of it was read, the state then

    def put(self, key: Hashable, entry: EntryT) -> None:
        """Write an entry."""
        self.entries[key] = entry
        if self._log is not None:
            self._take_down(key, entry)

    def drop(self, key: Hashable) -> None:
        """Forget an entry."""
        del self.entries[key]
        if self._log is not None:
            self._take_down(key, None)

    def remark(self, entry: EntryT) -> None:
        """Write what is to be said about everything."""
        self._remark = entry
        if self._log is not None:
            self._take_down(None, entry)

    def state(self) -> StateT:
        """Return the state as it is now, frozen."""
        log = self._log
        read_log, at, state = self._read
        if log is None or read_log is not log:
            return self._begin_log() if log is None else self._copied()[0]  # or another reader is about to begin it
        length = len(log)
        for place in range(at, length):
            key, entry = log[place]
            state = self._step(state, key, entry)
        if at != length:
            self._read = (log, length, state)
        return state

    def _begin_log(self) -> StateT:
        log: list[tuple[Hashable, EntryT | None]] = []
        self._log = log  # first: what is written while we copy is in the copy, in the log, or in both
        try:
            state, at = self._copied(log)
            if at is not None and self._log is log:
                self._read = (log, at, state)
            elif self._log is log:
                self._log = None
        except BaseException:  # Ctrl-C: the next reader begins
            self._log = None
            raise
        return state

    def _copied(self, log: Sequence[object] = ()) -> tuple[StateT, int | None]:
        """
        Return the state by a copy of everything, and how much of *log* is in it; None if that cannot be said.

        If the log is as long behind the copy as it was before, all of it is in the copy, and of what is not in it the
        copy may have the one write that is under way, which will be the log's next.
        """
        at: int | None = None
        for _ in range(_TRIES):
            before = len(log)
            entries, remark = self.entries.copy(), self._remark
            if len(log) == before:
                at = before
                break
        state = self._empty if remark is None else self._step(self._empty, None, remark)
        return self._whole(state, entries), at

    def _take_down(self, key: Hashable, entry: EntryT | None) -> None:
        changes = self._log
        if changes is not None:
            changes.append((key, entry))
            if len(changes) > max(_SHORTEST_LOG, len(self.entries) // 4):
                self._log = None

    def _by_steps(self, state: StateT, entries: Mapping[Hashable, EntryT]) -> StateT:
        for key, entry in entries.items():
            state = self._step(state, key, entry)
        return state
