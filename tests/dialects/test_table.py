"""Parsers written as tables say what their readers say, field by field."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from futures_stream.dialects import table
from futures_stream.dialects.rows import Frame, read_rows
from futures_stream.dialects.wire import (
    FieldUnreadable,
    Words,
    decode,
    flag,
    instant,
    magnitude,
    number,
    text_of,
    whole,
)
from futures_stream.records import Order, Overflow
from futures_stream.vocabulary import Mark, Origin, Side

SIDES = Words(Side, {"buy": Side.BUY, "sell": Side.SELL})
PARSER = table.parser(
    Order,
    symbol=table.text("symbol", of_frame="symbol"),
    timestamp=table.instant("ts", of_frame="said_at"),
    order_id=table.text("id", "orderId"),
    side=table.word(SIDES, "side", default=Side.UNKNOWN),
    price=table.number("price", then=lambda price: price if price > 0 else None),
    size=table.size("size"),
    filled=table.number("filled"),
    average_price=table.derived(lambda filled: None if filled is None else filled * 2, "filled"),
    reduce_only=table.flag("reduce"),
    created_at=table.instant("created"),
    canceled_at=table.whole("canceled"),
)
KEYS = ["symbol", "ts", "id", "orderId", "side", "price", "size", "filled", "reduce", "created", "canceled"]


def frame(**changes):
    """What the rows of a message have in common."""
    common = {"exchange": "x", "account": "a", "product": "P", "symbol": "FRAMED", "said_at": "5", "received_ns": 7}
    return Frame(**(common | {"origin": Origin.SNAPSHOT, "unknown": Counter()} | changes))


def test_common_fields():
    """What all records have in common is the frame's, the row is kept, and what is in no table has its default."""
    row = {"id": "1", "price": "1.50"}
    (record,) = read_rows(PARSER, [row], frame(), 3)

    assert type(record) is Order
    assert (record.exchange, record.account, record.product, record.symbol) == ("x", "a", "P", "FRAMED")
    assert (record.timestamp, record.received_ns, record.seq, record.origin) == (5, 7, 3, Origin.SNAPSHOT)
    assert (record.info, record.marks, record.notional, record.raw_status) == (row, frozenset(), None, None)


VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**41), 10**41),
    st.sampled_from(["", "null", "buy", "SELL", " sell", "hold", "true", "no", "0", "-1", "1.50", "1e3", "1e999", "x"]),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-10, max_value=10),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(st.dictionaries(st.sampled_from(KEYS), VALUE))
def test_every_field_is_what_its_reader_says(row):
    """Whatever a row holds, each field is what its reader makes of it; what cannot be read is None, and marked."""
    bad = []

    def said(read, *keys):
        found = None
        for key in keys:
            try:
                found = read(row.get(key)) if found is None else found
            except FieldUnreadable:
                bad.append(key)
        return found

    unknown: Counter = Counter()
    price, filled = said(number, "price"), said(number, "filled")
    expected = {
        "symbol": said(text_of, "symbol") or "FRAMED",
        "timestamp": said(instant, "ts") or 5,
        "order_id": said(text_of, "id", "orderId"),
        "side": SIDES.read(row.get("side"), unknown) or Side.UNKNOWN,
        "price": price if price is not None and price > 0 else None,
        "size": said(magnitude, "size"),
        "filled": filled,
        "average_price": None if filled is None else filled * 2,
        "reduce_only": said(flag, "reduce"),
        "created_at": said(instant, "created"),
        "canceled_at": said(whole, "canceled"),
    }
    given_frame = frame()

    (record,) = read_rows(PARSER, [row], given_frame, 1)

    found = {name: getattr(record, name) for name in expected}
    assert found == expected
    assert [str(value) for value in found.values()] == [str(value) for value in expected.values()]
    assert record.marks == (frozenset({Mark.UNREADABLE_FIELD}) if bad else frozenset())
    assert set(given_frame.unknown) == set(unknown)


