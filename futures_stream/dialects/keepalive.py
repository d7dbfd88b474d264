"""Pings and pongs that are messages, in every form that one or another exchange speaks."""

from __future__ import annotations

import json
from typing import Any

from futures_stream.dialects.base import Control, Send

__all__ = ["keepalive"]

_PONG = Control(label="pong")
_KEYS = ("event", "op", "action", "ret_msg")
_LONGEST_ECHO = 64


def keepalive(message: Any) -> Control | None:
    """
    Return what a ping or pong means; None for any other message.

    A pong is ``pong``, ``{"event": "pong"}``, ``{"op": "pong"}``, ``{"action": "pong"}``, ``{"ret_msg": "pong"}`` or
    ``{"pong": …}``; a ping looks the same, and is answered in its own form.

    Args:
        message: The decoded message, or the text of one that is not JSON.
    """
    if isinstance(message, str):
        word = message.strip().lower()
        if word == "ping":
            return Control(label="ping", sends=(Send("pong", "pong"),))
        return _PONG if word == "pong" else None
    if not isinstance(message, dict):
        return None
    for key in _KEYS:
        said = message.get(key)
        word = said.lower() if isinstance(said, str) else ""
        if word == "pong":
            return _PONG
        if word == "ping":
            return _answer({key: "pong"})
    if "pong" in message:
        return _PONG
    if "ping" in message:
        said = message["ping"]
        echo = said if isinstance(said, int) or (isinstance(said, str) and len(said) <= _LONGEST_ECHO) else None
        return _answer({"pong": echo})
    return None


def _answer(message: dict[str, Any]) -> Control:
    return Control(label="ping", sends=(Send(json.dumps(message, separators=(",", ":")), "pong"),))
