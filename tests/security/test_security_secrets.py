"""What can be done to a secret by mistake, and what a traceback's variables show when settings are wrong."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import attrs
import pytest

from futures_stream import BitgetCredentials, BitmusaCredentials, Endpoints, Options
from futures_stream.dialects import DIALECTS, find_dialect
from futures_stream.dialects.base import Request, masked
from futures_stream.dialects.bitget.login import login, signature
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConfigError
from futures_stream.stream.making import prepare_stream
from futures_stream.stream.profiles import find_credentials
from futures_stream.transport import Network
from tests.security.everything import leaked, of_error, of_thing

CANARY = "cAnArY483f13b0de2d46df"  # the same in each process that runs a part of the tests: it is in their names
THINGS = {
    "secret": Secret(CANARY),
    "bitget": BitgetCredentials(CANARY, CANARY + "2", CANARY + "3"),
    "bitmusa": BitmusaCredentials(CANARY, CANARY + "2"),
    "login": login(BitgetCredentials(CANARY, CANARY, CANARY), "1", Secret(CANARY)),
    "signature": Secret(signature(BitgetCredentials(CANARY, CANARY, CANARY), "1").reveal() + CANARY),
    "network": Network(proxy=f"http://user:{CANARY}@proxy:1"),
    "options": Options(proxy=f"http://user:{CANARY}@proxy:1"),
    "dial": Network().dial(Secret(f"wss://host/{CANARY}"), 1.0),
}


@pytest.mark.parametrize("name", THINGS)
def test_no_way_to_show_a_secret_by_mistake(name: str) -> None:
    """Text, format, f-string, JSON, pickle, copy, dict, attrs' own dict: nothing gives it away."""
    if name == "login":  # a message to send holds what is sent; that it is not shown is all that is asked of it
        assert CANARY not in f"{THINGS[name]!r} {THINGS[name]}"
    else:
        assert not leaked([CANARY], of_thing(THINGS[name]))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["secret", "bitget", "bitmusa", "options"])
def test_no_protocol_pickles_it(name: str, protocol: int) -> None:
    """No pickle, old or new, nor a state that another serializer would ask for."""
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(THINGS[name], protocol)
    with pytest.raises((TypeError, AttributeError)):
        THINGS["secret"].__getstate__()  # type: ignore[operator,attr-defined,unused-ignore]


@pytest.mark.parametrize("by", [iter, len, list, dict, bytes, int, float, vars, "".join, sorted])
def test_a_secret_is_nothing_but_itself(by: object) -> None:
    """It cannot be iterated, measured or converted."""
    with pytest.raises(TypeError):
        by(THINGS["secret"])  # type: ignore[operator]
    with pytest.raises(TypeError):
        format(THINGS["secret"], ">30")


def test_secrets_compare_whatever_they_hold() -> None:
    """Equal is equal, in constant time and without an error that quotes them, even for what no codec can take."""
    assert Secret("\ud800x") == Secret("\ud800x")
    assert Secret("\ud800x") != Secret("x")
    assert Secret("x") != "x"


def test_every_field_of_credentials_is_a_secret() -> None:
    """A dialect that is new cannot forget it: the raw text is not kept in any field."""
    for dialect in DIALECTS.values():
        names = [attribute.name for attribute in attrs.fields(dialect.credentials)]
        made = dialect.credentials(**dict.fromkeys(names, CANARY))
        assert all(isinstance(getattr(made, name), Secret) for name in names)
        assert not leaked([CANARY], repr(attrs.asdict(made)), repr(attrs.astuple(made)))


def test_options_can_be_changed_compared_and_pickled() -> None:
    """The proxy stays what it is in a changed copy; options without one go wherever a program sends them."""
    options = Options(proxy=f"http://user:{CANARY}@proxy:1")
    changed = attrs.evolve(options, audit_every=None)

    assert changed.proxy == options.proxy == Secret(f"http://user:{CANARY}@proxy:1")
    assert options == Options(proxy=Secret(f"http://user:{CANARY}@proxy:1")) != changed
    assert pickle.loads(pickle.dumps(Options(max_blind=3.0))) == Options(max_blind=3.0)


