"""Runs programs in processes of their own, against a simulator in the test's process, which sees what they leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import futures_stream
from futures_stream.simulator import Simulator

PATIENCE = 30.0  # seconds that a program may take on a machine that is busy with much else; most need one

BEGIN = """
import faulthandler, json, os, queue, signal, sys, threading, time
import futures_stream
from futures_stream import *
from futures_stream.simulator import Simulator

faulthandler.enable()
exchange = sys.argv[1]
credentials = Simulator().credentials(exchange)
endpoints = Endpoints(ws_url=sys.argv[2], rest_url=sys.argv[3])

def opened(**asked):
    return open_stream(exchange, credentials, **({"endpoints": endpoints} | asked))

def sockets():
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found

def ours():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("futures-stream/")]

def when_main_waits(then):
    # Calls *then* once the main thread waits inside of a call of the library; looks at its stack until it does.
    main, pause = threading.main_thread().ident, threading.Event()
    def look():
        while True:
            frame, names = sys._current_frames()[main], []
            while frame is not None:
                names.append((frame.f_globals.get("__name__"), frame.f_code.co_name))
                frame = frame.f_back
            if names[0] == ("futures_stream.clock", "wait"):
                return then()
            pause.wait(0.001)
    threading.Thread(target=look, daemon=True).start()
"""


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it printed."""
        return self.out.splitlines()


def environment() -> dict[str, str]:
    """Return an environment in which the library that is tested here is found."""
    return os.environ | {"PYTHONPATH": str(Path(futures_stream.__file__).parent.parent)}


def run(
    sim: Simulator,
    exchange: str,
    rest: str,
    begin: str = BEGIN,
    at_first_line: Callable[[], object] | None = None,
) -> Ended:
    """Run a program to its end; *at_first_line* is called as soon as it has printed one."""
    where = sim.endpoints(exchange)  # type: ignore[arg-type]
    # Python warns of every fork beside threads since 3.12; what becomes of one is what is tested here.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", begin + rest, exchange]
    command += [where.ws_url, where.rest_url or ""]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as program:
        first = ""
        try:
            if at_first_line is not None and program.stdout is not None:
                first = program.stdout.readline()
                at_first_line()
            out, err = program.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            program.send_signal(getattr(signal, "SIGABRT", signal.SIGTERM))  # who hangs tells where
            try:
                out, err = program.communicate(timeout=5.0)
            except subprocess.TimeoutExpired:  # a child of its own holds its output open
                out, err = "", "it has hung, and so has a child of its own"
                program.kill()
    return Ended(program.returncode, first + out, err)
