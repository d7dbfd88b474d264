"""A further exchange, whole. Run it to see a message read; open_stream(TINY, BitgetCredentials(…)) would follow it."""

from futures_stream import BitgetCredentials, Dialect, Endpoints, Execution, MessageNotUnderstood
from futures_stream.dialects import base, wire


class TinySession(base.Session):  # one connection's conversation: text in, records or things to send out
    greeted, account = False, ""

    def opened(self, unix_ms):
        self.awaiting = "the login's answer"  # the engine gives it ten seconds
        return base.Control(label="opened", sends=(base.Send('{"hello": "world"}', "login"),))

    def receive(self, text, received_ns, seq):
        match wire.decode(text):
            case {"welcome": _}:
                self.greeted, self.awaiting = True, None
                return base.Control(label="welcome")
            case {"fill": {"price": price, "size": size}}:
                facts = {"price": wire.number(price), "size": wire.number(size), "received_ns": received_ns}
                return [Execution(exchange="tiny", account=self.account, seq=seq, **facts)]
        raise MessageNotUnderstood("neither a welcome nor a fill", text=text)


class Tiny(Dialect):  # what it is; what is said of neither is done by the engine
    def session(self, *, credentials, account, channels, symbols):
        session = TinySession()
        session.account, session.subscribed = account, frozenset(channels)
        return session


WHERE = Endpoints("wss://tiny.example/stream")
WORDS = {"executions": "fill"}  # neutral word: the exchange's own
TINY = Tiny(name="tiny", title="Tiny", endpoints=WHERE, channels=WORDS, credentials=BitgetCredentials)

if __name__ == "__main__":
    session = TINY.session(credentials=None, account="me", channels=["executions"], symbols=None)
    print(*session.receive('{"fill": {"price": "30000.50", "size": "0.100"}}', received_ns=0, seq=1))
