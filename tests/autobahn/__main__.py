"""
Run the Autobahn testsuite's fuzzing server against our transport: ``python -m tests.autobahn path/to/wstest``.

The testsuite is a program of Python 2.7 in an environment of its own; ``nox -s autobahn`` makes one.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from futures_stream.errors import ConnectFailed

from .echo import EchoConnection, converse

CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.*", "10.*"]
EXPECTED = 253
GOOD = {"OK", "NON-STRICT"}
INFORMATIONAL = "INFORMATIONAL"  # Autobahn's word for what no rule demands: it is shown, and no failure
AGENTS = {"with the fast path": True, "without": False}


def main() -> int:
    """Run all cases, with and without the fast path; return 1 if one is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.autobahn")
    parser.add_argument("wstest", help="the testsuite's program")
    parser.add_argument("--reports", type=Path, help="keep the reports there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        reports = arguments.reports or Path(temporary) / "reports"
        with Server(arguments.wstest, Path(temporary), reports.resolve()) as server:
            for agent, fast in AGENTS.items():
                run_all(server.url, agent.replace(" ", "-"), fast)
        found = json.loads((reports / "index.json").read_text())
    return max(judge(agent, found.get(agent.replace(" ", "-"), {})) for agent in AGENTS)


class Server:
    """The fuzzing server, for the length of a block."""

    def __init__(self, wstest: str, directory: Path, reports: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"ws://127.0.0.1:{free.getsockname()[1]}"
        spec = directory / "spec.json"
        wanted = {"url": self.url, "outdir": str(reports), "cases": CASES, "exclude-cases": []}
        spec.write_text(json.dumps(wanted | {"exclude-agent-cases": {}}))
        self._command = [wstest, "--mode", "fuzzingserver", "--spec", str(spec), "--webport", "0"]
        self._log = directory / "log"

    def __enter__(self) -> Server:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        for _ in range(100):
            try:
                count = ask(f"{self.url}/getCaseCount")
            except ConnectFailed:
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                if count != str(EXPECTED):
                    raise SystemExit(f"the server has {count} cases, not {EXPECTED}")
                return self
        raise SystemExit(f"the server does not start:\n{self._log.read_text()}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def ask(url: str) -> str:
    """Return what the server says there, if anything."""
    said: list[str] = []
    converse(url, True, lambda connection, message, binary: said.append(str(message)))
    return said[0] if said else ""


def run_all(url: str, agent: str, fast: bool) -> None:
    """Run all cases for one agent, and have the report written."""
    for case in range(1, EXPECTED + 1):
        converse(f"{url}/runCase?case={case}&agent={agent}", fast, EchoConnection.echo)
    ask(f"{url}/updateReports?agent={agent}")


def judge(agent: str, results: dict[str, dict[str, str]]) -> int:
    """Print how one agent did; return 0 if it did well."""
    behaviors = Counter(result["behavior"] for result in results.values())
    closings = Counter(result["behaviorClose"] for result in results.values())
    print(f"{agent}: {len(results)} cases {dict(behaviors)}, closing {dict(closings)}")
    bad = 0
    for case, result in sorted(results.items(), key=lambda item: [int(part) for part in item[0].split(".")]):
        said = {result["behavior"], result["behaviorClose"]}
        if not said <= GOOD:
            print(f"  {case}: {result['behavior']}, closing {result['behaviorClose']}")
            bad += not said <= GOOD | {INFORMATIONAL}
    return int(bad > 0 or len(results) != EXPECTED)


if __name__ == "__main__":
    sys.exit(main())
