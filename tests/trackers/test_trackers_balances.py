"""Balances as they stand, and the figures that follow from them."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest

from futures_stream.dialects import DIALECTS
from futures_stream.dialects.figures import Figures
from futures_stream.records import Balance, Position, Record
from futures_stream.trackers import (
    AccountMetrics,
    BalanceTracker,
    ChangeKind,
    Figure,
    Verdict,
    account_metrics,
    liquidation_distance,
)
from futures_stream.trackers.metrics import mark_price, position_margin_ratio
from tests.trackers.making import balance, full_set, gap, position, resynced

D = Decimal
BITGET, BITMUSA = DIALECTS["bitget"].figures, DIALECTS["bitmusa"].figures


def following(*records: Record) -> BalanceTracker:
    """A tracker that has folded some records."""
    tracker = BalanceTracker()
    for record in records:
        tracker.apply(record)
    return tracker


def test_each_asset_is_upserted() -> None:
    """Rows are of changed assets only: the others stay."""
    tracker = following(balance(free="1", timestamp=1), balance("BTC", free="2", timestamp=1))
    change = tracker.apply(balance(free="3", timestamp=2))

    assert change is not None
    assert change.kind is ChangeKind.UPDATED
    assert {asset: row.free for asset, row in tracker.view.items()} == {"USDT": D(3), "BTC": D(2)}
    assert list(tracker.view) == ["USDT", "BTC"]


def test_late_and_repeated_rows() -> None:
    """They change nothing and are counted."""
    first, second = balance(free="1", timestamp=1), balance(free="2", timestamp=1)
    tracker = following(first, second)

    for row, verdict in ((first, Verdict.REPEATED), (balance(free="9", timestamp=0), Verdict.LATE)):
        assert tracker.apply(row) is None
        assert tracker.verdict is verdict
    assert tracker.apply(balance(free="2", timestamp=5)) is None  # the same, at a later time
    assert tracker.apply(balance(free="9", timestamp=4)) is None
    assert tracker.verdict is Verdict.LATE
    assert tracker.apply(balance(asset=None)) is None
    assert tracker.verdict is Verdict.UNIDENTIFIED
    assert tracker.view["USDT"].free == D(2)


def test_a_full_set_takes_away_what_is_not_in_it() -> None:
    """Of its own product, or of its one asset, and nothing else."""
    rows = (balance(product="A"), balance("BTC", product="A"), balance(product="B"))
    tracker = following(*rows)
    assert len(tracker.view.each("USDT")) == 2

    change = tracker.apply(full_set("balances", ("USDT",), scope=("A", None)))
    assert [each.before for each in change.each()] == [rows[1]]  # type: ignore[union-attr]
    assert following(*rows, full_set("balances", scope=(None, "BTC"))).view.each("BTC") == ()
    assert len(following(*rows, full_set("balances", scope=(None, "BTC"))).view.each("USDT")) == 2


def test_trust() -> None:
    """From a full set to a gap."""
    tracker = following(balance(), full_set("balances", ("USDT",)))
    assert (tracker.view.trusted, tracker.view.unproven) == (True, ())
    tracker.apply(gap(0, "account"))
    assert (tracker.view.trusted, tracker.view.unproven) == (False, ("balances",))
    tracker.apply(resynced(proven=("balances",)))
    assert tracker.view.trusted
    assert repr(tracker.view) == "<Balances: 1 assets, trusted>"
    assert "<td>USDT</td>" in tracker.view._repr_html_()


def test_the_metrics_of_the_document() -> None:
    """Bitget's account.json: equity, used margin, ratio and profit as its document computes them, exactly."""
    row = balance(free="1000.00", locked="450.00", total="1500.00", unrealized_pnl="50.00", margin_ratio="0.05")

    assert account_metrics(row, None, BITGET) == AccountMetrics(
        asset="USDT",
        total_equity=Figure(D(1500)),
        used_margin=Figure(D(500), derived=True),
        margin_ratio=Figure(D("0.05")),
        unrealized_pnl=Figure(D(50)),
        available=Figure(D(1000)),
    )


def test_what_bitmusa_does_not_say_is_computed_or_unknown() -> None:
    """Its push has what is free and locked; profit and margins are the positions'."""
    row = balance(free="900", locked="100")
    held = [
        position("1", unrealized_pnl="-200", maintenance_margin="300"),
        position("1", "short", unrealized_pnl="0", maintenance_margin="100"),
    ]

    known = account_metrics(row, held, BITMUSA)
    assert (known.total_equity, known.unrealized_pnl) == (Figure(D(800), True), Figure(D(-200), True))
    assert (known.used_margin, known.margin_ratio) == (Figure(D(-100), True), Figure(D("0.5"), True))

    blind = account_metrics(row, None, BITMUSA)
    assert (blind.total_equity, blind.margin_ratio, blind.unrealized_pnl) == (Figure(None),) * 3
    assert blind.used_margin == Figure(D(100))
    assert repr(blind.total_equity) == "<unknown>"
    assert account_metrics(row, [*held, position("1", symbol="X")], BITMUSA).total_equity.value is None
    assert account_metrics(row, [], BITMUSA).total_equity == Figure(D(1000), True)


