"""Opening a stream: what is refused in the caller, what is waited for, and where credentials come from."""

from __future__ import annotations

import os
import pickle
import queue
import threading
import time
from pathlib import Path

import pytest
from engine_rig import BITGET, BITMUSA, SECRETS

from futures_stream import (
    BitgetCredentials,
    ConfigError,
    ConnectFailed,
    Endpoints,
    Live,
    LoginRejected,
    OpenTimeout,
    Options,
    StreamQueue,
    open_stream,
)
from futures_stream.dialects import find_dialect
from futures_stream.simulator import Simulator
from futures_stream.stream.making import prepare_stream
from futures_stream.stream.profiles import find_credentials, profile_path

# -- what is refused in the caller ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"exchange": "nonsense"}, "there are bitget, bitmusa"),
        ({"exchange": 5}, "no exchange 5"),
        ({"credentials": BITMUSA}, "needs BitgetCredentials, not BitmusaCredentials"),
        ({"credentials": "key"}, "needs BitgetCredentials, not str"),
        ({"account": ""}, "account is a label"),
        ({"account": "a\nb"}, "account is a label"),
        ({"account": "x" * 65}, "account is a label"),
        ({"account": 7}, "account is a label"),
        ({"channels": ["trades"]}, "has no channel 'trades'"),
        ({"channels": []}, "no channels given"),
        ({"symbols": []}, "no symbols given"),
        ({"symbols": ["BTC USDT"]}, "is not a symbol"),
        ({"symbols": [5]}, "is not a symbol"),
        ({"symbols": 5}, "is not a symbol"),
        ({"queue": queue.Queue()}, "must be a StreamQueue"),
        ({"maxsize": -1}, "maxsize"),
        ({"endpoints": "wss://host"}, r"Endpoints\(ws_url="),
        ({"endpoints": Endpoints(ws_url="ws://example.com")}, "is not encrypted"),
        ({"options": {"proxy": "x"}}, r"Options\("),
        ({"options": Options(proxy="http://user:hunter22@")}, "proxy"),
        ({"options": Options(ca_file="/nowhere")}, "ca_file"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"timeout": "5"}, "timeout"),
    ],
)
def test_wrong_arguments_are_refused_in_the_caller(wrong: dict[str, object], said: str) -> None:
    """A typed error that says what would be right, before any thread starts, and without a secret."""
    threads = threading.active_count()
    arguments: dict[str, object] = {"exchange": "bitget", "credentials": BITGET} | wrong

    with pytest.raises(ConfigError, match=said) as failure:
        open_stream(**arguments)  # type: ignore[arg-type]
    assert threading.active_count() == threads
    assert "hunter22" not in str(failure.value)
    assert isinstance(failure.value, ValueError)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_message_size": 10},
        {"max_message_size": "10000"},
        {"max_message_size": 4096.5},
        {"max_blind": 0},
        {"max_blind": float("nan")},
        {"max_blind": "60"},
    ],
)
def test_options_must_make_sense(wrong: dict[str, object]) -> None:
    """A value that makes no sense is refused where it is written."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Options(**wrong)  # type: ignore[arg-type]


def test_options_hide_the_proxys_password() -> None:
    """The repr of the options can be logged."""
    assert "hunter22" not in repr(Options(proxy="http://user:hunter22@proxy:1"))


@pytest.mark.parametrize(
    "url", ["", "host", "http://host", "wss://", "wss://host:99999", "wss://host?x=1", "wss://u:p@host", "wss://h h", 5]
)
def test_endpoints_must_be_urls(url: object) -> None:
    """A URL that is none, or that holds what does not belong there, is refused where it is written."""
    with pytest.raises(ConfigError, match="ws_url"):
        Endpoints(ws_url=url)  # type: ignore[arg-type]


def test_plaintext_only_to_this_machine_unless_asked_for() -> None:
    """ws:// to loopback is fine, elsewhere it must be said."""
    for url in ("ws://localhost:1", "ws://127.8.9.10:1", "ws://[::1]:1"):
        where = Endpoints(ws_url=url, rest_url="http://127.0.0.1:1")
        stream = prepare_stream("bitget", BITGET, endpoints=where)
        stream.stop()
        stream.start()
        stream.close()
    elsewhere = Endpoints(ws_url="ws://example.com", rest_url="http://example.com")
    with pytest.raises(ConfigError, match="allow_plaintext"):
        prepare_stream("bitget", BITGET, endpoints=elsewhere)


# -- opening for real -------------------------------------------------------------------------------------------------


def test_an_unreachable_host_is_open_timeout(dead_port: int) -> None:
    """What may pass is tried again inside the time; then the last of it is the cause. Nothing is left."""
    where = Endpoints(ws_url=f"ws://127.0.0.1:{dead_port}")
    began = time.monotonic()

    with pytest.raises(OpenTimeout) as failure:
        open_stream("bitget", BITGET, endpoints=where, timeout=0.3)
    assert isinstance(failure.value.__cause__, ConnectFailed)
    assert isinstance(failure.value, TimeoutError)
    assert 0.25 < time.monotonic() - began < 5


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_wrong_credentials_are_raised_at_once(exchange: str) -> None:
    """What cannot succeed does not wait for the timeout, and shows no secret."""
    wrong = BITGET if exchange == "bitget" else BITMUSA
    with Simulator(seed=1) as sim:
        began = time.monotonic()
        with pytest.raises(LoginRejected) as failure:
            open_stream(exchange, wrong, endpoints=sim.endpoints(exchange), timeout=30)

        assert time.monotonic() - began < 5
        assert not [secret for secret in SECRETS if secret in str(failure.value)]


