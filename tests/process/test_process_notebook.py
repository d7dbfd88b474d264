"""A real kernel with its running event loop: cells, interrupts, cells that run again, and the end."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from process_children import environment

from futures_stream.simulator import Simulator

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("ipykernel", "jupyter_client")),
    reason="no kernel is installed: pip install ipykernel jupyter_client",
)

PATIENCE = 60.0  # seconds for a whole notebook; one takes about three, most of them until the kernel has started
END = 30.0  # seconds that the kernel may take to end; it waits itself, up to ten, for output that its own thread leaves

OPEN = "stream = open_stream('bitget', credentials, endpoints=endpoints)"


def play(sim: Simulator, folder: Path, *cells: str | tuple[str, str]) -> list[dict[str, Any]]:
    """Run cells in a kernel of their own, behind one that imports; return what came of each, and of the end."""
    where, there = sim.endpoints("bitget"), sim.endpoints("bitmusa")
    first = f"""
import asyncio, faulthandler, signal, sys, threading
faulthandler.register(signal.SIGUSR1, file=sys.__stderr__.fileno(), all_threads=True)
from futures_stream import *
from futures_stream.simulator import Simulator
credentials, beside = Simulator().credentials("bitget"), Simulator().credentials("bitmusa")
endpoints = Endpoints(ws_url={where.ws_url!r}, rest_url={where.rest_url!r})
there = Endpoints(ws_url={there.ws_url!r}, rest_url={there.rest_url!r})
asyncio.get_running_loop().is_running()
def ours():
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("futures-stream/"))
"""
    asked = [{"code": first}]
    for cell in cells:
        code, interrupt_at = (cell, None) if isinstance(cell, str) else cell
        asked.append({"code": code.replace("OPEN", OPEN), "interrupt_at": interrupt_at})
    own = {name: str(folder) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    driven = subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__).with_name("notebook_driver.py"))],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment() | own | {"JUPYTER_PLATFORM_DIRS": "1", "PYTHONWARNINGS": "", "JPY_PARENT_PID": ""},
        check=False,
    )
    assert driven.returncode == 0, driven.stderr
    sys.stderr.write(driven.stderr)  # shown if the test fails: where a cell that did not end was
    came: list[dict[str, Any]] = json.loads(driven.stdout.splitlines()[-1])
    assert came[0] == {"out": "", "err": "", "error": ""}
    return came[1:]


def said(cell: dict[str, Any]) -> tuple[str, str]:
    """Return what a cell printed and the name of its exception; it has warned of nothing."""
    assert cell["err"] == ""
    return cell["out"].strip(), cell["error"]


def test_a_notebook(sim: Simulator, tmp_path: Path) -> None:
    """Opened in one cell, read in the next; an interrupt ends the cell and not the stream; the kernel ends in time."""
    *cells, end = play(
        sim,
        tmp_path,
        "OPEN; other = open_stream('bitmusa', beside, endpoints=there)",
        "print(stream.exchange, type(stream.get(timeout=10)).__name__)",
        ("print('looping', flush=True)\nfor record in stream: pass", "looping"),
        ("print('getting', flush=True)\nwhile True: other.get()", "getting"),
        "for one in (stream, other): one.wait_for(lambda record: True, 10); print(one.status.state.value)",
        "await asyncio.sleep(0); print(len(ours()), asyncio.get_running_loop().is_running())",
        "import socket; silent = socket.create_server(('127.0.0.1', 0))",
        "nowhere = Endpoints(ws_url=f'ws://127.0.0.1:{silent.getsockname()[1]}/x', rest_url=None)",
        (
            "print('opening', flush=True); open_stream('bitget', credentials, account='half', endpoints=nowhere)",
            "opening",
        ),
        "print([name for name in ours() if 'half' in name], stream.status.connects, other.status.connects)",
    )

    opened, first, looped, got, after, beside, _, _, half, left = cells
    assert said(opened) == ("", "")
    assert said(first)[0].split()[0] == "bitget"
    assert said(looped) == ("looping", "KeyboardInterrupt")
    assert said(got) == ("getting", "KeyboardInterrupt")
    assert said(after) == ("live\nlive", "")
    assert said(beside) == ("3 True", "")
    assert said(half) == ("opening", "KeyboardInterrupt")
    assert said(left) == ("[] 1 1", "")  # nothing of the half-open stream is left, and no other has lost anything
    assert end["code"] == 0
    assert end["ended_in"] < END
    assert sim.wait_connections(None, 0)


def test_a_cell_that_runs_again(sim: Simulator, tmp_path: Path) -> None:
    """The stream that is replaced is closed, with a warning each time; other labels and other keys are left alone."""
    *cells, end = play(
        sim,
        tmp_path,
        "OPEN; first = stream",
        "OPEN",
        "OPEN",
        "print(first.status.state.value, stream.status.state.value, len(ours()), len(list(first)) > 0)",
        "other = open_stream('bitget', credentials, account='other', endpoints=endpoints)",
        "print(stream.status.state.value, other.status.state.value)",
        "shared = StreamQueue()\nstream = open_stream('bitget', credentials, queue=shared, endpoints=endpoints)",
        "stream = open_stream('bitget', credentials, queue=shared, endpoints=endpoints)",
        "print(shared.is_shutdown, stream.status.state.value, any(isinstance(shared.get(timeout=10), Closed) for _ in "
        "range(10000)))",
        "%reset -f",
        "import threading; print(sorted(t.name for t in threading.enumerate() if 'futures-stream/' in t.name))",
    )

    opened, again, third, state, other, both, shared, shared_again, goes_on, reset, left = cells
    assert said(opened) == ("", "")
    for replaced in (again, third, shared, shared_again):
        assert replaced["error"] == ""
        assert "RuntimeWarning: closed the stream of bitget/default" in replaced["err"]
        assert "open_stream('bitget'" in replaced["err"]  # the warning points at the cell
    assert said(state) == ("closed live 1 True", "")
    assert said(other) == ("", "")
    assert said(both) == ("live live", "")
    assert said(goes_on) == ("False live True", "")
    assert said(reset) == ("", "")
    # Nothing is closed by garbage collection: what was forgotten goes on until the kernel ends, or the cell runs again.
    assert said(left) == ("['futures-stream/bitget/default/io', 'futures-stream/bitget/other/io']", "")
    assert end["code"] == 0
    assert end["ended_in"] < END
    assert sim.wait_connections(None, 0)


def test_outside_of_a_notebook_nothing_is_closed(sim: Simulator) -> None:
    """Two streams of one account are a program's own business."""
    from futures_stream import open_stream

    asked: dict[str, Any] = {"credentials": sim.credentials("bitget"), "endpoints": sim.endpoints("bitget")}
    with open_stream("bitget", **asked) as one, open_stream("bitget", **asked) as two:
        assert one.status.state == two.status.state == "live"


def test_ipython_that_is_only_imported_is_no_notebook(sim: Simulator) -> None:
    """A script that imports IPython, or has a module of that name, is a script."""
    from process_children import run

    ended = run(
        sim,
        "bitget",
        "import IPython\nwith opened() as one, opened() as two: print(one.status.state.value, two.status.state.value)",
    )

    assert (ended.code, ended.out, ended.err) == (0, "live live\n", "")
