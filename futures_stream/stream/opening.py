"""Opening a stream: everything is checked in the caller, before any thread starts."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from futures_stream.dialects import Credentials, Dialect, Endpoints
from futures_stream.errors import ConfigError, OpenTimeout, ShutdownTimeout, StreamFailed
from futures_stream.stream.options import Options
from futures_stream.stream.queue import StreamQueue
from futures_stream.stream.registry import in_notebook, open_streams
from futures_stream.stream.stream import Stream
from futures_stream.vocabulary import State

if TYPE_CHECKING:
    from futures_stream.engine.monitors import Monitor

__all__ = ["open_stream"]


def open_stream(
    exchange: str | Dialect,
    credentials: Credentials | None = None,
    *,
    account: str = "default",
    channels: Iterable[str] | None = None,
    symbols: Iterable[str] | None = None,
    queue: StreamQueue | None = None,
    maxsize: int = StreamQueue.default_maxsize,
    endpoints: Endpoints | None = None,
    options: Options | None = None,
    monitors: Sequence[Monitor] = (),
    timeout: float = 30.0,
) -> Stream:
    """
    Open one account's private stream and return it when it is live.

    Live means: the login is acknowledged, the listen key is held, every subscription is acknowledged. Transient
    failures on the way there are tried again inside *timeout*; fatal ones are raised at once.

    In an IPython kernel or shell, where a cell is run again and again, opening the same exchange, account and
    credentials closes the stream that is replaced, with a :exc:`RuntimeWarning`. Elsewhere nothing is closed.

    Args:
        exchange: The exchange's name, or a dialect of your own.
        credentials: Who asks; looked for in the environment and in the profile file if left out.
        account: A label of yours that every record carries.
        channels: What to listen to (account, positions, orders, executions, liquidations, or the exchange's own
            words); all that there is if left out.
        symbols: Contracts to listen to, as the exchange spells them; all if left out.
        queue: A queue that several streams share; each has its own if left out.
        maxsize: The bound of the stream's own queue; 0 for none.
        endpoints: Where the exchange is, if not where its dialect says.
        options: What few need.
        monitors: Folds that run beside the delivery and may add records.
        timeout: Longest wait until it is live, in seconds.

    Raises:
        ConfigError: An argument makes no sense, or there are no credentials.
        OpenTimeout: It was not live in time; its cause is the last thing that went wrong.
        LoginRejected: The exchange does not accept the credentials.
        PermissionRefused: The credentials may not do this.
        SubscriptionRejected: The exchange refuses a channel.
        ConnectFailed: This machine has no descriptor or no thread left.
        StreamFailed: Somebody closed the stream while it was being opened.
        FatalError: Another reason for which trying again would be of no use.
    """
    from futures_stream.stream.making import prepare_stream  # the engine: what only an open stream needs

    if not (isinstance(timeout, int | float) and timeout > 0 and math.isfinite(timeout)):
        raise ConfigError(f"timeout is a number of seconds above 0, not {timeout!r}")
    stream = prepare_stream(
        exchange,
        credentials,
        account=account,
        channels=channels,
        symbols=symbols,
        queue=queue,
        maxsize=maxsize,
        endpoints=endpoints,
        options=options,
        monitors=monitors,
    )
    try:
        older = open_streams.enter(stream, stream.credentials)
        if in_notebook():
            for other, since in older:
                _replace(other, since)
        stream.start()
        status = stream.wait_open(timeout)
        error = stream.status.error
        open_streams.opened(stream)
        if status is not None and status.state is State.LIVE:
            return stream
    except BaseException:  # Ctrl-C while it opens, or no thread to be had
        _give_up(stream)
        raise
    _give_up(stream)
    if status is not None and status.state.ended:
        raise error or StreamFailed("it was closed while it was being opened", exchange=stream.exchange)
    waited = f"not live within {timeout:g} s"
    raise OpenTimeout(
        f"{stream.exchange}: {waited}; last: {error}" if error else f"{stream.exchange}: {waited}",
        exchange=stream.exchange,
    ) from error


def _give_up(stream: Stream) -> None:
    try:
        with contextlib.suppress(ShutdownTimeout):  # what matters is why it did not open
            stream.close()
    finally:
        open_streams.opened(stream)


def _replace(stream: Stream, since: int) -> None:
    """Close a stream that a notebook has opened again, and say so where it did."""
    with contextlib.suppress(ShutdownTimeout, RuntimeError):
        stream.close()
    opened = datetime.fromtimestamp(since / 1000, timezone.utc)
    warnings.warn(
        f"closed the stream of {stream.exchange}/{stream.account} that was opened at {opened:%H:%M:%S.%f} UTC, since "
        "this one replaces it; to keep both, give them different labels: open_stream(…, account=…)",
        RuntimeWarning,
        stacklevel=3,
    )
