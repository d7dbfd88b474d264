"""What the command line's tests share."""

from collections.abc import Iterator

import pytest
from cli_runs import variables

from futures_stream.simulator import Simulator


@pytest.fixture(autouse=True)
def _nobodys_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Hide the credentials that whoever runs the tests may have."""
    import os

    for name in os.environ:
        if name.startswith(("FUTURES_STREAM_", "BITGET_", "BITMUSA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FUTURES_STREAM_CONFIG", f"{tmp_path}/nowhere.ini")


@pytest.fixture
def quiet() -> Iterator[Simulator]:
    """A simulator whose market only moves when told to."""
    with Simulator(seed=1, tick=None) as simulator:
        yield simulator


@pytest.fixture
def lively() -> Iterator[Simulator]:
    """A simulator whose market moves quickly."""
    with Simulator(seed=1, tick=0.02) as simulator:
        yield simulator


@pytest.fixture
def as_simulated(monkeypatch: pytest.MonkeyPatch, quiet: Simulator) -> Simulator:
    """The quiet simulator, with the credentials that it accepts in the environment."""
    for name, value in variables(quiet).items():
        monkeypatch.setenv(name, value)
    return quiet
