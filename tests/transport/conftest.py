"""What the transport's tests share: a network, and certificates of our own."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from futures_stream.transport import Network


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
