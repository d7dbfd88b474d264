"""
The oracle of delivery: what a server wrote, held against what the consumer got.

Each record is explained by an event on a connection. Records do not say which one brought them, so every reading that
is still possible is followed, until only those are left that explain all there is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence

from attrs import evolve, field, frozen

from futures_stream import Gap, Origin, Overflow, Record, Resynced, Rotated
from tests.faults.events import Identity, Written, identity_of
from tests.faults.ledger import Broken, claim

_OVERLAPPING = ("listen key", "was left", "says otherwise")  # in a gap's reason: one connection takes over from another


@frozen
class Reading:
    """
    One way to explain what was told: up to where each connection was heard.

    Attributes:
        connection: Which line is being heard, by its place; -1 before the first.
        heard: How many of its events have been.
        total: How many events of the lines before it were heard: of two readings the one that explains more is kept.
        moves: How many rotations have been used up.
        gap: How many gaps had been told when the last event was explained.
        left_in: The gap in which the line before was left, by its number from 1 on; 0 if without one.
        earlier: How it was when the line before was left.
    """

    connection: int
    heard: int
    total: int = 0
    moves: int = 0
    gap: int = field(default=0, eq=False)
    left_in: int = field(default=0, eq=False)
    earlier: Reading | None = field(default=None, eq=False, repr=False)


class Lines:
    """
    What was written, a line a connection.

    Args:
        wrote: The events, each connection's in order.
    """

    def __init__(self, wrote: Sequence[Written]) -> None:
        by_connection: dict[int, list[Written]] = defaultdict(list)
        for event in wrote:
            by_connection[event.connection].append(event)
        self.events = [by_connection[number] for number in sorted(by_connection)]  # as they were made
        self._told: dict[int, set[Identity]] = {}
        self._times: dict[int, dict[Identity, list[int]]] = {}
        self._starts: dict[Identity, list[int]] = defaultdict(list)
        for number, line in enumerate(self.events):
            self._starts[line[0].identity].append(number)

    def beginning_with(self, identity: Identity, behind: int) -> Iterable[int]:
        """Return the lines behind one that begin with this event."""
        numbers = self._starts.get(identity, [])
        return numbers[bisect_right(numbers, behind) :]

    def said_by(self, number: int) -> Container[Identity]:
        """Return all that was written on a line."""
        if number not in self._told:
            self._told[number] = {event.identity for event in self.events[number]}
        return self._told[number]

    def said_then(self, number: int, event: Written, slack_ms: int) -> bool:
        """Tell whether the same was written on a line at the same time."""
        if number < 0:
            return False
        if number not in self._times:
            times: dict[Identity, list[int]] = defaultdict(list)
            for each in self.events[number]:
                times[each.identity].append(each.unix_ms)
            self._times[number] = times
        return any(abs(at - event.unix_ms) <= slack_ms for at in self._times[number].get(event.identity, ()))


def check_delivery(
    wrote: Sequence[Written], told: Sequence[Record], slack_ms: int = 1000, moving: bool = False
) -> list[Written]:
    """
    I1, I2, I3: each event was delivered, in the order of its connection, or lies inside a gap; return the latter.

    A record is explained by the next event of the connection that is being heard, or by the first one of a later
    connection if there was a gap in between: nothing else could have brought it. Where a new connection takes over
    without a gap (a rotation, a listen key that was replaced), it need not repeat what the old one has said, nor the
    full sets that it begins with. The full sets of a connection that is lost before it has taken over go with it. A
    server may write to a connection long after it was left; what it writes to the next one at the same time counts.

    What is lost must be the end of its connection's line, with a gap told behind what came of it. A gap begins when the
    last frame came: what was under way then may have been written before, by as much as the network was slow.

    Args:
        wrote: The events, each connection's in order.
        told: Everything off the queue.
        slack_ms: How far the two clocks' readings may be apart; both are of one machine, but the ledger's are taken
            just after the write, and a busy machine may pause there.
        moving: Whether a rotation had been told just before, whose old connection may still say something.

    Raises:
        Broken: A record that nobody wrote, or out of order, or an event that is missing without a gap.
    """
    lines = Lines(wrote)
    readings = {Reading(-1, 0)}
    blind, may_move, rotations, gaps = False, True, int(moving), 0  # the first connection needs no gap
    for number, record in enumerate(told):
        if isinstance(record, Gap):
            blind = may_move = True
            gaps += 1
            if any(words in record.reason for words in _OVERLAPPING):
                rotations += 1
            else:
                readings = {evolve(reading, moves=rotations) for reading in readings}
        elif isinstance(record, Resynced):
            blind = False
        elif isinstance(record, Rotated):
            rotations += 1
        elif isinstance(record, Overflow):
            readings = {way for reading in readings for way in _skip(reading, record.missed, lines)}
        identity = identity_of(record)
        if identity is None:
            continue
        following: set[Reading] = set()
        for reading in readings:
            following |= _here(reading, identity, lines)
            if may_move:
                following |= _there(reading, identity, lines, gaps, blind)
            if reading.moves < rotations:
                following |= _over_there(reading, identity, lines, gaps, blind)
        following = {evolve(reading, gap=gaps) for reading in following}
        if record.origin is Origin.SNAPSHOT:  # asked for over REST, perhaps: no connection wrote that
            following |= readings
        else:
            may_move = blind
        if not following:
            raise Broken(f"nobody wrote this there: {record}\n{_where(readings, lines)}\n{_how(told, number, lines)}")
        readings = _best(following)
    best = max(readings, key=lambda each: (each.connection, each.total + each.heard))
    return _lost(lines, told, best, slack_ms)


def _skip(reading: Reading, most: int, lines: Lines) -> Iterable[Reading]:
    """Yield where we may be behind a place in the queue where so many are missing."""
    size = len(lines.events[reading.connection]) if reading.connection >= 0 else 0
    for heard in range(reading.heard, min(size, reading.heard + most) + 1):
        yield evolve(reading, heard=heard)


def _here(reading: Reading, identity: Identity, lines: Lines) -> set[Reading]:
    """Explain it by the next event of the same connection."""
    if reading.connection < 0:
        return set()
    line, at = lines.events[reading.connection], reading.heard
    found = set()
    while at < len(line):
        here = line[at].identity
        if here == identity:
            found.add(evolve(reading, heard=at + 1))
            break
        if not (_again(line, at) or _echo(reading, here, lines)):
            break
        at += 1
    return found


def _again(line: Sequence[Written], at: int) -> bool:
    """Tell whether this is an execution that was written before: it may be told once (DESIGN 4.4.3)."""
    here = line[at].identity
    return here[0] == "execution" and any(event.identity == here for event in line[:at])


def _echo(reading: Reading, identity: Identity, lines: Lines) -> bool:
    """Tell whether the connection that this one took over from has said the same."""
    earlier = reading.earlier
    return earlier is not None and reading.moves > earlier.moves and identity in lines.said_by(earlier.connection)


def _there(reading: Reading, identity: Identity, lines: Lines, gaps: int, blind: bool) -> set[Reading]:
    """Explain it by the first event of a later connection."""
    later = lines.beginning_with(identity, reading.connection)
    return {_moved(reading, number, 1, reading.moves, gaps, blind) for number in later}


def _over_there(reading: Reading, identity: Identity, lines: Lines, gaps: int, blind: bool) -> set[Reading]:
    """Explain it by an event of a later connection, behind full sets and what has been said before."""
    before = lines.said_by(reading.connection) if reading.connection >= 0 else ()
    found = set()
    for number in range(reading.connection + 1, min(reading.connection + 12, len(lines.events))):
        for place, event in enumerate(lines.events[number]):
            if event.identity == identity:
                found.add(_moved(reading, number, place + 1, reading.moves + 1, gaps, blind))
                break
            if not (event.full or event.identity in before):
                break
    return found


def _moved(reading: Reading, number: int, heard: int, moves: int, gaps: int, blind: bool) -> Reading:
    return Reading(
        number,
        heard,
        reading.total + reading.heard,
        moves,
        left_in=gaps if blind or gaps > reading.gap else 0,
        earlier=reading if reading.connection >= 0 else None,
    )


def _best(readings: set[Reading]) -> set[Reading]:
    """Keep, of those who agree on where we are, the one that explains most."""
    best: dict[tuple[int, int, int], Reading] = {}
    for reading in readings:
        place = (reading.connection, reading.heard, reading.moves)
        if place not in best or reading.total > best[place].total:
            best[place] = reading
    return set(best.values())


def _where(readings: Iterable[Reading], lines: Lines) -> str:
    """Say what was expected instead."""
    said = []
    for reading in list(readings)[:3]:
        line = lines.events[reading.connection] if reading.connection >= 0 else []
        said.append(
            f"{reading} would go on with {[event.identity for event in line[reading.heard : reading.heard + 3]]}"
        )
    return "\n".join(said)


def _how(told: Sequence[Record], number: int, lines: Lines) -> str:
    """Say what had been told last, what came then, and where it was written."""
    said = []
    for record in told[max(0, number - 30) : number + 10]:
        identity = identity_of(record)
        places = [
            (line, place, event.unix_ms)
            for line, events in enumerate(lines.events)
            for place, event in enumerate(events)
            if event.identity == identity
        ]
        said.append(f"{record.seq}: {record if identity is None else (identity, str(record.origin))} at {places[-6:]}")
    ends = [(len(events), events[0].unix_ms, events[-1].unix_ms) for events in lines.events]
    return "\n".join(["told:", *said, f"lines (events, first, last): {ends}"])


def _lost(lines: Lines, told: Sequence[Record], reading: Reading, slack_ms: int) -> list[Written]:
    ends: dict[int, int] = {}
    left_in: dict[int, int] = {}
    step: Reading | None = reading
    while step is not None:
        ends[step.connection] = step.heard
        if step.earlier is not None:
            left_in[step.earlier.connection] = step.left_in
        step = step.earlier
    delivered = {event.identity for number, line in enumerate(lines.events) for event in line[: ends.get(number, 0)]}
    gaps = _gaps(told)
    lost = []
    for number, line in enumerate(lines.events):
        for event in line[ends.get(number, 0) :]:
            if event.identity in delivered:
                continue  # by another connection
            if event.full and number not in ends:
                continue  # how things stood, where nobody listened; what has made it so was written where somebody did
            if any(later > number and lines.said_then(later, event, slack_ms) for later in ends):
                continue  # to a connection that had been left, too; it is judged where the stream was by then
            covered = any(since - slack_ms <= event.unix_ms <= until + slack_ms for since, until in gaps)
            covered = covered or event.unix_ms <= _until(gaps, left_in.get(number, 0)) + slack_ms
            claim(covered, f"{event} was written, not delivered, and lies in no gap of {gaps[-20:]}")
            lost.append(event)
    return lost


def _until(gaps: Sequence[tuple[int, float]], number: int) -> float:
    """Return when the gap of that number ended; long ago if it is none."""
    return gaps[number - 1][1] if number else -1.0e18


def _gaps(told: Sequence[Record]) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    for record in told:
        if isinstance(record, Gap):
            found.append((record.since, float("inf")))
        elif isinstance(record, Resynced):
            found[-1] = (found[-1][0], record.until)
    return found
