"""All that a program, its log, or a crash reporter can see of a stream, as text to search secrets in."""

from __future__ import annotations

import copy
import gc
import http.client
import json
import logging
import pickle
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import attrs
import pytest
import websocket

import futures_stream
from futures_stream import Notice, Record
from futures_stream.interop import to_json

PACKAGE = str(Path(futures_stream.__file__).parent)
PEERS = ("websockets",)  # loggers of the other side


class Everything(logging.Handler):
    """
    Keeps all that is logged at any level by anybody, printed or warned of, while the block runs.

    Every library's own tracing is switched on.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record as it would be printed, and what it was made of."""
        if not record.name.startswith(PEERS):
            self.lines.append(f"{record.name}: {self.format(record)} {record.args!r}")

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


@contextmanager
def all_that_is_told(capsys: pytest.CaptureFixture[str]) -> Iterator[Everything]:
    """Switch on everything that tells, and listen."""
    told = Everything()
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(told)
    root.setLevel(logging.DEBUG)
    websocket.enableTrace(True, handler=told)
    http.client.HTTPConnection.debuglevel = 1
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield told
        told.lines += [str(each.message) for each in warned]
    finally:
        http.client.HTTPConnection.debuglevel = 0
        websocket.enableTrace(False)
        root.removeHandler(told)
        root.setLevel(before)
        captured = capsys.readouterr()
        told.lines += [captured.out, captured.err]


def of_error(error: BaseException) -> str:
    """Return all of an exception and of those behind it: texts, facts, and the variables of our frames."""
    chain: list[BaseException | None] = [error]
    seen: list[BaseException] = []
    parts: list[str] = []
    while chain:
        each = chain.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        parts += [str(each), repr(each), repr(each.args), repr(vars(each)), _variables(each.__traceback__)]
        chain += [each.__cause__, each.__context__]
        chain += [value for value in vars(each).values() if isinstance(value, BaseException)]
    return "\n".join(parts)


def _variables(trace: TracebackType | None) -> str:
    """Return what a crash reporter prints of our frames; the test's own hold the secrets on purpose."""
    parts = []
    while trace is not None:
        frame, trace = trace.tb_frame, trace.tb_next
        if frame.f_code.co_filename.startswith(PACKAGE) or "attrs generated" in frame.f_code.co_filename:
            for name, value in frame.f_locals.items():
                with suppress(AttributeError):  # half made, as in __init__
                    parts.append(f"{frame.f_code.co_name}: {name} = {value!r}")
    return "\n".join(parts)


def of_record(record: Record) -> str:
    """Return all of a record: as text, dict, line, copy and pickle."""
    parts = [repr(record), str(record), f"{record}", to_json(record, info=True), repr(copy.copy(record))]
    parts += [repr(attrs.asdict(record, recurse=False)), repr(dict(record.info)), repr(pickle.dumps(record))]
    for value in attrs.asdict(record, recurse=False).values():
        if isinstance(value, BaseException):
            parts.append(of_error(value))
    if isinstance(record, Notice):
        parts.append(str(getattr(record, "text", "")))
    return "\n".join(parts)


def of_thing(thing: object) -> str:
    """Return all ways to show a thing by mistake."""
    parts = [repr(thing), str(thing), f"{thing}", f"{[thing]} { ({'a': thing}) }", json.dumps(thing, default=str)]
    for by_mistake in (pickle.dumps, copy.copy, copy.deepcopy, vars, iter, len, dict, list, bytes, float, format):
        with suppress(Exception):
            parts.append(repr(by_mistake(thing)))  # type: ignore[operator]
    if attrs.has(type(thing)):
        parts += [repr(attrs.asdict(thing)), repr(attrs.astuple(thing))]  # type: ignore[arg-type]
    return "\n".join(parts)


def of_process() -> str:
    """Return what others see of this process: its threads' names and its command line."""
    names = [thread.name for thread in threading.enumerate()]
    line = Path("/proc/self/cmdline")
    return "\n".join(names) + (line.read_text() if line.exists() else "")


def of_memory_dump() -> str:
    """Return the reprs of all of our objects that live, as a debugger's or profiler's listing shows them."""
    ours = [each for each in gc.get_objects() if str(type(each).__module__).startswith("futures_stream.")]
    parts = []
    for each in ours:
        with suppress(RuntimeError):  # its owner is changing it just now
            parts.append(repr(each))
    return "\n".join(parts)


def leaked(secrets: Iterable[str], *texts: str) -> list[str]:
    """Return where a secret is shown: what stands before it."""
    found = []
    for text in texts:
        for secret in secrets:
            at = text.find(secret)
            if at >= 0:
                found.append(f"{text[max(0, at - 160) : at]}<SECRET>")
    return found
