"""
Writes docs/faults.rst: what is proved against which fault.

Run it after a scenario has changed: ``python -m tests.faults.table``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TARGET = HERE.parent.parent / "docs" / "faults.rst"
FAMILIES = {
    "N": "Network",
    "P": "Protocol and content",
    "A": "Authentication",
    "L": "Listen key",
    "C": "Consumer",
    "X": "Process",
    "Q": "Load",
}
TITLE = "What goes wrong, and what happens then"
INTRODUCTION = """\
.. Written by tests/faults/table.py from the files in tests/faults; do not edit.

{title}
{line}

Every fault below is played against a stream, over real sockets or on a fake clock, and the records that arrive are held
against what the server wrote: each event was delivered, in order, or lies inside of a ``Gap`` that says so. *sockets*
and *memory* name the player; the scenario is the file ``tests/faults/scenarios/<name>.json``. ``nox -s faults`` plays
all of them with both exchanges, several times; ``nox -s soak`` trades for an hour through a hostile network. Faults
that are in no list come from a server that shares no code with the simulator: ``tests/whole/test_strangers.py``.

There is no state for "it works, but badly": a stream is live, or it is not and says since when. What keeps going wrong
(a connection that is cut or refused again and again, another program that takes the listen key or the connection away)
is seen in ``stream.status``, whose ``error`` is the last thing that went wrong and whose ``connects`` counts, in one
``Gap`` each, and in the log, where every failure says when the next try is.
"""


def place(row: str) -> tuple[int, int, str]:
    """Return where a row stands: by family, number and letter."""
    number = "".join(char for char in row if char.isdigit())
    return list(FAMILIES).index(row[0]), int(number), row


def rows() -> list[tuple[str, str, str, str]]:
    """Return row, fault, behaviour and proof of everything that is played or tested elsewhere."""
    found = []
    for path in sorted([*(HERE / "scenarios").glob("[A-Z]*.json"), *(HERE / "open").glob("[A-Z]*.json")]):
        scenario: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        proof = f"``{path.stem}`` ({scenario['player']})"
        if "why_open" in scenario:
            proof = f"not yet: {scenario['why_open']}"
        found.append((path.stem.partition("_")[0], scenario["fault"], scenario["behaviour"], proof))
    elsewhere = json.loads((HERE / "scenarios" / "elsewhere.json").read_text(encoding="utf-8"))
    for row, entry in elsewhere.items():
        proof = ", ".join(f"``{test.partition('::')[2]}``" for test in entry.get("tests", ()))
        why = entry.get("why_not", "")
        text = f"{proof}; {why}" if proof and why else proof or f"not here: {why}"
        found.append((row, entry["fault"], entry.get("behaviour", ""), text))
    return sorted(found, key=lambda one: place(one[0]))


def _safe(text: str) -> str:
    return text.replace("*", r"\*")


def write() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION.format(title=TITLE, line="=" * len(TITLE))]
    for letter, name in FAMILIES.items():
        lines = [name, "-" * len(name), "", ".. list-table::", "   :header-rows: 1", "   :widths: 5 30 40 25", ""]
        lines += ["   * - Row", "     - Fault", "     - Behaviour", "     - Test"]
        for row, fault, behaviour, proof in rows():
            if row.startswith(letter):
                lines += [f"   * - {row}", *(f"     - {_safe(text)}".rstrip() for text in (fault, behaviour, proof))]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(write(), encoding="utf-8")
