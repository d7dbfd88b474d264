"""Records as dicts and lines of JSON."""

import json
from decimal import Decimal

from futures_stream import (
    Balance,
    Channel,
    ChannelLost,
    Closed,
    Execution,
    LiquidationWarning,
    Mark,
    Order,
    OrderStatus,
    Overflow,
    Side,
    Snapshot,
    SubscriptionRejected,
)
from futures_stream.interop import to_dict, to_json

WHO = {"exchange": "bitget", "account": "default"}


def test_kind_comes_first_then_the_fields_in_their_order() -> None:
    """A reader of JSONL sees first what a line is."""
    plain = to_dict(Order(**WHO, symbol="BTCUSDT", side=Side.BUY, status=OrderStatus.PARTIALLY_FILLED))

    assert list(plain)[:5] == ["kind", "exchange", "account", "product", "symbol"]
    assert (plain["kind"], plain["side"], plain["status"]) == ("order", "buy", "partially_filled")
    assert plain["price"] is None


def test_a_kind_of_two_words_is_in_snake_case() -> None:
    """LiquidationWarning is liquidation_warning."""
    assert to_dict(LiquidationWarning(**WHO))["kind"] == "liquidation_warning"


def test_decimals_keep_every_digit() -> None:
    """A Decimal becomes text, trailing zeros and all."""
    plain = to_dict(Execution(**WHO, price=Decimal("30000.50"), size=Decimal("0.10000000000000000000001")))

    assert (plain["price"], plain["size"]) == ("30000.50", "0.10000000000000000000001")


def test_info_only_comes_when_asked_for() -> None:
    """The raw row is there on request, with its numbers as text."""
    record = Balance(**WHO, info={"free": Decimal("0.5155"), "n": 7, "rows": [{"x": None}]})

    assert "info" not in to_dict(record)
    assert to_dict(record, info=True)["info"] == {"free": "0.5155", "n": 7, "rows": [{"x": None}]}


def test_a_row_that_is_nested_without_end_is_cut() -> None:
    """A hostile row cannot exhaust the stack."""
    nested: list[object] = []
    for _ in range(5000):
        nested = [nested]

    assert "\\u2026" in to_json(Balance(**WHO, info={"x": nested}), info=True)


def test_marks_are_a_sorted_list() -> None:
    """Sets have no order of their own; the output has."""
    marked = Balance(**WHO, marks=frozenset({Mark.LATE, Mark.CONFLICT}))

    assert to_dict(marked)["marks"] == ["conflict", "late"]


def test_an_error_becomes_its_facts() -> None:
    """A notice that carries an error says its class, message, code and channel."""
    error = SubscriptionRejected("Bitget refused orders", code="60004", channel=Channel.ORDERS.value)

    plain = to_dict(ChannelLost(**WHO, channel="orders", error=error))

    facts = {"type": "SubscriptionRejected", "message": "Bitget refused orders", "code": "60004", "channel": "orders"}
    assert plain["error"] == facts
    assert to_dict(Closed(**WHO))["error"] is None


def test_tuples_and_mappings_become_lists_and_dicts() -> None:
    """Scopes, keys and counts are plain."""
    snapshot = to_dict(Snapshot(**WHO, of="positions", scope=("FUTURES", None), keys=(("BTCUSDT", "long", None),)))

    assert (snapshot["scope"], snapshot["keys"]) == (["FUTURES", None], [["BTCUSDT", "long", None]])
    assert to_dict(Overflow(**WHO, missed=2, classes={"Order": 2}))["classes"] == {"Order": 2}


def test_json_is_one_line_of_ascii() -> None:
    """Whatever an exchange says, a line stays a line, and every terminal and codec can take it."""
    line = to_json(Balance(**WHO, asset="US\nDT\u2028é\ud800\x1b[31m"))

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["asset"] == "US\nDT\u2028é\ud800\x1b[31m"
