"""
Everything that can go wrong, sorted by what the engine does about it.

* :exc:`FuturesStreamError`

  * :exc:`TransientError`: a fresh session may succeed; the stream backs off and goes on.

    * :exc:`ConnectFailed`, :exc:`ConnectionLost`, :exc:`PeerSilent`, :exc:`LeaseLost`, :exc:`Throttled`

  * :exc:`FatalError`: a fresh session would fail the same way; the stream ends.

    * :exc:`LoginRejected`, :exc:`PermissionRefused`, :exc:`ClockSkew`, :exc:`SubscriptionRejected`,
      :exc:`RequestRejected`, :exc:`ConfigError`, :exc:`Blind`

  * :exc:`MessageNotUnderstood`: one message; the stream goes on, behind a notice.
  * :exc:`StreamFailed`: what the consumer sees when a stream ended; its ``__cause__`` says why.

    * :exc:`ForkedError`: it is the stream of another process, which forked this one.

  * :exc:`OpenTimeout`, :exc:`OrderEnded`: what a caller sees who waited in vain.
  * :exc:`ShutdownTimeout`: names the threads that are still running.

The tree is the policy: whoever catches asks for a class, never for a text or a number. Facts are attributes. No error
carries a secret, and none carries an exception of another library, which might.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from futures_stream.records import Order

__all__ = [
    "Blind",
    "ClockSkew",
    "ConfigError",
    "ConnectFailed",
    "ConnectionLost",
    "FatalError",
    "ForkedError",
    "FuturesStreamError",
    "LeaseLost",
    "LoginRejected",
    "MessageNotUnderstood",
    "OpenTimeout",
    "OrderEnded",
    "PeerSilent",
    "PermissionRefused",
    "RequestRejected",
    "ShutdownTimeout",
    "StreamFailed",
    "SubscriptionRejected",
    "Throttled",
    "TransientError",
    "printable",
]


_LONGEST_MESSAGE = 4096  # characters
_LONGEST_FACT = 200


def printable(text: object, limit: int = 200) -> str:
    """
    Return what a server said in a form that is safe to print or log.

    Control characters, escape sequences, line and paragraph separators, marks that turn the direction of writing and
    everything else that is not plainly visible are escaped, and what is shown of the text is cut at *limit* characters.
    """
    raw = str(text)
    if len(raw) <= limit and raw.isprintable():
        return raw
    shown, room = [], limit
    for char in raw[:limit]:
        piece = char if char.isprintable() else char.encode("unicode_escape").decode()
        room -= len(piece)
        if room < 0:
            break
        shown.append(piece)
    return "".join(shown) if len(shown) == len(raw) else f"{''.join(shown)}… ({len(raw)} characters)"


class FuturesStreamError(Exception):
    """
    The root of this library's errors.

    Whatever the texts are made of, they are shown by :func:`printable`: no server can draw on a terminal or begin a
    line of its own in a log.

    Attributes:
        message: What happened and what to do next.
        exchange: The exchange it happened with.
        code: The exchange's own code, as text.
        channel: The channel it is about.
    """

    def __init__(
        self,
        message: str = "",
        *,
        exchange: str | None = None,
        code: str | None = None,
        channel: str | None = None,
    ) -> None:
        message = printable(message, _LONGEST_MESSAGE)
        super().__init__(message)
        self.message = message
        self.exchange = exchange
        self.code = None if code is None else printable(code, _LONGEST_FACT)
        self.channel = None if channel is None else printable(channel, _LONGEST_FACT)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own recipe calls the class with args alone, which loses every fact and fails where one is needed.
        return _revive, (type(self), self.args, self.__dict__)


def _revive(kind: type[FuturesStreamError], args: tuple[Any, ...], facts: dict[str, Any]) -> FuturesStreamError:
    error = kind.__new__(kind, *args)
    error.args = args  # OSError, above TimeoutError, sets them in its own __init__
    error.__dict__.update(facts)
    return error


class TransientError(FuturesStreamError):
    """A fresh session may succeed: the stream backs off and tries again."""


class ConnectFailed(TransientError):
    """
    No connection came about: name resolution, TCP, TLS, the upgrade, or a REST call.

    Attributes:
        status: The HTTP status that was answered, if any.
        retry_after: Seconds that the server asks to wait, if it does.
    """

    def __init__(
        self, message: str = "", *, status: int | None = None, retry_after: float | None = None, **facts: Any
    ) -> None:
        super().__init__(message, **facts)
        self.status = status
        self.retry_after = retry_after


class ConnectionLost(TransientError):
    """
    An established connection ended.

    Attributes:
        close_code: The WebSocket close code that the exchange sent, if any.
        heard_out: Whether the exchange ended it in good order, by a close frame or a TCP end: nothing that it had sent
            before is missing.
    """

    def __init__(
        self, message: str = "", *, close_code: int | None = None, heard_out: bool = False, **facts: Any
    ) -> None:
        super().__init__(message, **facts)
        self.close_code = close_code
        self.heard_out = heard_out


class PeerSilent(TransientError):
    """The other side owed an answer and did not give it in time."""


class LeaseLost(TransientError):
    """The listen key is not valid any more; a new one is asked for."""


class Throttled(TransientError):
    """
    The exchange asks to slow down, or has banned this address for a while.

    Attributes:
        retry_after: Seconds to wait at least before the next try, if it said so.
    """

    def __init__(self, message: str = "", *, retry_after: float | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.retry_after = retry_after


class FatalError(FuturesStreamError):
    """A fresh session would fail the same way: the stream ends, and says so."""


class LoginRejected(FatalError):
    """The exchange does not accept the credentials."""


class PermissionRefused(FatalError):
    """The credentials are right, but not allowed to do this: permissions, address list, kind of account."""


class ClockSkew(FatalError):
    """
    The exchange refuses our timestamps: a clock is wrong.

    Attributes:
        offset: Seconds by which the exchange's clock is ahead of ours, if known.
    """

    def __init__(self, message: str = "", *, offset: float | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.offset = offset


class SubscriptionRejected(FatalError):
    """
    The exchange refuses a channel.

    Attributes:
        symbol: The symbol it was asked for, if one.
        product: The product family that it is refused for, if it goes on for others.
    """

    def __init__(
        self, message: str = "", *, symbol: str | None = None, product: str | None = None, **facts: Any
    ) -> None:
        super().__init__(message, **facts)
        self.symbol = symbol
        self.product = product


class RequestRejected(FatalError):
    """The exchange calls something that this library sent malformed: a defect of ours. Please report it."""


class ConfigError(FatalError, ValueError):
    """An argument or a setting makes no sense; raised in the caller, before any thread starts."""


class Blind(FatalError):
    """The stream was not live for longer than ``Options.max_blind`` allows."""


class MessageNotUnderstood(FuturesStreamError):
    """
    One message cannot be read; the stream goes on.

    Attributes:
        text: The message, or what could be read of it.
        is_news: Whether it is of a kind that nobody knows, and so about nothing that was asked for.
    """

    def __init__(self, message: str = "", *, text: str = "", is_news: bool = False, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.text = text
        self.is_news = is_news


class StreamFailed(FuturesStreamError):
    """The stream ended because it could not go on; ``__cause__`` says why."""


class ForkedError(StreamFailed, RuntimeError):
    """The stream is a copy in a process that was forked: it lives on where it was opened, and is of no use here."""


class OpenTimeout(FuturesStreamError, TimeoutError):
    """The stream did not become live in time; ``__cause__`` is the last thing that went wrong."""


class OrderEnded(FuturesStreamError):
    """
    The order that was waited for ended in another way.

    Attributes:
        order: The order in its last state.
    """

    def __init__(self, message: str = "", *, order: Order | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.order = order


class ShutdownTimeout(FuturesStreamError, TimeoutError):
    """
    Some threads did not end in time.

    Attributes:
        threads: Their names.
    """

    def __init__(self, message: str = "", *, threads: tuple[str, ...] = (), **facts: Any) -> None:
        super().__init__(message, **facts)
        self.threads = threads
