"""What one thread writes and any thread reads: the latest entries, and a frozen state of them for whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

__all__ = ["Ledger"]

_SHORTEST_LOG = 64
_SPINS = (
    200_000  # looks at a write under way until it is over: some 20 ms, four times the interpreter's switch interval
)

EntryT = TypeVar("EntryT")
StateT = TypeVar("StateT")


class Ledger(Generic[EntryT, StateT]):
    """
    Entries by key, and for those who read them a log of their changes, from which they make frozen states.

    A write is a dict's, and a list's if somebody reads: a log is begun by a reader, and followed by the next one when
    it is a quarter as long as the entries are many. When nobody has come for a whole log there is none, until somebody
    comes. A reader goes on from the state that was read last, by what has been logged since, or begins with a copy of
    the entries. So a read costs as much as was written since the last one, which is amortised O(1), who writes waits
    for nobody, and what nobody reads costs a dict's write.

    No state that is read is older than one that was read before: a write that a copy has found, and the log not yet, is
    waited for by who copies.

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
        self._writing = False
        # The log that is written, and the complete one before it; None if nobody reads.
        self._logs: tuple[list[tuple[Hashable, EntryT | None]] | None, list[tuple[Hashable, EntryT | None]]] | None
        self._logs = None
        self._read: tuple[object, int, StateT] = (None, 0, empty)  # a log, how much of it was read, the state then

    def put(self, key: Hashable, entry: EntryT) -> None:
        """Write an entry."""
        self._writing = True
        self.entries[key] = entry
        if self._logs is not None:
            self._take_down(key, entry)
        self._writing = False

    def put_all(self, fresh: Mapping[Hashable, EntryT]) -> None:
        """Write entries."""
        self._writing = True
        self.entries.update(fresh)
        if self._logs is not None:
            for key, entry in fresh.items():
                self._take_down(key, entry)
        self._writing = False

    def drop(self, key: Hashable) -> None:
        """Forget an entry."""
        self.drop_all((key,))

    def drop_all(self, keys: Collection[Hashable]) -> list[EntryT]:
        """Forget entries, and return them."""
        self._writing = True
        forget = self.entries.pop
        dropped = [forget(key) for key in keys]
        if self._logs is not None:
            for key in keys:
                self._take_down(key, None)
        self._writing = False
        return dropped

    def remark(self, entry: EntryT) -> None:
        """Write what is to be said about everything."""
        self._writing = True
        self._remark = entry
        if self._logs is not None:
            self._take_down(None, entry)
        self._writing = False

    def state(self) -> StateT:
        """Return the state as it is now, frozen."""
        logs = self._logs
        if logs is None:
            return self._begin_log()
        (before, log), (read_log, at, state) = logs, self._read
        if read_log is not log:
            if before is None:
                return self._copied()[0]  # another reader is about to begin this log
            if read_log is not before:
                return self._begin_log()
            state, at = self._replayed(state, before, at, len(before)), 0
        length = len(log)
        state = self._replayed(state, log, at, length)
        if at != length or read_log is not log:
            self._read = (log, length, state)
        return state

    def _replayed(self, state: StateT, log: list[tuple[Hashable, EntryT | None]], at: int, length: int) -> StateT:
        for place in range(at, length):
            key, entry = log[place]
            state = self._step(state, key, entry)
        return state

    def _begin_log(self) -> StateT:
        log: list[tuple[Hashable, EntryT | None]] = []
        self._logs = mine = (None, log)  # first: what is written while we copy is in the copy, in the log, or in both
        try:
            state, at = self._copied(log)
            if self._logs is mine:
                self._read = (log, at, state)
        except BaseException:  # Ctrl-C: the next reader begins
            self._logs = None
            raise
        return state

    def _copied(self, log: Sequence[object] = ()) -> tuple[StateT, int]:
        """Return the state by a copy of everything, and up to where *log*, which was begun before, is surely in it."""
        spins = _SPINS
        while True:
            at = len(log)
            entries, remark = self.entries.copy(), self._remark
            if not self._writing or not spins:
                break  # whatever the copy has is in the log, too; or the writer waits for us, in a signal handler
            while self._writing and spins:
                spins -= 1
        state = self._empty if remark is None else self._step(self._empty, None, remark)
        return self._whole(state, entries), at

    def _take_down(self, key: Hashable, entry: EntryT | None) -> None:
        logs = self._logs
        if logs is not None:
            changes = logs[1]
            changes.append((key, entry))
            if len(changes) > max(_SHORTEST_LOG, len(self.entries) // 4):
                self._logs = (changes, []) if self._read[0] is changes else None

    def _by_steps(self, state: StateT, entries: Mapping[Hashable, EntryT]) -> StateT:
        for key, entry in entries.items():
            state = self._step(state, key, entry)
        return state
