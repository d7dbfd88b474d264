"""Where credentials come from: arguments, the environment, a profile file; first found wins."""

from __future__ import annotations

import configparser
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs

from futures_stream.dialects import Credentials, Dialect
from futures_stream.errors import ConfigError

__all__ = ["find_credentials", "profile_path"]


def find_credentials(
    dialect: Dialect,
    account: str,
    given: Credentials | None,
    environ: Mapping[str, str] | None = None,
) -> Credentials:
    """
    Return the credentials to use.

    Args:
        dialect: Whose.
        account: The account's label; its section in the profile file is ``[exchange/label]``, or ``[exchange]`` for
            the label ``default``.
        given: What the caller handed over.
        environ: Where to look for variables; the process's own environment by default.

    Raises:
        ConfigError: There are none, or they are not of this exchange; the message says where they were looked for.
    """
    try:
        return _find(dialect, account, given, os.environ if environ is None else environ)
    except ConfigError as error:
        fault = error.with_traceback(None)
    # Raised out here, without what it was found in: variables of a traceback may be printed, and those hold secrets.
    del environ
    fault.__cause__ = fault.__context__ = None
    raise fault


def _find(dialect: Dialect, account: str, given: Credentials | None, environ: Mapping[str, str]) -> Credentials:
    wanted = dialect.credentials
    if given is not None:
        if not isinstance(given, wanted):
            raise ConfigError(f"{dialect.title} needs {wanted.__name__}, not {type(given).__name__}")
        return given
    names = [attribute.name for attribute in attrs.fields(wanted)]
    for prefix in wanted.prefixes:
        if any(environ.get(f"{prefix}{name.upper()}") for name in names):
            found: Credentials = wanted.from_env(environ)
            return found
    path = profile_path(environ)
    section = _section(path, dialect.name, account)
    if section is not None:
        missing = [name for name in names if not section.get(name)]
        if missing:
            raise ConfigError(f"{path}: section [{section.name}] lacks {', '.join(missing)}")
        return wanted(**{name: section[name] for name in names})
    variables = ", ".join(f"{wanted.prefixes[0]}{name.upper()}" for name in names)
    raise ConfigError(
        f"no credentials for {dialect.title}: hand over {wanted.__name__}, set {variables} in the environment, "
        f"or write a section [{_section_name(dialect.name, account)}] with {', '.join(names)} into {path}"
    )


def profile_path(environ: Mapping[str, str]) -> Path:
    """Return where the profile file is: ``$FUTURES_STREAM_CONFIG``, else in the platform's configuration folder."""
    named = environ.get("FUTURES_STREAM_CONFIG")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        folder = Path(environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "futures-stream" / "credentials.ini"


def _section_name(exchange: str, account: str) -> str:
    return exchange if account == "default" else f"{exchange}/{account}"


def _section(path: Path, exchange: str, account: str) -> configparser.SectionProxy | None:
    try:
        with path.open(encoding="utf-8") as file:
            if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise ConfigError(f"{path} can be read by others; run: chmod 600 {path}")
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}") from None
    parser = configparser.ConfigParser(interpolation=None)  # a % in a secret is a %
    failed = False
    try:
        parser.read_string(text)
    except configparser.Error:
        failed = True
    if failed:  # raised out here: the parser's own error quotes lines, which hold secrets
        raise ConfigError(f"{path} is not an INI file with sections such as [{exchange}]")
    for name in (_section_name(exchange, account), f"{exchange}/{account}"):
        if parser.has_section(name):
            return parser[name]
    return None
