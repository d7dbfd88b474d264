"""Meetings of a stream with a server that shares no code with it."""

import logging
from collections.abc import Iterator

import pytest

from tests.whole.meetings import Meeting


@pytest.fixture(params=["bitget", "bitmusa"])
def meeting(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[Meeting]:
    """Each exchange, judged at the end whatever the test was about."""
    caplog.set_level(logging.DEBUG)
    met = Meeting(request.param, lambda: caplog.text)
    try:
        yield met
    finally:
        met.close()
    met.judge()
