"""Credentials: nothing shows them, nothing pickles them, and what is missing is named."""

from __future__ import annotations

import copy
import pickle

import pytest
from dialect_sessions import credentials_of, secrets_of

from futures_stream.dialects import DIALECTS, BitgetCredentials, BitmusaCredentials, Dialect, Secret
from futures_stream.errors import ConfigError

dialects = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))


@dialects
def test_not_shown(dialect: Dialect) -> None:
    """No way to print credentials shows a secret."""
    credentials = credentials_of(dialect)
    shown = f"{credentials} {credentials!r} {credentials!s} {[credentials]}"
    for name, value in secrets_of(dialect).items():
        shown += f"{getattr(credentials, name)}{getattr(credentials, name)!r}"
        assert value not in shown


@dialects
def test_not_pickled(dialect: Dialect) -> None:
    """Neither credentials nor a secret can be pickled; copies are the thing itself."""
    credentials = credentials_of(dialect)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(credentials)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret("x"))
    one = Secret("x")
    assert copy.copy(one) is one
    assert copy.deepcopy(one) is one


@dialects
def test_equal(dialect: Dialect) -> None:
    """Equal credentials are equal, and others are not."""
    assert credentials_of(dialect) == credentials_of(dialect)
    assert hash(credentials_of(dialect)) == hash(credentials_of(dialect))
    other = dialect.credentials(**dict.fromkeys(secrets_of(dialect), "else"))
    assert credentials_of(dialect) != other
    assert Secret("x") != "x"


@dialects
def test_from_env(dialect: Dialect) -> None:
    """Credentials come from the environment, under our names before the plain ones."""
    secrets = secrets_of(dialect)
    ours, *_, plain = dialect.credentials.prefixes
    environ = {f"{plain}{name.upper()}": value for name, value in secrets.items()}
    assert dialect.credentials.from_env(environ) == credentials_of(dialect)
    environ |= {f"{ours}{name.upper()}": "ours" for name in secrets}
    assert dialect.credentials.from_env(environ) == dialect.credentials(**dict.fromkeys(secrets, "ours"))


@dialects
def test_missing(dialect: Dialect) -> None:
    """The message names every variable that is missing."""
    ours = dialect.credentials.prefixes[0]
    with pytest.raises(ConfigError) as caught:
        dialect.credentials.from_env({})
    for name in secrets_of(dialect):
        assert f"{ours}{name.upper()}" in str(caught.value)


def test_half_missing() -> None:
    """A half-set family of variables is completed, not mixed with another."""
    with pytest.raises(ConfigError, match="BITMUSA_API_KEY") as caught:
        BitmusaCredentials.from_env({"BITMUSA_AUTH_KEY": "a", "FUTURES_STREAM_BITMUSA_API_KEY": ""})
    assert "BITMUSA_AUTH_KEY" not in str(caught.value)


@pytest.mark.parametrize("value", ["", " ", "with space", "line\nbreak", "ümlaut", "tab\t", "\x00"])
def test_unusable(value: str) -> None:
    """What could not be sent is refused in the caller, and not shown."""
    with pytest.raises(ConfigError, match="api_secret") as caught:
        BitgetCredentials("key", value, "phrase")
    assert not value.strip() or value not in str(caught.value)


def test_no_text() -> None:
    """What is not even a text is refused by name."""
    with pytest.raises(ConfigError, match="api_key"):
        BitgetCredentials(None, "b", "c")  # type: ignore[arg-type]
