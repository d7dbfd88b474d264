"""Records as lists of dicts, as pandas tables, and in ccxt's structures."""

import builtins
import json
from decimal import Decimal

import pytest

from futures_stream import ConfigError, Gap, Mark, PositionReduced
from futures_stream.interop import to_ccxt, to_dict, to_dicts, to_json, to_pandas
from futures_stream.records import Balance, Execution, Order, Position, Unreadable
from futures_stream.trackers import AccountTracker
from futures_stream.vocabulary import (
    Liquidity,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    TimeInForce,
)

WHO = {"exchange": "bitget", "account": "default"}
AT = {"timestamp": 1_700_000_000_123, "received_ns": 1_700_000_000_200_000_001}
ORDER = Order(
    **WHO,
    **AT,
    symbol="BTCUSDT",
    order_id="7",
    client_order_id="mine",
    side=Side.BUY,
    type=OrderType.LIMIT,
    price=Decimal("30000.50"),
    size=Decimal("0.2"),
    filled=Decimal("0.1"),
    average_price=Decimal("30000.00"),
    time_in_force=TimeInForce.POST_ONLY,
    status=OrderStatus.PARTIALLY_FILLED,
    info={"x": 1},
)
EXECUTION = Execution(
    **WHO, **AT, symbol="BTCUSDT", trade_id="1", order_id="7", side=Side.BUY, price=Decimal("3"), size=Decimal("2"),
    fee=Decimal("0.01"), fee_asset="USDT", liquidity=Liquidity.MAKER,
)  # fmt: skip
POSITION = Position(
    **WHO, **AT, symbol="BTCUSDT", side=PositionSide.LONG, size=Decimal("1"), margin_mode=MarginMode.ISOLATED,
    position_mode=PositionMode.HEDGE, margin_ratio=Decimal("0.15"),
)  # fmt: skip
BALANCE = Balance(**WHO, **AT, asset="USDT", free=Decimal("1"), locked=Decimal("2"), total=Decimal("3"))


def test_dicts_of_records_of_a_view_and_of_one() -> None:
    """Whatever has records in it."""
    account = AccountTracker()
    account.apply(ORDER)

    assert to_dicts([ORDER, BALANCE]) == [to_dict(ORDER), to_dict(BALANCE)]
    assert to_dicts(account.orders) == [to_dict(ORDER)]
    assert to_dicts(ORDER, info=True) == [to_dict(ORDER, info=True)]  # type: ignore[arg-type]


def test_a_record_in_a_record_is_a_dict() -> None:
    """A derived record's before and after are whole records."""
    reduced = PositionReduced(**WHO, before=POSITION, after=None)

    plain = json.loads(to_json(reduced))
    assert plain["kind"] == "position_reduced"
    assert (plain["before"]["kind"], plain["before"]["size"], plain["after"]) == ("position", "1", None)


