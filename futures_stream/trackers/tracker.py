"""What all trackers do alike: whose records they take, what they count, and what a row leaves unsaid."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from attrs import evolve

from futures_stream.errors import ConfigError
from futures_stream.records import Record
from futures_stream.trackers.changes import Change, Counts, Verdict

__all__ = ["Tracker", "filled_in", "is_said"]

RecordT = TypeVar("RecordT", bound=Record)


class Tracker:
    """
    A fold of one account's records into what is known of it.

    Args:
        exchange: Whose records it takes; None for whose come first.
        account: Of which account; None for which comes first.
        symbols: The contracts that the stream listens to; None for all. Full sets of each of them are as good as a
            full set of everything.

    Attributes:
        verdict: What became of the last record that was for this tracker; None before the first.

    Threads:
        One thread folds. What it has folded can be read by any thread at any time, without a lock and without waiting.
    """

    def __init__(
        self, exchange: str | None = None, account: str | None = None, symbols: Collection[str] | None = None
    ) -> None:
        self.verdict: Verdict | None = None
        self._exchange = exchange
        self._account = account
        self._symbols = None if symbols is None else frozenset(symbols)
        self._products: frozenset[str | None] = frozenset()
        self._as_of = 0
        self._told = dict.fromkeys(Verdict, 0)

    @property
    def counts(self) -> Counts:
        """How many records were news, late and so on."""
        return Counts(**{verdict.value: count for verdict, count in self._told.items()})

    @property
    def as_of(self) -> int | None:
        """When the last record that was folded was received, in ms; when it happened, if it was received nowhere."""
        return self._as_of or None

    def _admit(self, record: Record) -> None:
        """
        Take note that the stream has come as far as this record.

        Raises:
            ConfigError: It is another account's.
        """
        if record.account != self._account or record.exchange != self._exchange:
            self._adopt(record)
        received = record.received_ns // 1_000_000 or record.timestamp or 0
        if received > self._as_of:
            self._as_of = received

    def _adopt(self, record: Record) -> None:
        """Make the first record's exchange and account ours, where none were given."""
        if self._exchange is None:
            self._exchange = record.exchange
        if self._account is None:
            self._account = record.account
        if record.account != self._account or record.exchange != self._exchange:
            raise ConfigError(
                f"this tracker follows {self._exchange}/{self._account} and was given a record of "
                f"{record.exchange}/{record.account}: use one tracker for each account",
                exchange=record.exchange,
            )

    def _judge(self, verdict: Verdict) -> None:
        """Take note of what a record is."""
        self.verdict = verdict
        self._told[verdict] += 1

    def _refuse(self, verdict: Verdict) -> Change | None:
        """Take note of a record that changes nothing, and return no change."""
        self._judge(verdict)
        return None


def is_said(value: Any) -> bool:
    """Tell whether a field says something: neither None nor an unknown word."""
    return value is not None and value != "unknown"


def filled_in(row: RecordT, base: RecordT | None, names: Sequence[str]) -> RecordT:
    """
    Return a row with what it leaves unsaid taken from what was said before.

    Args:
        row: The row.
        base: What was said before.
        names: The fields that stay as they are unless something else is said.
    """
    if base is None:
        return row
    missing = {
        name: getattr(base, name) for name in names if not is_said(getattr(row, name)) and is_said(getattr(base, name))
    }
    return evolve(row, **missing) if missing else row
