"""Secrets, and the credentials that are made of them: nothing here can be printed, logged or pickled by mistake."""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

from attrs import Attribute, fields, frozen

from futures_stream.errors import ConfigError

__all__ = ["Credentials", "Secret", "secret"]

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")


class Secret:
    """
    A text that shows itself only when asked to.

    It has no repr, cannot be pickled, and compares in constant time.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself. Call it as late as possible, and keep the result in no variable that lives on."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, yours = (each.encode("utf-8", "surrogatepass") for each in (self._value, other._value))
        return hmac.compare_digest(mine, yours)

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled; hand over where it comes from instead: a profile, the environment")

    def __getstate__(self) -> NoReturn:
        self.__reduce_ex__(0)


def secret(value: str | Secret) -> Secret:
    """Return *value* as a :class:`Secret`."""
    return value if isinstance(value, Secret) else Secret(value)


def _usable(instance: object, attribute: Attribute[Any], value: Secret) -> None:
    """Refuse what could not be sent in a header or a login message; the value itself is never shown."""
    fault = _fault_of(value)  # there, so that no traceback's variables show what is refused here
    if fault is not None:
        raise ConfigError(f"{type(instance).__name__}.{attribute.name} {fault}")


def _fault_of(value: Secret) -> str | None:
    text = value.reveal()
    if not isinstance(text, str):
        return f"must be a text, not {type(text).__name__}"
    if _VISIBLE_ASCII.fullmatch(text):
        return None
    what = "is empty" if not text else "contains a space, a line break or a character outside ASCII"
    return f"{what}; copy it again from the exchange's site"


@frozen
class Credentials:
    """
    What an exchange wants to see of an account; each dialect has a subclass with its own fields.

    Every field is a :class:`Secret` made by ``attrs.field(converter=secret, validator=usable)``.
    """

    prefixes: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the environment variables that :meth:`from_env` looks for, first found wins."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Any:
        """
        Read the credentials from the environment.

        Args:
            environ: Where to look; the process's own environment by default.

        Raises:
            ConfigError: A variable is missing; the message names it.
        """
        found, missing = cls._look_into(os.environ if environ is None else environ)
        del environ  # a traceback's variables may be printed
        if missing:
            raise ConfigError(f"no credentials: set {', '.join(missing)} in the environment")
        return cls(**found)

    @classmethod
    def _look_into(cls, environ: Mapping[str, str]) -> tuple[dict[str, Secret], list[str]]:
        """Return what is found by field, and the variables that are missing."""
        names = [attribute.name for attribute in fields(cls)]
        for prefix in cls.prefixes:
            found = {name: Secret(value) for name in names if (value := environ.get(f"{prefix}{name.upper()}"))}
            if found:
                break
        else:
            prefix, found = cls.prefixes[0], {}
        return found, [f"{prefix}{name.upper()}" for name in names if name not in found]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be pickled; read them from the environment or a profile there")


usable = _usable
"""Validator for a field of credentials: not empty, and nothing but visible ASCII."""
