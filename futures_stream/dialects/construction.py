"""
Making frozen records quickly.

Of the time that a record of thirty fields takes, freezing it is most: each field is set through ``object.__setattr__``,
by a call. Here a record is filled while it is of a class that is not frozen and otherwise the same, and then becomes
what it is. Nothing that anybody else sees of it differs.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from attrs import NOTHING, Attribute, fields

from futures_stream.records import Record

__all__ = ["draft_of", "quick"]

RecordT = TypeVar("RecordT", bound=Record)


def quick(kind: type[RecordT]) -> type[RecordT]:
    """
    Return a function that takes what *kind* takes, and makes the very same record in half of the time.

    It is typed as the class, so that a type checker looks at the keywords; it is good for nothing but calling.

    Raises:
        TypeError: Its fields are not all plain, or its parent is not all that it has.
    """
    attributes = fields(kind)
    draft = draft_of(kind)
    # Unrolled, as attrs does for the class itself: a loop over the fields costs what is to be saved.
    lines = [
        f"def make(*, {', '.join(map(_parameter, attributes))}):",
        "    record = new(draft)",
        *(f"    record.{attribute.name} = {attribute.alias}" for attribute in attributes),
        "    record.__class__ = kind",
        "    return record",
    ]
    names: dict[str, Any] = {"new": object.__new__, "draft": draft, "kind": kind}
    names |= {f"default_{attribute.alias}": attribute.default for attribute in attributes}
    exec("\n".join(lines), names)
    return cast("type[RecordT]", names["make"])


def draft_of(kind: type[Record]) -> type[Any]:
    """
    Return the class that is not frozen, and whose instances can become *kind*'s by a change of their class.

    Raises:
        TypeError: Its fields are not all plain, or its parent is not all that it has.
    """
    if any(map(_is_special, fields(kind))) or hasattr(kind, "__attrs_post_init__"):
        raise TypeError(f"{kind.__name__} converts, validates or computes fields; call the class itself")
    if len(kind.__bases__) > 1 or "__slots__" not in vars(kind):
        raise TypeError(f"{kind.__name__} is not a slotted class with one parent; call the class itself")
    # Both ways to change an attribute, or Python would look for the method at every assignment.
    unfrozen = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(f"{kind.__name__}Draft", kind.__bases__, {"__slots__": vars(kind)["__slots__"], **unfrozen})


def _is_special(attribute: Attribute[Any]) -> bool:
    computed = attribute.default is not NOTHING and hasattr(attribute.default, "takes_self")
    return computed or attribute.converter is not None or attribute.validator is not None or not attribute.init


def _parameter(attribute: Attribute[Any]) -> str:
    alias = attribute.alias
    return f"{alias}" if attribute.default is NOTHING else f"{alias}=default_{alias}"
