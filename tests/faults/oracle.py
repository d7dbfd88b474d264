"""What every player does at the end of a run: all promises at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import field, frozen

from futures_stream import Closed, Gap, LeaseRenewed, Notice, Overflow, Record, Resynced, Snapshot, Stream
from tests.faults.deliveries import check_delivery
from tests.faults.events import Written
from tests.faults.ledger import Broken, check_executions, check_notices, check_secrets

_BESIDE = (LeaseRenewed, Snapshot)  # come when they come; scenarios do not list them


@frozen(kw_only=True)
class Run:
    """All that is known about a run when it is over."""

    stream: Stream
    told: Sequence[Record]
    written: Sequence[Written]
    attempts: int
    secrets: Sequence[str]
    deletes: int = 0
    shown: Sequence[object] = field(factory=tuple)
    detected_after: Sequence[float] = field(factory=tuple)


def kinds(records: Iterable[Record]) -> list[str]:
    """Return the classes of the notices that a scenario lists."""
    return [type(one).__name__ for one in records if isinstance(one, Notice) and not isinstance(one, _BESIDE)]


def judge(run: Run, expect: dict[str, Any]) -> None:
    """
    Check a run: what holds of every one (I1 to I7), and what this one's scenario expects.

    Args:
        run: The run.
        expect: ``notices`` (their classes, in order), ``error`` (the class that ended the stream, or null),
            ``reasons`` (a pattern for each Gap), ``lost`` ("some" or "none"), ``records`` (how many at least),
            ``connects`` and ``attempts`` (how many, or [least, most]), ``detected_within`` (seconds), ``message`` (a
            pattern for the last error), ``marks``, ``snapshots``, ``missed`` (most), ``most_records``, ``deletes``,
            ``complete`` (whether every gap is proven).
    """
    check_secrets(run.secrets, *run.shown, *run.told, repr(run.stream), repr(run.stream.status), run.stream.stats())
    check_notices(run.told)
    lost = check_delivery(run.written, run.told)
    check_executions(run.told)
    _check_expected(run, expect, lost)


def _check_expected(run: Run, expect: dict[str, Any], lost: list[Written]) -> None:
    told = kinds(run.told)
    if "notices" in expect:
        same(told, expect["notices"], "the notices")
    closed = run.told[-1]
    assert isinstance(closed, Closed)
    same(None if closed.error is None else type(closed.error).__name__, expect.get("error"), "what ended the stream")
    if "message" in expect:
        matches(expect["message"], str(closed.error))
    gaps = [record for record in run.told if isinstance(record, Gap)]
    for gap, pattern in zip(gaps, expect.get("reasons", ()), strict="reasons" in expect):
        matches(pattern, gap.reason)
    if "lost" in expect:
        same("some" if lost else "none", expect["lost"], f"what was lost ({len(lost)})")
    if "records" in expect:
        within(sum(not isinstance(record, Notice) for record in run.told), [expect["records"], 10**9], "the records")
    if "most_records" in expect:
        within(sum(not isinstance(record, Notice) for record in run.told), [0, expect["most_records"]], "the records")
    if "marks" in expect:
        same(sorted({str(mark) for record in run.told for mark in record.marks}), expect["marks"], "the marks")
    if "snapshots" in expect:
        same(sum(isinstance(record, Snapshot) for record in run.told), expect["snapshots"], "the full sets")
    if "missed" in expect:
        told_missed = sum(record.missed for record in run.told if isinstance(record, Overflow))
        same(run.stream.stats().missed, told_missed, "what found no room, and what was told of it")
        within(told_missed, [1, expect["missed"]], "what found no room")
    if "deletes" in expect:
        same(run.deletes, expect["deletes"], "the keys given back")
    if "complete" in expect:
        complete = [record.complete for record in run.told if isinstance(record, Resynced)]
        same(complete, [expect["complete"]] * len(complete), "what is proven")
    within(run.stream.status.connects, expect.get("connects", [0, 20]), "the connections")
    within(run.attempts, expect.get("attempts", [0, 20]), "the attempts")  # I5: nobody is hammered
    for seconds in run.detected_after:
        # The contract says 0.1 s. Two busy cores may keep a thread from running for longer than that.
        within(seconds, [-1.0, expect.get("detected_within", 2.0)], "the detection")


def same(found: object, wanted: object, what: str) -> None:
    """Complain in words if the two differ."""
    if found != wanted:
        raise Broken(f"{what}: {found}, not {wanted}")


def matches(pattern: str, text: str) -> None:
    """Complain if the pattern is not in the text."""
    if not re.search(pattern, text):
        raise Broken(f"{text!r} does not say {pattern!r}")


def within(number: float, bounds: Any, what: str) -> None:
    """Complain if the number is outside of its bounds, or not the only one allowed."""
    least, most = bounds if isinstance(bounds, list) else (bounds, bounds)
    if not least <= number <= most:
        raise Broken(f"{what}: {number}, not {bounds}")