@pytest.mark.parametrize("text", ["%s", "%r", "%10s"])
def test_logging_a_secret_by_mistake(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """A log line of the user's own that names credentials shows stars."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("user").info(f"using {text} {text}", THINGS["secret"], THINGS["bitget"])

    assert "***" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("a/b+c=", "a/b+c="),
        ("a/b+c=", "a\\/b+c="),
        ("a/b+c=", "a\\u002fb\\u002Bc\\u003d"),
        ("a/b+c=", "a%2Fb%2bc%3D"),
        ('a"b\\c', 'a\\"b\\\\c'),
        ("a.b*", "a.b*"),
    ],
)
def test_masked_in_every_spelling(secret: str, said: str) -> None:
    """A server that says a secret back may escape it as JSON or a URL does."""
    assert masked(f"it is {said}!", [Secret(secret)]) == "it is ***!"
    assert masked("it is axb*", [Secret("a.b*")]) == "it is axb*"


def test_a_long_hostile_text_is_masked_in_no_time() -> None:
    """Masking never goes back and forth in a text, however it was chosen, and looks at 64 KiB of it at most."""
    secret = Secret("\\" * 60 + "/" * 4)
    for text in ("\\" * 4_000_000, "\\u005c" * 600_000, "%5c" * 1_000_000):
        assert len(masked(text, [secret])) == 65536


# -- variables of tracebacks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [f"{CANARY} ", f"{CANARY}\n", f"\u00fc{CANARY}"])
def test_variables_when_a_secret_is_unusable(value: str) -> None:
    """A secret with a line break behind it, as a file has it, is refused and not printed by a crash reporter."""
    for field in ("api_key", "api_secret", "passphrase"):
        given = {"api_key": Secret("x"), "api_secret": Secret("x"), "passphrase": Secret("x"), field: Secret(value)}
        with pytest.raises(ConfigError, match=field) as caught:
            BitgetCredentials(**given)
        assert not leaked([CANARY], of_error(caught.value))


@pytest.mark.parametrize("value", [CANARY, f"{CANARY} "])
def test_variables_when_the_environment_is_wrong(value: str) -> None:
    """Half an environment, or a wrong one, is told by the variables' names; their values are in no frame."""
    environ = {"BITGET_API_KEY": value, "BITGET_API_SECRET": value, "OTHER": CANARY}
    if value != CANARY:
        environ["BITGET_PASSPHRASE"] = value
    with pytest.raises(ConfigError) as caught:
        BitgetCredentials.from_env(environ)

    assert not leaked([CANARY], of_error(caught.value))


@pytest.mark.parametrize("url", [f"https://u:{CANARY}@proxy:1", f"http://u:{CANARY}@", f"http://u:{CANARY}@p:99999"])
def test_variables_when_a_proxy_is_wrong(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that cannot be used is told without its password, in its frames too."""
    with pytest.raises(ConfigError, match="proxy") as caught:
        Network(proxy=url)
    monkeypatch.setenv("https_proxy", url)
    with pytest.raises(ConfigError, match="proxy") as from_environment:
        Network(trust_env=True)
    with pytest.raises(ConfigError, match="proxy") as from_options:
        prepare_stream("bitget", BitgetCredentials("a", "b", "c"), options=Options(proxy=url))

    for error in (caught, from_environment, from_options):
        assert not leaked([CANARY], of_error(error.value))


def test_variables_when_a_url_is_wrong() -> None:
    """A URL that holds a password is refused, and in no frame of the error."""
    with pytest.raises(ConfigError, match="ws_url") as caught:
        Endpoints(ws_url=f"wss://u:{CANARY}@host")

    assert not leaked([CANARY], str(caught.value), repr(caught.value.args), repr(caught.value.__context__))


def test_variables_when_a_call_fails(dead_port: int) -> None:
    """A call or a connection that fails leaves no frame in which headers, a body or a target could be."""
    request = Request(
        method="POST",
        path=f"/{CANARY}",
        label="asking",
        headers={"Authorization": f"Bearer {CANARY}"},
        query=(("key", CANARY),),
        body=CANARY,
    )
    errands = [
        Network().call(f"http://127.0.0.1:{dead_port}", request, 5.0),
        Network().call("http://127.0.0.1:1", attrs.evolve(request, headers={"X": f"{CANARY}\n"}), 5.0),
        Network().dial(Secret(f"ws://127.0.0.1:{dead_port}/{CANARY}"), 5.0),
    ]
    for errand in errands:
        with pytest.raises(Exception, match=r"failed|header") as caught:
            errand.run()  # type: ignore[attr-defined]
        assert not leaked([CANARY], of_error(caught.value))


@pytest.mark.parametrize("broken", ["half", "unusable", "no INI", "no text"])
def test_variables_when_the_profile_is_wrong(broken: str, tmp_path: Path) -> None:
    """A profile file or an environment that cannot be used is in no frame of the error."""
    path = tmp_path / "credentials.ini"
    environ = {"FUTURES_STREAM_CONFIG": str(path), "UNRELATED": CANARY}
    text = {
        "half": f"[bitget]\napi_key={CANARY}\n",
        "unusable": f"[bitget]\napi_key={CANARY} x\napi_secret=b\npassphrase=c\n",
        "no INI": f"{CANARY}\n",
        "no text": f"{CANARY}\udcff",
    }[broken]
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        find_credentials(find_dialect("bitget"), "default", None, environ)

    assert not leaked([CANARY], of_error(caught.value))
