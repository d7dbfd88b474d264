"""
Writes the table in docs/security.rst: each demand, what holds, and the tests that prove it.

Run it after the checklist has changed: ``python -m tests.security.table``. What stands above the table in the page is
written by hand and kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TARGET = HERE.parent.parent / "docs" / "security.rst"
MARK = ".. The table: written by tests/security/table.py from checklist.json; do not edit from here on.\n"


def topics() -> list[dict[str, Any]]:
    """Return the checklist: topics, each with its rows."""
    found: list[dict[str, Any]] = json.loads((HERE / "checklist.json").read_text(encoding="utf-8"))
    return found


def rows() -> list[dict[str, Any]]:
    """Return all rows of the checklist."""
    return [row for topic in topics() for row in topic["rows"]]


def _proof(row: dict[str, Any]) -> str:
    tests = ", ".join(f"``{test.partition('::')[2]}``" for test in row.get("tests", ()))
    why = row.get("why_not", "")
    if tests and why:
        return f"{tests}; {why}" if why.startswith("not yet") else f"{tests}; not more: {why}"
    return tests or f"not here: {why}"


def table() -> str:
    """Return the table."""
    parts = []
    for topic in topics():
        name = topic["topic"]
        lines = [name, "-" * len(name), "", ".. list-table::", "   :header-rows: 1", "   :widths: 28 34 38", ""]
        lines += ["   * - Demand", "     - What holds", "     - Test"]
        for row in topic["rows"]:
            lines += [f"   * - {row['line']}", f"     - {row.get('holds', '')}".rstrip(), f"     - {_proof(row)}"]
        parts.append("\n".join(lines) + "\n")
    return MARK + "\n" + "\n".join(parts)


def write(page: str) -> str:
    """Return the page with the table as it must be, below what was written by hand."""
    return page.partition(MARK)[0] + table()


if __name__ == "__main__":
    TARGET.write_text(write(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
