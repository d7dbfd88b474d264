"""The consumer's loop over a stream's own queue."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator

from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.errors import FuturesStreamError, StreamFailed
from futures_stream.records import Closed, Record, Tick
from futures_stream.stream.queue import ShutDown, StreamQueue

__all__ = ["read"]


def read(
    records: StreamQueue, lifecycle: Lifecycle, tick: float | None, make_tick: Callable[[], Tick]
) -> Iterator[Record]:
    """
    Yield what comes until the stream has ended.

    Args:
        records: The stream's queue, which no other stream fills.
        lifecycle: Says why the stream ended to whom another consumer has taken the last notice from.
        tick: Seconds without a record after which there is a tick; None for none.
        make_tick: Makes one.

    Raises:
        StreamFailed: The stream could not go on.
    """
    while True:
        try:
            record = records.get(timeout=tick)
        except queue.Empty:
            yield make_tick()
            continue
        except ShutDown:
            return _raise_failure(lifecycle.status.error, None)
        match record:  # no call here, behind which Ctrl-C could take the record along
            case Closed(error=error, exchange=exchange):
                return _raise_failure(error, exchange)
            case _:
                yield record


def _raise_failure(error: FuturesStreamError | None, exchange: str | None) -> None:
    if error is not None:
        raise StreamFailed(
            f"the stream ended: {error}", exchange=exchange or error.exchange, code=error.code
        ) from error
