"""What the transport's tests share: a network, certificates of our own, and a look at what was left open."""

from __future__ import annotations

import gc
import os
import ssl
import threading
from pathlib import Path

import pytest

from futures_stream.transport import Network


@pytest.fixture(autouse=True)
def nothing_left_open():
    """Fail a test that leaves a thread or a descriptor behind."""
    threads, files = set(threading.enumerate()), _open_files()
    yield
    left = {thread.name for thread in set(threading.enumerate()) - threads}
    assert not left
    if _open_files() > files:
        gc.collect()  # what waits for the collector only is not lost
        assert _open_files() <= files


def _open_files() -> int:
    listing = Path("/proc/self/fd")
    return len(os.listdir(listing)) if listing.exists() else 0


@pytest.fixture(scope="session")
def network():
    """The way out, as a user gets it."""
    return Network()


class Authority:
    """A certificate authority of our own, and what it has issued."""

    def __init__(self, directory: Path) -> None:
        trustme = pytest.importorskip("trustme")
        self._ca = trustme.CA()
        self.file = str(directory / "ca.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def server(self, *names: str) -> ssl.SSLContext:
        """A server's context with a certificate for some names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names).configure_cert(context)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """An authority that nobody trusts but who is told to."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def trusting(authority):
    """A network that trusts :func:`authority`."""
    return Network(ca_file=authority.file)
