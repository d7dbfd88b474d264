"""What few need to change about a stream."""

from __future__ import annotations

from attrs import field, frozen
from attrs.converters import optional

from futures_stream.dialects.credentials import Secret, secret
from futures_stream.errors import ConfigError

__all__ = ["Options"]


@frozen(kw_only=True)
class Options:
    """
    What few need, in one value.

    Attributes:
        proxy: An HTTP proxy for stream and REST alike, ``http://[user:password@]host:port``. Kept as a
            :class:`~futures_stream.dialects.credentials.Secret`: never shown, and not pickled.
        ca_file: A file of certificate authorities to trust instead of the usual ones.
        trust_env: Whether to take proxies from the environment; ``.netrc`` is never read.
        allow_plaintext: Whether ``ws://`` and ``http://`` may leave this machine. Credentials can be read on the way.
        max_message_size: The longest message that is taken, in bytes.
        max_blind: Seconds without being live after which the stream ends with an error; None for never.
        audit_every: Seconds between two comparisons of a live stream with what the exchange says over REST, where it
            can be asked; longer while the host is busy. What differs is told as a
            :class:`~futures_stream.records.Drift`, then fetched, and the connection is replaced. None for never.
        poll_while_blind: Seconds between two questions how the account stands while the stream is down, where the
            exchange can be asked: full sets keep coming, with ``origin=SNAPSHOT``. None for never.
        release_listen_key: Whether ``close()`` deletes the listen key. It is the account's, not ours: every other
            program that listens to the account loses its stream with it, so the default is to let it run out.
        keep_orders: Seconds that a finished order stays in ``stream.orders``. Open ones stay as long as they are open.
        most_orders: How many finished orders stay in it at most; beyond it the oldest sixty-fourth goes.
        most_trades: How many trade ids are remembered, so that an execution is told and counted once, even when
            its order has left.

    Raises:
        ConfigError: A value makes no sense.
    """

    proxy: Secret | None = field(default=None, converter=optional(secret))
    ca_file: str | None = None
    trust_env: bool = False
    allow_plaintext: bool = False
    max_message_size: int = 4 * 1024 * 1024
    max_blind: float | None = None
    audit_every: float | None = 60.0
    poll_while_blind: float | None = 10.0
    release_listen_key: bool = False
    keep_orders: float = 3600.0
    most_orders: int = 10_000
    most_trades: int = 100_000

    def __attrs_post_init__(self) -> None:
        if type(self.max_message_size) is not int or self.max_message_size < 1024:
            raise ConfigError(f"max_message_size is in bytes, and at least 1024, not {self.max_message_size!r}")
        for name, least in (("max_blind", 0.0), ("audit_every", 1.0), ("poll_while_blind", 1.0)):
            seconds = getattr(self, name)
            is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
            if seconds is not None and not (is_number and seconds > 0 and seconds >= least):
                bound = f"at least {least:g}" if least else "above 0"
                raise ConfigError(f"{name} is a number of seconds, {bound}, or None, not {seconds!r}")
        for name in ("keep_orders", "most_orders", "most_trades"):
            bound = getattr(self, name)
            if isinstance(bound, bool) or not isinstance(bound, int | float) or not bound >= 0:
                raise ConfigError(f"{name} is a number that is not negative, not {bound!r}")
