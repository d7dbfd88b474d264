"""The tutorial notebook: executed in a real kernel, what comes is what stands in it."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from process_children import environment

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("ipykernel", "jupyter_client", "pandas")),
    reason="no kernel or no pandas is installed: pip install ipykernel jupyter_client pandas",
)

HERE = Path(__file__).parent
NOTEBOOK = HERE.parent.parent / "examples" / "tutorial.ipynb"
PATIENCE = 90.0  # seconds for all of it; it takes about eight, most of them until the kernel has started


def told(notebook: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Return each cell of code with what it shows as text; how tables look is their library's own matter."""
    return [
        (
            "".join(cell["source"]),
            ["".join(output.get("text") or output["data"]["text/plain"]) for output in cell["outputs"]],
        )
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def test_it_shows_what_comes_when_it_is_executed(tmp_path: Path) -> None:
    """Letter for letter: a seed makes the same market everywhere. ``python -m tests.process.tutorial`` renews it."""
    own = {name: str(tmp_path) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / "tutorial.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment() | own | {"JUPYTER_PLATFORM_DIRS": "1", "PYTHONWARNINGS": "", "JPY_PARENT_PID": ""},
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert told(json.loads(run.stdout)) == told(json.loads(NOTEBOOK.read_text()))


def test_it_tells_nothing_of_the_machine_that_executed_it() -> None:
    """No path, no time, no version, no address: who executes it again changes nothing in it."""
    text = NOTEBOOK.read_text()
    notebook = json.loads(text)

    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert not re.findall(r"/(?:home|root|tmp|usr|work|Users)\b|127\.0\.0\.1|20[0-9]{2}-[0-9]{2}|\b1[0-9]{12}\b", text)
    assert all(cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code" and _shows(cell))
    assert [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"] == list(
        range(1, 1 + sum(cell["cell_type"] == "code" for cell in notebook["cells"]))
    )


def _shows(cell: dict[str, Any]) -> bool:
    last = cell["source"][-1]
    return not ("=" in last and "==" not in last) and "trade(" not in last
