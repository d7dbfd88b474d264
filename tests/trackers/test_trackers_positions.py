"""What a position tracker makes of rows, full sets and gaps, in both position modes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from futures_stream import SubscriptionRejected
from futures_stream.records import (
    ChannelLost,
    Closed,
    Overflow,
    Position,
    PositionClosed,
    PositionFlipped,
    PositionIncreased,
    PositionLiquidated,
    PositionOpened,
    PositionReduced,
    Record,
)
from futures_stream.trackers import AccountTracker, ChangeKind, PositionKey, PositionTracker, Verdict
from futures_stream.vocabulary import MarginMode, Mark, Origin, PositionMode, PositionSide, PositionStatus
from tests.trackers.making import WHO, full_set, gap, live, position, resynced

D = Decimal
LONG = ("BTCUSDT", "long", "isolated")
SHORT = ("BTCUSDT", "short", "isolated")
NOTHING_YET = full_set("positions")


def following(*records: Record, **options: Any) -> PositionTracker:
    """A tracker that has folded some records."""
    tracker = PositionTracker(**options)
    for record in records:
        tracker.apply(record)
    return tracker


def sizes(tracker: PositionTracker) -> dict[tuple[str | None, str], Decimal | None]:
    """What is open: the size by symbol and side."""
    return {(each.symbol, each.side.value): each.size for each in tracker.view.values()}


def test_a_position_lives_and_each_step_is_a_record() -> None:
    """Opened, increased, reduced, closed: each behind the row that told it, with before and after."""
    account = AccountTracker()
    account.apply(NOTHING_YET)
    rows = [position(size, timestamp=at) for at, size in enumerate(("1", "3", "3", "2", "0"), start=1)]
    news = [account.apply(row) for row in rows]

    assert [[type(each) for each in found] for found in news] == [
        [PositionOpened],
        [PositionIncreased],
        [],
        [PositionReduced],
        [PositionClosed],
    ]
    reduced = news[3][0]
    assert (reduced.before, reduced.after, reduced.change) == (rows[2], rows[3], D(-1))
    assert (reduced.symbol, reduced.side, reduced.timestamp, reduced.marks) == ("BTCUSDT", "long", 4, frozenset())
    assert news[0][0].change == D(1)
    assert news[4][0].change == D(-2)


def test_other_figures_are_an_update() -> None:
    """The mark price has moved: a change, and no record of its own."""
    tracker = following(NOTHING_YET, position("1", mark_price="100", timestamp=1))

    change = tracker.apply(position("1", mark_price="101", timestamp=2))
    assert change is not None
    assert change.kind is ChangeKind.UPDATED
    assert tracker.apply(position("1", mark_price="101", timestamp=3)) is None
    assert tracker.verdict is Verdict.REPEATED


def test_hedged_positions_are_two() -> None:
    """Long and short of one symbol live side by side."""
    tracker = following(NOTHING_YET, position("1"), position("2", "short"), position("0"))

    assert sizes(tracker) == {("BTCUSDT", "short"): D(2)}
    assert tracker.view.of("BTCUSDT", "short") == tracker.view.of("BTCUSDT")
    assert tracker.view[PositionKey(None, "BTCUSDT", PositionSide.SHORT, MarginMode.ISOLATED)].size == D(2)


def test_cross_and_isolated_are_two() -> None:
    """The margin mode tells them apart; a row without one is about the only one that there is."""
    tracker = following(NOTHING_YET, position("1"), position("2", margin_mode=MarginMode.CROSS))
    assert len(tracker.view) == 2

    tracker = following(NOTHING_YET, position("1", leverage="10"), position("3", margin_mode=None))
    assert [(each.size, each.leverage, each.margin_mode) for each in tracker.view.values()] == [
        (D(3), D(10), MarginMode.ISOLATED)
    ]


@pytest.mark.parametrize(
    ("mode", "kinds", "open_now"),
    [
        (PositionMode.ONE_WAY, [PositionFlipped], {("BTCUSDT", "short"): D(2)}),
        (PositionMode.HEDGE, [PositionOpened], {("BTCUSDT", "long"): D(1), ("BTCUSDT", "short"): D(2)}),
        (None, [PositionOpened], {("BTCUSDT", "long"): D(1), ("BTCUSDT", "short"): D(2)}),
    ],
)
def test_the_other_side_in_one_way_mode_is_a_flip(mode: PositionMode | None, kinds: list[type], open_now: dict) -> None:  # type: ignore[type-arg]
    """Where a symbol has one position at most, a row of the other side takes its place."""
    account = AccountTracker()
    account.apply(NOTHING_YET)
    account.apply(position("1", position_mode=mode, timestamp=1))

    news = account.apply(position("2", "short", position_mode=mode, timestamp=2))

    assert [type(each) for each in news] == kinds
    assert sizes(account.position_tracker) == open_now
    if mode is PositionMode.ONE_WAY:
        assert (news[0].before.side, news[0].after.side, news[0].change) == ("long", "short", None)  # type: ignore[union-attr]
        assert account.apply(position("1", position_mode=mode, timestamp=1)) == []  # the old side's row comes late
        assert account.apply(position("0", position_mode=mode, timestamp=2)) == []  # and its end, which is known
        assert sizes(account.position_tracker) == open_now


def test_a_full_set_takes_away_what_is_not_in_it() -> None:
    """A closed position is simply absent (WIRE.md A.6); an empty set closes all."""
    account = AccountTracker()
    for record in (position("1", timestamp=1), position("2", "short", timestamp=1), full_set("positions", LONG, SHORT)):
        account.apply(record)

    news = account.apply(full_set("positions", SHORT))
    assert [(type(each), each.side, each.after, each.change) for each in news] == [
        (PositionClosed, "long", None, D(-1))
    ]
    assert account.apply(full_set("positions", SHORT)) == []
    assert [type(each) for each in account.apply(full_set("positions"))] == [PositionClosed]
    assert len(account.positions) == 0
    assert account.apply(position("1", timestamp=1)) == []  # late
    assert [type(each) for each in account.apply(position("1", timestamp=2))] == [PositionOpened]


def test_one_products_set_never_touches_anothers() -> None:
    """Nor does one contract's; a set without a product is for all."""
    rows = [
        position("1", product="USDT"),
        position("1", product="COIN"),
        position("1", product="USDT", symbol="ETHUSDT"),
    ]
    assert len(following(*rows, full_set("positions", scope=("USDT", None))).view) == 1
    assert len(following(*rows, full_set("positions", scope=("USDT", "BTCUSDT"))).view) == 2
    assert len(following(*rows, full_set("positions", scope=(None, "BTCUSDT"))).view) == 1
    assert len(following(*rows, full_set("positions", scope=())).view) == 0


