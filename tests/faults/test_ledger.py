"""The oracle notices what it is there to notice."""

from typing import Any

import pytest
from attrs import evolve

from futures_stream import Closed, Execution, Gap, Live, LoginRejected, Order, Resynced, Rotated
from tests.faults.deliveries import check_delivery
from tests.faults.events import Written, events_in, identity_of
from tests.faults.ledger import Broken, check_executions, check_notices, check_secrets


def queue_of(*said: object) -> list[Any]:
    """Make what was told: texts are orders, classes are notices, a moment a line."""
    told: list[Any] = []
    for place, one in enumerate(said, 1):
        common: dict[str, Any] = {"exchange": "x", "account": "a", "seq": place, "timestamp": place * 10_000}
        if isinstance(one, str):
            told.append(Order(**common, order_id=one, raw_status="new"))
        elif one is Gap:
            told.append(Gap(**common, reason="why", since=(place - 1) * 10_000))
        elif one is Resynced:
            gap = next(record for record in reversed(told) if isinstance(record, Gap))
            told.append(Resynced(**common, since=gap.since, until=place * 10_000))
        elif one is Rotated:
            told.append(Rotated(**common, reason="why"))
        else:
            told.append(one(**common))
    return told


def line(connection: int, *said: tuple[str, int]) -> list[Written]:
    """Make what was written: order ids, and when, in units of the queue's places."""
    return [Written(connection, when * 10_000, ("order", name, "new", "-")) for name, when in said]


FINE = queue_of(Live, "a", "b", Gap, "c", Resynced, Live, "d", Closed)


def test_a_run_that_is_right() -> None:
    """What was lost lies inside of the gap, and is named."""
    wrote = line(1, ("a", 2), ("b", 3), ("lost", 4)) + line(2, ("c", 5), ("d", 8))
    check_notices(FINE)

    assert [event.identity[1] for event in check_delivery(wrote, FINE)] == ["lost"]


def test_a_move_to_a_connection_that_had_written_first() -> None:
    """Since the last look the new connection may have said something before the old one did."""
    told = queue_of("a", "b", Rotated, "c")
    begins = [evolve(event, full=True) for event in line(2, ("set", 1))]
    wrote = begins + line(1, ("a", 1), ("b", 2)) + line(2, ("a", 1), ("b", 2), ("c", 4))

    assert check_delivery(wrote, told) == []


def test_a_server_that_goes_on_writing_to_a_connection_that_was_left() -> None:
    """It is the next connection that counts: there it was delivered, lost in a gap, or lost without one."""
    told = queue_of(Live, "a", Gap, "b", Resynced, Gap, Resynced, Closed)
    begins = line(1, ("a", 2), ("b", 4))

    lost = check_delivery(begins + line(1, ("late", 6)) + line(2, ("b", 4), ("late", 6)), told)
    assert [event.connection for event in lost] == [2]
    with pytest.raises(Broken, match="connection=1"):
        check_delivery(begins + line(1, ("late", 9)) + line(2, ("b", 4)), told)
    with pytest.raises(Broken, match="connection=2"):
        check_delivery(begins + line(1, ("late", 9)) + line(2, ("b", 4), ("late", 9)), told)


def test_a_move_that_came_to_nothing() -> None:
    """The full sets of a connection that never served are not missed; an event that only it was told of is."""
    told = queue_of("a", "b", "c")
    served = line(1, ("a", 1), ("b", 2), ("c", 3))
    begins = [evolve(event, full=True) for event in line(2, ("set", 2))]

    assert check_delivery(served + begins + line(2, ("b", 2)), told) == []
    with pytest.raises(Broken, match="'lost'"):
        check_delivery(served + begins + line(2, ("lost", 2)), told)


