"""What notebooks show: values as small tables of HTML, with everything in them escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum

__all__ = ["html_facts", "html_table", "moment", "shown"]

_LONGEST = 120  # characters of one value; a message that could not be read is longer
_MOST_ROWS = 200  # of one table; a notebook keeps what it shows
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def html_facts(title: str, facts: Mapping[str, object]) -> str:
    """
    Return facts as a table of two columns.

    Args:
        title: What they are about.
        facts: Values by name.
    """
    rows = "".join(f"<tr><th>{_escaped(name)}</th><td>{shown(value)}</td></tr>" for name, value in facts.items())
    return f"<table><caption>{_escaped(title)}</caption>{rows}</table>"


def html_table(title: str, names: Sequence[str], rows: Iterable[Sequence[object]], total: int) -> str:
    """
    Return rows as a table; beyond 200 of them, how many more there are.

    Args:
        title: What they are about.
        names: The columns' names.
        rows: The rows' values.
        total: How many rows there are.
    """
    head = "".join(f"<th>{_escaped(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td>{shown(value)}</td>' for value in row)}</tr>"
        for _, row in zip(range(_MOST_ROWS), rows, strict=False)
    )
    more = f"<tr><td>… and {total - _MOST_ROWS} more</td></tr>" if total > _MOST_ROWS else ""
    return f"<table><caption>{_escaped(title)}</caption><tr>{head}</tr>{body}{more}</table>"


def shown(value: object) -> str:
    """Return a value in words, escaped: a Decimal with its digits, an enum's word, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        # What is absurdly large or small is shown with its exponent: its digits would fill the screen.
        return format(value, "f") if abs(value.adjusted()) <= _LONGEST else str(value)
    if isinstance(value, Enum):
        return _escaped(value.value)
    if isinstance(value, set | frozenset):
        return ", ".join(sorted(shown(inner) for inner in value))
    if isinstance(value, tuple | list):
        return ", ".join(shown(inner) for inner in value[:_MOST_ROWS])
    return _escaped(value)


def moment(unix_ms: int | None) -> str | None:
    """Return a time in words, in UTC; None if there is none."""
    if unix_ms is None:
        return None
    return f"{datetime.fromtimestamp(unix_ms / 1000, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def _escaped(value: object) -> str:
    text = str(value)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    visible = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return visible.translate(_ESCAPES)
