"""The subcommand ``tail``, in this process: what it prints and how it ends."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from cli_runs import ROOT, environment, records, urls

from futures_stream.cli import main
from futures_stream.simulator import Simulator


def tail(simulator: Simulator, exchange: str, *arguments: str) -> int:
    """Run ``tail`` against a simulator, and not for ever."""
    where = urls(simulator.endpoints(exchange))  # type: ignore[arg-type]
    return main(["tail", exchange, *where, "--seconds", "20", *arguments])


def meanwhile(*steps: Callable[[], object]) -> threading.Thread:
    """Take steps in another thread, one after another."""
    thread = threading.Thread(target=lambda: [step() for step in steps])
    thread.start()
    return thread


def only_line(text: str) -> str:
    """Return the one line that was printed."""
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_records_come_as_json_and_count_counts_no_notices(
    exchange: str, as_simulated: Simulator, lively: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """--count ends after so many records of the account, however many notices came along."""
    code = tail(lively, exchange, "--count", "40")

    captured = capsys.readouterr()
    seen = records(captured.out)
    notices = {"live", "lease_renewed", "snapshot"}
    assert (code, captured.err) == (0, "")
    assert sum(record["kind"] not in notices for record in seen) == 40
    assert "live" in {record["kind"] for record in seen}
    assert all(next(iter(record)) == "kind" for record in seen)


def test_seconds_end_with_closed(as_simulated: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """When the time is over the stream ends properly, and says so last."""
    code = tail(as_simulated, "bitmusa", "--seconds", "0.2", "--account", "hedge")

    seen = records(capsys.readouterr().out)
    assert code == 0
    assert (seen[-1]["kind"], seen[-1]["error"], seen[-1]["account"]) == ("closed", None, "hedge")


def test_channels_and_symbols_narrow_it_down(as_simulated: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """Only what was asked for comes; options and channels stand in any order."""
    helper = meanwhile(lambda: as_simulated.wait_connections("bitmusa", 1), lambda: as_simulated.step(30))

    code = tail(as_simulated, "bitmusa", "--symbol", "XRPUSDT", "future_order", "--count", "2")

    helper.join()
    account = [
        record
        for record in records(capsys.readouterr().out)
        if record["kind"] not in ("live", "lease_renewed", "snapshot")
    ]
    assert code == 0
    assert {(record["kind"], record["symbol"]) for record in account} == {("order", "XRPUSDT")}


def test_info_adds_the_raw_row(as_simulated: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """--info shows the exchange's own words."""
    code = tail(as_simulated, "bitget", "account", "--info", "--count", "1")

    seen = records(capsys.readouterr().out)
    assert code == 0
    assert seen[-1]["info"]["marginCoin"] == "USDT"


def test_text_is_for_people(as_simulated: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """--format text prints aligned lines and no JSON."""
    code = tail(as_simulated, "bitget", "account", "--format", "text", "--count", "1")

    out = capsys.readouterr().out
    assert code == 0
    assert "balance" in out
    assert "free 10000.00000000" in out
    assert "{" not in out


def test_an_unreadable_message_is_lost_data(as_simulated: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """Garbage shows as unreadable, and makes the exit code 1."""
    helper = meanwhile(
        lambda: as_simulated.wait_connections("bitmusa", 1),
        lambda: as_simulated.garble("{nonsense"),
        lambda: as_simulated.step(5),
    )

    code = tail(as_simulated, "bitmusa", "--count", "3")

    helper.join()
    unreadable = [record for record in records(capsys.readouterr().out) if record["kind"] == "unreadable"]
    assert code == 1
    assert [record["text"] for record in unreadable] == ["{nonsense"]


@pytest.mark.parametrize(
    ("exchange", "variable"),
    [("bitget", "FUTURES_STREAM_BITGET_API_SECRET"), ("bitmusa", "FUTURES_STREAM_BITMUSA_API_KEY")],
)
def test_wrong_credentials_are_refused(
    exchange: str,
    variable: str,
    as_simulated: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Credentials that the exchange does not know end it at once, with 77 and what to check."""
    monkeypatch.setenv(variable, "wrong-and-secret")

    code = tail(as_simulated, exchange)

    line = only_line(capsys.readouterr().err)
    assert code == 77
    assert "check" in line
    assert "wrong-and-secret" not in line


def test_a_refused_channel(as_simulated: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """A channel that the exchange refuses ends it with 77, and is named."""
    as_simulated.refuse_subscription("orders")

    assert tail(as_simulated, "bitget") == 77
    assert "orders" in only_line(capsys.readouterr().err)


def test_a_missing_permission(as_simulated: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """A key without the permission ends it with 77, and it says which."""
    as_simulated.refuse_rest(code=1005)

    assert tail(as_simulated, "bitmusa") == 77
    assert "permission" in only_line(capsys.readouterr().err)


def test_an_unreachable_host(dead_port: int, as_simulated: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody there: 69 within the time limit, and a hint."""
    code = main(["tail", "bitget", "--ws-url", f"ws://127.0.0.1:{dead_port}", "--timeout", "0.5"])

    line = only_line(capsys.readouterr().err)
    assert code == 69
    assert "refused" in line
    assert "-v" in line


def test_a_silent_server(as_simulated: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """A server that accepts and never speaks: 69 within the time limit."""
    as_simulated.silent("bitget")

    assert tail(as_simulated, "bitget", "--timeout", "0.5") == 69
    only_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("exchange", "variable"),
    [("bitget", "FUTURES_STREAM_BITGET_PASSPHRASE"), ("bitmusa", "FUTURES_STREAM_BITMUSA_AUTH_KEY")],
)
def test_missing_credentials(exchange: str, variable: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No credentials: 78, and the environment variables by name."""
    assert main(["tail", exchange]) == 78
    assert variable in only_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--ws-url", "nonsense"],
        ["--ws-url", "ws://exchange.example/"],
        ["--ws-url", "wss://user:hunter2@exchange.example/"],
        ["--account", ""],
        ["--symbol", "BTC USDT"],
        ["--ca-file", "/nowhere.pem"],
        ["--proxy", "nonsense"],
    ],
    ids=" ".join,
)
def test_bad_configuration(arguments: list[str], as_simulated: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """What makes no sense is 78 before anything is connected, and shows no password."""
    assert main(["tail", "bitget", *arguments]) == 78
    assert "hunter2" not in only_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nosuch"], "bitmusa"),
        ([], "EXCHANGE"),
        (["bitmusa", "executions"], "orders"),
        (["bitmusa", "--count", "0"], "above 0"),
        (["bitmusa", "--count", "many"], "above 0"),
        (["bitmusa", "--seconds", "nan"], "above 0"),
        (["bitmusa", "--timeout", "-1"], "above 0"),
        (["bitmusa", "--format", "xml"], "jsonl"),
        (["bitmusa", "--nosuch"], "--nosuch"),
    ],
    ids=str,
)
def test_usage_errors(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A command line that makes no sense is 2, and the line says what there is instead."""
    assert main(["tail", *arguments]) == 2
    assert told in only_line(capsys.readouterr().err)


def test_it_does_not_load_the_simulator() -> None:
    """Whoever follows an account does not load the other side."""
    code = (
        "import json, sys; from futures_stream.cli import main; code = main(['tail', 'bitmusa']);"
        "print(json.dumps([code, *(name for name in sys.modules if 'futures_stream.simulator' in name)]))"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), cwd=ROOT)

    assert json.loads(run.stdout) == [78]
