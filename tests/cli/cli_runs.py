"""Running the command line: in this process, or as a program of its own."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from futures_stream import Endpoints
from futures_stream.dialects import find_dialect
from futures_stream.simulator import Simulator

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 20.0  # seconds that a program may take on a busy machine
PROGRAM = (sys.executable, "-m", "futures_stream")


def environment(simulator: Simulator | None = None) -> dict[str, str]:
    """Return this process's environment without anybody's credentials, and with those of the simulator if given."""
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FUTURES_STREAM_", "BITGET_", "BITMUSA_"))
    }
    mine["FUTURES_STREAM_CONFIG"] = os.devnull + "/nowhere"
    mine["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), mine.get("PYTHONPATH"))))
    if simulator is not None:
        mine |= variables(simulator)
    return mine


def variables(simulator: Simulator) -> dict[str, str]:
    """Return the environment variables with the credentials that a simulator accepts."""
    found = {}
    for exchange in ("bitget", "bitmusa", "bitget-v2"):
        credentials = simulator.credentials(exchange)
        prefix = find_dialect(exchange).credentials.prefixes[0]
        for name in type(credentials).__slots__:
            if hasattr(credentials, name) and not name.startswith("_"):
                found[f"{prefix}{name.upper()}"] = getattr(credentials, name).reveal()
    return found


def urls(endpoints: Endpoints) -> list[str]:
    """Return the arguments that point ``tail`` somewhere."""
    return ["--ws-url", endpoints.ws_url or "", "--rest-url", endpoints.rest_url or ""]


@contextmanager
def started(*arguments: str, simulator: Simulator | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start the program, read it through pipes, and see to it that it does not outlive the test."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*PROGRAM, *arguments], env=environment(simulator), cwd=ROOT, **pipes) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                program.kill()


def read_until(program: subprocess.Popen[str], kind: str) -> list[dict[str, Any]]:
    """Read lines of JSON until one of that kind has come; return them all."""
    seen: list[dict[str, Any]] = []
    assert program.stdout is not None
    for line in program.stdout:
        seen.append(json.loads(line))
        if seen[-1]["kind"] == kind:
            return seen
    raise AssertionError(f"it ended without {kind}: {seen}, {ending(program)}")


def ending(program: subprocess.Popen[str]) -> tuple[str, str]:
    """
    Wait until the program ends, and return what it has still printed.

    Popen.communicate() reads past the lines that :func:`read_until` has fetched already, but not yet returned.
    """
    assert program.stdout is not None
    assert program.stderr is not None
    watchdog = threading.Timer(PATIENCE, program.kill)
    watchdog.start()
    try:
        out, err = program.stdout.read(), program.stderr.read()
        program.wait()
    finally:
        watchdog.cancel()
        watchdog.join()
    return out, err


def records(text: str) -> list[dict[str, Any]]:
    """Return what lines of JSON say."""
    return [json.loads(line) for line in text.splitlines()]
