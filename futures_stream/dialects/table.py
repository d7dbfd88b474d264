"""
Parsers that are written as tables, and run as straight lines.

A dialect names, for each field of a record, the kind of field and the keys of the row that it is read from. Of that a
function is made once, the way attrs makes its own: every field one or two lines, nothing called for the values that
nearly always come. Whatever is not such a value goes through the reader of its kind, strict or lenient, as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from attrs import fields

from futures_stream.dialects.construction import draft_of
from futures_stream.dialects.rows import Parser
from futures_stream.dialects.wire import LAST_INSTANT, NUMBERS, Words
from futures_stream.records import Record

__all__ = [
    "Field",
    "Made",
    "derived",
    "flag",
    "instant",
    "made",
    "number",
    "only",
    "parser",
    "size",
    "text",
    "whole",
    "word",
]

_COMMON = {
    "exchange": "frame.exchange",
    "account": "frame.account",
    "product": "frame.product",
    "received_ns": "frame.received_ns",
    "seq": "seq",
    "origin": "frame.origin",
    "marks": "marks",
    "_info": "row",
}
# What is made of a value v that the row holds, by the kind of field. The first part of each is the shortcut, for values
# of which all readers of that kind say the same.
_READ = {
    "number": "None if v is None else w if type(v) is str and (w := remembered(v)) is not None else number(v)",
    "text": "(v or None) if type(v) is str else text(v)",
    "size": "w if type(v) is str and (w := remembered(v)) is not None and v[0] != '-' else size(v)",
    "whole": "int(v) if type(v) is str and 0 < len(v) < 20 and v.isascii() and v.isdigit() else whole(v)",
    "instant": "v if type(v) is int and 0 < v < last_instant else instant(v)",
    "flag": "None if v is None else flag(v)",
    "word": "None if v is None else known_{0}[v] if type(v) is str and v in known_{0} else read_{0}(v, frame.unknown)",
}


class Field(NamedTuple):
    """
    How a field is read; made by the functions below.

    Attributes:
        kind: The kind of reader.
        keys: Keys of the row; the first that says something counts.
        default: What stands there if nothing was said.
        of_frame: The attribute of the frame that stands there if nothing was said, read in the same way.
        words: The words, of a word.
        then: What is made of the value.
        also: A further field of the record that the same function gives.
        states: A field that stands before it in the table, and the values of it with which this one is said at all.
    """

    kind: str
    keys: tuple[str, ...]
    default: Any = None
    of_frame: str | None = None
    words: Words[Any] | None = None
    then: Callable[..., Any] | None = None
    also: str | None = None
    states: tuple[str, tuple[Any, ...]] | None = None


Made = Callable[..., Any]
"""What makes a field: called with the readers, the frame, and the values of the keys, None where there is none."""


def number(*keys: str, then: Callable[[Any], Any] | None = None) -> Field:
    """A number; *then* may make something of one that was said."""
    return Field("number", keys, then=then)


def size(*keys: str) -> Field:
    """A number that is not negative."""
    return Field("size", keys)


def whole(*keys: str) -> Field:
    """A whole number."""
    return Field("whole", keys)


def instant(*keys: str, of_frame: str | None = None) -> Field:
    """A time in ms."""
    return Field("instant", keys, of_frame=of_frame)


def text(*keys: str, of_frame: str | None = None, then: Callable[[str], str | None] | None = None) -> Field:
    """An id or name; of the frame it is taken as it is. *then* may make something of one that was said."""
    return Field("text", keys, of_frame=of_frame, then=then)


def flag(*keys: str) -> Field:
    """A yes or no."""
    return Field("flag", keys)


def word(words: Words[Any], *keys: str, default: Any = None) -> Field:
    """A word of an open enum."""
    return Field("word", keys, default=default, words=words)


def derived(then: Callable[..., Any], *of: str) -> Field:
    """Something that follows from other fields of the record, which stand before it in the table, or from nothing."""
    return Field("derived", of, then=then)


def made(then: Made, *keys: str, also: str | None = None) -> Field:
    """
    Something that no reader reads: *then* makes it of the values of all keys.

    Args:
        then: The function. It reads what it needs through the readers, so that what is unreadable is treated as ever.
        keys: Keys of the row.
        also: Another field of the record; the function returns a pair then.
    """
    return Field("made", keys, then=then, also=also)


def only(field: Field, of: str, *states: Any) -> Field:
    """A field that is None unless the record's field *of*, which stands before it in the table, is one of *states*."""
    return field._replace(states=(of, states))


def parser(kind: type[Record], **table: Field) -> Parser:
    """
    Return the parser of rows that become records of one class.

    Args:
        kind: The class.
        table: How its fields are read. What all records have in common is taken from the frame; what is left out has
            its default.

    Raises:
        TypeError: A field does not exist, or the class is no plain one.
    """
    names: dict[str, Any] = {"new": object.__new__, "draft": draft_of(kind), "kind": kind}
    names |= {"remembered": NUMBERS.get, "last_instant": LAST_INSTANT}
    attributes = {attribute.name: attribute for attribute in fields(kind)}
    read = table.keys() | {field.also for field in table.values() if field.also is not None}
    if unknown := read - attributes.keys():
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    lines = [
        "def parse(row, frame, seq, readers):",
        "marks, number, size, whole, instant, text, flag = readers",
        "said = row.get",
        "record = new(draft)",
    ]
    for name, attribute in attributes.items():
        if name in read:
            continue
        names[f"default_{name}"] = attribute.default
        lines.append(f"record.{name} = {_COMMON.get(name, f'default_{name}')}")
    for name, field in table.items():
        lines += _lines(name, field, names)
    lines += ["record.__class__ = kind", "return record"]
    exec("\n    ".join(lines), names)
    made: Parser = names["parse"]
    return made


def _lines(name: str, field: Field, names: dict[str, Any]) -> list[str]:
    """Return the lines that read one field, and put what they refer to among *names*."""
    names |= {f"then_{name}": field.then, f"default_{name}": field.default}
    if field.kind == "derived":
        lines = [f"record.{name} = then_{name}({', '.join(f'record.{other}' for other in field.keys)})"]
    elif field.kind == "made":
        into = f"record.{name}" if field.also is None else f"record.{name}, record.{field.also}"
        lines = [f"{into} = then_{name}(readers, frame, {', '.join(f'said({key!r})' for key in field.keys)})"]
    else:
        lines = [*_read(name, field, names), f"record.{name} = v"]
    if field.states is None:
        return lines
    of, names[f"states_{name}"] = field.states
    return [f"record.{name} = None", f"if record.{of} in states_{name}:", *(f"    {line}" for line in lines)]


def _read(name: str, field: Field, names: dict[str, Any]) -> list[str]:
    """Return the lines after which *v* is the value of a field."""
    if field.words is not None:
        names |= {f"known_{name}": field.words.known, f"read_{name}": field.words.read}
    read = f"v = {_READ[field.kind].format(name)}"
    lines = ["v = None"] if not field.keys else []
    for number_of_key, key in enumerate(field.keys):
        once = [f"v = said({key!r})", read]
        lines += once if number_of_key == 0 else ["if v is None:", *(f"    {line}" for line in once)]
    if field.then is not None:
        lines.append(f"v = None if v is None else then_{name}(v)")
    if field.of_frame is not None:
        of_frame = f"frame.{field.of_frame}"
        lines.append(f"v = v or {of_frame if field.kind == 'text' else f'{field.kind}({of_frame})'}")
    if field.default is not None:
        lines.append(f"v = v or default_{name}")
    return lines
