"""Records as lines for people."""

from decimal import Decimal

import pytest

import futures_stream
from futures_stream import (
    Balance,
    ChannelLost,
    Closed,
    ConnectionLost,
    Deleveraging,
    Drift,
    Effect,
    Equity,
    Execution,
    Gap,
    LeaseRenewed,
    LiquidationWarning,
    Liquidity,
    Live,
    MarginMode,
    Mark,
    MonitorFailed,
    Notice,
    Order,
    OrderStatus,
    OrderType,
    Origin,
    Overflow,
    Position,
    PositionResult,
    PositionSide,
    PositionStatus,
    PriceSource,
    Record,
    Resynced,
    Rotated,
    Side,
    Snapshot,
    SubscriptionRejected,
    TriggerOrder,
    TriggerStatus,
    TriggerType,
    Unreadable,
)
from futures_stream.cli.lines import Layout
from futures_stream.records import kind_of

AT = {"exchange": "bitget", "account": "default", "timestamp": 1621441751927}
START = "16:29:11.927  bitget  "
CASES: list[tuple[Record, str]] = [
    (
        Order(
            **AT,
            symbol="BTCUSDT",
            side=Side.BUY,
            type=OrderType.LIMIT,
            price=Decimal("30000.5"),
            size=Decimal("0.123"),
            filled=Decimal("0.100"),
            status=OrderStatus.PARTIALLY_FILLED,
        ),
        "order         BTCUSDT   buy  limit   0.100 of 0.123 @ 30000.5  partially_filled",
    ),
    (
        Order(**AT, symbol="XRPUSDT", effect=Effect.OPEN, raw_status="ODD", order_id="C1"),
        "order         XRPUSDT   open  unknown ? of ?  unknown (ODD)  id C1",
    ),
    (
        Execution(
            **AT,
            symbol="BTCUSDT",
            side=Side.SELL,
            price=Decimal("30000.00"),
            size=Decimal("0.100"),
            fee=Decimal("0.00000001"),
            fee_asset="USDT",
            liquidity=Liquidity.MAKER,
        ),
        "execution     BTCUSDT   sell         0.100 @ 30000.00  fee 0.00000001 USDT  maker",
    ),
    (
        Position(
            **AT,
            symbol="BTCUSDT",
            side=PositionSide.LONG,
            size=Decimal("0.123"),
            entry_price=Decimal("30000.50"),
            unrealized_pnl=Decimal("0E-8"),
            leverage=Decimal(10),
            margin_mode=MarginMode.ISOLATED,
            status=PositionStatus.OPEN,
            origin=Origin.SNAPSHOT,
        ),
        "position      BTCUSDT   long  0.123 @ 30000.50  pnl 0.00000000  10x isolated  open  [snapshot]",
    ),
    (
        Balance(**AT, asset="USDT", free=Decimal("1000.00"), locked=Decimal("450.00"), marks=frozenset({Mark.LATE})),
        "balance       USDT      free 1000.00  locked 450.00  [late]",
    ),
    (
        LiquidationWarning(
            **AT,
            symbol="BTCUSDT",
            side=PositionSide.LONG,
            liquidation_price=Decimal(27500),
            current_price=Decimal(27800),
            level=2,
        ),
        "warning       BTCUSDT   long  close to liquidation  price 27800  liquidation 27500  1.1 % away  level 2",
    ),
    (
        TriggerOrder(
            **AT,
            symbol="BTCUSDT",
            side=Side.SELL,
            effect=Effect.CLOSE,
            trigger=TriggerType.STOP_LOSS,
            trigger_by=PriceSource.MARK,
            trigger_price=Decimal("26000.0"),
            size=Decimal("0.02"),
            price=Decimal("25990"),
            status=TriggerStatus.WAITING,
            order_id="7",
        ),
        "trigger       BTCUSDT   sell close stop_loss 0.02 @ 25990  when mark is 26000.0  waiting  id 7",
    ),
    (
        TriggerOrder(**AT, symbol="BTCUSDT", whole_position=True, raw_status="odd"),
        "trigger       BTCUSDT   unknown      all  unknown (odd)",
    ),
    (
        PositionResult(
            **AT,
            symbol="BTCUSDT",
            side=PositionSide.SHORT,
            closed=Decimal("0.010"),
            entry_price=Decimal("20000.0"),
            exit_price=Decimal("26221.0"),
            realized_pnl=Decimal("-62.21"),
        ),
        "result        BTCUSDT   short 0.010 @ 20000.0  left @ 26221.0  pnl -62.21",
    ),
    (
        Deleveraging(**AT, symbol="BTCUSDT", side=Side.SELL, price=Decimal(26000), size=Decimal("0.5")),
        "adl           BTCUSDT   sell  auto-deleveraging 0.5 @ 26000",
    ),
    (
        Equity(**AT, asset="USDT", total=Decimal("13.98"), unrealized_pnl=Decimal("0.00")),
        "equity        USDT      total 13.98  pnl 0.00",
    ),
    (Live(**AT, channels=("account", "orders")), "live          from here on it is current: account, orders"),
    (
        Gap(**AT, reason="reset", since=1621441751000, channels=("orders",)),
        "gap           events may be missing since 16:29:11 (reset): orders",
    ),
    (
        Resynced(**AT, since=1000, until=3500, unproven=("orders", "positions")),
        "resynced      messages flow again after 2.5 s  not proven complete: orders, positions",
    ),
    (
        Drift(**AT, what="orders", key=("77",), stream=Decimal("1.50"), rest=None),
        "drift         orders 77: the stream told 1.50, REST says gone",
    ),
    (Resynced(**AT, since=1000, until=3500), "resynced      messages flow again after 2.5 s, and nothing is missing"),
    (
        Snapshot(**AT, of="positions", scope=("FUTURES", None), keys=((None,),)),
        "snapshot      that was the full set of positions of FUTURES: 1",
    ),
    (
        Overflow(**AT, missed=3, classes={"Order": 3}),
        "overflow      the queue was full: 3 missing (3 Order)",
    ),
    (Unreadable(**AT, text="{\x1b[31m", error="not JSON"), "unreadable    not JSON: {\\x1b[31m"),
    (
        ChannelLost(**AT, channel="orders", error=SubscriptionRejected("no more")),
        "channel_lost  orders: no more",
    ),
    (LeaseRenewed(**AT, expires_at=1621441751000), "lease_renewed  the listen key is good until 16:29:11"),
    (Rotated(**AT, reason="24 h"), "rotated       on a new connection, nothing is missing: 24 h"),
    (MonitorFailed(**AT, monitor="mine", error="ValueError"), "monitor_failed  mine was taken off: ValueError"),
    *(
        (
            kind(**AT, symbol="BTCUSDT", side=PositionSide.LONG, after=Position(**AT, size=Decimal("2"))),
            f"{kind_of(kind):<12}  BTCUSDT   long  from nothing to 2",
        )
        for kind in (
            futures_stream.PositionOpened,
            futures_stream.PositionIncreased,
            futures_stream.PositionReduced,
            futures_stream.PositionFlipped,
            futures_stream.PositionLiquidated,
        )
    ),
    (
        futures_stream.PositionClosed(**AT, symbol="BTCUSDT", side=PositionSide.LONG, before=Position(**AT)),
        "position_closed  BTCUSDT   long  from ? to nothing",
    ),
    (
        futures_stream.RiskAlert(**AT, asset="USDT", limit="available", value=Decimal("9.50"), reason="too little"),
        "risk_alert    USDT      warning  available 9.50  too little",
    ),
    (
        futures_stream.RiskCleared(**AT, symbol="BTCUSDT", limit="unrealized_pnl", reason="the position is closed"),
        "risk_cleared  BTCUSDT   unrealized_pnl  the position is closed",
    ),
    (futures_stream.RiskUnknown(**AT, limit="blind", reason="why"), "risk_unknown            blind  why"),
    (Closed(**AT), "closed        the end, as asked"),
    (Closed(**AT, error=ConnectionLost("gone")), "closed        the end: gone"),
]


