"""The descriptors that this room holds at the moment, so that a child that was forked can give them back."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
from typing import Any, TypeVar
from weakref import WeakSet

__all__ = ["EncryptedSocket", "PlainSocket", "after_fork", "held"]

FileT = TypeVar("FileT", socket.socket, selectors.BaseSelector)

_held: WeakSet[socket.socket | selectors.BaseSelector] = WeakSet()


def held(file: FileT) -> FileT:
    """Take note of a socket or selector, and return it; once closed or forgotten it does not matter any more."""
    _held.add(file)
    return file


class _Held(socket.socket):
    """A socket that is known before it has a descriptor: a fork finds it however little of it has been made."""

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return held(super().__new__(cls, *args, **kwargs))


class PlainSocket(_Held):
    """A socket of TCP."""

    __slots__ = ()


class EncryptedSocket(_Held, ssl.SSLSocket):
    """A socket of TLS; a context makes it if told so by its ``sslsocket_class``."""


def after_fork() -> None:
    """
    In a child that was forked: close everything, and disturb nothing of the parent's.

    A socket is closed without being shut down, so that the parent's connection goes on; but closed it must be: the
    parent's own close would else not reach the exchange before the child ends. A selector is closed as it is:
    unregistering anything would unregister it for the parent.
    """
    for file in tuple(_held):
        with contextlib.suppress(OSError):
            if isinstance(file, selectors.BaseSelector):
                file.close()
            elif file.fileno() >= 0:  # not file.close(): that waits for the last file that was made of it
                socket.close(file.detach())
    _held.clear()
