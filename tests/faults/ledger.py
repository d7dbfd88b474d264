"""
The oracle: what a server wrote, held against what the consumer got.

It knows the wire by itself, and shares no code with the dialects, so that a misreading of theirs cannot hide here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from attrs import evolve, frozen

from futures_stream import (
    Balance,
    Closed,
    Execution,
    Gap,
    LiquidationWarning,
    Live,
    Notice,
    Order,
    Origin,
    Overflow,
    Position,
    Record,
    Resynced,
    Rotated,
)

Identity = tuple[str, ...]


class Broken(AssertionError):
    """A promise was not kept."""


@frozen
class Written:
    """One event that a server wrote: on which connection, when (ms since 1970), and which it was."""

    connection: int
    unix_ms: int
    identity: Identity


def _plain(value: Any) -> str:
    """Write a number, however it was spelled, in one way."""
    if value is None or value == "":
        return "-"
    number = Decimal(str(value))
    return format(number.normalize(), "f") if number else "0"


# -- what was written -----------------------------------------------------------------------------------------------


def _bitget(message: dict[str, Any]) -> Iterable[tuple[str, Identity]]:
    channel = str(message["arg"]["channel"])
    for row in message["data"]:
        if channel == "orders":
            yield "orders", ("order", row["orderId"], row["status"], _plain(row["filledSize"]))
        elif channel == "execution":
            yield "executions", ("execution", str(row["tradeId"]), row["orderId"], _plain(row["size"]))
        elif channel == "account":
            yield "account", ("balance", row["marginCoin"], _plain(row["available"]), _plain(row["frozenBalance"]))
        elif channel == "positions":
            size, profit = _plain(row["holdPosition"]), _plain(row["unrealizedPnl"])
            yield "positions", ("position", row["symbol"], row["positionSide"], size, profit)
        else:
            yield "liquidations", ("warning", row["symbol"])


_SIDES = {"BUY": "long", "SELL": "short"}


def _bitmusa(message: dict[str, Any]) -> Iterable[tuple[str, Identity]]:
    rows = message["data"] if isinstance(message["data"], list) else [message["data"]]
    for row in rows:
        if message["stream"] == "future_order":
            yield "orders", ("order", row["orderId"], row["status"], _plain(row["tradedAmount"]))
        elif message["stream"] == "future_wallet":
            yield "account", ("balance", row["asset"], _plain(row["free"]), _plain(row["locked"]))
        elif message["stream"] == "future_position":
            size, profit = _plain(row["amount"]), _plain(row["unpnl"])
            yield "positions", ("position", row["ticker"], _SIDES[row["position"]], size, profit)


def events_in(text: str) -> list[tuple[str, Identity]]:
    """Return the channel and identity of every event in a frame; nothing for one that is no push of events."""
    try:
        message = json.loads(text, parse_float=Decimal)
        if "stream" in message:
            return list(_bitmusa(message))
        return list(_bitget(message)) if "data" in message else []
    except (ValueError, TypeError, KeyError):
        return []  # what a test garbled is no event


def written(entries: Iterable[Any], exchange: str, channels: Sequence[str]) -> list[Written]:
    """Return the events in a simulator's ledger that a stream of these channels was to hear."""
    return [
        Written(entry.connection, entry.unix_ms, identity)
        for entry in entries
        if entry.exchange == exchange
        for channel, identity in events_in(entry.text)
        if channel in channels
    ]


# -- what was told --------------------------------------------------------------------------------------------------


def identity_of(record: Record) -> Identity | None:
    """Return which event a record is; None for a notice."""
    match record:
        case Order():
            return ("order", record.order_id or "", record.raw_status or "", _plain(record.filled))
        case Execution():
            return ("execution", record.trade_id or "", record.order_id or "", _plain(record.size))
        case Balance():
            return ("balance", record.asset or "", _plain(record.free), _plain(record.locked))
        case Position():
            size, profit = _plain(record.size), _plain(record.unrealized_pnl)
            return ("position", record.symbol or "", record.side.value, size, profit)
        case LiquidationWarning():
            return ("warning", record.symbol or "")
    return None


# -- the promises ---------------------------------------------------------------------------------------------------


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
                _claim(gap is None, f"a Gap inside of a Gap: {record}")
                _claim(record.since <= (record.timestamp or 0), f"a Gap that begins after it was noticed: {record}")
                gap, may_live = record, False
            case Resynced():
                _claim(gap is not None, f"a Resynced of nothing: {record}")
                assert gap is not None
                _claim(record.since == gap.since, f"{record} does not belong to {gap}")
                _claim(record.until >= record.since, f"a gap that ends before it began: {record}")
                gap, may_live = None, True
            case Live():
                _claim(may_live and gap is None, f"Live inside of a gap: {record}")
                may_live = False
            case Rotated():
                _claim(gap is None, f"a rotation inside of a gap: {record}")
            case Closed():
                _claim(place == len(told) - 1, f"something behind Closed: {told[place + 1 :]}")
    if ended:
        _claim(bool(told) and isinstance(told[-1], Closed), "Closed is missing")
    for before, after in pairwise(told):
        if isinstance(after, Overflow) or isinstance(before, Overflow):
            continue
        _claim(after.seq == before.seq + 1, f"seq goes from {before.seq} to {after.seq}")


