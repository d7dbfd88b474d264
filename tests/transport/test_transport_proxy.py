"""Proxies: only those that were asked for, and their passwords stay with them."""

import base64
import socket
import threading

import pytest
from transport_peers import Peer, pump, text

from futures_stream.dialects.base import Request
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConfigError, ConnectFailed
from futures_stream.transport import Network

ASK = Request(method="GET", path="/v1/time", label="asking the time")
NAMES = [name for base in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (base, base.upper())]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    """Have no proxy in the environment but the test's own."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def tunnel(heads, answer=b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n"):
    """A proxy's script: note what is asked, answer, and lead the way."""

    def script(wire):
        heads.append(wire.head().decode())
        wire.send(answer)
        host, _, port = heads[-1].split()[1].rpartition(":")
        with socket.create_connection((host, int(port)), 5) as beyond:
            back = threading.Thread(target=carry, args=(beyond, wire.sock))
            back.start()
            carry(wire.sock, beyond)
            back.join(5)

    return script


def carry(source, target):
    """Carry everything from one socket to the other, the end included."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def ok(wire):
    """Answer a REST call."""
    wire.head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def test_stream_through_a_proxy():
    """A stream goes through the proxy by CONNECT, unencrypted ones too."""
    heads = []
    with Peer(lambda wire: (wire.upgrade(text("x")), wire.rest())) as peer, Peer(tunnel(heads)) as proxy:
        way = Network(proxy=f"http://127.0.0.1:{proxy.port}")
        connection = way.dial(Secret(f"ws://127.0.0.1:{peer.port}/listenkey"), 5.0).run()

        assert pump(connection, len) == ["x"]
        connection.dispose()
    assert heads[0] == f"CONNECT 127.0.0.1:{peer.port} HTTP/1.1\r\nHost: 127.0.0.1:{peer.port}"


def test_encrypted_through_a_proxy(authority):
    """The proxy of an encrypted stream or call sees the host name only; a password reaches it and nobody else."""
    heads, asked = [], []
    server = authority.server("localhost")

    def script(wire):
        asked.append(wire.head())
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def stream(wire):
        wire.upgrade(text("x"))

    with Peer(stream, script, context=server) as peer, Peer(tunnel(heads), tunnel(heads)) as proxy:
        way = Network(proxy=f"http://me:p%40ss@localhost:{proxy.port}/", ca_file=authority.file)
        connection = way.dial(Secret(f"wss://localhost:{peer.port}/listenkey"), 5.0).run()
        assert pump(connection, len) == ["x"]
        connection.dispose()
        assert way.call(f"https://localhost:{peer.port}", ASK, 5.0).run().text == "ok"

    assert f"Proxy-Authorization: Basic {base64.b64encode(b'me:p@ss').decode()}" in heads[0]
    assert "listenkey" not in "".join(heads)
    assert b"Proxy" not in asked[0]
    assert "p%40ss" not in repr(way)
    assert base64.b64encode(b"me:p@ss").decode() not in repr(way)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 407 No\r\n\r\n", "user and password of the proxy"),
        (b"HTTP/1.1 403 No\r\nContent-Length: 10000\r\n\r\n", "HTTP 403"),
        (b"HTTP/1.1 200 OK\r\n\r\nmore", "before it was asked"),
        (b"hello", "does not speak HTTP"),
        (b"", "closed"),
    ],
)
def test_proxy_that_refuses(answer, says):
    """A proxy's refusal is told as the proxy's; its status is not taken for the exchange's."""
    with Peer(lambda wire: (wire.head(), wire.send(answer))) as proxy:
        way = Network(proxy=f"http://me:hidden@127.0.0.1:{proxy.port}")
        with pytest.raises(
            ConnectFailed, match=rf"asking the proxy 127.0.0.1:{proxy.port} for h.example:443"
        ) as caught:
            way.dial(Secret("wss://h.example/listenkey"), 5.0).run()

    assert says in str(caught.value)
    assert caught.value.status is None
    assert "hidden" not in str(caught.value)


def test_environment_is_ignored(monkeypatch, network):
    """Proxies of the environment hear nothing unless they are trusted."""
    with Peer() as proxy, Peer(lambda wire: wire.upgrade(), ok) as peer:
        for name in NAMES[:6]:
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        network.dial(Secret(f"ws://127.0.0.1:{peer.port}/"), 5.0).run().dispose()

        assert network.call(f"http://127.0.0.1:{peer.port}", ASK, 5.0).run().text == "ok"
        assert proxy.heard_nothing()


@pytest.mark.parametrize("name", ["http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("prefix", ["http://", ""])
def test_environment_is_used_if_trusted(monkeypatch, name, prefix):
    """With ``trust_env`` the environment's proxy leads the way."""
    heads = []
    with Peer(ok) as peer, Peer(tunnel(heads)) as proxy:
        monkeypatch.setenv(name, f"{prefix}127.0.0.1:{proxy.port}")

        assert Network(trust_env=True).call(f"http://127.0.0.1:{peer.port}", ASK, 5.0).run().text == "ok"
    assert heads[0].startswith("CONNECT")


def test_exceptions_of_the_environment(monkeypatch):
    """``no_proxy`` counts too."""
    with Peer(ok) as peer, Peer() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")

        assert Network(trust_env=True).call(f"http://127.0.0.1:{peer.port}", ASK, 5.0).run().text == "ok"
        assert proxy.heard_nothing()


@pytest.mark.parametrize(
    "url", ["socks5://hidden@h:1", "https://hidden@h", "http://", "http://h:99999", "h:1", "http://hidden@h/x"]
)
def test_proxies_that_cannot_be(monkeypatch, url):
    """A proxy that cannot be used is refused when the network is made, and not quoted."""
    with pytest.raises(ConfigError) as caught:
        Network(proxy=url)

    assert "hidden" not in str(caught.value)
    assert caught.value.__context__ is None


def test_proxies_of_the_environment_that_cannot_be(monkeypatch):
    """One that the environment names and we cannot use is not gone around in silence."""
    monkeypatch.setenv("https_proxy", "socks5://hidden@h:1")

    with pytest.raises(ConfigError, match="https_proxy"):
        Network(trust_env=True)
    Network()
