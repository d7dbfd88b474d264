"""Where a stream may connect to: encrypted, or on this machine; and nobody else decides it."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from futures_stream import BitgetCredentials, Endpoints
from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.dialects import DIALECTS
from futures_stream.dialects.base import Request
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConfigError, ConnectFailed
from futures_stream.simulator import Simulator
from futures_stream.stream.making import prepare_stream
from futures_stream.transport import Network
from futures_stream.transport.dialing import _on_this_machine
from futures_stream.transport.patience import Patience
from futures_stream.transport.places import Place, Proxies

CREDENTIALS = BitgetCredentials("key", "secret", "phrase")
ELSEWHERE = "192.0.2.1"  # an address of documents; nobody has it


@pytest.mark.parametrize("name", ["ws_url", "rest_url"])
@pytest.mark.parametrize(
    "rest",
    [
        "user:hunter22@host",
        "user@host",
        "@host",
        ":@host",
        "host?key=hunter22",
        "host/?",
        "host#hunter22",
        "host/#",
        "host\\@evil",
        "host/a b",
        "host\n",
        "ho\tst",
        "h\u00f6st",
        "host/\u2028",
        "host:0",
        "host:65536",
        "",
        ":80",
    ],
)
def test_base_urls_are_only_that(name: str, rest: str) -> None:
    """User, password, query and fragment, empty ones too, are refused where they are written, and not quoted."""
    scheme = "wss" if name == "ws_url" else "https"
    with pytest.raises(ConfigError, match=name) as caught:
        Endpoints(**{name: f"{scheme}://{rest}"})

    assert "hunter22" not in str(caught.value) + repr(caught.value.__context__)
    assert Endpoints(**{name: f"{scheme}://host:8443/a/b"})


@pytest.mark.parametrize(
    "host",
    [
        ELSEWHERE,
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "notlocalhost",
        "0.0.0.0",
        "[::]",
        "[2001:db8::1]",
        "2130706433",
    ],
)
@pytest.mark.parametrize("name", ["ws_url", "rest_url"])
def test_plaintext_stays_on_this_machine(name: str, host: str) -> None:
    """What is not encrypted goes to a loopback address or nowhere, and the refusal does not repeat the path."""
    scheme = "ws" if name == "ws_url" else "http"
    where = Endpoints(**{name: f"{scheme}://{host}/hunter22"})
    with pytest.raises(ConfigError, match="not encrypted") as caught:
        prepare_stream("bitget", CREDENTIALS, endpoints=where)

    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_the_exchanges_own_places_are_encrypted(dialect: object) -> None:
    """Nobody has to know to ask for encryption."""
    where = dialect.endpoints  # type: ignore[attr-defined]
    assert where.ws_url.startswith("wss://")
    assert where.rest_url.startswith("https://")


def test_localhost_is_this_machine_whatever_the_resolver_says() -> None:
    """An address that is none of this machine's is not connected to for localhost."""
    here, there = (socket.AF_INET, ("127.0.0.1", 80)), (socket.AF_INET, (ELSEWHERE, 80))
    with Patience(SYSTEM_CLOCK, 5.0) as patience:
        assert _on_this_machine([there, here], patience) == [here]
        with pytest.raises(ConnectFailed, match="hosts file"):
            _on_this_machine([there], patience)


def test_localhost_is_looked_at_when_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the machine's own resolver localhost leads to the simulator; by one that lies, nowhere."""
    request = Request(method="GET", path="/x", label="x")
    with Simulator(tick=None) as sim:
        call = Network().call(f"http://localhost:{sim.port}", request, 5.0)
        assert call.run().status == 404
    lie = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (ELSEWHERE, 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: lie)
    for errand in (Network().call("http://localhost", request, 5.0), Network().dial(Secret("ws://LocalHost/"), 5.0)):
        with pytest.raises(ConnectFailed, match="hosts file"):
            errand.run()  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_proxy_elsewhere_does_not_lead_to_this_machine(scheme: str) -> None:
    """Seen from the proxy, 127.0.0.1 is the proxy: the stream goes directly, and nothing to the proxy."""
    by_hand = Proxies.chosen(Secret(f"http://{ELSEWHERE}:3128"), False)
    named = Proxies(environment={"http": by_hand.always, "https": by_hand.always})  # type: ignore[dict-item]
    for proxies in (by_hand, named):
        for host in ("127.0.0.1", "::1", "localhost"):
            assert proxies.leading_to(Place(scheme, host, 80)) is None
        assert proxies.leading_to(Place(scheme, "example.com", 80)) is not None


def test_a_stream_on_this_machine_ignores_a_proxy_elsewhere() -> None:
    """The simulator is reached although the proxy cannot be: nothing was sent there."""
    with Simulator(tick=None) as sim:
        network = Network(proxy=f"http://user:hunter22@{ELSEWHERE}:3128")
        answer = network.call(f"http://127.0.0.1:{sim.port}", Request(method="GET", path="/x", label="x"), 5.0).run()

    assert answer.status == 404


def test_one_trust_for_all() -> None:
    """Stream and REST of every stream verify by the same context, and connecting changes nothing in it."""
    one, other = Network(), Network()
    request = Request(method="GET", path="/", label="x")
    contexts = [
        each._context
        for network in (one, other)
        for each in (network.dial(Secret("wss://host/"), 1.0), network.call("https://host", request, 1.0))
    ]
    assert len({id(context) for context in contexts}) == 1
    context = contexts[0]
    before = _settings(context)
    with _deaf_server() as port, pytest.raises(ConnectFailed):
        one.dial(Secret(f"wss://localhost:{port}/"), 5.0).run()

    assert _settings(context) == before
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.keylog_filename is None


def _settings(context: ssl.SSLContext) -> tuple[object, ...]:
    return (
        context.options,
        context.verify_mode,
        context.verify_flags,
        context.check_hostname,
        context.minimum_version,
        context.cert_store_stats(),
        json.dumps(context.get_ciphers()),
    )


@contextmanager
def _deaf_server() -> Iterator[int]:
    """A server that ends every connection as soon as it has heard something."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1)

        thread = threading.Thread(target=serve, name="deaf server")
        thread.start()
        yield listener.getsockname()[1]
        thread.join()
