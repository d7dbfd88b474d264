"""
Unrest: threads begin late, wake up late, and the interpreter switches when it likes; ``pytest -p tests.unrest``.

A test that fails here only has taken for granted who comes first, or has found code that does. It is for the session
``flaky``, which turns it on; ``FUTURES_STREAM_SEED`` says which unrest it is, though never quite the same.
"""

from __future__ import annotations

import os
import selectors
import sys
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any

INTERVALS = (1e-6, 1e-4, 0.005, 0.03)  # seconds; the interpreter's own is the third
LONG, SHORT = 0.02, 0.004  # seconds that a thread may be late for its life, or for a moment of it

_random = Random(int(os.environ.get("FUTURES_STREAM_SEED", "1")))
_sleep = time.sleep  # which a test may have put out of use


def dawdle(most: float, chance: float) -> None:
    """Lose some time, or none."""
    if _random.random() < chance:
        _sleep(_random.random() * most)


def restless(method: Callable[..., Any], most: float, before: float, after: float) -> Callable[..., Any]:
    """Return a method that may begin late and may come back late."""

    def dawdling(*args: Any, **kwargs: Any) -> Any:
        dawdle(most, before)
        try:
            return method(*args, **kwargs)
        finally:
            dawdle(most, after)

    return dawdling


def pytest_configure() -> None:
    """Begin: the machine's own classes only, none of the library's."""
    changed: list[tuple[Any, str, float, float, float]] = [
        (threading.Thread, "run", LONG, 0.5, 0.3),
        (threading.Event, "set", SHORT, 0.1, 0.1),
        (threading.Condition, "wait", SHORT, 0.02, 0.06),
        (selectors.DefaultSelector, "select", SHORT, 0.02, 0.06),
    ]
    for kind, name, most, before, after in changed:
        setattr(kind, name, restless(getattr(kind, name), most, before, after))


def pytest_runtest_setup() -> None:
    """Let the interpreter switch at other moments in each test."""
    sys.setswitchinterval(_random.choice(INTERVALS))
