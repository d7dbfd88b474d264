"""REST calls against raw servers that do what servers should not."""

import gzip
import threading
from time import monotonic

import pytest
from attrs import evolve
from transport_peers import Peer

from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.dialects.base import Request
from futures_stream.errors import ConfigError, ConnectFailed

TOKEN = "bearerThatNobodyMaySee"
ASK = Request(
    method="POST",
    path="/v1/listenKey",
    label="making a listen key",
    headers={"Authorization": f"Bearer {TOKEN}", "x-api-key": TOKEN},
    query=(("sign", TOKEN), ("z", "1 2&3"), ("a", "")),
    body='{"ü": 1}',
)


def http(body: bytes, *lines: bytes, status: int = 200) -> bytes:
    """An answer."""
    return b"\r\n".join([b"HTTP/1.1 %d X" % status, *lines, b"Content-Length: %d" % len(body), b"", body])


def answering(answer: bytes):
    """A script that answers and waits until the client goes away."""
    return lambda wire: (wire.head(), wire.send(answer), wire.rest())


def call(network, peer, request=ASK, timeout=5.0):
    """Ask a peer."""
    return network.call(f"http://127.0.0.1:{peer.port}/api/", request, timeout).run()


def failed(network, *scripts, request=ASK, timeout=5.0):
    """Return how asking a peer with some scripts fails."""
    with Peer(*scripts) as peer:
        started = monotonic()
        with pytest.raises(ConnectFailed) as caught:
            call(network, peer, request, timeout)
        assert monotonic() - started < 2
    assert TOKEN not in str(caught.value)
    assert TOKEN not in repr(vars(caught.value))
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert "127.0.0.1" in str(caught.value)
    return caught.value


def test_signed_when_sent(network):
    """A signer's headers are made of the time of sending, and go out beside the others."""

    def signer(request, unix_ms):
        return {"X-At": str(unix_ms), "X-Over": f"{request.method}{request.path}"}

    heard = []
    with Peer(lambda wire: (heard.append(wire.head().decode()), wire.send(http(b"{}")), wire.rest())) as peer:
        call(network, peer, evolve(ASK, signer=signer))

    lines = dict(line.partition(": ")[::2] for line in heard[0].splitlines())
    assert abs(int(lines["X-At"]) - SYSTEM_CLOCK.unix_ms()) < 60_000
    assert lines["X-Over"] == "POST/v1/listenKey"
    assert lines["x-api-key"] == TOKEN


def test_request_on_the_wire(network):
    """What was asked for goes out, in order, and nothing that the environment adds."""
    heard = []

    def script(wire):
        head = wire.head().decode()
        while len(wire.heard) < len(ASK.body.encode()):
            wire.heard += wire.sock.recv(100)
        heard.extend([head, wire.heard])
        wire.send(http('{"code": "ü"}'.encode(), b"Retry-After: 3"))

    with Peer(script) as peer:
        answer = call(network, peer)

    assert (answer.status, answer.text, answer.retry_after) == (200, '{"code": "ü"}', 3.0)
    lines = heard[0].split("\r\n")
    assert lines[0] == f"POST /api/v1/listenKey?sign={TOKEN}&z=1+2%263&a= HTTP/1.1"
    assert f"Authorization: Bearer {TOKEN}" in lines
    assert f"x-api-key: {TOKEN}" in lines
    assert "Accept-Encoding: identity" in lines
    assert "Connection: close" in lines
    assert f"Content-Length: {len(ASK.body.encode())}" in lines
    assert heard[1] == ASK.body.encode()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_without_body(network, method):
    """Every method works without a body and query."""
    heads = []
    request = Request(method=method, path="/x", label="asking")
    with Peer(lambda wire: (heads.append(wire.head()), wire.send(http(b"")))) as peer:
        assert call(network, peer, request).text == ""

    assert heads[0].startswith(f"{method} /api/x HTTP/1.1\r\n".encode())


@pytest.mark.parametrize("status", [200, 201, 400, 401, 403, 404, 418, 429, 500, 503])
def test_every_status_is_an_answer(network, status):
    """What a status means is for others to say."""
    with Peer(answering(http(b"text", status=status))) as peer:
        answer = call(network, peer)

    assert (answer.status, answer.text) == (status, "text")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(network, status):
    """A redirect is an answer like any other; the other origin hears nothing, no credentials above all."""
    with Peer() as other:
        with Peer(answering(http(b"", b"Location: http://127.0.0.1:%d/" % other.port, status=status))) as peer:
            assert call(network, peer).status == status
        assert other.heard_nothing()