def test_open_returns_when_live() -> None:
    """The stream that is returned is live, and its first notice says so."""
    with (
        Simulator(seed=1) as sim,
        open_stream("bitget", sim.credentials("bitget"), endpoints=sim.endpoints("bitget"), timeout=20) as stream,
    ):
        assert stream.status.state.value == "live"
        kinds = {type(stream.get(timeout=10)) for _ in range(1)}
        while Live not in kinds:
            kinds.add(type(stream.get(timeout=10)))


def test_two_exchanges_share_a_queue() -> None:
    """One consumer hears both, and the queue ends with the second."""
    shared = StreamQueue()
    with Simulator(seed=1) as sim:
        streams = [
            open_stream(name, sim.credentials(name), endpoints=sim.endpoints(name), queue=shared, account=name)
            for name in ("bitget", "bitmusa")
        ]
        for stream in streams:
            stream.close()

        assert {record.exchange for record in shared} == {"bitget", "bitmusa"}


# -- credentials ------------------------------------------------------------------------------------------------------

IN_ENVIRONMENT = {
    "FUTURES_STREAM_BITGET_API_KEY": "env-key-1",
    "FUTURES_STREAM_BITGET_API_SECRET": "env-secret-1",
    "FUTURES_STREAM_BITGET_PASSPHRASE": "env-phrase-1",
}
PROFILE = """
[bitget]
api_key = file-key-1
api_secret = file%secret-1
passphrase = file-phrase-1

[bitget/second]
api_key = second-key-1
api_secret = second-secret-1
passphrase = second-phrase-1

[bitmusa]
auth_key = half-of-it-1
"""


def profile(folder: Path, text: str = PROFILE, mode: int = 0o600) -> dict[str, str]:
    """Write a profile file, and return the environment that names it."""
    path = folder / "credentials.ini"
    path.write_text(text)
    path.chmod(mode)
    return {"FUTURES_STREAM_CONFIG": str(path)}


def key_of(credentials: object) -> str:
    """Return the API key."""
    assert isinstance(credentials, BitgetCredentials)
    return credentials.api_key.reveal()


def test_arguments_then_environment_then_file(tmp_path: Path) -> None:
    """The first that has them wins."""
    dialect, in_file = find_dialect("bitget"), profile(tmp_path)
    both = in_file | IN_ENVIRONMENT

    assert find_credentials(dialect, "default", BITGET, both) is BITGET
    assert key_of(find_credentials(dialect, "default", None, both)) == "env-key-1"
    assert key_of(find_credentials(dialect, "default", None, in_file)) == "file-key-1"
    assert key_of(find_credentials(dialect, "second", None, in_file)) == "second-key-1"


def test_a_percent_sign_is_one(tmp_path: Path) -> None:
    """Nothing in a secret has a meaning of its own."""
    found = find_credentials(find_dialect("bitget"), "default", None, profile(tmp_path))

    assert isinstance(found, BitgetCredentials)
    assert found.api_secret.reveal() == "file%secret-1"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Secrets that others may know are not used; the message says what to do."""
    with pytest.raises(ConfigError, match="chmod 600"):
        find_credentials(find_dialect("bitget"), "default", None, profile(tmp_path, mode=mode))


@pytest.mark.parametrize(
    ("exchange", "account", "text", "said"),
    [
        ("bitget", "third", PROFILE, r"\[bitget/third\]"),
        ("bitget", "default", "", "FUTURES_STREAM_BITGET_API_KEY"),
        ("bitmusa", "default", PROFILE, "lacks api_key"),
        ("bitget", "default", "hunter22 is no INI", "not an INI file"),
        ("bitget", "default", "[bitget]\n[bitget]\napi_key=hunter22", "not an INI file"),
        ("bitget", "default", "[bitget]\napi_key=hunter22\napi_secret=a b\npassphrase=x", "api_secret"),
    ],
)
def test_missing_credentials_say_where_they_belong(
    tmp_path: Path, exchange: str, account: str, text: str, said: str
) -> None:
    """The message names section, fields and variables, and no secret, nor does anything that hangs on it."""
    with pytest.raises(ConfigError, match=said) as failure:
        find_credentials(find_dialect(exchange), account, None, profile(tmp_path, text))
    error: BaseException | None = failure.value
    while error is not None:
        assert "hunter22" not in str(error)
        error = error.__cause__ or error.__context__


def test_half_an_environment_is_an_error() -> None:
    """A variable that was forgotten is named, not silently looked for elsewhere."""
    half = {name: value for name, value in IN_ENVIRONMENT.items() if "SECRET" not in name}

    with pytest.raises(ConfigError, match="FUTURES_STREAM_BITGET_API_SECRET"):
        find_credentials(find_dialect("bitget"), "default", None, half)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder, or something that is no text, is a clear error."""
    with pytest.raises(ConfigError, match="cannot be read"):
        find_credentials(find_dialect("bitget"), "default", None, {"FUTURES_STREAM_CONFIG": str(tmp_path)})
    path = tmp_path / "binary.ini"
    path.write_bytes(b"\xff\xfe\x00")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="cannot be read"):
        find_credentials(find_dialect("bitget"), "default", None, {"FUTURES_STREAM_CONFIG": str(path)})


def test_the_usual_place_of_the_file() -> None:
    """The platform's configuration folder, unless it is named."""
    assert profile_path({"FUTURES_STREAM_CONFIG": "/x/y.ini"}) == Path("/x/y.ini")
    assert profile_path({"XDG_CONFIG_HOME": "/c", "APPDATA": "/c"}).parts[-2:] == ("futures-stream", "credentials.ini")


def test_credentials_cannot_be_pickled() -> None:
    """Neither whole nor a single secret."""
    for secret in (BITGET, BITGET.api_key, BITMUSA):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(secret)
        assert not [text for text in SECRETS if text in repr(secret)]
