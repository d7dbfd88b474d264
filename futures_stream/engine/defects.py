"""What is told when an exception that nobody foresaw reaches the top of one of our threads."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import PurePath

from futures_stream.errors import FuturesStreamError, StreamFailed

__all__ = ["Defect", "defect", "defects"]


class Defect(Exception):
    """
    A defect that came up on a helper thread, on its way to the top of the thread that sent it.

    It is none of our errors, so that nobody takes it for a bad answer, and tries again.
    """

    def __init__(self, told: FuturesStreamError) -> None:
        super().__init__(told.message)
        self.told = told


def defect(error: BaseException) -> FuturesStreamError:
    """
    Return *error* as one of ours; one that is ours already is returned as it is.

    The message names the class and the places in the code. The exception itself is not carried along, nor is its
    text: it may quote a message, a URL or a header, and so a secret.
    """
    if isinstance(error, Defect):
        return error.told
    if isinstance(error, FuturesStreamError):
        return error
    places = [
        f"{'/'.join(PurePath(frame.filename).parts[-2:])}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return StreamFailed(
        f"a defect in futures-stream, please report it: {type(error).__name__} at {' < '.join(reversed(places))}"
    )


def defects(*steps: Callable[[], object]) -> list[FuturesStreamError]:
    """Take steps of which each must be tried, whatever became of the others; return what failed."""
    failed = []
    for step in steps:
        try:
            step()
        except BaseException as error:
            failed.append(defect(error))
    return failed
