"""A further exchange, whole. This reads one of its messages; open_stream(Tiny(), TinyCredentials("…")) follows it."""

from attrs import field, frozen

from futures_stream import Dialect, Endpoints, Execution, MessageNotUnderstood
from futures_stream.dialects import base, credentials, wire


@frozen
class TinyCredentials(credentials.Credentials):
    token = field(converter=credentials.secret, validator=credentials.usable)


class TinySession(base.Session):
    def __init__(self, who, account, channels):
        super().__init__()
        self.who, self.account, self.subscribed = who, account, frozenset(channels)

    greeted = False  # until the exchange has answered the login

    def opened(self, unix_ms):
        return base.Control(label="opened", sends=(base.Send(self.who.token.reveal(), "login"),))

    def receive(self, text, received_ns, seq):
        match wire.decode(text):
            case {"welcome": _}:
                self.greeted = True
                return base.Control(label="welcome")
            case {"fill": {"price": price, "size": size}}:
                facts = {"price": wire.number(price), "size": wire.number(size)}
                return [Execution(exchange="tiny", account=self.account, received_ns=received_ns, seq=seq, **facts)]
        raise MessageNotUnderstood("neither a welcome nor a fill", text=text)


@frozen(kw_only=True)
class Tiny(Dialect):
    name: str = "tiny"
    title: str = "Tiny"
    endpoints: Endpoints = Endpoints("wss://tiny.example/stream")
    channels: dict = field(factory=lambda: {"executions": "fill"})
    credentials: type = TinyCredentials

    def session(self, *, credentials, account, channels, symbols):
        return TinySession(credentials, account, channels)


if __name__ == "__main__":
    session = Tiny().session(credentials=TinyCredentials("x"), account="me", channels=["executions"], symbols=None)
    print(session.receive('{"fill": {"price": "30000.50", "size": "0.100"}}', received_ns=0, seq=1)[0])
