"""A mapping that never changes: every change gives another one that shares nearly all of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Generic, TypeVar

__all__ = ["Table"]

_BITS = 5
_MASK = (1 << _BITS) - 1

ValueT = TypeVar("ValueT")


class Table(Generic[ValueT]):
    """
    Values by key, immutable, so that a thread can read one while another makes the next.

    It is a tree of fixed depth, 32 branches of 32 leaves, each leaf a small dict. A change copies one branch and one
    leaf and costs the same with ten values as with ten thousand; taking a snapshot costs nothing, since every table is
    one.

    Threads:
        Nothing in it changes: callable from any thread.
    """

    __slots__ = ("_root", "_size")

    def __init__(self) -> None:
        leaf: dict[Hashable, ValueT] = {}
        branch = [leaf] * (_MASK + 1)
        self._root: list[list[dict[Hashable, ValueT]]] = [branch] * (_MASK + 1)
        self._size = 0

    @classmethod
    def of(cls, values: Mapping[Any, ValueT]) -> Table[ValueT]:
        """Return a table of all these at once."""
        root: list[list[dict[Hashable, ValueT]]] = [[{} for _ in range(_MASK + 1)] for _ in range(_MASK + 1)]
        for key, value in values.items():
            place = hash(key)
            root[place & _MASK][(place >> _BITS) & _MASK][key] = value
        table: Table[ValueT] = _new(Table)
        table._root = root
        table._size = len(values)
        return table

    def get(self, key: Hashable) -> ValueT | None:
        """Return the value of a key; None if there is none."""
        place = hash(key)
        return self._root[place & _MASK][(place >> _BITS) & _MASK].get(key)

    def having(self, key: Hashable, value: ValueT) -> Table[ValueT]:
        """Return a table with this value, too."""
        place = hash(key)
        above, below = place & _MASK, (place >> _BITS) & _MASK
        root = self._root.copy()
        branch = root[above] = root[above].copy()
        leaf = branch[below]
        branch[below] = grown = leaf.copy()
        grown[key] = value
        table: Table[ValueT] = _new(Table)
        table._root = root
        table._size = self._size + len(grown) - len(leaf)
        return table

    def lacking(self, key: Hashable) -> Table[ValueT]:
        """Return a table without that key."""
        place = hash(key)
        above, below = place & _MASK, (place >> _BITS) & _MASK
        if key not in self._root[above][below]:
            return self
        root = self._root.copy()
        branch = root[above] = root[above].copy()
        branch[below] = shrunk = branch[below].copy()
        del shrunk[key]
        table: Table[ValueT] = _new(Table)
        table._root = root
        table._size = self._size - 1
        return table

    def items(self) -> Iterator[tuple[Any, ValueT]]:
        """Yield keys and values, in no order that means anything."""
        for branch in self._root:
            for leaf in branch:
                if leaf:
                    yield from leaf.items()

    def __len__(self) -> int:
        return self._size


_new: Any = object.__new__
