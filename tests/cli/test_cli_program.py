"""The command line as a program: signals, pipes, exit codes."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import PATIENCE, PROGRAM, ROOT, ending, environment, read_until, records, started, urls

import futures_stream
from futures_stream import Endpoints
from futures_stream.cli import main
from futures_stream.cli.exits import Exit, UsageError, code_of, explain
from futures_stream.errors import (
    ConfigError,
    ConnectFailed,
    LoginRejected,
    OpenTimeout,
    ShutdownTimeout,
    StreamFailed,
)
from futures_stream.simulator import Simulator


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_the_stream_properly(number: signal.Signals, lively: Simulator) -> None:
    """SIGINT and SIGTERM close the stream, print its end, and give 130 and 143."""
    with started("tail", "bitmusa", *urls(lively.endpoints("bitmusa")), simulator=lively) as program:
        read_until(program, "order")
        program.send_signal(number)
        out, err = ending(program)

    assert (program.returncode, err) == (128 + number, "")
    # The first of these lines may have lost its beginning: it was read ahead with the ones before.
    assert json.loads(out.splitlines()[-1])["kind"] == "closed"
    assert lively.wait_connections("bitmusa", 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_while_it_connects(number: signal.Signals, quiet: Simulator) -> None:
    """A signal ends it while it waits for the exchange, too."""
    quiet.silent("bitget")
    with started("tail", "bitget", *urls(quiet.endpoints("bitget")), simulator=quiet) as program:
        assert quiet.wait_connections("bitget", 1, PATIENCE)
        program.send_signal(number)
        out, err = ending(program)

    assert (program.returncode, out, err) == (128 + number, "", "")


def test_a_signal_while_the_pipe_is_full(lively: Simulator) -> None:
    """A reader that does not read cannot keep the program from ending."""
    with started("tail", "bitmusa", *urls(lively.endpoints("bitmusa")), "--info", simulator=lively) as program:
        read_until(program, "order")
        lively.flood("bitmusa", 2000)
        assert lively.wait_ledger(lambda ledger: len(ledger) > 1500, PATIENCE)
        program.send_signal(signal.SIGTERM)
        assert program.wait(PATIENCE) == 143
        ending(program)


def test_a_gap_is_lost_data(quiet: Simulator) -> None:
    """A dropped connection shows as gap and resynced, and makes the exit code 1."""
    with started("tail", "bitmusa", *urls(quiet.endpoints("bitmusa")), "--count", "3", simulator=quiet) as program:
        read_until(program, "live")
        quiet.drop("bitmusa")
        read_until(program, "gap")
        resynced = read_until(program, "resynced")[-1]
        quiet.step(10)
        _, err = ending(program)

    assert (program.returncode, err) == (1, "")
    assert "positions" in resynced["unproven"]  # no contract was named that could be asked about


def test_refused_after_a_reconnect(quiet: Simulator) -> None:
    """A stream that cannot go on ends with closed and its reason, and with the exit code of that."""
    with started("tail", "bitget", *urls(quiet.endpoints("bitget")), simulator=quiet) as program:
        read_until(program, "live")
        quiet.refuse_login()
        quiet.drop("bitget")
        closed = read_until(program, "closed")[-1]
        out, err = ending(program)

    assert (program.returncode, out) == (77, "")
    assert closed["error"]["type"] == "LoginRejected"
    assert err.count("\n") == 1
    assert "60001" in err


@pytest.mark.parametrize("command", ["tail", "demo"])
def test_head_ends_it_quietly(command: str, lively: Simulator) -> None:
    """When the reader has seen enough the program ends without a word."""
    where = ("bitmusa", *urls(lively.endpoints("bitmusa"))) if command == "tail" else ()
    with started(command, *where, simulator=lively) as program:
        assert program.stdout is not None
        for _ in range(2):
            assert json.loads(program.stdout.readline())
        program.stdout.close()
        code = program.wait(PATIENCE)
        assert program.stderr is not None
        err = program.stderr.read()

    assert code == 0
    assert "Traceback" not in err
    assert "Broken" not in err


def test_decode_into_head_ends_quietly(tmp_path: Path) -> None:
    """A long recording whose reader leaves is no error."""
    path = tmp_path / "long.jsonl"
    path.write_text((Path(__file__).parent / "bitmusa.jsonl").read_text() * 3000)
    with started("decode", "bitmusa", str(path)) as program:
        assert program.stdout is not None
        program.stdout.readline()
        program.stdout.close()
        code = program.wait(PATIENCE)
        assert program.stderr is not None
        assert (code, program.stderr.read()) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """Output that cannot be written is told in one line, and the data are lost."""
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [*PROGRAM, "decode", "bitmusa", str(Path(__file__).parent / "bitmusa.jsonl")],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=ROOT,
        )

    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "No space left" in run.stderr


def test_closed_standard_output_is_one_line() -> None:
    """A program without standard output says so."""
    line = f"{sys.executable} -m futures_stream exchanges >&-"
    run = subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=environment(), cwd=ROOT)

    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "Traceback" not in run.stderr


def test_closed_standard_error_changes_nothing() -> None:
    """Where nobody listens to errors the exit code still tells."""
    line = f"{sys.executable} -m futures_stream tail bitmusa 2>&-"
    run = subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=environment(), cwd=ROOT)

    assert (run.returncode, run.stdout) == (78, "")


def test_simulate_serves_tail(quiet: Simulator) -> None:
    """``simulate`` says first where it is and what it accepts, and a SIGTERM ends it with 143."""
    with started("simulate", "--seed", "3", "--tick", "0.05") as program:
        assert program.stdout is not None
        told = json.loads(program.stdout.readline())
        for exchange in ("bitget", "bitmusa", "bitget-v2"):
            where = told[exchange]
            at = urls(Endpoints(where["ws_url"], where["rest_url"]))
            tail = ("tail", exchange, "account", "orders", "positions", *at)
            run = subprocess.run(
                [*PROGRAM, *tail, "--count", "3"],
                capture_output=True,
                text=True,
                env=environment() | where["environment"],
                cwd=ROOT,
                timeout=PATIENCE,
            )
            assert (run.returncode, run.stderr) == (0, "")
            assert sum(record["kind"] in ("balance", "order", "position") for record in records(run.stdout)) == 3
        program.send_signal(signal.SIGTERM)
        assert ending(program) == ("", "")
    assert program.returncode == 143


def test_simulate_one_exchange_for_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    """One exchange can be named, and --seconds ends it."""
    assert main(["simulate", "bitmusa", "--seconds", "0.05"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["bitmusa"]


def test_simulate_on_a_taken_port(quiet: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken is 69, and told in one line."""
    assert main(["simulate", "--port", str(quiet.port)]) == 69
    assert str(quiet.port) in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints it."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"futures-stream {futures_stream.__version__}\n"


