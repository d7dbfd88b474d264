"""Running the load source, and a contender against it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_LONGEST = 300.0  # seconds that a contender may take; one that hangs is left out, and said so


class Source:
    """
    The load source, for the length of a block.

    Args:
        burst: Updates sent at once, a connection.
        paced: Seconds at 1,000 updates a second, once alone and once beside a thread that is busy.
        wait: Whether it sends nothing before it is asked to.
        live: Whether the burst is made while it is sent, which is slower but takes no memory.
    """

    def __init__(self, *, burst: int = 0, paced: float = 0, wait: bool = False, live: bool = False) -> None:
        arguments = ["--burst", str(burst), "--paced", str(paced)]
        arguments += [f"--{name}" for name, wanted in (("wait", wait), ("live", live)) if wanted]
        self._command = [sys.executable, str(Path(__file__).parent / "source.py"), *arguments]

    def __enter__(self) -> Source:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._address = f"127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, python: str, driver: Path, *before: str, after: tuple[str, ...] = ()) -> dict[str, Any] | None:
        """Run a driver against it, and return what it printed; None, and a line on stderr, if it failed."""
        command = [python, str(driver), *before, self._address, *after]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
        except subprocess.TimeoutExpired:
            print(f"{driver.name} did not end within {_LONGEST:g} s", file=sys.stderr)
            return None
        lines = run.stdout.splitlines()
        if not lines:
            print(f"{driver.name} failed:\n{run.stderr[-2000:]}", file=sys.stderr)
            return None
        told: dict[str, Any] = json.loads(lines[-1])
        return told
