"""When a risk monitor speaks, and when it is silent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from futures_stream import ConfigError, RiskAlert, RiskCleared, RiskUnknown, Severity, SubscriptionRejected
from futures_stream.dialects.figures import Figures
from futures_stream.records import ChannelLost, Closed, Record, RiskRecord
from futures_stream.trackers import Limits, RiskMonitor
from futures_stream.vocabulary import PositionMode
from tests.trackers.making import WHO, balance, full_set, gap, live, position, resynced, warning

D = Decimal
ON_BITGET = {"margin_ratio": "0.1", "unrealized_pnl": "0"}
BITMUSA = {"exchange": "bitmusa"}


def said(monitor: RiskMonitor, *records: Record) -> list[RiskRecord]:
    """What a monitor says of some records."""
    return [alert for record in records for alert in monitor.apply(record)]


def words(alerts: list[RiskRecord]) -> list[tuple[str, str, Decimal | None]]:
    """The class, limit and value of each."""
    return [(type(alert).__name__, alert.limit, alert.value) for alert in alerts]


def at(seconds: float) -> dict[str, int]:
    """A time."""
    return {"timestamp": round(seconds * 1000)}


def ratio(value: str | None, seconds: float = 1) -> Record:
    """A position's row with that margin ratio."""
    return position("1", **at(seconds), margin_ratio=value, unrealized_pnl="0", mark_price=str(seconds))


@pytest.mark.parametrize(
    ("good", "bad", "limit", "severity"),
    [
        (ratio("0.8"), ratio("0.81", 2), "position_margin_ratio", Severity.CRITICAL),
        (
            position("1", **ON_BITGET | {"unrealized_pnl": "-1000"}, **at(1)),
            position("1", **ON_BITGET | {"unrealized_pnl": "-1000.01"}, **at(2)),
            "unrealized_pnl",
            Severity.WARNING,
        ),
        (
            balance(free="500", margin_ratio="0.9", **at(1)),
            balance(free="500", margin_ratio="0.9001", **at(2)),
            "account_margin_ratio",
            Severity.CRITICAL,
        ),
        (
            balance(free="100", margin_ratio="0", **at(1)),
            balance(free="99.99", margin_ratio="0", **at(2)),
            "available",
            Severity.WARNING,
        ),
        (
            balance("USDC", free="100", margin_ratio="0", **at(1)),
            balance("USDC", free="99.99", margin_ratio="0", **at(2)),
            "available",
            Severity.WARNING,
        ),
    ],
)
def test_the_four_limits_of_the_document(good: Record, bad: Record, limit: str, severity: Severity) -> None:
    """Each with the document's figure, told once, with limit, value and severity; at the limit is not beyond it."""
    monitor = RiskMonitor()
    assert said(monitor, good) == []

    (alert,) = said(monitor, bad, bad)
    assert isinstance(alert, RiskAlert)
    assert (alert.limit, alert.severity, alert.derived, alert.suppressed) == (limit, severity, False, 0)
    assert alert.threshold is not None
    assert alert.value != alert.threshold
    assert (alert.timestamp, alert.received_ns) == (2000, 2_000_000_000)
    assert str(alert.threshold).removeprefix("-") in alert.reason
    assert [measure.limit for measure in monitor.raised] == [limit]


def test_an_alert_is_taken_back_well_within_the_limit() -> None:
    """0.8 less 5 % is 0.76: what hovers around the limit is told once."""
    monitor = RiskMonitor()
    alerts = said(monitor, *(ratio(value, at) for at, value in enumerate(("0.9", "0.79", "0.85", "0.77", "0.76"), 1)))

    assert words(alerts) == [
        ("RiskAlert", "position_margin_ratio", D("0.9")),
        ("RiskCleared", "position_margin_ratio", D("0.76")),
    ]
    assert alerts[1].raised_at == 1000  # type: ignore[attr-defined]
    assert monitor.raised == ()


