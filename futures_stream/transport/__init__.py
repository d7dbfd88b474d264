"""The way out: the only package that knows sockets, TLS, websocket-client and requests."""

from futures_stream.transport.held import after_fork
from futures_stream.transport.network import Network

__all__ = ["Network", "after_fork"]
