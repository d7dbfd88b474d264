"""What a live stream learned by asking, and was not pushed: a connection that says nothing would else go unnoticed."""

from __future__ import annotations

from collections.abc import Iterable

from futures_stream.clock import Clock
from futures_stream.engine.audit import Difference
from futures_stream.engine.knowledge import Knowledge
from futures_stream.vocabulary import Origin

__all__ = ["Unpushed"]

_UNDER_WAY = 5.0  # seconds that a push may take


class Unpushed:
    """
    Orders that answers told to be otherwise than the stream had told, until a push says the same.

    Who asks a mute stream again and again would hide from the audit that it is mute: what was fetched is known, and
    agrees.

    Args:
        knowledge: What the stream has told.
        clock: Measures how long a push may take.

    Threads:
        Belongs to the I/O thread.
    """

    def __init__(self, knowledge: Knowledge, clock: Clock) -> None:
        self._knowledge = knowledge
        self._clock = clock
        self._suspects: dict[tuple[str, object], Difference] = {}
        self.deadline: float | None = None

    def note(self, differences: Iterable[Difference]) -> None:
        """Wait for pushes about these."""
        for each in differences:
            self._suspects.setdefault((each.kind, each.key), each)
        if self._suspects and self.deadline is None:
            self.deadline = self._clock.monotonic() + _UNDER_WAY

    def forget(self) -> None:
        """The stream is not to be believed anyhow."""
        self._suspects.clear()
        self.deadline = None

    def take(self) -> tuple[Difference, ...]:
        """Return those about which no push has come, once it should have."""
        if self.deadline is None or self._clock.monotonic() < self.deadline:
            return ()
        found = tuple(each for each in self._suspects.values() if not self._was_pushed(each))
        self.forget()
        return found

    def _was_pushed(self, difference: Difference) -> bool:
        order = self._knowledge.order(str(difference.key[0]))
        return order is not None and order.origin is Origin.PUSH