def test_a_limit_of_nothing_is_cleared_above_it() -> None:
    """Five per cent of nothing is nothing."""
    monitor = RiskMonitor({"available": {"USDT": 0}, "account_margin_ratio": None})

    alerts = said(monitor, balance(free="-1", **at(1)), balance(free="0", **at(2)))
    assert [type(alert) for alert in alerts] == [RiskAlert, RiskCleared]


def test_what_is_not_known_is_no_recovery() -> None:
    """A row without the figure leaves the alert standing."""
    monitor = RiskMonitor()
    alerts = said(monitor, ratio("0.9", 1), ratio(None, 2), ratio("0.1", 3))

    assert [type(alert) for alert in alerts] == [RiskAlert, RiskUnknown, RiskCleared]
    assert [type(alert) for alert in said(RiskMonitor(), ratio("0.1", 1), ratio(None, 2))] == [RiskUnknown]


def test_a_closed_position_crosses_nothing() -> None:
    """By its row, by a full set, and by a flip."""
    for end in (position("0", **at(2)), full_set("positions")):
        monitor = RiskMonitor()
        alerts = said(monitor, ratio("0.9"), end)
        assert [type(alert) for alert in alerts] == [RiskAlert, RiskCleared]
        assert (alerts[1].value, alerts[1].reason, alerts[1].side) == (None, "the position is closed", "long")
        assert said(monitor, end) == []

    one_way: dict[str, Any] = {"position_mode": PositionMode.ONE_WAY, "unrealized_pnl": "0"}
    long = position("1", margin_ratio="0.9", **one_way, **at(1))
    short = position("1", "short", margin_ratio="0.1", **one_way, **at(2))
    assert [type(alert) for alert in said(RiskMonitor(), long, short)] == [RiskAlert, RiskCleared]


def test_both_sides_of_a_hedge_are_watched() -> None:
    """One leg's margin ratio says nothing of the other's."""
    monitor = RiskMonitor()
    rows = (position("1", side, margin_ratio="0.9", unrealized_pnl="0", **at(1)) for side in ("long", "short"))

    assert [alert.side for alert in said(monitor, *rows)] == ["long", "short"]


def test_overrides_for_symbols_and_assets() -> None:
    """Another limit, or none."""
    monitor = RiskMonitor(
        {
            "symbols": {"BTCUSDT": {"position_margin_ratio": 0.5}, "XRPUSDT": {"position_margin_ratio": None}},
            "assets": {"USDT": {"available": "0.5"}, "BTC": {"available": Decimal("0.1")}},
            "account_margin_ratio": None,
        }
    )
    rows = [position("1", symbol=symbol, margin_ratio="0.6", unrealized_pnl="0") for symbol in ("BTCUSDT", "XRPUSDT")]
    rows += [balance(asset, free="0.2") for asset in ("USDT", "BTC", "ETH")]  # type: ignore[list-item]

    assert [(alert.symbol, alert.asset) for alert in said(monitor, *rows)] == [("BTCUSDT", None), (None, "USDT")]


def test_no_flood() -> None:
    """A limit that is crossed again and again is told once a minute, and how often it was not."""
    monitor = RiskMonitor()
    flapping = [ratio("0.9" if second % 2 else "0.1", second) for second in range(1, 121)]
    alerts = said(monitor, *flapping)

    raised = [alert for alert in alerts if isinstance(alert, RiskAlert)]
    assert [alert.timestamp for alert in raised] == [1_000, 61_000]
    assert [alert.suppressed for alert in raised] == [0, 29]
    assert len([alert for alert in alerts if isinstance(alert, RiskCleared)]) == 2


def test_what_was_held_back_and_still_holds_is_told() -> None:
    """When the quiet is over, if the limit is still crossed."""
    monitor = RiskMonitor()
    assert len(said(monitor, ratio("0.9", 1), ratio("0.1", 2), ratio("0.95", 3))) == 2
    assert monitor.due(60_000) == []

    (alert,) = monitor.due(61_000)
    assert isinstance(alert, RiskAlert)
    assert (alert.value, alert.suppressed, alert.timestamp) == (D("0.95"), 1, 61_000)
    assert monitor.due(62_000) == []


