"""The command line against servers that share no code with this project."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.effort import FULL
from tests.whole.independent import Peer, bitget_server, bitmusa_server

PATIENCE = 60.0  # seconds; a busy machine may need many to start an interpreter
CREDENTIALS = {
    "FUTURES_STREAM_BITGET_API_KEY": "canary-key",
    "FUTURES_STREAM_BITGET_API_SECRET": "canary-secret",
    "FUTURES_STREAM_BITGET_PASSPHRASE": "canary-passphrase",
    "FUTURES_STREAM_BITMUSA_AUTH_KEY": "canary-auth",
    "FUTURES_STREAM_BITMUSA_API_KEY": "canary-api",
}
ORDERS = {
    "bitget": {
        "action": "update",
        "arg": {"channel": "orders", "instType": "FUTURES", "instId": "default"},
        "data": [{"orderId": "7", "symbol": "BTCUSDT", "size": "0.10", "status": "new"}],
    },
    "bitmusa": {
        "data": {"orderId": "7", "ticker": "BTCUSDT", "amount": 0.10, "status": "TRADING"},
        "stream": "future_order",
        "eventTime": 1700703548846,
    },
}


@contextmanager
def tail(exchange: str, peer: Peer, *arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """Run ``futures-stream tail`` against *peer*."""
    command = [sys.executable, "-m", "futures_stream", "tail", exchange, *arguments]
    command += ["--ws-url", str(peer.endpoints.ws_url)]
    if peer.endpoints.rest_url:
        command += ["--rest-url", peer.endpoints.rest_url]
    variables = os.environ | CREDENTIALS | environment
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_tail_prints_what_is_pushed(exchange: str) -> None:
    """An order that the server pushes is a line of JSON, and --count ends the run with exit code 0."""
    with bitget_server() if exchange == "bitget" else bitmusa_server() as peer:
        with tail(exchange, peer, "orders", "--count", "1") as process:
            peer.wait_connected(PATIENCE)
            if exchange == "bitget":
                peer.wait_heard(lambda message: message["op"] == "subscribe", PATIENCE)
            peer.say(ORDERS[exchange])
            out, err = process.communicate(timeout=PATIENCE)

    lines = [json.loads(line) for line in out.splitlines()]
    order = next(line for line in lines if line["kind"] == "order")
    assert (order["order_id"], order["status"], float(order["size"])) == ("7", "new", 0.1)
    assert process.returncode == 0
    assert "canary" not in out + err


WRONG = [("bitmusa", "FUTURES_STREAM_BITMUSA_AUTH_KEY"), ("bitget", "FUTURES_STREAM_BITGET_PASSPHRASE")]


@pytest.mark.parametrize(("exchange", "variable"), WRONG if FULL else WRONG[:1])
def test_tail_with_a_wrong_key(exchange: str, variable: str) -> None:
    """Wrong credentials are one line on stderr and exit code 77."""
    with bitget_server() if exchange == "bitget" else bitmusa_server() as peer:
        with tail(exchange, peer, **{variable: "wrong-canary"}) as process:
            out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 77
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    assert "canary" not in out + err
