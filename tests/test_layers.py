"""Imports point down, siblings do not import each other, and pure parts import nothing that can wait."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import futures_stream

PACKAGE = Path(futures_stream.__file__).parent
LAYERS = {
    "errors": 0,
    "markup": 0,
    "clock": 0,
    "vocabulary": 0,
    "records": 1,
    "dialects": 2,
    "engine": 3,
    "transport": 3,
    "trackers": 3,
    "stream": 4,
    "interop": 4,
    "simulator": 5,
    "testing": 6,
    "cli": 7,
}
FREE = {"__init__", "__main__"}  # the list of names, and the door to the command line
WAITING = {"threading", "queue", "socket", "time", "requests", "websocket", "logging", "select", "selectors", "asyncio"}
FILES = sorted(path for path in PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """Return the part of the package that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports when it runs."""
    tree = ast.parse(path.read_text())
    for_the_type_checker = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_the_type_checker:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            module = node.module or ""
            yield module
            if module == "futures_stream":
                yield from (f"futures_stream.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    """A module imports only from layers below its own, or from its own room."""
    room = room_of(path)
    if room in FREE:
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "futures_stream" or len(parts) == 1 or parts[1] == room:
            continue
        if parts[1] in LAYERS:
            assert LAYERS[parts[1]] < LAYERS[room], f"{room} imports {name}"


def test_every_room_has_a_layer() -> None:
    """A new room must be given its place."""
    assert {room_of(path) for path in FILES} - FREE <= set(LAYERS)


@pytest.mark.parametrize("room", ["dialects", "trackers", "records", "vocabulary", "errors", "markup"])
def test_pure_rooms_cannot_wait(room: str) -> None:
    """Dialects, trackers and records import nothing that waits, logs or knows the time."""
    for path in FILES:
        if room_of(path) == room:
            assert not {name.partition(".")[0] for name in imports(path)} & WAITING, path


def test_only_the_clock_knows_time() -> None:
    """One module imports time."""
    knowing = [room_of(path) for path in FILES if "time" in set(imports(path))]

    assert knowing == ["clock"]


def test_only_the_transport_knows_libraries() -> None:
    """websocket-client and requests are imported in one room, and in the simulator, which is the other side."""
    for path in FILES:
        if room_of(path) not in ("transport", "simulator"):
            assert not {name.partition(".")[0] for name in imports(path)} & {"websocket", "requests", "urllib3"}, path


def test_importing_the_package_is_light() -> None:
    """Neither the simulator, the command line, the testing tools nor an optional library comes along."""
    code = "import sys, futures_stream; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    unwanted = ("simulator", "cli", "testing", "interop")
    assert not [name for name in loaded if name.startswith(tuple(f"futures_stream.{part}" for part in unwanted))]
    assert not {"asyncio", "argparse", "pandas", "hypothesis"} & set(loaded)


def test_all_is_all() -> None:
    """Every public name is there, sorted (constants first), and once."""
    names = futures_stream.__all__

    assert sorted(set(names), key=lambda name: (not name.isupper(), name)) == names
    assert all(hasattr(futures_stream, name) for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_raised_while_a_lock_is_held(path: Path) -> None:
    """
    Between an exception and the end of its block CPython 3.10 looks at signals: what Ctrl-C raises there goes on
    without giving the lock back, and whoever needs it next waits for ever.
    """
    guarded = [
        block
        for block in ast.walk(ast.parse(path.read_text()))
        if isinstance(block, ast.With)
        and any(ast.unparse(item.context_expr).endswith(("lock", "mutex")) for item in block.items)
    ]
    raised = [node.lineno for block in guarded for node in ast.walk(block) if isinstance(node, ast.Raise)]

    assert not raised, f"say what is to be raised, and raise it behind the block: lines {raised}"