def test_the_exchanges_own_warning() -> None:
    """Told once, again when it grows more urgent, and over when it is not repeated."""
    monitor = RiskMonitor()
    alerts = said(monitor, *(warning(level, margin_ratio="0.95", **at(level)) for level in (1, 1, 2, 2)))

    assert [(alert.limit, alert.severity) for alert in alerts] == [  # type: ignore[attr-defined]
        ("exchange_warning", Severity.WARNING),
        ("exchange_warning", Severity.CRITICAL),
    ]
    assert alerts[1].reason == "the exchange warns of liquidation, level 2"
    assert monitor.due(62_000) == []
    (over,) = monitor.due(62_001)
    assert isinstance(over, RiskCleared)
    assert monitor.due(63_000) == []
    assert said(RiskMonitor({"exchange_warnings": False}), warning()) == []


def test_a_warning_ends_with_its_position() -> None:
    """Which is known by its own rows."""
    monitor = RiskMonitor()

    alerts = said(monitor, position("1", **ON_BITGET, **at(1)), warning(None, **at(2)), position("0", **at(3)))
    assert [type(alert) for alert in alerts] == [RiskAlert, RiskCleared]
    assert alerts[0].severity is Severity.CRITICAL  # type: ignore[attr-defined]


def test_blindness() -> None:
    """No live stream for 30 seconds while a position is open; over when it is live again."""
    monitor = RiskMonitor()
    assert said(monitor, position("1", **ON_BITGET, **at(1)), live(), gap(10_000)) == []
    assert monitor.due(40_000) == []

    (alert,) = monitor.due(40_500)
    assert (alert.limit, alert.value, alert.threshold) == ("blind", D("30.5"), D(30))
    assert monitor.due(50_000) == []
    assert [type(alert) for alert in said(monitor, resynced(), live())] == [RiskCleared]
    assert monitor.due(99_000) == []


def test_blind_without_a_position_is_no_risk() -> None:
    """Nor is a monitor without that limit afraid."""
    monitor = RiskMonitor()
    said(monitor, position("1", **ON_BITGET, **at(1)), position("0", **at(2)), gap(10_000))
    assert monitor.due(90_000) == []

    monitor = RiskMonitor({"blind_after": None})
    said(monitor, position("1", **ON_BITGET, **at(1)), gap(10_000))
    assert monitor.due(90_000) == []


@pytest.mark.parametrize(
    "notice", [Closed(**WHO), ChannelLost(**WHO, channel="positions", error=SubscriptionRejected("no"))]
)
def test_what_else_blinds(notice: Record) -> None:
    """The end of the stream, and of the channel that tells of positions."""
    monitor = RiskMonitor()
    said(monitor, position("1", **ON_BITGET, **at(10)), notice)

    assert [alert.limit for alert in monitor.due(41_000)] == ["blind"]


def test_it_is_blind_since_the_first_cause() -> None:
    """A gap that begins while the channel is lost is no new beginning."""
    monitor = RiskMonitor()
    lost = ChannelLost(**WHO, channel="positions", error=SubscriptionRejected("no"), received_ns=5_000_000_000)
    said(monitor, position("1", **ON_BITGET, **at(1)), lost, gap(20_000))

    assert [alert.value for alert in monitor.due(36_000)] == [D(31)]


def test_a_monitor_that_has_heard_nothing_has_nothing_to_say() -> None:
    """It does not even know whose monitor it is."""
    assert RiskMonitor().due(10**12) == []


