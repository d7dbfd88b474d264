"""Environments to measure in: one for each contender, so that none has a library that its users would not have."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".benchmarks"

PACKAGES = {
    "plain thread": ["websocket-client==1.9.*"],
    "pybit": ["pybit==5.17.0"],
    "ccxt": ["ccxt==4.5.*"],
    "python-binance": ["python-binance==1.0.37"],
    "futures-stream": [str(ROOT)],
    "futures-stream[fast]": [f"{ROOT}[fast]"],
    "plot": ["matplotlib"],
}


def python_of(name: str) -> str:
    """Return the interpreter of an environment, which is made the first time; the library is installed each time."""
    directory = (
        HOME / f"{sys.version_info[0]}.{sys.version_info[1]}" / name.replace("[", "-").rstrip("]").replace(" ", "-")
    )
    python = str(directory / ("Scripts" if os.name == "nt" else "bin") / "python")
    made = directory / "made"
    if not made.exists():
        print(f"making the environment for {name} …", file=sys.stderr)
        venv.create(directory, with_pip=True, clear=True)
        _pip(python, "install", *PACKAGES[name])
        made.write_text("\n".join(PACKAGES[name]))
    elif str(ROOT) in PACKAGES[name][0]:
        _pip(python, "install", "--force-reinstall", "--no-deps", *PACKAGES[name])
    return python


def versions(python: str) -> dict[str, str]:
    """Return what is installed there, for the record."""
    code = "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    said = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout
    import json

    return dict(sorted(json.loads(said).items()))


def _pip(python: str, *arguments: str) -> None:
    subprocess.run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)
