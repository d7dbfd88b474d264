"""Orders by their clients' ids: an index that begins when it is asked for, in the middle of whatever is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from futures_stream.trackers import OrderTracker
from futures_stream.trackers.client_ids import ClientIds
from tests.trackers.making import execution, order


def a_row(order_id: str, client_order_id: str | None = None, **facts: Any) -> Any:
    """An order with a client's id."""
    return order(order_id, client_order_id=client_order_id, **facts)


@pytest.mark.parametrize("asked_at", range(7))
def test_the_latest_order_of_an_id_is_found_whenever_the_first_question_comes(asked_at: int) -> None:
    """What was told before the index began is in it, and what came behind as well."""
    tracker = OrderTracker(most=2)
    rows = [
        a_row("1", "mine"),
        a_row("2"),
        a_row("3", "mine", timestamp=2),
        a_row("4", "other", status="filled", filled="1"),
        a_row("5", "another", status="filled", filled="1"),
        a_row("6", "more", status="filled", filled="1"),
    ]
    for place, row in enumerate(rows):
        if place == asked_at:
            tracker.find(client_order_id="mine")
        tracker.apply(row)

    found = {name: tracker.find(client_order_id=name) for name in ("mine", "other", "another", "more", "none")}
    ids = {name: None if told is None else told.order_id for name, told in found.items()}
    assert ids == {"mine": "3", "other": None, "another": "5", "more": "6", "none": None}


def test_a_row_without_an_order_id_is_of_the_order_with_its_client_id() -> None:
    """Whether or not anybody has asked by a client's id before."""
    tracker = OrderTracker()
    tracker.apply(execution("t", order_id="never told"))
    tracker.apply(a_row("1", "mine"))
    tracker.apply(a_row(None, "mine", status="filled", filled="1", timestamp=2))  # type: ignore[arg-type]

    assert tracker.view["1"].status.final
    assert tracker.find(client_order_id=None) is None


class Interrupted(dict[Any, Any]):
    """Entries in the copying of which something happens."""

    before: Callable[[], object] = staticmethod(lambda: None)
    behind: Callable[[], object] = staticmethod(lambda: None)

    def copy(self) -> dict[Any, Any]:
        """Copy, between the two."""
        self.before()
        copied = dict(self)
        self.behind()
        return copied


@pytest.mark.parametrize("moment", ["before", "behind"])
def test_what_is_written_while_the_index_begins_is_found(moment: str) -> None:
    """An order that is new, one that has an id which was another's, and one that goes."""
    entries = Interrupted({"1": a_row("1", "a"), "2": a_row("2", "b"), "3": a_row("3", "gone")})
    ids = ClientIds(entries)

    def write() -> None:
        for order_id, client_id in (("4", "new"), ("5", "a")):
            entries[order_id] = a_row(order_id, client_id)
            ids.note_all([(order_id, entries[order_id])])
        ids.forget_all([("3", entries.pop("3"))])

    setattr(entries, moment, write)
    assert [ids.find(name) for name in ("new", "a", "b")] == ["4", "5", "2"]
    assert ids.find("gone") in ("3", None)  # what leads to nothing does no harm
    entries["6"] = a_row("6", "late")
    ids.note_all([("6", entries["6"])])
    assert ids.find("late") == "6"


def test_two_who_begin_at_once_have_one_index() -> None:
    """Else what is written later would be noted for one of them only."""
    entries = Interrupted({"1": a_row("1", "a")})
    ids = ClientIds(entries)
    entries.behind = lambda: (setattr(entries, "behind", lambda: None), ids.find("a"))
    assert ids.find("a") == "1"
    entries["2"] = a_row("2", "b")
    ids.note("2", entries["2"])

    assert ids.find("b") == "2"
