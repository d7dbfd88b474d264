"""
Drives a real kernel: runs cells, interrupts some of them, ends it; run as a program of its own.

Reads a list of cells as JSON, each ``{"code": …, "interrupt_at": text or null}``; a cell with a text is interrupted as
soon as it has printed that. Prints a list of what came of each, and at last how the kernel ended.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

PATIENCE = 20.0  # seconds that a cell may take; a kernel needs some of them to start on a busy machine


def run_cell(manager: Any, client: Any, code: str, interrupt_at: str | None) -> dict[str, str]:
    """Run a cell and return what it printed, what it warned of, and the name of its exception."""
    came = {"out": "", "err": "", "error": ""}
    request = client.execute(code)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            message = client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            manager.signal_kernel(signal.SIGUSR1)  # its stacks go to the standard error that it shares with us
            return came | {"error": "the cell did not end"}
        if message["parent_header"].get("msg_id") != request:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            came["out" if content["name"] == "stdout" else "err"] += content["text"]
            if interrupt_at is not None and interrupt_at in came["out"]:
                interrupt_at = None
                manager.interrupt_kernel()
        elif kind == "error":
            came["error"] = content["ename"]
        elif kind == "status" and content["execution_state"] == "idle":
            return came


def main() -> None:
    """Run the cells that stand in the standard input."""
    cells = json.load(sys.stdin)
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    came: list[dict[str, Any]] = []
    try:
        client.wait_for_ready(timeout=PATIENCE)
        came = [run_cell(manager, client, cell["code"], cell.get("interrupt_at")) for cell in cells]
        began = time.monotonic()
        client.shutdown()  # a polite request, as of a front end; nothing is killed
        process = manager.provisioner.process
        try:
            code = process.wait(timeout=PATIENCE)
        except Exception:
            code = None
        came.append({"ended_in": time.monotonic() - began, "code": code})
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    sys.stdout.write(json.dumps(came) + "\n")


if __name__ == "__main__":
    main()
