"""The page about faults says what the files say."""

import warnings

import pytest

from tests.faults.table import TARGET, rows, write


def test_the_page_is_up_to_date() -> None:
    """The page is what the script writes; run ``python -m tests.faults.table`` if it is not."""
    if not TARGET.parent.exists():
        pytest.skip("the documentation is not here")

    assert TARGET.read_text(encoding="utf-8") == write()


def test_the_page_renders_without_a_warning() -> None:
    """The page is sound reStructuredText."""
    core = pytest.importorskip("docutils.core")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # docutils' own deprecations are not ours
        core.publish_string(write(), writer_name="null", settings_overrides={"report_level": 2, "halt_level": 2})


def test_every_row_says_something() -> None:
    """No row is empty."""
    assert all(fault and proof for _, fault, _, proof in rows())
