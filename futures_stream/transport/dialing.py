"""From a host name to a connected socket that carries nothing yet: resolution, TCP, proxy, TLS."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections import deque
from typing import Any

from futures_stream.dialects.base import is_loopback
from futures_stream.transport.heads import read_head
from futures_stream.transport.patience import READ, WRITE, Patience, why
from futures_stream.transport.patient_socket import PatientSocket
from futures_stream.transport.places import Place, Proxy

__all__ = ["connect_tcp", "reach"]

_STAGGER = 0.5  # seconds that one address has before the next is tried beside it
_IN_PROGRESS = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, errno.EINTR}
_IN_PROGRESS.add(getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK))

Address = tuple[int, Any]


def reach(place: Place, proxy: Proxy | None, context: ssl.SSLContext, patience: Patience) -> socket.socket:
    """
    Connect to a place, by TLS if it says so.

    Args:
        place: Where to.
        proxy: The proxy that leads there; None to go directly.
        context: What TLS trusts.
        patience: The errand's time limit and cancellation.

    Returns:
        A connected, non-blocking socket, the caller's to close.

    Raises:
        ConnectFailed: Some phase failed; the message says which, and where.
    """
    host, port = (place.host, place.port) if proxy is None else (proxy.host, proxy.port)
    shown = place.authority if proxy is None else f"the proxy {host}:{port}"
    patience.phase = f"resolving {host}"
    addresses = _resolve(host, port, patience)
    if not place.encrypted and host.lower() == "localhost":
        addresses = _on_this_machine(addresses, patience)
    patience.phase = f"connecting to {shown}"
    sock = connect_tcp(addresses, patience)
    try:
        _set_options(sock)
        if proxy is not None:
            patience.phase = f"asking the proxy {host}:{port} for {place.authority}"
            _ask_proxy(sock, place, proxy, patience)
        if place.encrypted:
            patience.phase = f"TLS with {place.authority}"
            sock = _encrypt(sock, place, context, patience)
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve(host: str, port: int, patience: Patience) -> list[Address]:
    fault = None
    found: list[Any] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        fault = getattr(error, "strerror", None) or "this is not a host name"
    # Nothing can interrupt a resolution; but when it returns at last to nobody, nothing more is begun.
    patience.check()
    if fault is not None or not found:
        raise patience.failure(f"{fault or 'no address'}; check the name and this machine's network")
    return [(family, address) for family, _, _, _, address in found]


def _on_this_machine(addresses: list[Address], patience: Patience) -> list[Address]:
    """Return the loopback addresses: what is not encrypted goes nowhere else, whatever ``localhost`` resolves to."""
    found = [(family, address) for family, address in addresses if is_loopback(str(address[0]))]
    if not found:
        raise patience.failure("localhost is not this machine here; look into its hosts file")
    return found


def connect_tcp(addresses: list[Address], patience: Patience) -> socket.socket:
    """
    Connect to whichever address answers first, asked in their order.

    Each has a head start of half a second (less, if the limit is short), so that one that never answers does not use up
    the time of the others.

    Args:
        addresses: Family and address of each.
        patience: The errand's time limit and cancellation.

    Raises:
        ConnectFailed: None of them can be reached.
    """
    head_start = min(_STAGGER, patience.remaining / 4)
    untried = deque(addresses)
    trying: dict[socket.socket, int] = {}
    reasons: list[str] = []
    try:
        while untried or trying:
            if untried:
                _begin(untried.popleft(), trying, reasons)
            if not trying:
                continue
            for sock in patience.wait(trying, head_start if untried else None):
                del trying[sock]
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not code:
                    return sock
                sock.close()
                reasons.append(why(OSError(code, os.strerror(code))))
    finally:
        for sock in trying:
            sock.close()
    raise patience.failure("; ".join(dict.fromkeys(reasons)) or "no address")


def _begin(address: Address, trying: dict[socket.socket, int], reasons: list[str]) -> None:
    family, where = address
    sock: socket.socket | None = None
    try:
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setblocking(False)
        code = sock.connect_ex(where)
        if code in _IN_PROGRESS:
            trying[sock] = WRITE
            return
        reasons.append(why(OSError(code, os.strerror(code))))
    except OSError as error:  # a kind of address that this machine has not, or no descriptor left
        reasons.append(why(error))
    if sock is not None:
        sock.close()


def _set_options(sock: socket.socket) -> None:
    """Have the system notice a peer that is gone, where it can, and send small messages at once."""
    wanted = [(socket.SOL_SOCKET, "SO_KEEPALIVE", 1)]
    wanted += [
        (socket.IPPROTO_TCP, name, value)
        for name, value in (
            ("TCP_NODELAY", 1),
            ("TCP_KEEPIDLE", 30),
            ("TCP_KEEPALIVE", 30),  # macOS's word for TCP_KEEPIDLE
            ("TCP_KEEPINTVL", 10),
            ("TCP_KEEPCNT", 3),
            ("TCP_USER_TIMEOUT", 30_000),  # ms that something sent may stay unacknowledged
        )
    ]
    for level, name, value in wanted:
        option = getattr(socket, name, None)
        if option is not None:
            try:
                sock.setsockopt(level, option, value)
            except OSError:  # known by name but not to this system: the engine's own ping is what counts
                continue


def _ask_proxy(sock: socket.socket, place: Place, proxy: Proxy, patience: Patience) -> None:
    lines = [f"CONNECT {place.authority} HTTP/1.1", f"Host: {place.authority}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization.reveal()}")
    patient = PatientSocket(sock, patience)
    patient.sendall("\r\n".join([*lines, "", ""]).encode())
    head, behind = read_head(patient.recv, patience)
    # The status is only in the text: an error's status is the exchange's own, and other people act on it.
    if head.status == 407:
        raise patience.failure("it wants other credentials (HTTP 407): check user and password of the proxy")
    if not 200 <= head.status < 300:
        raise patience.failure(f"it refused (HTTP {head.status})")
    if behind:
        raise patience.failure("it said something before it was asked")


def _encrypt(sock: socket.socket, place: Place, context: ssl.SSLContext, patience: Patience) -> ssl.SSLSocket:
    fault = None
    try:
        sock.getpeername()  # for a peer that is gone already wrap_socket loses the descriptor (CPython 3.11)
        encrypted = context.wrap_socket(sock, server_hostname=place.host, do_handshake_on_connect=False)
    except (OSError, ValueError) as error:  # a peer that is gone already, or a name that no certificate can have
        fault = why(error) if isinstance(error, OSError) else "no certificate can have this name"
    if fault is not None:
        raise patience.failure(fault)
    try:
        while (awaited := _shake_hands(encrypted, patience)) is not None:
            patience.wait_for(encrypted, awaited)
    except BaseException:
        encrypted.close()
        raise
    return encrypted


def _shake_hands(sock: ssl.SSLSocket, patience: Patience) -> int | None:
    try:
        sock.do_handshake()
    except ssl.SSLWantReadError:
        return READ
    except ssl.SSLWantWriteError:
        return WRITE
    except ssl.SSLCertVerificationError as error:
        fault = f"{why(error)}; nothing was sent. If the certificate is your own, say so by ca_file"
    except OSError as error:
        fault = f"{why(error)}; is this an encrypted port?"
    else:
        return None
    raise patience.failure(fault)
