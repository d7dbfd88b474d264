"""What is subscribed at Bitget, asked for, and given up."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from futures_stream.dialects.base import Send

__all__ = ["Topic", "Topics"]

_ALL = "default"  # Bitget's instId for "all"


class Topic(NamedTuple):
    """
    One thing to subscribe.

    Attributes:
        channel: The neutral word.
        inst_id: A symbol, or ``default``.
    """

    channel: str
    inst_id: str

    @property
    def symbol(self) -> str | None:
        """The symbol, None for all."""
        return None if self.inst_id == _ALL else self.inst_id

    def __str__(self) -> str:
        return f"{self.channel} {self.inst_id}"


class Topics:
    """
    The subscriptions of one connection.

    At most one of them is outstanding, so that a refusal that names nothing can only mean that one.

    Attributes:
        outstanding: What was sent and has not been answered yet.

    Args:
        words: Neutral word → Bitget's own.
        inst_type: The product family that is subscribed.
        symbols: Symbols to subscribe one by one; None for all at once. The account has none.
    """

    def __init__(self, words: Mapping[str, str], inst_type: str, symbols: Sequence[str] | None) -> None:
        self.outstanding: Topic | None = None
        self._words = words
        self._inst_type = inst_type
        self._inst_ids = tuple(dict.fromkeys(symbols)) if symbols else (_ALL,)
        self._asked: deque[Topic] = deque()
        self._confirmed: set[Topic] = set()
        self._leaving: set[Topic] = set()

    @property
    def settled(self) -> bool:
        """Whether everything that was asked for has been answered."""
        return self.outstanding is None and not self._asked

    @property
    def subscribed(self) -> frozenset[str]:
        """The channels of which all is answered, and something confirmed."""
        unanswered = {topic.channel for topic in (*self._asked, self.outstanding) if topic is not None}
        return frozenset(topic.channel for topic in self._confirmed) - unanswered

    def ask(self, channels: Iterable[str]) -> None:
        """Line up the subscriptions of *channels*, but for those that are confirmed or lined up."""
        for channel in channels:
            for inst_id in (_ALL,) if channel == "account" else self._inst_ids:
                topic = Topic(channel, inst_id)
                coming = topic == self.outstanding and topic not in self._leaving
                if not coming and topic not in self._confirmed and topic not in self._asked:
                    self._asked.append(topic)

    def next_send(self) -> Send | None:
        """Return the next subscription to send; None while one is outstanding, or if there is no more."""
        if self.outstanding is not None or not self._asked:
            return None
        topic = self.outstanding = self._asked.popleft()
        self._leaving.discard(topic)
        return self._send("subscribe", [topic])

    def confirm(self) -> None:
        """Note that the outstanding subscription was accepted."""
        if self.outstanding is not None and self.outstanding not in self._leaving:
            self._confirmed.add(self.outstanding)
        self.outstanding = None

    def refuse(self, topic: Topic) -> None:
        """Note that *topic* is not, or not any more, to be had."""
        if topic == self.outstanding:
            self.outstanding = None
        self._confirmed.discard(topic)
        self._leaving.discard(topic)
        if topic in self._asked:
            self._asked.remove(topic)

    def give_up(self, channels: Iterable[str]) -> Send | None:
        """Return the message that gives *channels* up; None if nothing of them has been subscribed."""
        unwanted = set(channels)
        self._asked = deque(topic for topic in self._asked if topic.channel not in unwanted)
        left = [topic for topic in sorted(self._confirmed) if topic.channel in unwanted]
        if self.outstanding is not None and self.outstanding.channel in unwanted:
            left.append(self.outstanding)
        self._confirmed.difference_update(left)
        self._leaving.update(left)
        return self._send("unsubscribe", left) if left else None

    def is_leaving(self, topic: Topic) -> bool:
        """Tell whether *topic* is being given up."""
        return topic in self._leaving

    def left(self, arg: dict[str, Any]) -> None:
        """Note that what *arg* names has been given up."""
        self._leaving = {topic for topic in self._leaving if not self._fits(topic, arg)}

    def named(self, arg: dict[str, Any]) -> Topic | None:
        """Return the subscription that *arg* names; the outstanding one first."""
        candidates = (self.outstanding, *self._asked, *sorted(self._confirmed), *sorted(self._leaving))
        return next((topic for topic in candidates if topic is not None and self._fits(topic, arg)), None)

    def is_outstanding(self, arg: dict[str, Any]) -> bool:
        """Tell whether *arg* names the outstanding subscription."""
        return self.outstanding is not None and self._fits(self.outstanding, arg)

    def _fits(self, topic: Topic, arg: dict[str, Any]) -> bool:
        """Whether *arg* names the topic: Bitget changes upper and lower case, and may leave something out."""
        return (
            _same(arg.get("channel"), self._words[topic.channel])
            and _same(arg.get("instId", topic.inst_id), topic.inst_id)
            and _same(arg.get("instType", self._inst_type), self._inst_type)
        )

    def _send(self, op: str, topics: Iterable[Topic]) -> Send:
        topics = list(topics)
        args = [
            {"channel": self._words[topic.channel], "instType": self._inst_type, "instId": topic.inst_id}
            for topic in topics
        ]
        label = f"{op} {', '.join(str(topic) for topic in topics)}"
        return Send(json.dumps({"op": op, "args": args}, separators=(",", ":")), label, "subscribe")


def _same(said: Any, word: str) -> bool:
    return isinstance(said, str) and said.lower() == word.lower()