@pytest.mark.parametrize(
    "wrote",
    [
        line(1, ("a", 2), ("b", 3)) + line(2, ("c", 5), ("d", 8), ("lost", 9)),
        line(1, ("b", 2), ("a", 3)) + line(2, ("c", 5), ("d", 8)),
        line(1, ("a", 2), ("lost", 2), ("b", 3)) + line(2, ("c", 5), ("d", 8)),
        line(1, ("a", 2), ("b", 3)) + line(2, ("c", 5)),
        line(1, ("a", 2), ("b", 3), ("c", 4), ("d", 4), ("late", 8)),
    ],
    ids=["lost at the end", "out of order", "hole in a connection", "told but never written", "lost behind the gap"],
)
def test_a_run_that_is_wrong(wrote: list[Written]) -> None:
    """A loss without a gap, a changed order and an invention are found."""
    with pytest.raises(Broken):
        check_delivery(wrote, FINE)


def test_the_same_event_at_a_seam() -> None:
    """An event that could be the old connection's last or the new one's first is explained either way."""
    told = queue_of(Live, "a", Gap, "same", "b", Resynced, Live, Closed)

    assert check_delivery(line(1, ("a", 2), ("same", 3)) + line(2, ("same", 4), ("b", 5)), told) == []


@pytest.mark.parametrize(
    "told",
    [
        queue_of(Live, Gap, Gap, Closed),
        queue_of(Live, Live, Closed),
        queue_of(Live, Gap, Live, Closed),
        queue_of(Live, Closed, "a"),
        queue_of(Live, "a"),
        queue_of("a", "b", Closed)[::2],
    ],
)
def test_notices_out_of_order(told: list[Any]) -> None:
    """What a consumer could not make sense of is found."""
    with pytest.raises(Broken):
        check_notices(told)


def test_what_was_under_way_when_a_connection_was_left_in_an_open_gap() -> None:
    """It was written before the gap began, on a slow line of which some more is heard; without a gap it is missing."""
    told = queue_of(Live, "a", "b", "c", Gap, "d", "f", Resynced, Live, Closed)
    slow = line(1, ("a", 1), ("b", 2), ("c", 2), ("d", 2), ("lost", 2))

    assert [event.identity[1] for event in check_delivery(slow + line(2, ("f", 7)), told)] == ["lost"]
    with pytest.raises(Broken, match="'lost'"):
        check_delivery(slow + line(2, ("f", 7)), queue_of(Live, "a", "b", "c", Gap, "d", Resynced, Live, Rotated, "f"))


def test_a_gap_may_be_left_open_by_the_end() -> None:
    """A stream that ends while it is blind does not pretend to have been resynced."""
    check_notices(queue_of(Live, Gap, Closed))


def test_executions_twice() -> None:
    """The same match twice without a gap between is found; behind a gap it is the server's business."""
    execution = Execution(exchange="x", account="a", symbol="BTCUSDT", trade_id="1")
    check_executions([execution, *queue_of(Gap), execution])
    with pytest.raises(Broken):
        check_executions([execution, execution])


def test_secrets() -> None:
    """A secret is found in a record's raw row, in an error behind an error, and in any text."""
    hidden = LoginRejected("no")
    hidden.__cause__ = ValueError("canary")
    for thing in (hidden, Order(exchange="x", account="a", info={"k": "canary"}), "a canary sang"):
        with pytest.raises(Broken) as caught:
            check_secrets(["canary"], thing)
        assert "canary" not in str(caught.value)
    check_secrets(["canary"], LoginRejected("no"), "nothing")


def test_wire_and_records_agree() -> None:
    """An order is the same event whether its numbers were text, decimals, or spelled otherwise."""
    text = '{"stream":"future_order","data":{"orderId":"1","status":"PARTIAL","tradedAmount":1.50}}'
    order = Order(exchange="x", account="a", order_id="1", raw_status="PARTIAL", filled="1.5")  # type: ignore[arg-type]

    assert events_in(text) == [("orders", identity_of(order))]
    assert events_in("{not json") == events_in("[]") == events_in('{"stream":"future_order"}') == []
