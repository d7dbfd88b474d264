"""What all trackers do alike: whose records they take, what they count, and what a row leaves unsaid."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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
        self._as_of_ns = 0
        self._forget_ns: float = float("inf")  # when something is to be forgotten
        self._told = dict.fromkeys(Verdict, 0)
        self._folds: dict[type[Record], Callable[[Any], Change | None] | None] = {}

    @property
    def counts(self) -> Counts:
        """How many records were news, late and so on."""
        return Counts(**{verdict.value: count for verdict, count in self._told.items()})

    @property
    def as_of(self) -> int | None:
        """When the last record that was folded was received, in ms; when it happened, if it was received nowhere."""
        return self._as_of_ns // 1_000_000 or None

    def apply(self, record: Record) -> Change | None:
        """
        Fold a record; return what it changed, None for nothing.

        Raises:
            ConfigError: It is a record of another account.
        """
        if record.account != self._account or record.exchange != self._exchange:
            self._adopt(record)
        received = record.received_ns or (record.timestamp or 0) * 1_000_000
        if received > self._as_of_ns:
            self._as_of_ns = received
            if received >= self._forget_ns:
                self._forget()
        kind = type(record)
        fold = self._folds[kind] if kind in self._folds else self._fold_of(kind)
        return None if fold is None else fold(record)

    def come_to(self, received_ns: int) -> None:
        """Take note that the stream has come as far as a record that is of another kind, received at that time."""
        if received_ns > self._as_of_ns:
            self._as_of_ns = received_ns
            if received_ns >= self._forget_ns:
                self._forget()

    def _fold_of(self, kind: type[Record]) -> Callable[[Any], Change | None] | None:
        """Return what folds the records of a class, and remember it; None for those that mean nothing here."""
        folds = (fold for known, fold in self._kinds().items() if issubclass(kind, known))
        self._folds[kind] = next(folds, None)
        return self._folds[kind]

    def _kinds(self) -> dict[type[Record], Callable[[Any], Change | None]]:
        """Return what folds the records of each class that this tracker is about."""
        raise NotImplementedError

    def hurry(self, records: Sequence[Record], at: int) -> int:
        """
        Fold the usual ones among records that came together, from place *at* on; return the place of the next one.

        That is *at* itself if the first is not usual. It looks not at the time, and counts nothing.
        """
        return at

    def _hurry_while(self, take: Callable[[Any], bool], kind: type[Record], records: Sequence[Record], at: int) -> int:
        """Fold those from place *at* on that are of a kind, and that *take* folds, which says whether it has."""
        for record in records[at:]:
            is_ours = type(record) is kind and record.account == self._account and record.exchange == self._exchange
            if not (is_ours and take(record)):
                break
            at += 1
        return at

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

    def _forget(self) -> None:
        """Let go what has been kept long enough, and note when to look again."""

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
