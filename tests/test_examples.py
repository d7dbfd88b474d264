"""The examples run as they are, against the simulator."""

import os
import runpy
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from futures_stream import BitgetCredentials, Endpoints, Execution, Live, Unreadable, open_stream
from tests.independent_server import port_of, serving

FOLDER = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))
ENDS_BY_ITSELF = [path for path in SCRIPTS if path.name != "loop_with_other_work.py"]
PATIENCE = 30.0  # seconds that an example may take on a busy machine
CODES = {"risk_loop": "positions are left", "wait_for_fill": "waiting for", "two_accounts_one_queue": "hedge"}


def environment() -> dict[str, str]:
    """Return an environment in which the package is found."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(FOLDER.parent), os.environ.get("PYTHONPATH"))))
    }


def test_they_are_few_and_short() -> None:
    """At most five scripts, each under 40 lines, each with a first line that says what it is."""
    assert 0 < len(SCRIPTS) <= 5
    for path in SCRIPTS:
        text = path.read_text()
        assert len(text.splitlines()) < 40, path
        assert text.startswith('"""'), path


def test_the_risk_loop_fits_on_a_page() -> None:
    """Everything but the note at its beginning is under 30 lines."""
    text = (FOLDER / "risk_loop.py").read_text()
    assert len(text.split('"""', 2)[2].strip().splitlines()) < 30


@pytest.mark.parametrize("path", ENDS_BY_ITSELF, ids=lambda path: path.stem)
def test_an_example_runs(path: Path) -> None:
    """It does what it says, and ends by itself without an error."""
    run = subprocess.run(
        [sys.executable, str(path), "--simulated"], capture_output=True, text=True, env=environment(), timeout=PATIENCE
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert CODES.get(path.stem, "Execution(exchange='tiny'") in run.stdout


def test_the_loop_ends_on_ctrl_c() -> None:
    """The loop does other work when nothing comes, and ends properly when it is asked to."""
    command = [sys.executable, str(FOLDER / "loop_with_other_work.py"), "--simulated"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as program:
        try:
            assert program.stdout is not None
            for line in program.stdout:
                if line.startswith("nothing new"):
                    break
            program.send_signal(signal.SIGINT)
            out, err = program.communicate(timeout=PATIENCE)
        finally:
            program.kill()

    assert (program.returncode, err) == (0, "")
    assert "ended: <Stream bitmusa/default: closed" in out


def test_the_custom_exchange_is_a_full_member() -> None:
    """One file is all that it takes: the engine opens it, reads it and closes it against a real server."""
    tiny = runpy.run_path(str(FOLDER / "custom_exchange.py"))["TINY"]

    def converse(connection: object) -> None:
        assert connection.recv() == '{"hello": "world"}'  # type: ignore[attr-defined]
        connection.send('{"welcome": 1}')  # type: ignore[attr-defined]
        connection.send("?")  # type: ignore[attr-defined]
        connection.send('{"fill": {"price": 0.5155, "size": "2"}}')  # type: ignore[attr-defined]
        for _ in connection:  # type: ignore[attr-defined]
            pass

    with serving(converse) as server:
        where = Endpoints(f"ws://127.0.0.1:{port_of(server)}")
        with open_stream(tiny, BitgetCredentials("a", "b", "c"), account="mine", endpoints=where) as stream:
            seen = [stream.get(5), stream.get(5), stream.get(5)]

    assert sorted(type(record).__name__ for record in seen) == ["Execution", "Live", "Unreadable"]
    (fill,) = (record for record in seen if isinstance(record, Execution))
    assert {Live, Unreadable} <= {type(record) for record in seen}
    assert (fill.exchange, fill.account, fill.price) == ("tiny", "mine", Decimal("0.5155"))
