"""What is wrong with the simulated exchanges at the moment."""

from __future__ import annotations

import attrs

from futures_stream.simulator.values import Exchange, Statement


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
    rest: dict[str | None, Refusal] = attrs.Factory(dict)
    rest_stalled: bool = False
    rest_books: dict[Exchange, Statement] = attrs.Factory(dict)
    channels: dict[str, str] = attrs.Factory(dict)
    acks_muted: bool = False
    skew: float = 0.0

    def refuse_rest(self, resource: str) -> Refusal | None:
        """Use what a REST call to *resource* is refused with, if anything: its own refusal, else the one for all."""
        standing = (self.rest.get(resource), self.rest.get(None))
        return next((each for each in standing if each is not None and each.take()), None)

    def heal(self) -> None:
        """End them all."""
        sound = Faults()
        for field in attrs.fields(Faults):
            setattr(self, field.name, getattr(sound, field.name))
