"""Making a stream of its parts: the one place that knows the engine, the way out and the account's views together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
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
from futures_stream.errors import ConfigError, ConnectFailed
from futures_stream.stream.alerting import Alerting
from futures_stream.stream.options import Options
from futures_stream.stream.profiles import find_credentials
from futures_stream.stream.queue import StreamQueue
from futures_stream.stream.stream import Stream
from futures_stream.stream.views import Views
from futures_stream.trackers import OrderTracker
from futures_stream.transport import Network

__all__ = ["prepare_stream"]

_LABEL_LENGTH = 64


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