@frozen
class Reading:
    """One way to explain what was told: up to where each connection was heard."""

    connection: int  # an index, -1 before the first
    heard: int
    ends: tuple[int, ...] = ()  # of the connections before


def check_delivery(wrote: Sequence[Written], told: Sequence[Record], slack_ms: int = 1000) -> list[Written]:
    """
    I1, I2, I3: each event was delivered, in the order of its connection, or lies inside a gap; return the latter.

    A record is explained by the next event of the connection that is being heard, or by the first one of a later
    connection if there was a gap in between: nothing else could have brought it.

    Args:
        wrote: The events, each connection's in order.
        told: Everything off the queue.
        slack_ms: How far the two clocks' readings may be apart; both are of one machine, but the ledger's are taken
            just after the write, and a busy machine may pause there.

    Raises:
        Broken: A record that nobody wrote, or out of order, or an event that is missing without a gap.
    """
    order = list(dict.fromkeys(event.connection for event in wrote))
    lines = [[event.identity for event in wrote if event.connection == connection] for connection in order]
    readings = {Reading(-1, 0)}
    blind, may_move = False, True  # the first connection needs no gap
    for record in told:
        if isinstance(record, Gap):
            blind = may_move = True
        elif isinstance(record, Resynced):
            blind = False
        elif isinstance(record, Overflow):
            readings = {way for reading in readings for way in _skip(reading, record.missed, lines)}
        identity = identity_of(record)
        if identity is None:
            continue
        following = set()
        for reading in readings:
            following |= _explain(reading, identity, lines, may_move)
        if record.origin is Origin.SNAPSHOT:  # asked for over REST, perhaps: no connection wrote that
            following |= readings
        else:
            may_move = blind
        _claim(bool(following), f"nobody wrote this there: {record}")
        readings = _best(following)
    return _lost(order, lines, wrote, told, max(readings, key=lambda each: (each.connection, each.heard)), slack_ms)


def _skip(reading: Reading, most: int, lines: list[list[Identity]]) -> Iterable[Reading]:
    """Yield where we may be behind a place in the queue where so many are missing."""
    line = lines[reading.connection] if reading.connection >= 0 else []
    for heard in range(reading.heard, min(len(line), reading.heard + most) + 1):
        yield evolve(reading, heard=heard)


def _explain(reading: Reading, identity: Identity, lines: list[list[Identity]], may_move: bool) -> set[Reading]:
    found = set()
    if reading.connection >= 0:
        line, at = lines[reading.connection], reading.heard
        # An execution that was written twice may be told once (DESIGN 4.4.3).
        while at < len(line) and line[at] != identity and line[at][0] == "execution" and line[at] in line[:at]:
            at += 1
        if at < len(line) and line[at] == identity:
            found.add(Reading(reading.connection, at + 1, reading.ends))
    if may_move:
        for later in range(reading.connection + 1, len(lines)):
            if lines[later] and lines[later][0] == identity:
                skipped = (0,) * (later - reading.connection - 1)
                ends = (*reading.ends, reading.heard, *skipped) if reading.connection >= 0 else skipped
                found.add(Reading(later, 1, ends))
    return found


def _best(readings: set[Reading]) -> set[Reading]:
    """Keep, of those who agree on where we are, the one that explains most."""
    best: dict[tuple[int, int], Reading] = {}
    for reading in readings:
        place = (reading.connection, reading.heard)
        if place not in best or sum(reading.ends) > sum(best[place].ends):
            best[place] = reading
    return set(best.values())


def _lost(
    order: list[int],
    lines: list[list[Identity]],
    wrote: Sequence[Written],
    told: Sequence[Record],
    reading: Reading,
    slack_ms: int,
) -> list[Written]:
    ends = (*reading.ends, reading.heard) if reading.connection >= 0 else ()
    ends += (0,) * (len(order) - len(ends))
    delivered = {identity for line, end in zip(lines, ends, strict=True) for identity in line[:end]}
    gaps = _gaps(told)
    lost = []
    for connection, line, end in zip(order, lines, ends, strict=True):
        events = [event for event in wrote if event.connection == connection]
        for event, identity in zip(events[end:], line[end:], strict=True):
            if identity in delivered:
                continue  # by another connection
            covered = any(since - slack_ms <= event.unix_ms <= until + slack_ms for since, until in gaps)
            _claim(covered, f"{event} was written, not delivered, and lies in no gap of {gaps}")
            lost.append(event)
    return lost


def _gaps(told: Sequence[Record]) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    for record in told:
        if isinstance(record, Gap):
            found.append((record.since, float("inf")))
        elif isinstance(record, Resynced):
            found[-1] = (found[-1][0], record.until)
    return found


def check_executions(told: Sequence[Record]) -> None:
    """I3: between two gaps no execution is told twice."""
    seen: set[tuple[str | None, str | None]] = set()
    for record in told:
        if isinstance(record, Gap):
            seen.clear()
        elif isinstance(record, Execution):
            key = (record.symbol, record.trade_id)
            _claim(key not in seen, f"told twice: {record}")
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


def _claim(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)
