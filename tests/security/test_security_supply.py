"""What is installed along, and what happens when the wrong thing is."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

import futures_stream

ROOT = Path(futures_stream.__file__).parent.parent
FIXED = {"requests": (2, 33), "websocket-client": (1, 8), "attrs": (23, 2)}  # lower bounds, none with a known hole
CAPPED = {"requests": 3, "websocket-client": 2}  # attrs counts years: no number of its means a break
OPTIONAL = {"msgspec": "fast", "pandas": "pandas", "numpy": "pandas"}  # native, each only by an extra of ours


@pytest.fixture
def setup_cfg() -> configparser.ConfigParser:
    """The packaging's own file."""
    path = ROOT / "setup.cfg"
    if not path.exists():
        pytest.skip("this is an installed copy")
    parser = configparser.ConfigParser()
    parser.read(path, encoding="utf-8")
    return parser


def test_three_dependencies_with_bounds(setup_cfg: configparser.ConfigParser) -> None:
    """Each has a lower bound above its last known hole, and a cap where a next major version exists."""
    lines = [line for line in setup_cfg["options"]["install_requires"].splitlines() if line and line[0] != "#"]
    found = {}
    for line in lines:
        name, lower, cap = re.fullmatch(r"([a-z-]+)>=(\d+\.\d+)(?:,<(\d+))?", line).groups()  # type: ignore[union-attr]
        found[name] = (tuple(map(int, lower.split("."))), None if cap is None else int(cap))

    assert set(found) == set(FIXED)
    for name, (lowest, cap) in found.items():
        assert lowest >= FIXED[name]
        assert cap == CAPPED.get(name)


def test_nothing_else_is_imported(setup_cfg: configparser.ConfigParser) -> None:
    """Every import is the standard library's, ours, one of the three's, what they bring, or an extra's, and late."""
    third = set()
    for path in (ROOT / "futures_stream").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            third |= {name.partition(".")[0] for name in names}
    third -= set(sys.stdlib_module_names) | {"futures_stream"}

    assert third - set(OPTIONAL) <= {"attrs", "requests", "urllib3", "websocket"}  # urllib3 is what requests is made of
    assert set(OPTIONAL.values()) <= set(setup_cfg["options.extras_require"])


def test_building_runs_nothing(setup_cfg: configparser.ConfigParser) -> None:
    """No code of ours runs when the package is built, so none can ask the network."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    statements = [ast.unparse(node) for node in tree.body if not isinstance(node, ast.Expr | ast.ImportFrom)]
    calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]

    assert statements == []
    assert calls == ["setup()"]
    assert 'requires = ["setuptools' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


MEET = "futures_stream.transport.Network()"  # it is looked at when somebody wants to connect


def test_a_websocket_of_the_time_of_python_2(tmp_path: Path) -> None:
    """Another project gives a module of that name, which cannot even be read: what to install is said all the same."""
    (tmp_path / "websocket").mkdir()
    (tmp_path / "websocket" / "__init__.py").write_text("print 'hello'\n")
    last = _last_line(f"sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; import futures_stream.transport; {MEET}")

    assert last.startswith("ImportError: websocket-client cannot be imported (SyntaxError)")
    assert "pip uninstall --yes websocket && pip install --force-reinstall 'websocket-client>=1.8,<2'" in last


def test_no_websocket_at_all() -> None:
    """A package that is missing is told in the same way."""
    last = _last_line(
        f"sys.path[:0] = [{str(ROOT)!r}]; sys.modules['websocket'] = None; import futures_stream.transport; {MEET}"
    )

    assert last.startswith("ImportError: websocket-client cannot be imported")
    assert "pip install --force-reinstall 'websocket-client>=1.8,<2'" in last


def _last_line(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]