def test_bitmusa_says_less() -> None:
    """What can be computed is computed and said to be; the rest is told once to be unknown, and is not zero."""
    monitor = RiskMonitor({"liquidation_distance": "0.1"})
    row = {"unrealized_pnl": "-1100", "entry_price": "1200", "liquidation_price": "95", **BITMUSA}
    alerts = said(
        monitor,
        balance(free="5000", locked="100", **at(1), **BITMUSA),
        position("1", **row, **at(1)),
        position("1", **row | {"unrealized_pnl": "-1101"}, **at(2)),
    )

    assert [(type(alert), alert.limit, alert.value, alert.derived) for alert in alerts] == [
        (RiskUnknown, "account_margin_ratio", None, False),
        (RiskUnknown, "position_margin_ratio", None, False),
        (RiskAlert, "unrealized_pnl", D(-1100), False),
        (RiskAlert, "liquidation_distance", D("0.05"), True),
    ]
    unknown = [measure.limit for measure in monitor.readings if measure.figure.value is None]
    assert sorted(unknown) == ["account_margin_ratio", "position_margin_ratio"]


def test_bitmusas_account_is_computed_when_all_positions_are_known() -> None:
    """The account's ratio follows from the positions, and changes with them."""
    monitor = RiskMonitor({"unrealized_pnl": None, "position_margin_ratio": None})
    facts = {"margin_asset": "USDT", "maintenance_margin": "950", **BITMUSA}
    alerts = said(
        monitor,
        position("1", unrealized_pnl="0", **facts, **at(1)),
        full_set_of_bitmusa("positions", ("BTCUSDT", "long", "isolated")),
        balance(free="900", locked="100", **at(1), **BITMUSA),
        position("1", unrealized_pnl="900", **facts, **at(2)),
    )

    assert [(type(alert), alert.limit, alert.value, alert.derived) for alert in alerts] == [
        (RiskAlert, "account_margin_ratio", D("0.95"), True),
        (RiskCleared, "account_margin_ratio", D("0.5"), True),
    ]


def full_set_of_bitmusa(of: str, *keys: tuple[str | None, ...]) -> Record:
    """The notice behind a full set of Bitmusa's."""
    from attrs import evolve

    return evolve(full_set(of, *keys), exchange="bitmusa")


def test_the_alert_says_what_the_ratio_means() -> None:
    """In the dialect's words."""
    (alert,) = said(RiskMonitor(), ratio("0.9"))
    assert "at 1 Bitget takes over" in alert.reason

    (alert,) = said(RiskMonitor(figures=Figures()), ratio("0.9"))
    assert alert.reason == "the position's margin ratio is above 0.8"


def test_bitgets_api_of_today() -> None:
    """Its ratios rise to 1, like those of the API before; what a row leaves out is unknown, and said once."""
    v2: dict[str, Any] = {"exchange": "bitget-v2", "product": "USDT-FUTURES"}
    monitor = RiskMonitor({"liquidation_distance": "0.05", "account_margin_ratio": 1})
    facts: dict[str, Any] = {"margin_mode": "isolated", "entry_price": "100", "liquidation_price": "92"}
    alerts = said(
        monitor,
        position("1", **facts, margin_ratio="0.5", unrealized_pnl="0", **v2, **at(1)),
        position("1", **facts, margin_ratio="0.85", unrealized_pnl="-4", **v2, **at(2)),
        position("1", **facts, margin_ratio=None, unrealized_pnl="-3", **v2, **at(3)),
        balance(free="900", margin_ratio="0.99", **v2, **at(4)),
    )
    assert [(type(alert), alert.limit, alert.value) for alert in alerts] == [
        (RiskAlert, "position_margin_ratio", D("0.85")),
        (RiskAlert, "liquidation_distance", D(4) / D(96)),
        (RiskUnknown, "position_margin_ratio", None),
        (RiskUnknown, "account_margin_ratio", D("0.99")),
    ]
    assert "at 1 Bitget takes over" in alerts[0].reason
    assert "never crossed: at 1" in alerts[3].reason


def test_a_ratio_limit_that_cannot_be_crossed_is_told() -> None:
    """Somebody thinks in per cent: without a word, the limit would never do anything."""
    (unknown, other) = said(RiskMonitor({"position_margin_ratio": 80}), ratio("0.9"), balance(free="500"))
    assert isinstance(unknown, RiskUnknown)
    assert "never crossed" in unknown.reason
    assert other.limit == "account_margin_ratio"


