"""What two connections both say is delivered once, and in one order."""

from hypothesis import given
from hypothesis import strategies as st

from futures_stream import Order, Origin, Unreadable
from futures_stream.engine.overlap import Overlap


def order(number: int, **facts: object) -> Order:
    """An order's state; the same number is the same row."""
    return Order(exchange="x", account="a", order_id=str(number), **facts)  # type: ignore[arg-type]


@given(
    rows=st.lists(st.integers(0, 3), max_size=30),
    begins=st.integers(0, 30),
    old_ends=st.integers(0, 30),
    new_ahead=st.integers(0, 30),
)
def test_nothing_is_missing_doubled_or_overtaken(rows: list[int], begins: int, old_ends: int, new_ahead: int) -> None:
    """Whatever both connections get of one history, in whatever rhythm, it is delivered whole, once, in order."""
    history = [order(row, timestamp=at) for at, row in enumerate(rows)]
    begins = min(begins, len(history))  # the new connection is subscribed here
    old_ends = max(begins, min(old_ends, len(history)))  # and the old one hears nothing after this
    early = max(begins, min(new_ahead, len(history)))  # what the new one says before the old one has ended
    overlap = Overlap()

    told = overlap.old_says(history[:begins])
    told = told + overlap.new_says(history[begins:early])
    told = told + overlap.old_says(history[begins:old_ends])
    told = told + overlap.release()
    told = told + overlap.new_says(history[early:])

    assert told == history


def test_rows_that_are_alike_are_as_many_as_there_were() -> None:
    """Two rows that agree to the letter are two rows."""
    overlap = Overlap()
    told = overlap.old_says([order(1)])

    told += overlap.new_says([order(1), order(1)])
    told += overlap.release()

    assert told == [order(1), order(1)]
    assert overlap.dropped == 1


def test_the_first_set_of_a_fresh_subscription_is_left_out() -> None:
    """It may be older than what the old connection pushed since."""
    overlap = Overlap()
    overlap.new_says([order(1, origin=Origin.SNAPSHOT), order(2)])

    assert overlap.release() == [order(2)]


def test_notices_are_never_taken_for_rows() -> None:
    """Two unreadable messages with the same text are told twice."""
    notice = Unreadable(exchange="x", account="a", text="{", error="not JSON")
    overlap = Overlap()
    overlap.old_says([notice])
    overlap.release()

    assert overlap.new_says([notice]) == [notice]
