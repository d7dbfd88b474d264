"""Keeps our own secrets out of what is shown of an exchange's words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from futures_stream.dialects.credentials import Secret

__all__ = ["masked"]

_SHORTEST_SECRET = 4  # what is shorter would be found in every message
_LONGEST_MASKED = 65536
_ESCAPABLE = re.compile(r"[^A-Za-z0-9]")


def masked(text: str, secrets: Iterable[Secret]) -> str:
    r"""
    Return what a server said, with our own secrets masked should it say them back to us.

    They are found as they are, and as JSON and URLs spell them: ``\/``, ``\u003d``, ``%2B``. A text of more than 64 KiB
    is cut: nobody shows as much, and looking through it takes time.
    """
    text = text[:_LONGEST_MASKED]
    for known in secrets:
        if len(known.reveal()) >= _SHORTEST_SECRET:
            text = text.replace(known.reveal(), "***")
            if _ESCAPABLE.search(known.reveal()) and ("\\" in text or "%" in text):
                text = re.sub(_ESCAPABLE.sub(_spellings, known.reveal()), "***", text)
    return text


def _spellings(char: re.Match[str]) -> str:
    """
    Return the pattern of a character as it is, and as JSON and URLs may spell it.

    No two of its ways begin alike for longer than a character: nothing can make the search go back and forth.
    """
    code = "".join(f"[{digit}{digit.upper()}]" for digit in f"{ord(char[0]):02x}")
    plain = r"\\\\" if char[0] == "\\" else rf"\\?{re.escape(char[0])}"
    return rf"(?:{plain}|\\u00{code}|%{code})"
