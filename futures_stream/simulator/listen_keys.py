"""The listen key of a simulated Bitmusa account."""

from __future__ import annotations

import random
import string

import attrs


@attrs.frozen(kw_only=True)
class ListenKey:
    """Hold a listen key and when it ends, in seconds of the simulator's monotonic clock."""

    text: str
    expires: float


class ListenKeys:
    """
    Keep the account's one listen key.

    Threads:
        None of its own; the caller must not share it without a lock.
    """

    def __init__(self, seed: int, life: float) -> None:
        self._random = random.Random(f"{seed}/listen keys")
        self._life = life
        self._key: ListenKey | None = None
        self.deleted: set[str] = set()

    def create(self, now: float) -> str:
        """Give the active key, else a new one."""
        if self._key is None or not self.active(self._key.text, now):
            letters = "".join(self._random.choices(string.ascii_letters + string.digits, k=35))
            self._key = ListenKey(text=f"simulated{letters}", expires=now + self._life)
        return self._key.text

    def extend(self, now: float) -> bool:
        """Let the active key live for a whole life from now; tell whether there is one."""
        if self._key is None or not self.active(self._key.text, now):
            return False
        self._key = attrs.evolve(self._key, expires=now + self._life)
        return True

    def delete(self, now: float) -> bool:
        """Invalidate the active key; tell whether there was one."""
        if self._key is None or not self.active(self._key.text, now):
            return False
        self.deleted.add(self._key.text)
        self._key = None
        return True

    def expire(self, now: float) -> None:
        """Let the active key end now."""
        if self._key is not None:
            self._key = attrs.evolve(self._key, expires=min(now, self._key.expires))

    def active(self, text: str, now: float) -> bool:
        """Tell whether *text* is the key and still alive."""
        return self._key is not None and self._key.text == text and now < self._key.expires
