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
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled; hand over where it comes from instead: a profile, the environment")


def secret(value: str | Secret) -> Secret:
    """Return *value* as a :class:`Secret`."""
    return value if isinstance(value, Secret) else Secret(value)


def _usable(instance: object, attribute: Attribute[Any], value: Secret) -> None:
    """Refuse what could not be sent in a header or a login message; the value itself is never shown."""
    owner = type(instance).__name__
    text = value.reveal()
    if not isinstance(text, str):
        raise ConfigError(f"{owner}.{attribute.name} must be a text, not {type(text).__name__}")
    if not _VISIBLE_ASCII.fullmatch(text):
        what = "is empty" if not text else "contains a space, a line break or a character outside ASCII"
        raise ConfigError(f"{owner}.{attribute.name} {what}; copy it again from the exchange's site")


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
        environ = os.environ if environ is None else environ
        names = [attribute.name for attribute in fields(cls)]
        for prefix in cls.prefixes:
            values = {name: environ.get(f"{prefix}{name.upper()}") for name in names}
            if any(values.values()):
                break
        else:
            prefix, values = cls.prefixes[0], dict.fromkeys(names)
        missing = [f"{prefix}{name.upper()}" for name, value in values.items() if not value]
        if missing:
            raise ConfigError(f"no credentials: set {', '.join(missing)} in the environment")
        return cls(**values)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be pickled; read them from the environment or a profile there")


usable = _usable
"""Validator for a field of credentials: not empty, and nothing but visible ASCII."""
