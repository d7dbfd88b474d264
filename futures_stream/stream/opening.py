"""Opening a stream: everything is checked in the caller, before any thread starts."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from random import Random

from futures_stream.clock import SYSTEM_CLOCK, Clock
from futures_stream.dialects import Credentials, Dialect, Endpoints, find_dialect
from futures_stream.engine.delivery import Delivery
from futures_stream.engine.feed import Feed
from futures_stream.engine.knowledge import Knowledge
from futures_stream.engine.lifecycle import Lifecycle
from futures_stream.engine.monitors import Monitor
from futures_stream.engine.plan import Limits, Plan
from futures_stream.engine.ports import Network as NetworkPort
from futures_stream.errors import ConfigError, ConnectFailed, OpenTimeout, ShutdownTimeout, StreamFailed
from futures_stream.stream.alerting import Alerting
from futures_stream.stream.options import Options
from futures_stream.stream.profiles import find_credentials
from futures_stream.stream.queue import StreamQueue
from futures_stream.stream.registry import in_notebook, open_streams
from futures_stream.stream.stream import Stream
from futures_stream.stream.views import Views
from futures_stream.trackers import OrderTracker
from futures_stream.transport import Network
from futures_stream.vocabulary import State

__all__ = ["open_stream", "prepare_stream"]

_LABEL_LENGTH = 64


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


def prepare_stream(
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
    network: NetworkPort | None = None,
    clock: Clock = SYSTEM_CLOCK,
    random: Random | None = None,
) -> Stream:
    """
    Return a stream that is ready to start; for tests, which hand over a network and a clock of their own.

    Raises:
        ConfigError: An argument makes no sense, or there are no credentials.
        ConnectFailed: This machine has no descriptor left.
    """
    dialect = find_dialect(exchange)
    options = Options() if options is None else options
    if not isinstance(options, Options):
        raise ConfigError(f"options are written Options(proxy=…), not {type(options).__name__}")
    if endpoints is not None and not isinstance(endpoints, Endpoints):
        raise ConfigError(f"endpoints are written Endpoints(ws_url=…, rest_url=…), not {endpoints!r}")
    if queue is not None and not isinstance(queue, StreamQueue):
        raise ConfigError("queue must be a StreamQueue: a plain queue.Queue cannot tell its end, nor what it missed")
    where = dialect.at(endpoints)
    if not options.allow_plaintext:
        where.refuse_plaintext()
    plan = Plan(
        dialect=dialect,
        credentials=find_credentials(dialect, _checked_label(account), credentials),
        endpoints=where,
        account=account,
        channels=dialect.resolve_channels(channels),
        symbols=_checked_symbols(symbols),
        limits=Limits(blind=options.max_blind),
        audit_every=options.audit_every,
        poll_every=options.poll_while_blind,
        release_lease=options.release_listen_key,
    )
    if network is None:
        network = Network(
            clock=clock,
            proxy=options.proxy,
            ca_file=options.ca_file,
            trust_env=options.trust_env,
            max_message_size=options.max_message_size,
        )
    own_queue = StreamQueue(maxsize) if queue is None else queue
    alerting = Alerting(monitors, clock)
    knowledge = Knowledge(most_trades=options.most_trades)
    delivery = Delivery(dialect.name, account, clock, alerting.monitors, knowledge)
    lifecycle = Lifecycle(clock, plan.channels)
    feed = None
    with contextlib.suppress(OSError):  # what was made by then gives its descriptors back
        feed = Feed(
            plan=plan,
            network=network,
            delivery=delivery,
            lifecycle=lifecycle,
            clock=clock,
            random=random or Random(),
        )
    if feed is None:
        raise ConnectFailed("this process has no descriptor left; it has too many files open", exchange=dialect.name)
    orders = OrderTracker(
        dialect.name,
        account,
        plan.symbols,
        keep=options.keep_orders,
        most=options.most_orders,
        most_trades=0,  # what was told before does not come this far: see Knowledge
    )
    return Stream(
        plan=plan,
        alerting=alerting,
        views=Views(plan, lifecycle, orders, mixed=bool(monitors)),
        feed=feed,
        delivery=delivery,
        lifecycle=lifecycle,
        queue=own_queue,
        shared=queue is not None,
        clock=clock,
    )


def _checked_label(account: str) -> str:
    if not (isinstance(account, str) and account and len(account) <= _LABEL_LENGTH and account.isprintable()):
        raise ConfigError(f"account is a label of 1 to {_LABEL_LENGTH} printable characters, not {account!r}")
    return account


def _checked_symbols(symbols: Iterable[str] | None) -> tuple[str, ...] | None:
    if symbols is None:
        return None
    listed = (
        tuple(dict.fromkeys(symbols)) if isinstance(symbols, Iterable) and not isinstance(symbols, str) else (symbols,)
    )
    if not listed:
        raise ConfigError("no symbols given; leave the argument out to get all of them")
    for symbol in listed:
        if not (isinstance(symbol, str) and symbol and symbol.isprintable() and " " not in symbol):
            raise ConfigError(f"{symbol!r} is not a symbol such as BTCUSDT")
    return listed


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
