"""Sessions for tests: one that was just opened, and one that has been greeted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import fields

from futures_stream.dialects import Dialect
from futures_stream.dialects.base import Control, Session
from futures_stream.dialects.credentials import Credentials

FRAMES = Path(__file__).parent.parent / "frames"
NOW_MS = 1_700_000_000_000


def frame(dialect: str, name: str) -> str:
    """Return a recorded frame as it was printed."""
    return (FRAMES / dialect / name).read_text(encoding="utf-8")


def secrets_of(dialect: Dialect) -> dict[str, str]:
    """Return a secret for every field of the dialect's credentials, unmistakable in any text."""
    return {field.name: f"CANARY-{field.name}-7f3a9c" for field in fields(dialect.credentials)}


def credentials_of(dialect: Dialect) -> Credentials:
    """Return credentials made of :func:`secrets_of`."""
    return dialect.credentials(**secrets_of(dialect))


def begin(dialect: Dialect, channels: Any = None, symbols: Sequence[str] | None = None) -> Session:
    """Return a session that has not been opened yet."""
    return dialect.session(
        credentials=credentials_of(dialect),
        account="main",
        channels=dialect.resolve_channels(channels),
        symbols=symbols,
    )


def acknowledge(sent: str) -> str:
    """Return how the documents' exchanges accept what was sent, if it asks for one thing."""
    (accepted,) = acknowledgements(sent)
    return accepted


def acknowledgements(sent: str) -> list[str]:
    """Return how the documents' exchanges accept what was sent: each thing by itself."""
    message = json.loads(sent)
    if message["op"] == "login":
        return ['{"event":"login","code":"0","msg":""}']
    return [json.dumps({"event": message["op"], "arg": arg}) for arg in message["args"]]


def greet(session: Session) -> list[str]:
    """Open the session and accept whatever it asks for; return what it sent."""
    sent = []
    answer = session.opened(NOW_MS)
    waiting = list(answer.sends)
    while waiting:
        text = waiting.pop(0).text
        sent.append(text)
        for accepted in acknowledgements(text):
            heard = session.receive(accepted, 1, 1)
            assert isinstance(heard, Control)
            waiting.extend(heard.sends)
    return sent
