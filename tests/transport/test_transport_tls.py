"""TLS: one trust for stream and REST, always verified."""

import ssl

import pytest
from transport_peers import Peer, pump, tcp_pair, text

from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.dialects.base import Request
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import ConfigError, ConnectFailed
from futures_stream.transport import Network
from futures_stream.transport.network import _trusting
from futures_stream.transport.patience import Patience
from futures_stream.transport.places import Place
from futures_stream.transport.upgrade import _upgrade

ASK = Request(method="GET", path="/v1/time", label="asking the time", headers={"Authorization": "Bearer token"})


def dial(network, peer, host="localhost", timeout=5.0):
    """Connect by TLS."""
    return network.dial(Secret(f"wss://{host}:{peer.port}/key"), timeout).run()


def test_stream(trusting, authority):
    """A stream over TLS works; two frames in one record behind the answer are both there."""

    def script(wire):
        wire.upgrade(text("one") + text("two"))
        wire.send(text("three") + text("four"))
        wire.rest()

    with Peer(script, context=authority.server("localhost")) as peer:
        connection = dial(trusting, peer)

        assert pump(connection, lambda got: len(got) == 4) == ["one", "two", "three", "four"]
        connection.dispose()


def test_rest(trusting, authority):
    """A call over TLS works, by the same trust."""

    def script(wire):
        assert b"Host: localhost:" in wire.head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with Peer(script, context=authority.server("localhost")) as peer:
        answer = trusting.call(f"https://localhost:{peer.port}", ASK, 5.0).run()

    assert (answer.status, answer.text) == (200, "ok")


def test_address_instead_of_a_name(trusting, authority):
    """A certificate may be for an address."""
    with Peer(lambda wire: wire.upgrade(), context=authority.server("127.0.0.1")) as peer:
        dial(trusting, peer, "127.0.0.1").dispose()


@pytest.mark.parametrize("by", ["stream", "rest"])
@pytest.mark.parametrize(("known", "name", "says"), [(False, "localhost", "issuer"), (True, "example.com", "mismatch")])
def test_not_trusted(network, trusting, authority, by, known, name, says):
    """An unknown authority, or a certificate for another name, ends it before a byte of ours was sent."""
    way = trusting if known else network
    heard = []
    with Peer(lambda wire: heard.append(wire.rest()), context=authority.server(name)) as peer:
        errand = (
            way.dial(Secret(f"wss://localhost:{peer.port}/key"), 5.0)
            if by == "stream"
            else way.call(f"https://localhost:{peer.port}", ASK, 5.0)
        )
        with pytest.raises(ConnectFailed, match=rf"TLS with localhost:{peer.port} failed: .*{says}") as caught:
            errand.run()

    assert heard in ([], [b""])
    assert caught.value.__context__ is caught.value.__cause__ is None


def test_not_encrypted_at_all(network):
    """A port without TLS is told as that."""
    with (
        Peer(lambda wire: wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as peer,
        pytest.raises(ConnectFailed, match="is this an encrypted port"),
    ):
        dial(network, peer)


def test_silent_handshake(network):
    """A peer that accepts and never shakes hands is given up in time."""
    with (
        Peer(lambda wire: wire.rest()) as peer,
        pytest.raises(ConnectFailed, match=r"TLS with localhost:\d+ failed: not done within 0.2 s"),
    ):
        dial(network, peer, timeout=0.2)


def test_peer_goes_away_in_the_handshake(network):
    """A peer that hangs up in the middle is told."""
    peer = Peer(lambda wire: wire.reset())
    with peer, pytest.raises(ConnectFailed, match=r"(TLS with|connecting to) localhost"):
        dial(network, peer)


def test_old_tls_is_refused(trusting, authority):
    """Nothing below TLS 1.2 is spoken."""
    assert trusting._context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert trusting._context.check_hostname
    assert trusting._context.verify_mode == ssl.CERT_REQUIRED


def test_keys_are_never_written_down(monkeypatch, authority, tmp_path):
    """A variable in the environment does not make the connection readable to others."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))

    assert _trusting(authority.file).keylog_filename is None


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_bad_ca_file(tmp_path, content):
    """A file that cannot be used is told at once, with its name."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigError, match=r"ca\.pem") as caught:
        Network(ca_file=str(path))

    assert caught.value.__context__ is None


def test_wss_over_a_bare_socket():
    """Nothing is sent for wss over a socket that is not encrypted, whoever made it."""
    ours, theirs = tcp_pair()
    with Patience(SYSTEM_CLOCK, 1.0) as patience, pytest.raises(ConnectFailed, match="not encrypted"):
        _upgrade(ours, Place("wss", "localhost", 1), Secret("/key"), patience)
    ours.close()

    assert theirs.recv(100) == b""
    theirs.close()