def test_netrc_is_not_read(network, monkeypatch, tmp_path):
    """A ``.netrc`` for the host does not replace the Authorization header."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    heads = []
    with Peer(lambda wire: (heads.append(wire.head()), wire.send(http(b"")))) as peer:
        call(network, peer)

    assert f"Authorization: Bearer {TOKEN}".encode() in heads[0]
    assert b"Basic" not in heads[0]


def test_bad_bundle_in_the_environment(network, monkeypatch):
    """Variables that point requests to other authorities change nothing."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    monkeypatch.setenv("CURL_CA_BUNDLE", "/nowhere")
    with Peer(answering(http(b"ok"))) as peer:
        assert call(network, peer).text == "ok"


def test_cookies_are_refused(network):
    """A cookie does not come back with the next call."""
    heads = []
    answer = http(b"", b"Set-Cookie: session=1; Path=/")
    scripts = [lambda wire: (heads.append(wire.head()), wire.send(answer))] * 2
    with Peer(*scripts) as peer:
        call(network, peer)
        call(network, peer)

    assert b"ookie" not in heads[1]


@pytest.mark.parametrize("length", [True, False])
def test_answer_is_bounded(network, length):
    """An answer longer than it can sanely be is given up, whether it says so or not."""

    def script(wire):
        wire.head()
        wire.send(b"HTTP/1.1 200 X\r\n" + (b"Content-Length: 10000000000\r\n" if length else b"") + b"\r\n")
        while True:
            wire.send(b"x" * 65536)

    assert "longer than 65536 bytes" in str(failed(network, script))


def test_largest_answer(network):
    """An answer of exactly the allowed length passes."""
    with Peer(answering(http(b"x" * 1000))) as peer:
        assert len(call(network, peer, evolve(ASK, largest=1000)).text) == 1000


def test_chunked_answer(network):
    """An answer in chunks is put together, and bounded too."""
    chunks = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with Peer(answering(chunks)) as peer:
        assert call(network, peer).text == "abcde"

    assert "longer" in str(failed(network, answering(chunks), request=evolve(ASK, largest=4)))


def test_answer_until_the_end(network):
    """An answer without a length ends with the connection."""
    with Peer(lambda wire: (wire.head(), wire.send(b"HTTP/1.1 200 X\r\n\r\nabc"))) as peer:
        assert call(network, peer).text == "abc"


def test_compressed_answer(network):
    """A compressed answer, which was not asked for, is not unpacked: a small one can fill the memory."""
    bomb = gzip.compress(b"x" * 10_000_000)

    assert "compressed" in str(failed(network, answering(http(bomb, b"Content-Encoding: gzip"))))


def test_not_utf8(network):
    """Bytes that are no text are no answer."""
    assert "not UTF-8" in str(failed(network, answering(http(b"\xff\xfe"))))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc X\r\n\r\n",
        b"HTTP/1.1 200 X\r\n" + b"Content-Length: 0\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 X\r\nX: " + b"x" * 70_000,
    ],
)
def test_broken_answers(network, answer):
    """Whatever is wrong with an answer is one kind of error, and says what was asked and of whom."""
    error = failed(network, lambda wire: (wire.head(), wire.send(answer)))

    assert str(error).startswith("making a listen key at 127.0.0.1:")


def test_reset(network):
    """A reset is told."""
    assert "reset" in str(failed(network, lambda wire: (wire.head(), wire.reset())))


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 ", b"HTTP/1.1 200 X\r\nX-", b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n"]
)
def test_drip(network, beginning):
    """A byte now and then, in the head or in the body, does not stretch the time limit."""

    def script(wire):
        wire.head()
        wire.send(beginning)
        pause = threading.Event()
        while True:
            wire.send(b"H")
            pause.wait(0.02)

    assert "not done within 0.3 s" in str(failed(network, script, timeout=0.3))


def test_endless_interim_answers(network):
    """Neither do endless interim answers."""

    def script(wire):
        wire.head()
        while True:
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    assert "not done within 0.3 s" in str(failed(network, script, timeout=0.3))


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nY: b"},
        {"X": "a\0"},
        {"X": "\u00fc"},
        {"X": ""},
        {"X": " a"},
        {"X\r\nY": "a"},
        {"X Y": "a"},
        {"X:": "a"},
    ],
)
def test_headers_that_cannot_be(network, headers):
    """A header that would smuggle something is refused before anything is sent, and its value is not quoted."""
    with Peer() as peer:
        with pytest.raises(ConfigError, match="visible ASCII"):
            call(network, peer, evolve(ASK, headers=headers))
        assert peer.heard_nothing()


def test_responses_can_answer_instead(network):
    """The library that fakes answers of requests works, and no socket is opened."""
    import responses

    with responses.RequestsMock() as fake:
        fake.post("http://exchange.invalid/v1/listenKey", body='{"code": 0}', status=200)
        answer = network.call("http://exchange.invalid", evolve(ASK, query=()), 5.0).run()

    assert answer.text == '{"code": 0}'
