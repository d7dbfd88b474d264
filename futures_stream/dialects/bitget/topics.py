"""What is subscribed at Bitget, asked for, and given up; the same for both of its APIs."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from futures_stream.dialects.base import Send

__all__ = ["ALL", "Topic", "Topics"]

ALL = "default"
"""Bitget's word for "all of them"."""


class Topic(NamedTuple):
    """
    One thing to subscribe.

    Attributes:
        channel: The neutral word.
        name: What of it, for people: a contract, or a product family.
        told_by: The fields of a subscription's argument that tell it from others.
        more: The further fields that are sent.
    """

    channel: str
    name: str
    told_by: tuple[tuple[str, str], ...]
    more: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.channel} {self.name}"

    @property
    def arg(self) -> dict[str, str]:
        """The argument that subscribes it."""
        return dict(self.told_by + self.more)

    def fits(self, arg: dict[str, Any]) -> bool:
        """Tell whether *arg* names it: Bitget changes upper and lower case, and may leave all out but the channel."""
        return "channel" in arg and all(_same(arg.get(name, value), value) for name, value in self.told_by)


class Topics:
    """
    The subscriptions of one connection.

    They are asked for some at a time, and each is answered by itself. Should a refusal not say which it means, those
    that are unanswered are asked for once more, one by one: then it can only mean the one.

    Args:
        of: Neutral word → what there is to subscribe for it.
        batch: How many are asked for at a time.
    """

    def __init__(self, of: Callable[[str], Iterable[Topic]], batch: int) -> None:
        self._of = of
        self._batch = batch
        self._asked: deque[Topic] = deque()
        self._asked_before: set[Topic] = set()  # and not answered: a late answer to the first time counts
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
        for topic in (topic for channel in channels for topic in self._of(channel)):
            coming = topic in self._outstanding and topic not in self._leaving
            if not coming and topic not in self._confirmed and topic not in self._asked:
                self._asked.append(topic)

    def next_send(self) -> Send | None:
        """Return the next subscriptions to send; None while some are outstanding, or if there are no more."""
        if self._outstanding or not self._asked:
            return None
        now = [self._asked.popleft() for _ in range(min(self._batch, len(self._asked)))]
        self._outstanding = dict.fromkeys(now)
        self._asked_before.difference_update(now)
        self._leaving.difference_update(now)
        return _send("subscribe", now)

    def ask_again(self) -> None:
        """Line up once more what has not been answered."""
        self._asked.extendleft(reversed(self._outstanding))
        self._asked_before.update(self._outstanding)
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
        sent = (*self._outstanding, *(topic for topic in self._asked if topic in self._asked_before))
        topic = next((each for each in sent if arg is None or each.fits(arg)), None)
        if topic is None:
            return False
        if topic in self._outstanding:
            del self._outstanding[topic]  # one that is given up and asked for again stays lined up
        else:
            self._asked.remove(topic)
        if topic not in self._leaving:
            self._confirmed.add(topic)
        return True

    def refuse(self, topic: Topic) -> bool:
        """Note that *topic* is not, or not any more, to be had; tell whether anybody wants it."""
        wanted = topic not in self._leaving
        self._outstanding.pop(topic, None)
        if topic in self._asked:
            self._asked.remove(topic)
        self._confirmed.discard(topic)
        self._leaving.discard(topic)
        return wanted

    def has(self, channel: str) -> bool:
        """Tell whether something of a channel is subscribed, or may be yet."""
        return any(topic.channel == channel for topic in (*self._confirmed, *self._outstanding, *self._asked))

    def give_up(self, channels: Iterable[str]) -> Send | None:
        """Return the message that gives *channels* up; None if nothing of them has been subscribed."""
        unwanted = set(channels)
        self._asked = deque(topic for topic in self._asked if topic.channel not in unwanted)
        left = [topic for topic in (*sorted(self._confirmed), *self._outstanding) if topic.channel in unwanted]
        self._confirmed.difference_update(left)
        self._leaving.update(left)
        return _send("unsubscribe", left) if left else None

    def left(self, arg: dict[str, Any]) -> None:
        """Note that what *arg* names has been given up."""
        self._leaving = {topic for topic in self._leaving if not topic.fits(arg)}

    def named(self, arg: dict[str, Any] | None) -> Topic | None:
        """Return the subscription that *arg* names; the one outstanding, if it names nothing and there is only one."""
        if arg is None:
            return next(iter(self._outstanding)) if len(self._outstanding) == 1 else None
        candidates = (*self._outstanding, *self._asked, *sorted(self._confirmed), *sorted(self._leaving))
        return next((topic for topic in candidates if topic.fits(arg)), None)


def _send(op: str, topics: Sequence[Topic]) -> Send:
    label = f"{op} {', '.join(str(topic) for topic in topics)}"
    text = json.dumps({"op": op, "args": [topic.arg for topic in topics]}, separators=(",", ":"))
    return Send(text, label, "subscribe")


def _same(said: Any, word: str) -> bool:
    return isinstance(said, str) and said.lower() == word.lower()
