"""
Executes the tutorial notebook in a real kernel; run as a program, it writes what came of it into the notebook.

    python -m tests.process.tutorial

It reads the notebook's cells, and prints (with ``--check``) or keeps their outputs.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

NOTEBOOK = Path(__file__).parent.parent.parent / "examples" / "tutorial.ipynb"
PATIENCE = 60.0  # seconds that a cell may take on a busy machine
SHOWN = ("text/plain", "text/html")


def lines(text: str) -> list[str]:
    """Return a text as notebooks keep it."""
    return text.splitlines(keepends=True)


def execute(client: Any, code: str, number: int) -> list[dict[str, Any]]:
    """
    Run a cell; return its outputs, as a notebook keeps them.

    Raises:
        RuntimeError: It raised, or did not end.
    """
    outputs: list[dict[str, Any]] = []
    request = client.execute(code)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            message = client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            raise RuntimeError(f"cell {number} did not end") from None
        if message["parent_header"].get("msg_id") != request:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            return outputs
        if kind == "error":
            raise RuntimeError(f"cell {number}: {content['ename']}: {content['evalue']}")
        if kind == "stream":
            before = outputs[-1] if outputs and outputs[-1].get("name") == content["name"] else None
            if before is None:
                outputs.append({"name": content["name"], "output_type": "stream", "text": lines(content["text"])})
            else:  # the kernel hands over what is printed in pieces of its own choice
                before["text"] = lines("".join(before["text"]) + content["text"])
        elif kind in ("execute_result", "display_data"):
            data = {name: lines(content["data"][name]) for name in SHOWN if name in content["data"]}
            output = {"data": data, "metadata": {}, "output_type": kind}
            outputs.append(output | ({"execution_count": number} if kind == "execute_result" else {}))


def executed(notebook: dict[str, Any]) -> dict[str, Any]:
    """Run all cells of a notebook in a kernel of their own, and return it with what came of them."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        cells, number = [], 0
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                number += 1
                outputs = execute(client, "".join(cell["source"]), number)
                cell = cell | {"execution_count": number, "outputs": outputs}
            cells.append(cell)
        return notebook | {"cells": cells}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main() -> None:
    """Execute the notebook, and print it (``--check``) or keep it."""
    told = json.dumps(executed(json.loads(NOTEBOOK.read_text())), indent=1, ensure_ascii=False) + "\n"
    if "--check" in sys.argv:
        sys.stdout.write(told)
    else:
        NOTEBOOK.write_text(told)


if __name__ == "__main__":
    main()
