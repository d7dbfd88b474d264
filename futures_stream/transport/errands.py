"""What every errand has in common: a time limit, a cancellation, and errors that hold nothing of others."""

from __future__ import annotations

from typing import Generic, TypeVar

from futures_stream.clock import Clock
from futures_stream.errors import FuturesStreamError
from futures_stream.transport.patience import Patience, why

__all__ = ["Errand"]

ResultT = TypeVar("ResultT")


class Errand(Generic[ResultT]):
    """
    Something that may block, for a thread of its own; satisfies :class:`futures_stream.engine.ports.Errand`.

    Args:
        clock: What measures the time.
        timeout: Seconds that :meth:`run` may take in all.

    Threads:
        :meth:`run` is for one thread, once; :meth:`cancel` is callable from any.
    """

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._patience = Patience(clock, timeout)

    def run(self) -> ResultT:
        """
        Do it, within its own total time limit.

        Raises:
            FuturesStreamError: It did not work out; never a secret.
            Exception: A defect. It comes out as it is, and is not to be shown as it is: its text may quote a header.
        """
        failure: FuturesStreamError
        try:
            with self._patience as patience:
                patience.check()
                return self._do(patience)
        except FuturesStreamError as error:
            failure = error
        except OSError as error:  # no descriptor left, most likely
            failure = self._patience.failure(why(error))
        # Outside of the except block, and without its history: those of requests hold the request with its headers.
        failure.__cause__ = failure.__context__ = None
        raise failure.with_traceback(None)

    def cancel(self) -> None:
        """Make :meth:`run` end soon, with an error; callable from any thread, any number of times."""
        self._patience.cancel()

    def _do(self, patience: Patience) -> ResultT:
        raise NotImplementedError
