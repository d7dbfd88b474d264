"""What is subscribed at Bitget today, asked for, and given up: each channel once for each product family."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from futures_stream.dialects.base import Send

__all__ = ["Topic", "Topics"]

_ALL = "default"  # Bitget's word for "all": contracts cannot be named (WIRE.md A.5)
_BATCH = (
    15  # subscriptions in a message: as many as a busy open client sends, far below the 4096 bytes that are allowed
)


class Topic(NamedTuple):
    """
    One thing to subscribe.

    Attributes:
        channel: The neutral word.
        product: The product family, Bitget's instType.
    """

    channel: str
    product: str

    def __str__(self) -> str:
        return f"{self.channel} {self.product}"


class Topics:
    """
    The subscriptions of one connection.

    They are asked for some at a time, and each is answered by itself. Should a refusal not say which it means, those
    that are unanswered are asked for once more, one by one.

    Args:
        words: Neutral word → Bitget's own.
        keys: Neutral word → the field that says "all of them", None for no such field.
        products: The product families.
    """

    def __init__(self, words: Mapping[str, str], keys: Mapping[str, str | None], products: Sequence[str]) -> None:
        self._words = words
        self._keys = keys
        self._products = tuple(dict.fromkeys(products))
        self._batch = _BATCH
        self._asked: deque[Topic] = deque()
        self._outstanding: dict[Topic, None] = {}
        self._confirmed: set[Topic] = set()
        self._leaving: set[Topic] = set()

    @property
    def settled(self) -> bool:
        """Whether everything that was asked for has been answered."""
        return not self._outstanding and not self._asked

    @property
    def outstanding(self) -> str | None:
        """What was sent and has not been answered yet, in words; None if nothing."""
        if not self._outstanding:
            return None
        more = len(self._outstanding) - 1
        return f"{next(iter(self._outstanding))}" + (f" and {more} more" if more else "")

    @property
    def subscribed(self) -> frozenset[str]:
        """The channels of which all is answered, and something confirmed."""
        unanswered = {topic.channel for topic in (*self._asked, *self._outstanding)}
        return frozenset(topic.channel for topic in self._confirmed) - unanswered

    def ask(self, channels: Iterable[str]) -> None:
        """Line up the subscriptions of *channels*, but for those that are confirmed or lined up."""
        for topic in itertools.starmap(Topic, itertools.product(channels, self._products)):
            coming = topic in self._outstanding and topic not in self._leaving
            if not coming and topic not in self._confirmed and topic not in self._asked:
                self._asked.append(topic)

    def next_send(self) -> Send | None:
        """Return the next subscriptions to send; None while some are outstanding, or if there are no more."""
        if self._outstanding or not self._asked:
            return None
        now = [self._asked.popleft() for _ in range(min(self._batch, len(self._asked)))]
        self._outstanding = dict.fromkeys(now)
        self._leaving.difference_update(now)
        return self._send("subscribe", now)

    def ask_again(self) -> None:
        """Line up once more what has not been answered."""
        self._asked.extendleft(reversed(self._outstanding))
        self._outstanding = {}

    def ask_one_by_one(self) -> bool:
        """Line up once more what has not been answered, to be asked for one by one; tell whether that is of use."""
        if len(self._outstanding) < 2:
            return False
        self._batch = 1
        self.ask_again()
        return True

    def confirm(self, arg: dict[str, Any] | None) -> bool:
        """Note that what *arg* names was accepted, None for what is outstanding; tell whether it was asked for."""
        topic = next(
            (each for each in (*self._outstanding, *self._asked) if arg is None or self._fits(each, arg)), None
        )
        if topic is None:
            return False
        self._answered(topic)
        if topic not in self._leaving:
            self._confirmed.add(topic)
        return True

    def refuse(self, topic: Topic) -> bool:
        """Note that *topic* is not, or not any more, to be had; tell whether anybody wants it."""
        wanted = topic not in self._leaving
        self._answered(topic)
        self._confirmed.discard(topic)
        self._leaving.discard(topic)
        return wanted

    def give_up(self, channels: Iterable[str]) -> Send | None:
        """Return the message that gives *channels* up; None if nothing of them has been subscribed."""
        unwanted = set(channels)
        self._asked = deque(topic for topic in self._asked if topic.channel not in unwanted)
        left = [topic for topic in (*sorted(self._confirmed), *self._outstanding) if topic.channel in unwanted]
        self._confirmed.difference_update(left)
        self._leaving.update(left)
        return self._send("unsubscribe", left) if left else None

    def left(self, arg: dict[str, Any]) -> None:
        """Note that what *arg* names has been given up."""
        self._leaving = {topic for topic in self._leaving if not self._fits(topic, arg)}

    def named(self, arg: dict[str, Any] | None) -> Topic | None:
        """Return the subscription that *arg* names; the one outstanding, if it names nothing and there is only one."""
        if arg is None:
            return next(iter(self._outstanding)) if len(self._outstanding) == 1 else None
        candidates = (*self._outstanding, *self._asked, *sorted(self._confirmed), *sorted(self._leaving))
        return next((topic for topic in candidates if self._fits(topic, arg)), None)

    def _answered(self, topic: Topic) -> None:
        self._outstanding.pop(topic, None)
        if topic in self._asked:
            self._asked.remove(topic)

    def _fits(self, topic: Topic, arg: dict[str, Any]) -> bool:
        """Whether *arg* names the topic: Bitget changes upper and lower case, and may leave something out."""
        return _same(arg.get("channel"), self._words[topic.channel]) and _same(
            arg.get("instType", topic.product), topic.product
        )

    def _send(self, op: str, topics: Sequence[Topic]) -> Send:
        args = []
        for topic in topics:
            key = self._keys.get(topic.channel, "instId")
            named = {} if key is None else {key: _ALL}
            args.append({"instType": topic.product, "channel": self._words[topic.channel], **named})
        label = f"{op} {', '.join(str(topic) for topic in topics)}"
        return Send(json.dumps({"op": op, "args": args}, separators=(",", ":")), label, "subscribe")


def _same(said: Any, word: str) -> bool:
    return isinstance(said, str) and said.lower() == word.lower()
