"""Where a stream's engine stands, finer than its state, and what has happened to it there: cells that were reached."""

from __future__ import annotations

from collections import Counter

from futures_stream import Stream
from futures_stream.vocabulary import State

REACHED: Counter[tuple[str, str]] = Counter()
"""How often each event has met each situation, in this process."""


def situation(stream: Stream) -> str:
    """Return where a stream's engine stands: its state, what it waits for, and how far a move has come."""
    state = stream.status.state
    connections = stream._feed._connections
    if state.ended or connections is None:
        return str(state)
    dialing, move = connections._dialing, connections._rotations._move
    under_way = "dial" if dialing.under_way else "budget" if dialing._begin_at is not None else "lease"
    parts = [str(state)]
    if state is State.CONNECTING:
        parts.append(under_way)
    if move is not None:
        if move.undecided:
            parts.append(f"move: {'greeting' if move.greeting is not None else under_way}")
        else:
            parts.append("move: closing" if move._old_until is not None else "move: echo")
    if connections._standing._doubts:
        parts.append("in doubt")
    elif connections._standing._resync.running:
        parts.append("asking")
    return ", ".join(parts)


def note(stream: Stream, event: str) -> None:
    """Count that *event* happens to a stream as it stands."""
    REACHED[situation(stream), event] += 1