def test_exact():
    """A number is exact to the last digit, the first time and the next."""
    rows = [{"price": "1.50"}, {"price": "1.500"}, {"price": Decimal("1.5")}, {"price": "1.50"}]

    assert [str(record.price) for record in read_rows(PARSER, rows, frame(), 1)] == ["1.50", "1.500", "1.5", "1.50"]


def test_rows_share_their_keys():
    """The rows that records keep do not each have strings of their own for the same few keys."""
    text = '{"order-id": "1", "the price": 1.50, "nested": {"a": [1]}}'
    one, other = read_rows(PARSER, [decode(text), decode(text)], frame(), 1)

    assert all(mine is yours for mine, yours in zip(one.info, other.info, strict=True))
    assert dict(one.info) == {"order-id": "1", "the price": Decimal("1.50"), "nested": {"a": [1]}}


@pytest.mark.parametrize("nothing", ["", None, "null"])
def test_the_first_key_that_says_something(nothing):
    """A zero says something, in whatever form; what says nothing leaves it to the next key."""
    parse = table.parser(Order, size=table.number("a", "b"), created_at=table.instant("a", "b", "c"))
    for zero in ("0", 0, Decimal("0.0")):
        (record,) = read_rows(parse, [{"a": zero, "b": "5"}], frame(), 1)
        assert (record.size, record.created_at) == (0, 5)
    (record,) = read_rows(parse, [{"a": nothing, "b": "7", "c": "9"}], frame(), 1)
    assert (record.size, record.created_at) == (7, 7)


def test_made_fields():
    """A function makes one or two fields of the values of all keys; what it finds unreadable is marked as ever."""

    def twice(readers, frame, one, other):
        return readers.number(one), f"{frame.exchange} {other}"

    parse = table.parser(Order, fee=table.made(twice, "a", "b", also="fee_asset"))
    good, bad = read_rows(parse, [{"a": "1"}, {"a": [], "b": "c"}], frame(), 1)

    assert (good.fee, good.fee_asset, good.marks) == (1, "x None", frozenset())
    assert (bad.fee, bad.fee_asset, bad.marks) == (None, "x c", {Mark.UNREADABLE_FIELD})


def test_fields_of_some_states():
    """A field that is said in some states only is not even read in others."""
    parse = table.parser(
        Order, side=table.word(SIDES, "side"), canceled_at=table.only(table.instant("t"), "side", Side.SELL)
    )
    rows = [{"side": "sell", "t": "3"}, {"side": "buy", "t": "3"}, {"side": "buy", "t": []}, {"t": "3"}]
    records = read_rows(parse, rows, frame(), 1)

    assert [record.canceled_at for record in records] == [3, None, None, None]
    assert not any(record.marks for record in records)


def test_derived_of_several_and_of_none():
    """What follows from other fields follows from however many are named."""
    parse = table.parser(
        Order,
        size=table.number("a"),
        price=table.number("b"),
        notional=table.derived(lambda size, price: size * price, "size", "price"),
        margin_asset=table.derived(lambda: "USDT"),
    )
    (record,) = read_rows(parse, [{"a": "2", "b": "3"}], frame(), 1)

    assert (record.notional, record.margin_asset) == (6, "USDT")


def test_words_that_mean_nothing_in_any_case():
    """They are none, not unknown; and a word that is known to leave something open is not counted either."""
    words = Words(Side, {"either": None, "buy": Side.BUY})
    unknown: Counter = Counter()

    assert [words.read(said, unknown) for said in ("NULL", "Either", " either ", "BUY")] == [None, None, None, Side.BUY]
    assert not unknown


def test_no_such_field():
    """A table with a field that the record does not have is refused when it is made."""
    with pytest.raises(TypeError, match="Order has no colour"):
        table.parser(Order, colour=table.text("colour"))
    with pytest.raises(TypeError, match="Order has no colour"):
        table.parser(Order, fee=table.made(lambda *_: (1, 2), "a", also="colour"))


def test_no_plain_record():
    """A record that computes a field is refused when the table is made."""
    with pytest.raises(TypeError, match="call the class itself"):
        table.parser(Overflow)
