"""The library's log on standard error, for those who ask for it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["logs_on_stderr"]

_FORM = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


@contextmanager
def logs_on_stderr(verbosity: int) -> Iterator[None]:
    """
    Log to standard error while the block runs.

    Args:
        verbosity: 0 for silence (what matters is in the records and in the last line), 1 for changes of state, 2 for
            everything.
    """
    logger = logging.getLogger("futures_stream")
    handler: logging.Handler = logging.NullHandler()  # without any, warnings would be printed
    if verbosity and sys.stderr is not None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(_FORM))
    before = logger.level
    logger.addHandler(handler)
    if verbosity:
        logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
