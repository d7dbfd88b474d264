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
    opening, closing = captured.err.splitlines()
    assert "simulated" in opening
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
    assert all("  bitmusa  " in line for line in lines[1:-1])


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
