"""The page about security says what the checklist says, and each test that it names is there."""

from __future__ import annotations

import ast
import warnings
from functools import cache
from pathlib import Path

import pytest

from tests.security.table import TARGET, rows, topics, write

TESTS = Path(__file__).parent.parent
TOPICS = [
    "TLS",
    "Places",
    "Secrets",
    "Injection",
    "Bounds",
    "Reading JSON",
    "Files",
    "Towards the exchange",
    "This machine",
    "Supply",
]


@pytest.fixture
def page() -> str:
    """The page as it is."""
    if not TARGET.exists():
        pytest.skip("the documentation is not here")
    return TARGET.read_text(encoding="utf-8")


def test_the_page_is_up_to_date(page: str) -> None:
    """The table is what the script writes; run ``python -m tests.security.table`` if it is not."""
    assert page == write(page)


def test_the_page_renders_without_a_warning(page: str) -> None:
    """The page is sound reStructuredText."""
    core = pytest.importorskip("docutils.core")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # docutils' own deprecations are not ours
        core.publish_string(page, writer_name="null", settings_overrides={"report_level": 2, "halt_level": 2})


def test_every_demand_has_a_test_or_a_reason() -> None:
    """A row says what is demanded, and what holds by which test, or why there is none."""
    assert [topic["topic"] for topic in topics()] == TOPICS
    for row in rows():
        assert set(row) <= {"line", "holds", "tests", "why_not"}, row
        assert row["line"]
        assert row.get("tests") or row.get("why_not"), row
        assert bool(row.get("tests")) == bool(row.get("holds")), row
    assert len({row["line"] for row in rows()}) == len(rows())


def test_every_test_that_is_named_is_there() -> None:
    """Each is a function that pytest collects; what is expected to fail as yet is said in its row."""
    for row in rows():
        for name in row.get("tests", ()):
            file, _, test = name.partition("::")
            assert Path(file).name.startswith("test_"), name
            found = [node for node in functions(file) if node.name == test]
            assert len(found) == 1, f"{row['line']}: {name}"
            marks = " ".join(ast.unparse(each) for each in found[0].decorator_list)
            assert "mark.skip(" not in marks, name
            assert not ("xfail" in marks or "to_be_mended" in marks) or "not yet" in row.get("why_not", ""), name


@cache
def functions(file: str) -> list[ast.FunctionDef]:
    """Return the functions at the top of a module of tests."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)]
