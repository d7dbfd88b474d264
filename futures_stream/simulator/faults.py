"""What is wrong with the simulated exchanges at the moment."""

from __future__ import annotations

import attrs

from futures_stream.simulator.values import Exchange


@attrs.define(kw_only=True)
class Refusal:
    """Refuse a number of requests with a code."""

    code: str
    left: int | None
    status: int = 200
    retry_after: float | None = None

    def take(self) -> bool:
        """Use the refusal for one request; tell whether it still stands."""
        if self.left is None:
            return True
        self.left -= 1
        return self.left >= 0


@attrs.define(kw_only=True)
class Faults:
    """
    Hold the standing faults.

    Threads:
        Guarded by the lock of the world that it belongs to.
    """

    accepting: bool = True
    retry_after: float | None = None
    silent: set[Exchange] = attrs.Factory(set)
    rates: dict[Exchange, float | None] = attrs.Factory(dict)
    login: Refusal | None = None
    rest: Refusal | None = None
    channels: dict[str, str] = attrs.Factory(dict)
    acks_muted: bool = False
    skew: float = 0.0

    def heal(self) -> None:
        """End them all."""
        sound = Faults()
        for field in attrs.fields(Faults):
            setattr(self, field.name, getattr(sound, field.name))
