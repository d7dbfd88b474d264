"""What is told when an exception that nobody foresaw reaches the top of one of our threads."""

from __future__ import annotations

import traceback
from pathlib import PurePath

from futures_stream.errors import FuturesStreamError, StreamFailed

__all__ = ["defect"]


def defect(error: BaseException) -> FuturesStreamError:
    """
    Return *error* as one of ours; one that is ours already is returned as it is.

    The message names the class and the places in the code. The exception itself is not carried along, nor is its
    text: it may quote a message, a URL or a header, and so a secret.
    """
    if isinstance(error, FuturesStreamError):
        return error
    places = [
        f"{'/'.join(PurePath(frame.filename).parts[-2:])}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return StreamFailed(
        f"a defect in futures-stream, please report it: {type(error).__name__} at {' < '.join(reversed(places))}"
    )