@pytest.mark.parametrize("command", [[], ["demo"], ["tail"], ["decode"], ["simulate"], ["exchanges"]], ids=str)
def test_help_shows_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Every command explains itself by examples."""
    assert main([*command, "--help"]) == 0
    assert "examples:" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["nosuch"]], ids=str)
def test_without_a_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """No command, or none that exists, is a usage error in one line."""
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "--help" in err


def test_verbose_logs_to_standard_error(
    dead_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """-v shows each try, and no log of the library stays switched on behind it."""
    for name in ("API_KEY", "API_SECRET", "PASSPHRASE"):
        monkeypatch.setenv(f"FUTURES_STREAM_BITGET_{name}", "secret-value")
    arguments = ["tail", "bitget", "--ws-url", f"ws://127.0.0.1:{dead_port}", "--timeout", "0.3"]

    main(["-v", *arguments])
    loud = capsys.readouterr().err
    main(arguments)
    quiet = capsys.readouterr().err

    assert "next try" in loud
    assert "secret-value" not in loud
    assert quiet.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 78),
        (LoginRejected("x"), 77),
        (ConnectFailed("x"), 69),
        (OpenTimeout("x"), 69),
        (ShutdownTimeout("x"), 1),
        (UsageError("x"), 2),
        (OSError(28, "No space left on device"), 1),
        (ZeroDivisionError("a defect"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_class_of_error_has_its_code(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """An error is one line and one code, a defect of ours as well."""
    assert explain(error) == code
    assert capsys.readouterr().err.count("\n") == 1


def test_a_failed_stream_has_the_code_of_its_cause() -> None:
    """What ended the stream decides."""
    failed = StreamFailed("x")
    failed.__cause__ = LoginRejected("y")

    assert code_of(failed) is Exit.REFUSED
    assert code_of(StreamFailed("x")) is Exit.UNAVAILABLE


def test_a_line_feed_in_an_error_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Text of a server cannot draw on the terminal."""
    explain(ConfigError("two\nlines \x1b[31m"))

    assert capsys.readouterr().err == "futures-stream: two\\nlines \\x1b[31m\n"


def test_standard_error_that_breaks_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that cannot be told still has its code."""

    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Broken())

    assert explain(ConfigError("x")) == 78
