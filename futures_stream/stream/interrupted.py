"""Whether a call came in the middle of one of our own, as only a signal handler's does."""

from __future__ import annotations

import queue
import sys
from types import FrameType

from futures_stream.stream.interruptible import InterruptibleQueue

__all__ = ["interrupts_us"]

_LOCKING = (
    "futures_stream.engine.",
    "futures_stream.stream.interruptible",
    "futures_stream.stream.queue",
    "futures_stream.stream.registry",
    "futures_stream.stream.selection",
)
"""Where this library holds locks or waits. Nothing there calls back into a program but a monitor, on the I/O thread."""


def interrupts_us() -> bool:
    """
    Tell whether the calling thread is inside one of this library's waits or locked regions already.

    Then this is a signal handler (or a finalizer), and the code below it on the stack cannot go on before it returns.
    Whatever lock that code holds, the I/O thread may need in order to end.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(_LOCKING):
            return True
        if module == queue.__name__ and isinstance(frame.f_locals.get("self"), InterruptibleQueue):
            return True  # a method that our queue inherits
        frame = frame.f_back
    return False