def test_what_was_there_before_is_found_and_not_opened() -> None:
    """The first full set tells of positions that were opened before anybody looked."""
    account = AccountTracker()
    first = position("1", origin=Origin.SNAPSHOT)

    assert account.apply(first) == []
    assert account.position_tracker.apply(first) is None
    account.apply(full_set("positions", LONG))
    assert [type(each) for each in account.apply(position("2", "short", origin=Origin.SNAPSHOT))] == [PositionOpened]


def test_without_a_full_set_nothing_is_certain() -> None:
    """The records come all the same, and say that what was before is not proven."""
    account = AccountTracker()
    opened = account.apply(position("5", timestamp=1))
    closed = account.apply(position("0", "short", timestamp=1))

    assert [(type(each), each.marks, each.before) for each in (*opened, *closed)] == [
        (PositionOpened, {Mark.UNPROVEN}, None),
        (PositionClosed, {Mark.UNPROVEN}, None),
    ]
    assert account.apply(position("0", "short", timestamp=1)) == []  # the end is told once
    assert account.apply(position("9", timestamp=2))[0].marks == frozenset()


def test_after_a_full_set_the_end_of_nothing_is_no_news() -> None:
    """Opened and closed between two pushes: nothing has changed."""
    tracker = following(NOTHING_YET)

    assert tracker.apply(position("0")) is None


def test_a_liquidation_is_told_as_one() -> None:
    """Where the exchange says so."""
    account = AccountTracker()
    account.apply(NOTHING_YET)
    account.apply(position("1"))

    assert [type(each) for each in account.apply(position("0", status=PositionStatus.LIQUIDATED))] == [
        PositionLiquidated
    ]


def test_late_and_repeated_rows_of_the_same_millisecond() -> None:
    """Several states in one millisecond, and each of them again: the last one stays."""
    rows = [position(size, timestamp=1) for size in ("1", "2", "3")]
    tracker = following(NOTHING_YET, *rows, *rows, *reversed(rows))
    assert (sizes(tracker), tracker.counts.repeated) == ({("BTCUSDT", "long"): D(3)}, 6)

    assert tracker.apply(position("9", timestamp=0)) is None
    assert tracker.verdict is Verdict.LATE


def test_rows_without_a_time_count_as_they_come() -> None:
    """Bitmusa's REST rows have none: nothing but their order tells which is newer."""
    tracker = following(NOTHING_YET, position("1"), position("2"), position("1"))
    assert sizes(tracker) == {("BTCUSDT", "long"): D(1)}

    tracker = following(position("1"), full_set("positions"), position("1"))  # gone for a set, and back
    assert sizes(tracker) == {("BTCUSDT", "long"): D(1)}