def test_an_exchange_whose_total_is_not_explained() -> None:
    """What it means is not guessed."""
    assert account_metrics(balance(total="5", free="1", unrealized_pnl="1"), [], Figures()).total_equity.value is None


@pytest.mark.parametrize(
    ("row", "ratio"),
    [
        (position("1", margin_ratio="0.15"), Figure(D("0.15"))),
        (position("1", maintenance_margin="20", position_margin="50", unrealized_pnl="-10"), Figure(D("0.5"), True)),
        (position("1", maintenance_margin="20", position_margin="50", unrealized_pnl="-60"), Figure(D(1), True)),
        (position("1", maintenance_margin="20", unrealized_pnl="1"), Figure(None)),
        (position("1", unrealized_pnl="1"), Figure(None)),
    ],
)
def test_a_positions_margin_ratio(row: Position, ratio: Figure) -> None:
    """The exchange's own, else out of one row; beyond its margin it is as high as it gets."""
    assert position_margin_ratio(row) == ratio


@pytest.mark.parametrize(
    ("row", "mark", "distance"),
    [
        (position("1", mark_price="100", liquidation_price="90"), "100", "0.1"),
        (position("1", "short", mark_price="100", liquidation_price="110"), "100", "0.1"),
        (position("1", mark_price="100", liquidation_price="110"), "100", "-0.1"),
        (position("2", entry_price="90", unrealized_pnl="20", liquidation_price="80"), "100", "0.2"),
        (position("2", "short", entry_price="110", unrealized_pnl="20", liquidation_price="130"), "100", "0.3"),
        (position("2", "net", mark_price="100", liquidation_price="130"), "100", "0.3"),
        (position("2", "net", entry_price="90", unrealized_pnl="20", liquidation_price="80"), None, None),
        (position("0", entry_price="90", unrealized_pnl="20", liquidation_price="80"), None, None),
        (position("2", mark_price="100"), "100", None),
        (position("2", liquidation_price="80"), None, None),
    ],
)
def test_the_distance_to_liquidation(row: Position, mark: str | None, distance: str | None) -> None:
    """A share of the mark price, which follows from the profit where it is not told."""
    assert mark_price(row, BITMUSA).value == (None if mark is None else D(mark))
    assert liquidation_distance(row, BITMUSA).value == (None if distance is None else D(distance))
    if row.mark_price is None:
        assert mark_price(row, Figures()).value is None


def test_mark_prices_of_contracts_that_are_not_linear() -> None:
    """Bitget's v2 has both kinds: of contracts that are settled in a coin a mark price that is not told is unknown."""
    figures = DIALECTS["bitget-v2"].figures
    facts = {"entry_price": "90", "unrealized_pnl": "20", "liquidation_price": "80"}
    marks = [
        mark_price(position("2", product=f"{kind}-FUTURES", **facts), figures) for kind in ("USDT", "USDC", "COIN")
    ]
    assert [mark.value for mark in marks] == [100, 100, None]


def test_a_maintenance_margin_of_all_assets_is_no_share_of_one() -> None:
    """Bitget's v2 tells it in multi-asset mode: without a ratio of its own, an asset's is unknown."""
    row = balance(total="10", maintenance_margin="50")
    held = [position("1", unrealized_pnl="0")]
    pooled, own = DIALECTS["bitget-v2"].figures, BITGET
    assert account_metrics(row, held, pooled).margin_ratio.value is None
    assert account_metrics(row, held, own).margin_ratio.value == 5


def test_arithmetic_does_not_depend_on_the_callers_context() -> None:
    """Somebody computes with three digits, and traps everything."""
    row = balance(free="1000.00000001", locked="0", unrealized_pnl="0.00000001")
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact, decimal.Rounded])):
        assert account_metrics(row, None, BITMUSA).total_equity.value == D("1000.00000002")


def test_a_balance_is_one_moments() -> None:
    """A push that says less than a REST row does not keep that one's figures."""
    tracker = following(balance(free="1", total="5"), balance(free="2"))

    told: Balance = tracker.view["USDT"]
    assert (told.free, told.total) == (D(2), None)
