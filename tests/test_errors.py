"""The errors: their tree is the policy, their attributes the facts."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from futures_stream import errors
from futures_stream.errors import (
    ClockSkew,
    ConfigError,
    ConnectFailed,
    ConnectionLost,
    FatalError,
    FuturesStreamError,
    LeaseLost,
    MessageNotUnderstood,
    OpenTimeout,
    OrderEnded,
    ShutdownTimeout,
    StreamFailed,
    SubscriptionRejected,
    Throttled,
    TransientError,
    printable,
)
from futures_stream.records import Order

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, FuturesStreamError) and kind.__module__ == errors.__name__
]
FULL = [
    ConnectFailed("m", exchange="x", code="1", status=503, retry_after=2.0),
    ConnectionLost("m", close_code=1006),
    Throttled("m", retry_after=5.0),
    ClockSkew("m", offset=-3.0),
    SubscriptionRejected("m", channel="orders", symbol="BTC"),
    MessageNotUnderstood("m", text="{"),
    OrderEnded("m", order=Order(exchange="x", account="y", order_id="1")),
    ShutdownTimeout("m", threads=("a", "b")),
]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_needs_no_arguments(kind: type[FuturesStreamError]) -> None:
    """Each class can be made bare, and of a message with facts."""
    assert str(kind()) == ""
    made = kind("what happened", exchange="bitget", code="7", channel="orders")

    assert str(made) == made.message == "what happened"
    assert (made.exchange, made.code, made.channel) == ("bitget", "7", "orders")


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_public(kind: type[FuturesStreamError]) -> None:
    """What can be raised can be caught by name."""
    assert kind.__name__ in errors.__all__


@pytest.mark.parametrize("made", FULL, ids=lambda made: type(made).__name__)
@pytest.mark.parametrize("send", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_facts_survive_the_journey(made: FuturesStreamError, send) -> None:  # type: ignore[no-untyped-def]
    """An error that goes to another process keeps what it knows."""
    arrived = send(made)

    assert type(arrived) is type(made)
    assert arrived.__dict__ == made.__dict__
    assert str(arrived) == str(made)


def test_no_error_is_both_passing_and_final() -> None:
    """The engine asks for one of two classes, and the answer is never both."""
    for kind in CLASSES:
        assert not (issubclass(kind, TransientError) and issubclass(kind, FatalError))


def test_errors_are_also_what_python_calls_them() -> None:
    """A timeout is a TimeoutError, a wrong argument a ValueError."""
    assert issubclass(OpenTimeout, TimeoutError)
    assert issubclass(ShutdownTimeout, TimeoutError)
    assert issubclass(ConfigError, ValueError)
    assert issubclass(LeaseLost, TransientError)
    assert not issubclass(StreamFailed, TransientError | FatalError)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300))
def test_printable_is_printable(text: str) -> None:
    """Whatever a server says, what is shown of it has no control character and an end."""
    shown = printable(text)

    assert shown.isprintable()
    assert len(shown) <= 200 * 10 + 40


def test_printable_cuts() -> None:
    """What is cut says how long it was."""
    assert printable("x" * 201).endswith("… (201 characters)")
    assert printable("\x1b[31m\n") == "\\x1b[31m\\n"
    assert printable(7) == "7"
