"""Every fault has a file; every file is played with the exchanges that it names, and judged by the ledger."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from tests.faults.effort import FULL, how_many
from tests.faults.in_memory import InMemory
from tests.faults.on_sockets import OnSockets

HERE = Path(__file__).parent
SCENARIOS = sorted((HERE / "scenarios").glob("[A-Z]*.json"))
OPEN = sorted((HERE / "open").glob("[A-Z]*.json"))
PLAYED = SCENARIOS + (OPEN if os.environ.get("FUTURES_STREAM_OPEN_FAULTS") == "1" else [])
ROWS = [
    f"{letter}{number}"
    for letter, most in {"N": 33, "P": 35, "A": 10, "L": 18, "C": 9, "X": 17, "Q": 6}.items()
    for number in range(1, most + 1)
]
KEYS = {
    "fault",
    "behaviour",
    "player",
    "exchanges",
    "clock",
    "simulator",
    "stream",
    "rest_through_proxy",
    "open",
    "ends",
    "seed",
    "steps",
    "expect",
    "why_open",
    "alike",  # the exchange makes no difference: the ordinary suite plays one of them
    "dialect",
}
ROUNDS = how_many("ROUNDS", 1, 3)


def read(path: Path) -> dict[str, Any]:
    """Read a scenario."""
    scenario: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return scenario


def exchanges_of(path: Path) -> list[str]:
    """Return with whom a scenario is played."""
    scenario = read(path)
    asked: list[str] = scenario.get("exchanges", ["bitget", "bitmusa"])
    if scenario.get("alike") and not FULL:
        return [asked[crc32(path.stem.encode()) % len(asked)]]
    return asked


CASES = [
    pytest.param(path, exchange, round_, id=f"{path.stem}-{exchange}" + (f"-{round_}" if round_ else ""))
    for path in PLAYED
    for exchange in exchanges_of(path)
    for round_ in range(ROUNDS)
]


@pytest.mark.parametrize(("path", "exchange", "round_"), CASES)
def test_scenario(path: Path, exchange: str, round_: int, caplog: pytest.LogCaptureFixture) -> None:
    """A fault is survived as its file says, nothing is lost in silence, and no secret is shown."""
    caplog.set_level(logging.DEBUG)
    scenario = read(path)
    player = {"sockets": OnSockets, "memory": InMemory}[scenario["player"]]
    with player(scenario, exchange, round_) as run:
        run.play()
    run.judge(caplog.text)


@pytest.mark.parametrize("path", SCENARIOS + OPEN, ids=lambda path: path.stem)
def test_scenarios_are_well_formed(path: Path) -> None:
    """A file is named after its fault, says what it is about, and has no key that nobody reads."""
    scenario = read(path)

    assert re.fullmatch(r"[A-Z]\d+[a-z]?_[a-z0-9_]+", path.stem)
    assert path.stem.partition("_")[0].rstrip("abcdefgh") in ROWS
    assert set(scenario) <= KEYS
    assert scenario["fault"]
    assert scenario["behaviour"]
    assert ("why_open" in scenario) == (path.parent.name == "open")


def test_every_row_is_accounted_for() -> None:
    """Each of the 128 faults has a scenario, or an entry that names its test or says why there is none."""
    elsewhere = read(HERE / "scenarios" / "elsewhere.json")
    played = {path.stem.partition("_")[0].rstrip("abcdefgh") for path in SCENARIOS + OPEN}
    missing = [row for row in ROWS if row not in played and row not in elsewhere]

    assert len(ROWS) == 128
    assert not missing
    assert {row.rstrip("abcdefgh") for row in elsewhere} <= set(ROWS)


def test_tests_elsewhere_exist() -> None:
    """A test that is named as covering a fault is there."""
    for row, entry in read(HERE / "scenarios" / "elsewhere.json").items():
        for name in entry.get("tests", ()):
            file, _, test = name.partition("::")
            source = HERE.parent / file
            assert source.exists(), f"{row}: {name}"
            assert f"def {test}(" in source.read_text(encoding="utf-8"), f"{row}: {name}"
        assert entry["fault"]
        assert entry.get("tests") or entry.get("why_not")
