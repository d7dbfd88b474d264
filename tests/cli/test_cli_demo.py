"""The subcommands ``demo`` and ``exchanges``."""

import json

import pytest
from cli_runs import records

from futures_stream.cli import main
from futures_stream.dialects import DIALECTS

KINDS = {
    "bitget": {"balance", "position", "order", "execution", "liquidation_warning"},
    "bitmusa": {"balance", "position", "order"},
}


def test_the_demo_shows_every_kind_of_record(capsys: pytest.CaptureFixture[str]) -> None:
    """Each exchange's every kind of record comes, as pure JSON when piped, and it ends by itself."""
    code = main(["demo", "--seconds", "3"])

    captured = capsys.readouterr()
    seen = records(captured.out)
    assert code == 0
    for exchange, kinds in KINDS.items():
        assert kinds <= {record["kind"] for record in seen if record["exchange"] == exchange}
    assert {record["exchange"] for record in seen if record["kind"] == "closed"} == set(KINDS)
    assert seen[-1]["kind"] == "closed"
    opening, *summary, closing = captured.err.splitlines()
    assert "simulated" in opening
    assert [line for line in summary if not line.startswith("  ")] == [f"{name} at the end:" for name in KINDS]
    assert "Next" in closing


def test_the_demo_of_one_exchange_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """As text, the lines that explain stand around the records."""
    code = main(["demo", "--seconds", "0.5", "--exchange", "bitmusa", "--format", "text"])

    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert (code, captured.err) == (0, "")
    assert "Bitmusa" in lines[0]
    assert "Bitget" not in lines[0]
    assert "tail bitmusa" in lines[-1]
    end = lines.index("bitmusa at the end:")
    assert all("  bitmusa  " in line for line in lines[1:end])
    assert all(line.startswith("  ") for line in lines[end + 1 : -1])


def test_the_demo_ends_with_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Money, positions, orders and alerts, as the last records have them, in lines of 80 characters at most."""
    main(["demo", "--seconds", "3", "--exchange", "bitget"])

    captured = capsys.readouterr()
    seen, lines = records(captured.out), captured.err.splitlines()[1:-1]
    balance = [record for record in seen if record["kind"] == "balance"][-1]
    open_ones = {}
    for record in seen:
        if record["kind"] == "position":
            open_ones[record["symbol"], record["side"]] = record
    sizes = {key: record["size"] for key, record in open_ones.items() if record["status"] == "open"}
    alerts = [record for record in seen if record["kind"] == "risk_alert"]
    assert max(map(len, lines)) <= 80
    assert f"available {float(balance['free']):,.2f}" in lines[1]
    for (symbol, side), size in sizes.items():
        assert any(symbol in line and side in line and f" {size} at " in line for line in lines)
    assert sum(" at " in line for line in lines[2:]) == len(sizes)
    assert any(" open order" in line for line in lines)
    assert any("alert" in line for line in lines)
    for alert in alerts:
        assert any(alert["limit"] in line for line in lines)


def test_the_demo_of_bitgets_v2(capsys: pytest.CaptureFixture[str]) -> None:
    """It is shown when it is asked for."""
    code = main(["demo", "--seconds", "2", "--exchange", "bitget-v2"])

    seen = records(capsys.readouterr().out)
    assert code == 0
    assert {record["exchange"] for record in seen} == {"bitget-v2"}
    assert {"balance", "equity", "order", "execution", "live", "closed"} <= {record["kind"] for record in seen}


def test_exchanges_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each exchange of the registry says its channels and whether it lives."""
    code = main(["exchanges"])

    found = {facts["name"]: facts for facts in map(json.loads, capsys.readouterr().out.splitlines())}
    assert code == 0
    assert list(found) == list(DIALECTS)
    assert found["bitget"]["live_today"] is False
    assert found["bitget"]["channels"]["executions"] == "execution"
    assert found["bitmusa"]["environment"] == ["FUTURES_STREAM_BITMUSA_AUTH_KEY", "FUTURES_STREAM_BITMUSA_API_KEY"]
    assert all(facts["caveats"] for facts in found.values())
    assert "v3" in found["bitget-v2"]["accounts"]
    assert "40085" in found["bitget-v2"]["accounts"]
    assert found["bitget-v2"]["rest_url"] == "https://api.bitget.com"
    assert found["bitget"]["rest_url"] is None


def test_exchanges_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """People read the same without braces."""
    main(["exchanges", "--format", "text"])

    out = capsys.readouterr().out
    assert "executions (execution)" in out
    assert "FUTURES_STREAM_BITGET_PASSPHRASE" in out
    assert max(map(len, out.splitlines())) <= 100
