"""Monitors: pure folds of the user's that run beside the delivery and may add records of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from attrs import evolve

from futures_stream.records import MonitorFailed, Record

__all__ = ["Monitor", "Monitors"]


class Monitor(Protocol):
    """
    A fold over a stream's records.

    It runs on the I/O thread, so it must be quick and must not wait. An exception that it raises ends the monitor,
    with a :class:`~futures_stream.records.MonitorFailed` notice, not the stream.
    """

    def apply(self, record: Record) -> Iterable[Record]:
        """Look at a record; return what should stand right behind it."""

    def due(self, now_ms: int) -> Iterable[Record]:
        """Look at the time, about once a second; return what should be said."""


class Monitors:
    """The monitors of one stream."""

    def __init__(self, monitors: Sequence[Monitor]) -> None:
        self._monitors = list(monitors)

    def __bool__(self) -> bool:
        return bool(self._monitors)

    def follow(self, record: Record) -> list[Record]:
        """Return the record and what the monitors put behind it."""
        out = [record]
        for monitor in tuple(self._monitors):
            try:
                out.extend(_records(monitor.apply(record)))
            except Exception as error:
                out.append(self._dismiss(monitor, error, like=record))
        return out

    def at(self, now_ms: int, like: Record) -> list[Record]:
        """Return what the monitors have to say about the time."""
        out: list[Record] = []
        for monitor in tuple(self._monitors):
            try:
                out.extend(_records(monitor.due(now_ms)))
            except Exception as error:
                out.append(self._dismiss(monitor, error, like=like))
        return out

    def _dismiss(self, monitor: Monitor, error: Exception, like: Record) -> MonitorFailed:
        self._monitors.remove(monitor)
        return MonitorFailed(
            exchange=like.exchange,
            account=like.account,
            received_ns=like.received_ns,
            monitor=getattr(monitor, "name", None) or type(monitor).__name__,
            error=f"{type(error).__name__}: {error}",
        )


def _records(said: Iterable[Record]) -> list[Record]:
    """Return what a monitor said, all of it or nothing: what is no record is the monitor's mistake alone."""
    records = list(said)
    for record in records:
        if not isinstance(record, Record):
            raise TypeError(f"a monitor returns records, not {type(record).__name__}")
    return records


def renumbered(records: Sequence[Record], first: int) -> list[Record]:
    """Return the records with ``seq`` counting up from *first*."""
    return [record if record.seq == seq else evolve(record, seq=seq) for seq, record in enumerate(records, start=first)]
