"""What is odd about an exchange's messages, counted by name: a server must not fill our memory with names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

__all__ = ["count_odd", "counted_together"]

_MOST_COUNTED = 100


def count_odd(counter: Counter[str], name: str, times: int = 1) -> None:
    """Count something that a server may say at will: under no more names than a counter can bear."""
    if name in counter or len(counter) < _MOST_COUNTED:
        counter[name] += times


def counted_together(past: Mapping[str, int], more: Mapping[str, int]) -> Counter[str]:
    """Return what two counters hold, under no more names than one can bear."""
    both = Counter(dict(past))
    for name, times in more.items():
        count_odd(both, name, times)
    return both
