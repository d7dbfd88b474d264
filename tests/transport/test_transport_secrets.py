"""No secret in any log, error or repr, with every library's tracing switched on."""

import logging
import traceback

import pytest
import websocket
from transport_peers import Peer, close_frame, pump_to_end, text

from futures_stream.dialects.base import Request
from futures_stream.dialects.credentials import Secret
from futures_stream.errors import FuturesStreamError

CANARY = "cAnArY0123456789"
ASK = Request(
    method="PUT",
    path="/v1/listenKey",
    label="renewing the listen key",
    headers={"Authorization": f"Bearer {CANARY}", "x-api-key": CANARY},
    query=(("listenKey", CANARY),),
    body=CANARY,
)


class Everything(logging.Handler):
    """Keeps all that is logged."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        """Keep a record as it would be printed."""
        self.lines.append(self.format(record))


@pytest.fixture
def log():
    """All that is logged at any level, with websocket-client's trace on."""
    handler = Everything()
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    websocket.enableTrace(True, handler=handler)
    yield handler.lines
    websocket.enableTrace(False)
    root.removeHandler(handler)
    root.setLevel(before)


def everything_of(error):
    """All that can be shown of an error, its attributes and locals included."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=False)
    return "".join(shown.format()) + repr(error) + repr(vars(error))


def test_stream(network, log):
    """Neither the URL nor a login nor a message is logged, nor what the exchange sets as a cookie."""

    def script(wire):
        wire.upgrade(text(f"balance {CANARY}") + close_frame(1000), f"Set-Cookie: a={CANARY}".encode())
        wire.rest()

    with Peer(script) as peer:
        errand = network.dial(Secret(f"ws://127.0.0.1:{peer.port}/{CANARY}?key={CANARY}"), 5.0)
        connection = errand.run()
        connection.send(f'{{"op": "login", "sign": "{CANARY}"}}')
        connection.flush()

        assert pump_to_end(connection) == [f"balance {CANARY}"]
        connection.dispose()

    assert log, "the trace is on"
    assert CANARY not in "\n".join(log)
    assert CANARY not in repr([network, errand, connection])


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 403 " + CANARY.encode() + b"\r\nX: " + CANARY.encode() + b"\r\n\r\n" + CANARY.encode(),
        b"HTTP/1.1 302 X\r\nLocation: /" + CANARY.encode() + b"\r\n\r\n",
        b"HTTP/1.1 101 X\r\nUpgrade: " + CANARY.encode() + b"\r\n\r\n",
        b"garbage " + CANARY.encode(),
        b"",
    ],
)
def test_refused_stream(network, log, answer):
    """Nor does a refusal give anything away, even if it repeats what it was asked."""
    peer = Peer(lambda wire: (wire.head(), wire.send(answer)))
    with peer, pytest.raises(FuturesStreamError) as caught:
        network.dial(Secret(f"ws://127.0.0.1:{peer.port}/{CANARY}"), 5.0).run()

    assert CANARY not in everything_of(caught.value)
    # websocket-client is shown three headers of an answer 101, and prints them if it is told to.
    assert CANARY not in "\n".join(line for line in log if not line.startswith("Upgrade:"))


def test_rest(network, log):
    """Neither headers nor query nor bodies of a call are logged."""
    answer = b"HTTP/1.1 200 X\r\nContent-Length: %d\r\n\r\n%s" % (len(CANARY), CANARY.encode())
    with Peer(lambda wire: (wire.head(), wire.send(answer))) as peer:
        errand = network.call(f"http://127.0.0.1:{peer.port}", ASK, 5.0)
        response = errand.run()

    assert response.text == CANARY
    assert CANARY not in repr([errand, response])
    assert log, "urllib3 logs"
    assert CANARY not in "\n".join(log)


@pytest.mark.parametrize(
    "answer",
    [
        CANARY.encode(),
        b"HTTP/1.1 " + CANARY.encode() + b" X\r\n\r\n",
        b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n" + CANARY.encode(),
        b"HTTP/1.1 200 X\r\n" + CANARY.encode() + b"\r\n\r\n",
        b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n" + CANARY.encode(),
        b"HTTP/1.1 200 X\r\nContent-Encoding: " + CANARY.encode() + b"\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
)
def test_failed_rest(network, log, answer):
    """A failed call gives nothing away: neither its own secrets nor what the server repeats of them."""
    with (
        Peer(lambda wire: (wire.head(), wire.send(answer), wire.rest())) as peer,
        pytest.raises(FuturesStreamError) as caught,
    ):
        network.call(f"http://127.0.0.1:{peer.port}", ASK, 0.3).run()

    assert CANARY not in everything_of(caught.value)
    assert CANARY not in "\n".join(log)


@pytest.mark.parametrize("name", ["Authorization", "x-api-key"])
def test_unusable_header(network, log, name):
    """A header that cannot be sent is named, and not shown."""
    request = Request(method="GET", path="/", label="asking", headers={name: f"Bearer {CANARY}\n"})
    with pytest.raises(FuturesStreamError, match=name) as caught:
        network.call("http://127.0.0.1:1", request, 5.0).run()

    assert CANARY not in everything_of(caught.value)