class TestPandas:
    """Tables; a dependency that is imported when it is asked for."""

    def test_numbers_are_exact(self) -> None:
        """Decimals to the last digit, times with their zone, words as text."""
        pandas = pytest.importorskip("pandas")
        marked = Order(**WHO, order_id="8", marks=frozenset({Mark.LATE}))

        table = to_pandas([ORDER, marked])
        assert list(table.columns[:2]) == ["kind", "exchange"]
        assert (table.price[0], str(table.price[0]), table.price[1]) == (Decimal("30000.50"), "30000.50", None)
        assert table.timestamp[0] == pandas.Timestamp("2023-11-14T22:13:20.123Z")
        assert table.received_ns[0].nanosecond == 1
        assert table.timestamp[1] is pandas.NaT
        assert (table.status[0], table.marks[1], table.seq.dtype) == ("partially_filled", ("late",), "int64")
        assert sum(table.price[:1]) == Decimal("30000.50")

    def test_floats_on_request(self) -> None:
        """Fast, and what is missing is NaN."""
        pandas = pytest.importorskip("pandas")

        table = to_pandas([ORDER, Order(**WHO)], floats=True)
        assert (table.price.dtype, table.price[0]) == ("float64", 30000.5)
        assert pandas.isna(table.price[1])

    def test_classes_share_a_table(self) -> None:
        """What a class does not have is missing in its rows."""
        pytest.importorskip("pandas")

        table = to_pandas([BALANCE, EXECUTION, Gap(**WHO, reason="r", since=1)])
        assert list(table.kind) == ["balance", "execution", "gap"]
        assert (table.asset[0], table.asset[1], table.trade_id[1]) == ("USDT", None, "1")

    def test_views_nothing_and_raw_rows(self) -> None:
        """A view's records, an empty table, and info when asked for."""
        pytest.importorskip("pandas")
        account = AccountTracker()
        account.apply(POSITION)

        assert list(to_pandas(account.positions).symbol) == ["BTCUSDT"]
        assert len(to_pandas([])) == 0
        assert to_pandas([ORDER], info=True)["info"][0] == {"x": 1}

    def test_without_pandas_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And nothing else of interop needs it."""
        real = builtins.__import__

        def without(name: str, *rest: object, **more: object) -> object:
            if name.partition(".")[0] in ("pandas", "numpy"):
                raise ImportError(name)
            return real(name, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(ConfigError, match="pip install"):
            to_pandas([ORDER])


class TestCcxt:
    """The keys and words that ccxt's own structures have."""

    def test_an_order(self) -> None:
        """Amount, filled, remaining, average and status in its words."""
        order = to_ccxt(ORDER)

        assert (order["id"], order["clientOrderId"], order["symbol"]) == ("7", "mine", "BTCUSDT")
        assert (order["status"], order["type"], order["side"], order["timeInForce"]) == ("open", "limit", "buy", "PO")
        assert (order["amount"], order["filled"], order["remaining"]) == (0.2, 0.1, 0.1)
        assert (order["price"], order["average"], order["cost"]) == (30000.5, 30000.0, 3000.0)
        assert (order["timestamp"], order["datetime"]) == (AT["timestamp"], "2023-11-14T22:13:20.123Z")
        assert order["info"] == {"x": 1}

    def test_exact_numbers_on_request(self) -> None:
        """The digits of the wire."""
        assert to_ccxt(ORDER, floats=False)["price"] == Decimal("30000.50")

    @pytest.mark.parametrize(
        ("status", "word"),
        [("new", "open"), ("triggered", "open"), ("filled", "closed"), ("canceled", "canceled"), ("unknown", None)],
    )
    def test_statuses(self, status: str, word: str | None) -> None:
        """What is not known is None, never open."""
        assert to_ccxt(Order(**WHO, status=OrderStatus(status)))["status"] == word

    def test_a_trade(self) -> None:
        """An execution is what ccxt calls a trade of one's own."""
        trade = to_ccxt(EXECUTION)

        assert (trade["id"], trade["order"], trade["takerOrMaker"], trade["cost"]) == ("1", "7", "maker", 6.0)
        assert (trade["fee"], trade["fees"]) == ({"cost": 0.01, "currency": "USDT"},) * 1 + ([trade["fee"]],)

    def test_a_position(self) -> None:
        """Contracts, side and modes."""
        position = to_ccxt(POSITION)

        assert (position["contracts"], position["side"], position["marginRatio"]) == (1.0, "long", 0.15)
        assert (position["marginMode"], position["isolated"], position["hedged"]) == ("isolated", True, True)
        assert to_ccxt(Position(**WHO))["side"] is None

    def test_a_balance(self) -> None:
        """By asset and by figure."""
        balance = to_ccxt(BALANCE)

        assert balance["USDT"] == {"free": 1.0, "used": 2.0, "total": 3.0}
        assert (balance["free"], balance["used"], balance["total"]) == ({"USDT": 1.0}, {"USDT": 2.0}, {"USDT": 3.0})

    def test_what_ccxt_has_nothing_for(self) -> None:
        """The error says what there is."""
        with pytest.raises(TypeError, match="no structure for a Gap; it has them for Order"):
            to_ccxt(Gap(**WHO, reason="r", since=1))


def test_a_record_shows_itself_as_a_table_with_everything_escaped() -> None:
    """A server's words cannot become markup in a notebook, nor hide there."""
    html = Unreadable(**WHO, text="secret?", error="<img src=x onerror=alert('1')>\x1b[2J&")._repr_html_()

    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(&#x27;1&#x27;)&gt;\\x1b[2J&amp;" in html
    assert "secret?" not in html  # what the repr leaves out is left out here
    shown = ORDER._repr_html_()
    assert "<caption>Order</caption>" in shown
    assert "<tr><th>price</th><td>30000.50</td></tr>" in shown
    assert "leverage" not in shown
    assert "info" not in shown


def test_absurd_numbers_and_long_texts_stay_readable() -> None:
    """Thousands of digits would hang a notebook."""
    shown = Order(**WHO, price=Decimal("1e9999999"), order_id="x" * 9999)._repr_html_()

    assert "<td>1E+9999999</td>" in shown
    assert len(shown) < 1000
