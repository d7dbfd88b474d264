"""What a feed is asked to do, and within which limits: one value, frozen."""

from __future__ import annotations

from attrs import field, frozen

from futures_stream.dialects.base import Dialect, Endpoints
from futures_stream.dialects.credentials import Credentials

__all__ = ["Limits", "Plan"]


@frozen(kw_only=True)
class Limits:
    """
    Time limits of the engine, in seconds.

    Attributes:
        phase: For connecting, and for a REST call, in all.
        answer: For each answer that the exchange owes while it greets.
        farewell: For what is in flight when a stream is closed.
        blind: For the longest time without being live after which the stream gives up; None for never.
    """

    phase: float = 10.0
    answer: float = 10.0
    farewell: float = 1.0
    blind: float | None = None


@frozen(kw_only=True)
class Plan:
    """
    One account's stream, as it was asked for.

    Attributes:
        dialect: What the exchange speaks.
        credentials: Who asks.
        endpoints: Where the exchange is.
        account: The label on every record.
        channels: What to listen to, in neutral words.
        symbols: Contracts to listen to; None for all.
        limits: Time limits.
        audit_every: Seconds between two comparisons of a live stream with REST; None for none.
        poll_every: Seconds between two rounds of questions while the stream is down; None for none.
        release_lease: Whether to delete the listen key at the end.
    """

    dialect: Dialect
    credentials: Credentials
    endpoints: Endpoints
    account: str
    channels: tuple[str, ...]
    symbols: tuple[str, ...] | None = None
    limits: Limits = field(factory=Limits)
    audit_every: float | None = 60.0
    poll_every: float | None = 10.0
    release_lease: bool = False

    @property
    def name(self) -> str:
        """Beginning of the names of this stream's threads."""
        return f"futures-stream/{self.dialect.name}/{self.account}"