def test_late_rows_raise_nothing() -> None:
    """They are not how it stands."""
    assert said(RiskMonitor(), ratio("0.1", 5), ratio("0.99", 4)) == []


def test_records_of_another_account_are_refused() -> None:
    """One monitor watches one account."""
    for row in (position("1", account="other"), warning(account="other"), balance(account="other")):
        monitor = RiskMonitor()
        monitor.apply(position("1", **ON_BITGET))
        monitor.apply(balance(free="500", margin_ratio="0"))
        with pytest.raises(ConfigError, match="use one tracker for each account"):
            monitor.apply(row)


def test_memory_is_bounded() -> None:
    """Of positions that are gone nothing stays but what keeps from flooding, and that not for long."""
    monitor = RiskMonitor()
    for number in range(500):
        monitor.apply(position("1", symbol=f"S{number}", margin_ratio="0.9", unrealized_pnl="0", **at(1)))
        monitor.apply(position("0", symbol=f"S{number}", **at(2)))
    assert len(monitor.readings) == 0
    assert len(monitor._watched) == 0
    monitor.due(120_000)

    assert len(monitor._alarms._alarms) == 0


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"position_margin_ratio": -0.1}, "above 0"),
        ({"position_margin_ratio": 0}, "above 0"),
        ({"account_margin_ratio": "much"}, "not a number"),
        ({"account_margin_ratio": True}, "not a number"),
        ({"account_margin_ratio": float("nan")}, "not a number"),
        ({"account_margin_ratio": Decimal("Infinity")}, "not a number"),
        ({"unrealized_pnl": 5}, "a loss is negative"),
        ({"available": {"USDT": -1}}, "not negative"),
        ({"available": 100}, "mapping from asset"),
        ({"liquidation_distance": 1}, "less than 1"),
        ({"hysteresis": None}, "not a number"),
        ({"hysteresis": 1}, "less than 1"),
        ({"quiet": -1}, "not negative"),
        ({"blind_after": 0}, "above 0"),
        ({"exchange_warnings": "yes"}, "True or False"),
        ({"margin_ratio_threshold": 0.8}, "no limit 'margin_ratio_threshold'; there are position_margin_ratio"),
        ({"symbols": {"BTCUSDT": {"available": 1}}}, "no limit 'available' for BTCUSDT"),
        ({"symbols": {"BTCUSDT": 5}}, "are a mapping"),
        ({"symbols": [1]}, "mapping from symbol"),
        ({"symbols": {5: {}}}, "not the name"),
        ({"assets": {"USDC": {"unrealized_pnl": -1}}}, "no limit 'unrealized_pnl' for USDC"),
        ([1], "not list"),
    ],
)
def test_limits_that_make_no_sense(limits: Any, message: str) -> None:
    """Refused in the caller, with what would make sense."""
    with pytest.raises(ConfigError, match=message):
        RiskMonitor(limits)


def test_limits_are_exact() -> None:
    """A float is taken as it prints; text and Decimal as they are."""
    limits = Limits(position_margin_ratio=0.8, unrealized_pnl="-1000.10", available={"USDT": 5})

    assert (limits.position_margin_ratio, limits.unrealized_pnl) == (D("0.8"), D("-1000.10"))
    assert limits.available == {"USDT": D(5)}
    assert Limits.read(limits) is limits
    assert Limits.read(None) == Limits()


def test_on_alert_is_kept_for_the_stream() -> None:
    """It is the stream that calls it, on a thread of its own."""
    heard: list[RiskRecord] = []
    monitor = RiskMonitor(on_alert=heard.append)

    assert len(said(monitor, ratio("0.9"))) == 1
    assert heard == []
    assert monitor.on_alert is not None
    with pytest.raises(ConfigError):
        RiskMonitor(on_alert=5)  # type: ignore[arg-type]
