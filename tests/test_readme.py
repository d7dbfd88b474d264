"""What README.rst and the documents say: commands are there, they render, and examples run as they are printed."""

import contextlib
import json
import re
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docutils.core
import pytest
from attrs import evolve

from futures_stream.dialects import DIALECTS
from futures_stream.simulator import Simulator

ROOT = Path(__file__).parent.parent
FRAMES = ROOT / "tests" / "frames"
TEXT = (ROOT / "README.rst").read_text()


def blocks(language: str, text: str = TEXT) -> list[str]:
    """Return the code blocks of a language, as they are printed."""
    found = re.findall(rf"^\.\. code-block:: {language}\n\n((?:    .*\n|\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(block).strip() + "\n" for block in found]


EXAMPLES = blocks("python") + blocks("python", (ROOT / "docs" / "bitget-v2.rst").read_text())


class Enough(BaseException):
    """An example that goes on for ever has shown what it can do."""


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Simulator]:
    """Put the simulator in the place of all exchanges, and its credentials into the environment."""
    monkeypatch.setenv("FUTURES_STREAM_CONFIG", str(tmp_path / "nowhere.ini"))
    with Simulator(seed=2, tick=0.02) as simulator:
        for name in ("bitget", "bitmusa", "bitget-v2"):
            monkeypatch.setitem(DIALECTS, name, evolve(DIALECTS[name], endpoints=simulator.endpoints(name)))
            credentials = simulator.credentials(name)
            for field in type(credentials).__attrs_attrs__:
                value = getattr(credentials, field.name).reveal()
                monkeypatch.setenv(f"{credentials.prefixes[0]}{field.name.upper()}", value)
        yield simulator


def namespace(simulator: Simulator, printed: list[tuple[Any, ...]], enough: int) -> dict[str, Any]:
    """Return what an example finds around it: a print that has enough at some time, and a way to place an order."""

    def keep(*what: Any) -> None:
        printed.append(what)
        if len(printed) >= enough:
            raise Enough

    def place_my_order(client_order_id: str | None = None) -> str:
        if client_order_id is not None:  # filled at once, as a market order is
            push = json.loads((FRAMES / "bitget-v2" / "docsv2_ws_orders_push.json").read_text())
            push["data"][0]["clientOId"] = client_order_id
            simulator.send_text("bitget-v2", json.dumps(push))
            return str(push["data"][0]["orderId"])
        before = {order.order_id for order in simulator.books("bitmusa").orders}
        placed: list[str] = []

        def one_is_new() -> bool:
            placed[:] = [order.order_id for order in simulator.books("bitmusa").orders if order.order_id not in before]
            return bool(placed)

        assert simulator.wait_until(one_is_new)
        return placed[0]

    return {"print": keep, "place_my_order": place_my_order}


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_example_runs_as_printed(example: str, simulated: Simulator) -> None:
    """Each block of Python does what it shows, against the simulator, without a changed letter."""
    printed: list[tuple[Any, ...]] = []

    with contextlib.suppress(Enough):
        exec(compile(example, "README.rst", "exec"), namespace(simulated, printed, enough=5))

    assert printed or "except ConfigError" in example  # the example of errors is silent when all is well


def test_the_first_example_shows_orders(simulated: Simulator) -> None:
    """The ten lines print what they promise: symbol, effect, filled, size, status."""
    printed: list[tuple[Any, ...]] = []

    with pytest.raises(Enough):
        exec(EXAMPLES[0], namespace(simulated, printed, enough=3))

    symbol, effect, _, of, _, status = printed[0]
    assert len(EXAMPLES[0].splitlines()) <= 10
    assert symbol.endswith("USDT")
    assert effect in ("open", "close")
    assert of == "of"
    assert status in ("new", "partially_filled", "filled", "canceled")


def test_the_two_commands_are_one_line_each() -> None:
    """A newcomer pastes one line to see it, and one to test it."""
    see, test = blocks("shell")[:2]

    assert see == "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/futures-stream demo\n"
    assert test == "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest\n"


def test_every_exchange_and_variable_is_named() -> None:
    """The registry holds nothing that the README does not tell of."""
    for name, dialect in DIALECTS.items():
        assert f"``{name}``" in TEXT
        for own in dialect.channels.values():
            assert own in TEXT
        for field in dialect.credentials.__attrs_attrs__:
            assert f"{dialect.credentials.prefixes[0]}{field.name.upper()}" in TEXT


@pytest.mark.parametrize("name", ["README.rst", "CHANGES.rst", "docs/bitget-v2.rst", "docs/state.rst"])
def test_it_renders_without_a_warning(name: str) -> None:
    """Docutils has nothing to say against it."""
    settings = {"report_level": 1, "halt_level": 1, "syntax_highlight": "none", "file_insertion_enabled": False}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # docutils' own deprecations are not ours
        html = docutils.core.publish_string((ROOT / name).read_text(), writer_name="html5", settings_overrides=settings)

    assert b"<h1" in html
