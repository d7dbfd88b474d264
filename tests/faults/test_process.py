"""What only a process of its own can show: descriptors that run out, and ends of every kind."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LIMIT = 30.0  # seconds for a whole process; a hang is what this is about

PREPARE = """
import os, queue, sys, threading
from futures_stream import open_stream, Gap, Live
from futures_stream.simulator import Simulator
simulator = Simulator(tick=None).start()
stream = open_stream("bitget", simulator.credentials("bitget"), endpoints=simulator.endpoints("bitget"))
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    """Run a program with an open stream."""
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PREPARE + body],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        cwd=ROOT,
        check=False,
    )


def test_the_process_ends_whoever_ends_it() -> None:
    """An exit in a thread, in the main thread or without any farewell is no hang, and no traceback."""
    ends = {
        "thread = threading.Thread(target=sys.exit, args=(3,)); thread.start(); thread.join()": 0,
        "os._exit(7)": 7,
        "sys.exit(5)": 5,
    }
    with ThreadPoolExecutor() as pool:  # each is mostly the start of an interpreter
        ended = list(pool.map(run, ends))

    assert [(one.returncode, one.stderr) for one in ended] == [(code, "") for code in ends.values()]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of descriptors is set in Linux's way")
def test_descriptors_run_out_and_come_back() -> None:
    """Without descriptors the stream backs off, does not spin, and is live again once there are some."""
    ended = run(
        """
import resource
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
used = len(os.listdir("/proc/self/fd"))
resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
simulator.drop("bitget")
status = stream._lifecycle.wait(lambda now: type(now.error).__name__ == "ConnectFailed", 15)
assert status is not None, stream
connects = stream.status.connects
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
for one in taken:
    os.close(one)
stream.wait_state("live", 15)
stream.close()
simulator.close()
kinds = [type(record).__name__ for record in stream if isinstance(record, Gap | Live)]
print(kinds, connects)
"""
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "['Live', 'Gap', 'Live'] 1"