@pytest.mark.parametrize(("record", "expected"), CASES, ids=[type(record).__name__ for record, _ in CASES])
def test_each_kind_of_record_has_its_line(record: Record, expected: str) -> None:
    """Time, name, kind, symbol, and the facts that matter."""
    assert Layout().line(record) == START + expected


def test_every_public_record_has_a_line() -> None:
    """A class of record that is new needs words here."""
    classes = {value for name in futures_stream.__all__ if isinstance(value := getattr(futures_stream, name), type)}
    records = {kind for kind in classes if issubclass(kind, Record)}

    told = {type(record) for record, _ in CASES}
    families = {Record, Notice, futures_stream.PositionChange, futures_stream.RiskRecord}
    assert records - told == families | {futures_stream.Tick}


def test_what_an_exchange_says_cannot_draw_on_the_terminal() -> None:
    """Control characters in symbols and ids are escaped."""
    line = Layout().line(Order(**AT, symbol="\x1b[2J", order_id="\x07"))

    assert line.isprintable()


def test_the_account_shows_when_it_has_a_name() -> None:
    """Columns fit the labels that are announced."""
    layout = Layout(("bitget", "bitmusa/hedge"))

    named = layout.line(Balance(exchange="bitmusa", account="hedge", timestamp=0, asset="USDT"))
    plain = layout.line(Balance(exchange="bitget", account="default", timestamp=0, asset="USDT"))

    assert named.index("balance") == plain.index("balance")
    assert "bitmusa/hedge" in named


def test_colours_only_when_wanted() -> None:
    """A gap is red where there are colours, and plain where there are none."""
    gap = Gap(**AT, reason="reset", since=0)

    assert "\x1b[31m" in Layout(colours=True).line(gap)
    assert "\x1b" not in Layout().line(gap)


def test_info_stands_at_the_end() -> None:
    """The raw row follows as JSON."""
    line = Layout().line(Balance(**AT, asset="USDT", info={"free": Decimal("1.50")}), info=True)

    assert line.endswith('{"free": "1.50"}')
