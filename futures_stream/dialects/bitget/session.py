"""One connection's conversation with Bitget: log in, subscribe one thing at a time, read what is pushed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from futures_stream.dialects.base import Control, Send, Session, masked
from futures_stream.dialects.bitget.login import BitgetCredentials, login, signature
from futures_stream.dialects.bitget.pushes import Pushes
from futures_stream.dialects.bitget.refusals import Refusal, login_rejected, refusal, subscription_rejected
from futures_stream.dialects.bitget.topics import Topics
from futures_stream.dialects.counts import count_odd
from futures_stream.dialects.keepalive import keepalive
from futures_stream.dialects.wire import decode
from futures_stream.errors import MessageNotUnderstood
from futures_stream.records import Record

if TYPE_CHECKING:
    from futures_stream.dialects.base import Dialect

__all__ = ["BitgetSession"]

_WITH_CODE = frozenset({"login", "subscribe", "unsubscribe"})


class BitgetSession(Session):
    """
    One connection's conversation with Bitget.

    Args:
        dialect: Whose name and words are spoken.
        credentials: Who asks.
        inst_type: The product family that is subscribed.
        account: The label that every record carries.
        channels: Neutral words of what to listen to.
        symbols: Contracts to listen to; None for all.
    """

    def __init__(
        self,
        dialect: Dialect,
        credentials: BitgetCredentials,
        *,
        inst_type: str,
        account: str,
        channels: Sequence[str],
        symbols: Sequence[str] | None,
    ) -> None:
        super().__init__()
        self._exchange = dialect.name
        self._credentials = credentials
        self._secrets = [credentials.api_key, credentials.api_secret, credentials.passphrase]
        self._logged_in = False
        self._greeted = False
        self._sends: tuple[Send, ...] = ()
        self._pushes = Pushes(dialect, account, self.unknown, self.oddities, partial(masked, secrets=self._secrets))
        self._topics = Topics(dialect.channels, inst_type, symbols)
        self._topics.ask(channels)

    @property
    def greeted(self) -> bool:
        """Whether the login and all first subscriptions have been answered."""
        return self._greeted

    def opened(self, unix_ms: int) -> Control:
        """Log in; nothing is subscribed before the answer."""
        timestamp = str(unix_ms // 1000)
        sign = signature(self._credentials, timestamp)
        self._secrets.append(sign)
        self.awaiting = "the login's answer"
        return Control(label="opened", sends=(login(self._credentials, timestamp, sign),))

    def receive(self, text: str, received_ns: int, seq: int) -> list[Record] | Control:
        """Read one message."""
        try:
            message = decode(text)
            if type(message) is dict and "event" not in message:
                arg = message.get("arg")
                if type(arg) is dict and ("data" in message or "action" in message):
                    return self._push(message, arg, received_ns, seq)
            return self._control(message)
        except MessageNotUnderstood as error:
            control = keepalive(text)  # "pong" alone is not JSON
            if control is None:
                error.exchange, error.text = self._exchange, self.without_secrets(text)
                raise
        return control

    def take_sends(self) -> tuple[Send, ...]:
        """Return, once, the next subscription, if data confirmed the one before."""
        sends, self._sends = self._sends, ()
        return sends

    def subscribe(self, channels: Sequence[str]) -> Control:
        """Ask for more channels."""
        self._topics.ask(channels)
        return Control(label="subscribe", sends=self._advance())

    def unsubscribe(self, channels: Sequence[str]) -> Control:
        """Give up channels."""
        send = self._topics.give_up(channels)
        return Control(label="unsubscribe", sends=(*(() if send is None else (send,)), *self._advance()))

    def proceed(self) -> Control:
        """Go on without the subscription that was just refused."""
        return Control(label="proceed", sends=self._advance())

    def without_secrets(self, text: str) -> str:
        """Return what a server said with our own secrets masked."""
        return masked(text, self._secrets)

    def _advance(self) -> tuple[Send, ...]:
        """Bring up to date what is told about the session, and return the next subscription."""
        if not self._logged_in:
            return ()
        send = self._topics.next_send()
        self._tell()
        self._greeted = self._greeted or self._topics.settled
        return () if send is None else (send,)

    def _tell(self) -> None:
        outstanding = self._topics.outstanding
        self.awaiting = None if outstanding is None else f"the answer to subscribe {outstanding}"
        self.subscribed = self._topics.subscribed

    def _push(self, message: dict[str, Any], arg: dict[str, Any], received_ns: int, seq: int) -> list[Record]:
        records = self._pushes.read(message, received_ns, seq)
        if self._topics.outstanding is not None and self._topics.is_outstanding(arg):
            self._topics.confirm()  # what delivers has been accepted, whatever becomes of the answer
            self._sends += self._advance()
        return records

    def _control(self, message: Any) -> Control:
        control = self._event(message) if type(message) is dict else None
        control = control or keepalive(message)
        if control is None:
            raise MessageNotUnderstood("it is no event, no push and no pong")
        return control

    def _event(self, message: dict[str, Any]) -> Control | None:
        """Read an answer; None if it is none that is known."""
        said, arg = message.get("event"), message.get("arg")
        event = said.lower() if isinstance(said, str) else ""
        arg = arg if type(arg) is dict else None
        refused = Refusal.read(message, self._exchange, self._secrets)
        if event == "error" or (event in _WITH_CODE and refused.code is not None):
            return self._refused(event, refused, arg, message.get("op"))
        if event == "login":
            self._logged_in = True
            return Control(label="login accepted", sends=self._advance())
        if event == "subscribe":
            if arg is None or self._topics.is_outstanding(arg):
                self._topics.confirm()
            return Control(label="subscription accepted", sends=self._advance())
        if event == "unsubscribe":
            self._topics.left(arg or {})
            return Control(label="unsubscription accepted")
        return None

    def _refused(self, event: str, refused: Refusal, arg: dict[str, Any] | None, op: Any) -> Control:
        error = refusal(refused)
        if error is not None:
            raise error
        if not self._logged_in and (event == "login" or self.awaiting is not None):
            raise login_rejected(refused)
        if "unsubscribe" in (event, op):
            self._topics.left(arg or {})
            count_odd(self.oddities, "unsubscription refused")
            return Control(label="unsubscription refused")
        topic = self._topics.outstanding if arg is None else self._topics.named(arg)
        if topic is None:
            raise MessageNotUnderstood(f"Bitget reports an error ({refused.said}) that answers nothing")
        wanted = not self._topics.is_leaving(topic)
        self._topics.refuse(topic)
        self._tell()
        if wanted:
            raise subscription_rejected(refused, topic)
        return Control(label="subscription refused that nobody wants", sends=self._advance())
