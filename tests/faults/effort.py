"""How much is tried: what the ordinary suite has time for, or the full matrix (``nox -s faults``)."""

from __future__ import annotations

import os
from typing import Any

FULL = os.environ.get("FUTURES_STREAM_FULL") == "1"


def how_many(name: str, usual: int, full: int) -> int:
    """Return how often to try something; the environment's variable of that name decides over both."""
    return int(os.environ.get(f"FUTURES_STREAM_{name}", full if FULL else usual))


def chosen(value: Any, exchange: str) -> Any:
    """Pick what a scenario says for this exchange alone, or for this effort alone."""
    if isinstance(value, dict) and value:
        if set(value) <= {"bitget", "bitmusa"}:
            return value.get(exchange)
        if set(value) == {"usual", "full"}:
            return value["full" if FULL else "usual"]
    return value
