"""The subcommand ``decode``."""

import io
import json
import os
from pathlib import Path

import pytest
from cli_runs import records

from futures_stream.cli import main

HERE = Path(__file__).parent
ALL = [(exchange, number) for exchange, count in (("bitget", 5), ("bitmusa", 3)) for number in range(count)]


def written(tmp_path: Path, *lines: str | bytes) -> str:
    """Write a recording, and return its name."""
    path = tmp_path / "recorded.jsonl"
    path.write_bytes(b"\n".join(line.encode() if isinstance(line, str) else line for line in lines) + b"\n")
    return str(path)


@pytest.mark.parametrize(("exchange", "number"), ALL)
def test_each_documented_payload_becomes_the_right_record(
    exchange: str, number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each sample of the exchanges' documents, put on one line, is one record with each of its facts."""
    sample = (HERE / f"{exchange}.jsonl").read_text().splitlines()[number]
    expected = records((HERE / f"{exchange}-expected.jsonl").read_text())[number]

    code = main(["decode", exchange, written(tmp_path, sample)])

    (found,) = records(capsys.readouterr().out)
    assert code == 0
    assert {name: value for name, value in found.items() if value is not None} == expected


def test_each_documented_push_of_bitgets_v2_becomes_its_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recorded pushes, one a line: a record each, positions with the notice that they were all; no line is lost."""
    frames = sorted((HERE.parent / "frames" / "bitget-v2").glob("*_push.json"))
    lines = [json.dumps(json.loads(path.read_text())) for path in frames]

    code = main(["decode", "bitget-v2", written(tmp_path, *lines, "pong")])

    captured = capsys.readouterr()
    found = records(captured.out)
    assert code == 0
    assert [record["kind"] for record in found if record["kind"] != "snapshot"] == [
        *("balance", "execution", "trigger_order", "order", "position_result", "position"),
        *("balance", "equity", "order", "position_result", "position", "trigger_order", "execution"),
    ]
    assert [record["of"] for record in found if record["kind"] == "snapshot"] == ["positions", "positions"]
    assert found[1]["fee"] == "-0.183717"
    assert captured.err == "futures-stream: 1 x pong\n"


def test_the_samples_error_is_a_control_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The documented error is counted on standard error, not printed as a record."""
    sample = (HERE / "bitget.jsonl").read_text().splitlines()[5]

    code = main(["decode", "bitget", written(tmp_path, sample)])

    captured = capsys.readouterr()
    assert (code, captured.out) == (0, "")
    assert "1 x LoginRejected" in captured.err
    assert "60001" in captured.err


def test_control_messages_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pongs and confirmations are counted by what they are, and empty lines are nothing."""
    code = main(["decode", "bitget", written(tmp_path, "pong", "", '{"event":"login","code":0}', "  ", "pong\r")])

    captured = capsys.readouterr()
    assert (code, captured.out) == (0, "")
    assert captured.err == "futures-stream: 2 x pong\nfutures-stream: 1 x login accepted\n"


def test_every_documented_error_code_is_a_control_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No error message ends the reading, and what comes behind one is read."""
    errors = [json.dumps({"event": "error", "code": str(code), "msg": "x"}) for code in range(60001, 60006)]
    sample = (HERE / "bitget.jsonl").read_text().splitlines()[2]

    code = main(["decode", "bitget", written(tmp_path, *errors, sample)])

    captured = capsys.readouterr()
    assert code == 0
    assert [record["kind"] for record in records(captured.out)] == ["order"]
    assert captured.err.count(" 1 x ") == 5


def test_a_full_set_is_followed_by_its_notice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A snapshot's rows are followed by the notice that they were all, even if there was none."""
    empty = '{"action":"snapshot","arg":{"channel":"positions","instType":"FUTURES","instId":"default"},"data":[]}'

    code = main(["decode", "bitget", written(tmp_path, empty)])

    (notice,) = records(capsys.readouterr().out)
    assert code == 0
    assert (notice["kind"], notice["of"], notice["keys"]) == ("snapshot", "positions", [])


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"\xff\xfe{\x00",
        b"[" * 200_000,
        b'{"a":' * 50_000,
        b"\x00\x01\x02",
        b'{"action":"update","arg":{"channel":"weather"},"data":[]}',
        b'{"stream":"future_weather","data":{}}',
        b"9" * 10_000,
        b'"' + b"\\ud800" * 10 + b'"',
        b"null",
        b"NaN",
    ],
    ids=lambda line: line[:12].decode(errors="replace"),
)
def test_what_cannot_be_read_is_a_line_and_exit_code_1(
    exchange: str, line: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nonsense of every sort is one unreadable line with the text and the reason, and reading goes on."""
    sample = (HERE / f"{exchange}.jsonl").read_bytes().splitlines()[0]

    code = main(["decode", exchange, written(tmp_path, line, sample)])

    unreadable, record = records(capsys.readouterr().out)
    assert code == 1
    assert unreadable["kind"] == "unreadable"
    assert unreadable["text"]
    assert unreadable["error"]
    assert (record["kind"], record["seq"]) == ("balance", 2)


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa", "bitget-v2"])
def test_random_bytes_never_end_it(exchange: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no recording at all gives unreadable lines, no traceback."""
    path = tmp_path / "noise"
    path.write_bytes(os.urandom(100_000))

    code = main(["decode", exchange, str(path)])

    captured = capsys.readouterr()
    assert code == 1
    assert {record["kind"] for record in records(captured.out)} == {"unreadable"}
    assert "Traceback" not in captured.err


def test_standard_input_is_read_without_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No FILE, or a dash, means standard input."""
    text = (HERE / "bitmusa.jsonl").read_bytes()
    for arguments in (["decode", "bitmusa"], ["decode", "bitmusa", "-"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))

        code = main(arguments)

        assert code == 0
        assert len(records(capsys.readouterr().out)) == 3


def test_a_byte_order_mark_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Editors that begin a file with one do no harm."""
    sample = (HERE / "bitmusa.jsonl").read_text().splitlines()[0]

    assert main(["decode", "bitmusa", written(tmp_path, "\ufeff" + sample)]) == 0
    assert len(records(capsys.readouterr().out)) == 1


def test_info_shows_the_raw_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --info the row is there as the exchange sent it."""
    sample = (HERE / "bitmusa.jsonl").read_text().splitlines()[1]

    main(["decode", "bitmusa", "--info", written(tmp_path, sample)])

    (record,) = records(capsys.readouterr().out)
    assert record["info"]["tradedAmount"] == 0
    assert record["info"]["price"] == "0.5155"


@pytest.mark.parametrize("name", ["nowhere", "", "a\0b", "."])
def test_a_file_that_cannot_be_read_is_one_line(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong FILE is a usage error, told in one line."""
    code = main(["decode", "bitget", str(tmp_path / name) if name else ""])

    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.startswith("futures-stream: cannot read ")
    assert captured.err.count("\n") == 1
