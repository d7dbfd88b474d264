"""The promises that hold of every run whatever happened, but for delivery: notices, executions, secrets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from futures_stream import Closed, Execution, Gap, Live, Notice, Overflow, Record, Resynced, Rotated


class Broken(AssertionError):
    """A promise was not kept."""


def claim(holds: bool, otherwise: str) -> None:
    """Complain in words unless it holds."""
    if not holds:
        raise Broken(otherwise)


def check_notices(told: Sequence[Record], ended: bool = True) -> None:
    """
    I4: the notices come in a legal order.

    Each Gap is closed by one Resynced or by Closed; Resynced only behind a Gap, with its ``since``; Live first or
    behind a Resynced; Closed last, and once; ``seq`` rises, and has holes at an Overflow only.
    """
    gap: Gap | None = None
    may_live = True
    for place, record in enumerate(told):
        match record:
            case Gap():
                claim(gap is None, f"a Gap inside of a Gap: {record}")
                claim(record.since <= (record.timestamp or 0), f"a Gap that begins after it was noticed: {record}")
                gap, may_live = record, False
            case Resynced():
                claim(gap is not None, f"a Resynced of nothing: {record}")
                assert gap is not None
                claim(record.since == gap.since, f"{record} does not belong to {gap}")
                claim(record.until >= record.since, f"a gap that ends before it began: {record}")
                gap, may_live = None, True
            case Live():
                claim(may_live and gap is None, f"Live inside of a gap: {record}")
                may_live = False
            case Rotated():
                claim(gap is None, f"a rotation inside of a gap: {record}")
            case Closed():
                claim(place == len(told) - 1, f"something behind Closed: {told[place + 1 :]}")
    if ended:
        claim(bool(told) and isinstance(told[-1], Closed), "Closed is missing")
    for before, after in pairwise(told):
        if isinstance(after, Overflow) or isinstance(before, Overflow):
            continue
        claim(after.seq == before.seq + 1, f"seq goes from {before.seq} to {after.seq}")


def check_executions(told: Sequence[Record]) -> None:
    """I3: between two gaps no execution is told twice."""
    seen: set[tuple[str | None, str | None]] = set()
    for record in told:
        if isinstance(record, Gap):
            seen.clear()
        elif isinstance(record, Execution):
            key = (record.symbol, record.trade_id)
            claim(key not in seen, f"told twice: {record}")
            seen.add(key)


def check_secrets(secrets: Iterable[str], *texts: object) -> None:
    """I6: none of the secrets is in any of the texts, nor in anything that hangs on an exception."""
    shown = "\n".join(_all_of(text) for text in texts)
    for secret in secrets:
        if secret in shown:
            at = shown.index(secret)
            raise Broken(f"a secret is shown: …{shown[max(0, at - 120) : at]}<SECRET>")


def _all_of(thing: object) -> str:
    if isinstance(thing, BaseException):
        chain, parts = [thing], []
        while chain:
            error = chain.pop()
            parts += [repr(error), str(error), repr(vars(error))]
            chain += [other for other in (error.__cause__, error.__context__) if other is not None]
        return "\n".join(parts)
    if isinstance(thing, Record):
        error = getattr(thing, "error", None)
        text = getattr(thing, "text", "") if isinstance(thing, Notice) else ""
        extra = _all_of(error) if isinstance(error, BaseException) else ""
        return f"{thing!r}\n{thing!s}\n{dict(thing.info)!r}\n{text}\n{extra}"
    return str(thing)
