"""
Fresh TLS connections, one after the other, while other threads give commands: none is lost but by the server's will.

Run as ``python -m tests.faults.fresh_tls EXCHANGE CONNECTIONS`` in a process of its own: two threads in one TLS
connection can crash the interpreter (openssl#18209), which only the exit code tells.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import trustme

from futures_stream import (
    BitgetCredentials,
    BitmusaCredentials,
    ConfigError,
    Endpoints,
    FuturesStreamError,
    Gap,
    Options,
    Order,
    Record,
)
from futures_stream.stream.making import prepare_stream
from tests.faults.weather import SYMBOLS, Impatient, quick_dialect

LIMIT = 600.0  # seconds until a run is declared stuck
ROOT = Path(__file__).parent.parent.parent
WANTED = re.compile(r"\b43\d\d\b")


class Complaints(logging.Handler):
    """Keeps what the engine warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning."""
        self.texts.append(record.getMessage())


def run(exchange: str, connections: int) -> dict[str, Any]:
    """Let a stream connect so often; return what happened."""
    complaints = Complaints()
    told: list[Record] = []
    logging.getLogger("futures_stream").addHandler(complaints)
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        ca_file, certificate = Path(folder, "ca.pem"), Path(folder, "server.pem")
        authority.cert_pem.write_to_path(str(ca_file))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        command = [sys.executable, "-m", "tests.faults.tls_peer", str(certificate)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as peer:
            assert peer.stdin is not None
            assert peer.stdout is not None
            stream_port, rest_port = json.loads(peer.stdout.readline())
            stream = prepare_stream(
                quick_dialect(exchange),
                BitgetCredentials("k" * 9, "s" * 9, "p" * 9)
                if exchange == "bitget"
                else BitmusaCredentials("a" * 9, "b" * 9),
                endpoints=Endpoints(f"wss://localhost:{stream_port}", f"https://localhost:{rest_port}"),
                options=Options(ca_file=str(ca_file)),
                symbols=SYMBOLS if exchange == "bitmusa" else None,
                random=Impatient(1),
                maxsize=0,
            )
            over = threading.Event()

            def change() -> None:
                while not over.is_set():
                    with suppress(FuturesStreamError, TimeoutError):
                        stream.add_channels("positions", timeout=0.05)
                    stream.remove_channels("positions")
                    over.wait(0.001)

            def refresh() -> None:
                while not over.is_set():
                    with suppress(ConfigError, FuturesStreamError, TimeoutError):
                        stream.refresh(0.5)
                    over.wait(0.01)

            def look() -> None:
                while not over.is_set():
                    repr(stream)
                    stream.stats()
                    over.wait(0.001)

            stream.start()
            consumer = threading.Thread(target=lambda: told.extend(stream.queue))
            consumer.start()
            commanders = [threading.Thread(target=body) for body in (change, change, refresh, look)]
            for commander in commanders:
                commander.start()
            deadline = time.monotonic() + LIMIT
            while stream.status.connects < connections and not stream.status.state.ended:
                assert time.monotonic() < deadline, f"stuck: {stream!r}"
                over.wait(0.05)
            over.set()
            for commander in commanders:
                commander.join()
            stream.close()
            consumer.join()
            peer.stdin.close()
            served = json.loads(peer.stdout.read())
    return {
        "python": sys.version.split()[0],
        "exchange": exchange,
        "connects": stream.status.connects,
        "state": str(stream.status.state),
        "gaps": sum(isinstance(record, Gap) for record in told),
        "orders": sum(isinstance(record, Order) for record in told),
        "false": [text for text in complaints.texts if not WANTED.search(text)],
        "server": served,
    }


if __name__ == "__main__":
    faulthandler.enable()
    faulthandler.dump_traceback_later(LIMIT + 60, exit=True)
    found = run(sys.argv[1], int(sys.argv[2]))
    sys.stdout.write(json.dumps(found) + "\n")
    # All that was pushed was pushed before a close, and so it must have come; but for the rest at our own close.
    missing = found["server"]["pushes"] - found["orders"]
    sys.exit(1 if found["false"] or found["state"] != "closed" or not 0 <= missing <= 60 else 0)
