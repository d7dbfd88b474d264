"""A connection's conversation as both of Bitget's APIs have it: log in, subscribe, and read what is pushed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from futures_stream.dialects.base import Control, Send, Session, masked
from futures_stream.dialects.bitget.login import BitgetCredentials, login, signature
from futures_stream.dialects.bitget.refusals import Refusal
from futures_stream.dialects.bitget.topics import Topic, Topics
from futures_stream.dialects.counts import count_odd
from futures_stream.dialects.keepalive import keepalive
from futures_stream.dialects.wire import decode
from futures_stream.errors import FuturesStreamError, MessageNotUnderstood
from futures_stream.records import Record

__all__ = ["LoggedInSession"]

_WITH_CODE = frozenset({"login", "subscribe", "unsubscribe"})


class LoggedInSession(Session):
    """
    One connection's conversation with Bitget.

    What its APIs say differently is in the methods that raise NotImplementedError: what is pushed, and what codes mean.

    Args:
        exchange: The dialect's name.
        credentials: Who asks.
        topics: What can be subscribed.
        channels: Neutral words of what to listen to.
    """

    def __init__(self, exchange: str, credentials: BitgetCredentials, topics: Topics, channels: Sequence[str]) -> None:
        super().__init__()
        self._exchange = exchange
        self._credentials = credentials
        self._secrets = [credentials.api_key, credentials.api_secret, credentials.passphrase]
        self._hide = partial(masked, secrets=self._secrets)
        self._logged_in = False
        self._greeted = False
        self._sends: tuple[Send, ...] = ()
        self._topics = topics
        self._topics.ask(channels)

    def _read_push(self, message: dict[str, Any], arg: dict[str, Any], received_ns: int, seq: int) -> list[Record]:
        """Return the records of a push."""
        raise NotImplementedError

    def _answer_to(self, refused: Refusal, received_ns: int) -> Control | None:
        """
        Return what to do about a code that means something by itself; None if that depends on what is outstanding.

        Raises:
            FuturesStreamError: What the code means.
        """
        raise NotImplementedError

    def _login_rejected(self, refused: Refusal) -> FuturesStreamError:
        """Return the refusal of the login."""
        raise NotImplementedError

    def _subscription_rejected(self, refused: Refusal, topic: Topic) -> FuturesStreamError:
        """Return the refusal of a subscription."""
        raise NotImplementedError

    @property
    def greeted(self) -> bool:
        """Whether the login and all first subscriptions have been answered."""
        return self._greeted

    def opened(self, unix_ms: int) -> Control:
        """Log in; nothing is subscribed before the answer."""
        return Control(label="opened", sends=(self._log_in(unix_ms),))

    def receive(self, text: str, received_ns: int, seq: int) -> list[Record] | Control:
        """Read one message."""
        try:
            message = decode(text)
            if type(message) is dict and not message.get("event"):
                arg = message.get("arg")
                if type(arg) is dict and ("data" in message or "action" in message):
                    return self._push(message, arg, received_ns, seq)
            return self._control(message, received_ns)
        except MessageNotUnderstood as error:
            control = keepalive(text)  # "pong" alone is not JSON
            if control is None:
                error.exchange, error.text = self._exchange, self.without_secrets(text)
                raise
        return control

    def take_sends(self) -> tuple[Send, ...]:
        """Return, once, the next subscriptions, if data confirmed the ones before."""
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
        return self._hide(text)

    def _log_in(self, unix_ms: int) -> Send:
        timestamp = str(unix_ms // 1000)  # whole seconds; REST signs milliseconds (WIRE.md A.2, A.8)
        sign = signature(self._credentials, timestamp)
        self._secrets.append(sign)
        self._logged_in = False
        self.awaiting = "the login's answer"
        return login(self._credentials, timestamp, sign)

    def _advance(self) -> tuple[Send, ...]:
        """Bring up to date what is told about the session, and return the next subscriptions."""
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
        records = self._read_push(message, arg, received_ns, seq)
        if self._topics.outstanding is not None and self._topics.confirm(arg):
            self._sends += self._advance()  # what delivers has been accepted, whatever becomes of the answer
        return records

    def _control(self, message: Any, received_ns: int) -> Control:
        control = self._event(message, received_ns) if type(message) is dict else None
        control = control or keepalive(message)
        if control is None:
            raise MessageNotUnderstood("it is no event, no push and no pong")
        return control

    def _event(self, message: dict[str, Any], received_ns: int) -> Control | None:
        """Read an answer; None if it is none that is known."""
        said, arg = message.get("event"), message.get("arg")
        event = said.lower() if isinstance(said, str) else ""
        arg = arg if type(arg) is dict else None
        refused = Refusal.read(message, self._exchange, self._secrets)
        if event == "error" or (event in _WITH_CODE and refused.code is not None):
            return self._refused(event, refused, arg, message.get("op"), received_ns)
        if event == "login":
            self._logged_in = True
            return Control(label="login accepted", sends=self._advance())
        if event == "subscribe":
            self._topics.confirm(arg)
            return Control(label="subscription accepted", sends=self._advance())
        if event == "unsubscribe":
            self._topics.left(arg or {})
            return Control(label="unsubscription accepted")
        return None

    def _refused(self, event: str, refused: Refusal, arg: dict[str, Any] | None, op: Any, received_ns: int) -> Control:
        control = self._answer_to(refused, received_ns)
        if control is not None:
            return control
        if not self._logged_in and (event == "login" or self.awaiting is not None):
            raise self._login_rejected(refused)
        if "unsubscribe" in (event, op):
            self._topics.left(arg or {})
            count_odd(self.oddities, "unsubscription refused")
            return Control(label="unsubscription refused")
        return self._subscription_refused(refused, arg)

    def _subscription_refused(self, refused: Refusal, arg: dict[str, Any] | None) -> Control:
        topic = self._topics.named(arg)
        if topic is None:
            if arg is None and self._topics.ask_one_by_one():
                count_odd(self.oddities, "refusal that does not say of what")
                return Control(label="subscriptions refused, without saying which", sends=self._advance())
            raise MessageNotUnderstood(f"Bitget reports an error ({refused.said}) that answers nothing")
        wanted = self._topics.refuse(topic)
        self._tell()
        if wanted:
            raise self._subscription_rejected(refused, topic)
        return Control(label="subscription refused that nobody wants", sends=self._advance())