def test_a_row_that_leaves_something_out() -> None:
    """A size that cannot be read is not zero; what has no side or symbol is not guessed."""
    tracker = following(NOTHING_YET, position("2", leverage="10", timestamp=1), position(None, timestamp=2))
    assert sizes(tracker) == {("BTCUSDT", "long"): D(2)}

    for row in (position("1", side="unknown"), position("1", symbol=None)):
        assert tracker.apply(row) is None
        assert tracker.verdict is Verdict.UNIDENTIFIED
    assert tracker.counts.unidentified == 2


def test_figures_are_of_one_row() -> None:
    """What a row does not say of prices and margins is not known: an older row's are of another moment."""
    tracker = following(NOTHING_YET, position("1", mark_price="100", leverage="10"), position("2", entry_price="90"))

    (known,) = tracker.view.values()
    assert (known.mark_price, known.entry_price, known.leverage) == (None, D(90), D(10))


def test_an_exchange_with_another_key() -> None:
    """Two positions that differ in their margin asset only, where the exchange tells them apart by that."""

    def own_key(row: Position) -> tuple[str | None, str | None]:
        return row.symbol, row.margin_asset

    rows = (position("1", margin_asset="USDT"), position("2", margin_asset="BTC"))
    tracker = following(*rows, key_of=own_key)
    assert len(tracker.view) == 2
    tracker.apply(full_set("positions", ("BTCUSDT", "BTC")))
    assert [each.margin_asset for each in tracker.view.values()] == ["BTC"]


def test_trust() -> None:
    """From the first full set to a gap, and from its proof or the next full set on."""
    tracker = following(position("1"))
    seen = []
    for notice in (
        live(), full_set("positions", LONG), gap(0, "orders"), gap(0, "positions"), resynced(unproven=("positions",)),
        full_set("orders"), full_set("positions", LONG), gap(), full_set("positions", LONG), resynced(),
        gap(), resynced(proven=("positions",)), Closed(**WHO),
    ):  # fmt: skip
        tracker.apply(notice)
        seen.append(tracker.view.trusted)

    assert seen == [False, True, True, False, False, False, True, False, False, True, False, True, False]
    assert tracker.view.unproven == ("positions",)


def test_trust_in_one_contract() -> None:
    """Sets of single contracts: each is trusted by itself, and all of those that are listened to are enough."""
    one = full_set("positions", scope=(None, "BTCUSDT"))
    tracker = following(one)
    assert (tracker.view.trusted, tracker.view.trusts("BTCUSDT"), tracker.view.trusts("ETHUSDT")) == (
        False,
        True,
        False,
    )

    assert following(one, symbols=["BTCUSDT"]).view.trusted
    assert not following(one, symbols=["BTCUSDT", "ETHUSDT"]).view.trusted


def test_trust_in_several_products() -> None:
    """A product that was told of and never had a full set is not to be trusted."""
    tracker = following(position("1", product="COIN"), full_set("positions", scope=("USDT", None)))
    assert not tracker.view.trusted
    tracker.apply(full_set("positions", scope=("COIN", None)))
    assert tracker.view.trusted


@pytest.mark.parametrize(
    ("notice", "trusted"),
    [
        (Overflow(**WHO, missed=1, classes={"Position": 1}), False),
        (Overflow(**WHO, missed=1, classes={"Balance": 1}), True),
        (ChannelLost(**WHO, channel="positions", error=SubscriptionRejected("no")), False),
        (ChannelLost(**WHO, channel="orders", error=SubscriptionRejected("no")), True),
    ],
)
def test_what_else_ends_trust(notice: Record, trusted: bool) -> None:
    """Records that a full queue left out, and a channel that is not served any more."""
    assert following(NOTHING_YET, notice).view.trusted is trusted


def test_the_views_show_themselves() -> None:
    """In a line, and as a table with everything in it escaped."""
    account = AccountTracker()
    account.apply(position("1.50", symbol="<b>&"))

    assert repr(account) == (
        "<AccountTracker: <Orders: 0, 0 open, not trusted>, <Positions: 1 open, not trusted>, "
        "<Balances: 0 assets, not trusted>>"
    )
    html = account._repr_html_()
    assert "<td>&lt;b&gt;&amp;</td>" in html
    assert "<td>1.50</td>" in html
    assert account.due(0) == []


def test_what_rows_leave_out_stays_when_they_are_folded_together() -> None:
    """The fast way is only for rows that leave out nothing, of what is known and not only of the row before."""
    account = AccountTracker()
    account.fold([position("1", leverage="20", timestamp=1)])
    account.fold([position("2", timestamp=2), position("3", timestamp=3)])
    account.fold([position("4", timestamp=4)])

    (held,) = account.positions.values()
    assert (held.size, held.leverage) == (D(4), D(20))
