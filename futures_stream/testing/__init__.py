"""
For tests of your own: a clock that a test moves, and a network whose other end a test is.

With both in place a whole stream runs in memory, with its real threads, and a day passes in a moment::

    clock = FakeClock()
    network = FakeNetwork(clock)
    stream = prepare_stream(MyDialect(), credentials, network=network, clock=clock)
    stream.start()
    server = network.accept()           # the stream has connected
    assert "login" in server.hear()     # it greets
    server.say('{"event": "login"}')    # and is answered
    clock.settle(sleepers=1)            # everything that follows from that has happened
    clock.advance(20)                   # time for a ping
    assert "ping" in server.hear()
    stream.close()

(``from futures_stream.stream.making import prepare_stream``.) Nothing here waits in real time but for a thread that
is about to do something.
"""

from futures_stream.testing.clock import FakeClock
from futures_stream.testing.connection import FakeConnection, FakeServer
from futures_stream.testing.network import HANG, STUCK, Called, FakeNetwork

__all__ = ["HANG", "STUCK", "Called", "FakeClock", "FakeConnection", "FakeNetwork", "FakeServer"]
