"""What only a process of its own can show: signals, and an interpreter that ends with a stream open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import futures_stream

BEGIN = """
import signal, sys, threading
from futures_stream import open_stream
from futures_stream.simulator import Simulator

sim = Simulator(seed=1)
sim.__enter__()
stream = open_stream("{exchange}", sim.credentials("{exchange}"), endpoints=sim.endpoints("{exchange}"))
"""


def run(exchange: str, rest: str, timeout: float = 20.0) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    environ = os.environ | {"PYTHONPATH": str(Path(futures_stream.__file__).parent.parent)}
    code = BEGIN.format(exchange=exchange) + rest
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout, env=environ, check=False
    )


def test_the_interpreter_ends_although_a_stream_is_open() -> None:
    """A script that forgets to close ends by itself, with exit code 0 and not a word."""
    ended = run("bitmusa", "print(stream.get(timeout=5).exchange)")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "bitmusa\n", "")


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_stop_in_a_signal_handler() -> None:
    """A flag and a wake-up: the handler may interrupt anything, however often, and the loop ends quietly."""
    ended = run(
        "bitget",
        """
signal.signal(signal.SIGUSR1, lambda number, frame: stream.stop())
def shoot():
    for _ in range(200):
        signal.raise_signal(signal.SIGUSR1) if threading.current_thread() is threading.main_thread() else None
        import os
        os.kill(os.getpid(), signal.SIGUSR1)
threading.Thread(target=shoot, daemon=True).start()
count = sum(1 for record in stream)
stream.close()
print("ended", stream.status.state)
""",
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ended closed\n", "")


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_in_the_loop() -> None:
    """KeyboardInterrupt arrives where the script waits; the block closes the stream on the way out."""
    ended = run(
        "bitget",
        """
import os
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    with stream:
        for record in stream:
            pass
except KeyboardInterrupt:
    print("interrupted", stream.status.state, [t.name for t in threading.enumerate() if "/io" in t.name])
""",
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "interrupted closed []\n", "")
