"""A machine that has no descriptor or no thread left, and streams that never ran."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from process_children import run

from futures_stream import (
    Closed,
    ConfigError,
    ConnectFailed,
    Endpoints,
    Stream,
    StreamFailed,
    StreamQueue,
    open_stream,
)
from futures_stream.simulator import Simulator
from futures_stream.stream.making import prepare_stream

NOWHERE = Endpoints(ws_url="ws://127.0.0.1:1/x", rest_url="http://127.0.0.1:1")

HOG = """
import logging, resource
logging.getLogger("futures_stream").propagate = False
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
def hog():
    # Take every descriptor that is left.
    taken = []
    while True:
        try:
            taken.append(os.dup(0))
        except OSError:
            return taken
def let_go(taken):
    while taken:
        os.close(taken.pop())
"""

needs_limits = pytest.mark.skipif(os.name != "posix", reason="the limit on descriptors is POSIX's")


@needs_limits
@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_reconnecting_without_descriptors(sim: Simulator, exchange: str) -> None:
    """The status says what is missing, the tries are as rare as any, and it comes back when there are some again."""
    ended = run(
        sim,
        exchange,
        HOG
        + """
from random import Random
from futures_stream.stream.making import prepare_stream
tries = queue.Queue()
class Listen(logging.Handler):
    def emit(self, record):
        tries.put(record.getMessage())
logging.getLogger("futures_stream").addHandler(Listen())
stream = prepare_stream(exchange, credentials, endpoints=endpoints, random=Random(3))
stream.start()
stream.wait_state("live", 10)
taken = hog()
print("drop", flush=True)
said = []
cpu = time.process_time()
while len(said) < 3:
    text = tries.get(timeout=20)
    if "next try" in text:
        said.append(text)
spent = time.process_time() - cpu
print("too many open files" in said[-1] or said, spent < 1.0 or spent)
print("too many open files" in str(stream.status.error) or stream.status)
let_go(taken)
print(stream.wait_state("live", 20).error)
stream.close()
kinds = [type(record).__name__ for record in stream.queue]
print(kinds.count("Gap"), kinds.count("Resynced"), kinds[-1], ours())
""",
        at_first_line=sim.drop,
    )

    assert ended.err == ""
    assert ended.lines == ["drop", "True True", "True", "None", "1 1 Closed []"]


@needs_limits
def test_opening_without_descriptors(sim: Simulator) -> None:
    """However many are left, open_stream raises one of its own errors and gives all of them back."""
    ended = run(
        sim,
        "bitmusa",
        HOG
        + """
logging.getLogger("futures_stream").addHandler(logging.NullHandler())
opened().close()  # loads what is loaded once
for left in range(6):
    taken = hog()
    for _ in range(left):
        os.close(taken.pop())
    try:
        opened(timeout=0.3).close()
        outcome = "opened"
    except FuturesStreamError as error:
        outcome = type(error).__name__
    free = hog()
    print(left, outcome, len(free), ours())
    let_go(free)
    let_go(taken)
opened().close()
""",
    )

    assert (ended.code, ended.err) == (0, "")
    # A stream holds three: a pair that wakes its thread, and a selector. A connection takes four on its way.
    assert ended.lines == [
        f"{left} {'ConnectFailed' if left < 3 else 'OpenTimeout'} {left} []" for left in range(len(ended.lines))
    ]


@pytest.fixture
def no_threads() -> Iterator[None]:
    """Let no thread be started: each would need a stack that no machine has."""
    usual = threading.stack_size(1 << 46)
    yield
    threading.stack_size(usual)


@pytest.mark.usefixtures("no_threads")
@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_opening_without_threads(exchange: str) -> None:
    """open_stream raises an error of its own, and the queue that was handed over is told the end."""
    shared = StreamQueue()
    credentials = Simulator().credentials(exchange)  # type: ignore[call-overload]
    with pytest.raises(ConnectFailed, match=f"no thread could be started for futures-stream/{exchange}/default/io"):
        open_stream(exchange, credentials, endpoints=NOWHERE, queue=shared)

    assert [type(record) for record in shared] == [Closed]
    assert shared.is_shutdown


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_reconnecting_without_threads(sim: Simulator, exchange: str) -> None:
    """A stream that gets no thread for a new connection says so, backs off, and comes back when there is one."""
    credentials = sim.credentials(exchange)  # type: ignore[call-overload]
    with open_stream(exchange, credentials, endpoints=sim.endpoints(exchange)) as stream:  # type: ignore[call-overload]
        usual = threading.stack_size(1 << 46)
        try:
            sim.drop()
            assert stream._lifecycle.wait(lambda now: "no thread could be started" in str(now.error), 20)
        finally:
            threading.stack_size(usual)
        assert stream.wait_state("live", 20).error is None


@pytest.mark.usefixtures("no_threads")
def test_a_start_that_failed() -> None:
    """The stream can be closed as often as one likes; its end is told once."""
    stream = _prepared("bitmusa", "a", StreamQueue())
    with pytest.raises(ConnectFailed):
        stream.start()
    for _ in range(3):
        stream.close()

    assert [type(record) for record in stream.queue] == [Closed]
    assert stream.status.state == "closed"


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
@pytest.mark.parametrize("others", [0, 1])
def test_a_stream_that_never_ran(exchange: str, others: int) -> None:
    """Closed before it was started: Closed on its queue, nothing left, no other stream of the queue ended with it."""
    shared = StreamQueue()
    prepared = [_prepared(exchange, f"a{number}", shared) for number in range(1 + others)]
    own = prepared[0].subscribe()
    prepared[0].close()
    prepared[0].close()
    with pytest.raises(StreamFailed, match="started once"):
        prepared[0].start()

    assert prepared[0].status.state == "closed"
    assert [type(record) for record in own] == [Closed]
    assert isinstance(shared.get(timeout=0), Closed)
    assert shared.is_shutdown is (not others)
    for stream in prepared:
        stream.close()
    assert [record.account for record in shared] == ["a1"] * others


def test_many_close_what_one_starts() -> None:
    """Closing from many threads, while another one starts it: every close returns, and the end is told once."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(50):
            stream = _prepared("bitget", "a", StreamQueue())
            begin = threading.Barrier(4)
            outcomes: list[str] = []

            def meet(what: Callable[[], None]) -> None:
                begin.wait()
                try:
                    what()
                    outcomes.append("")
                except StreamFailed as error:
                    outcomes.append(error.message)

            todo = [stream.close, stream.close, stream.close, stream.start]
            threads = [threading.Thread(target=meet, args=(what,)) for what in todo[number % 4 :] + todo[: number % 4]]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(10)
            assert set(outcomes) <= {"", "a stream is started once; open a new one"}
            assert len(outcomes) == 4
            stream.close()
            assert [type(record) for record in stream.queue] == [Closed]
    finally:
        sys.setswitchinterval(before)


def test_what_is_only_forgotten() -> None:
    """A stream that was prepared, and then dropped, gives its descriptors back without a warning."""
    _prepared("bitget", "a", StreamQueue())
    ended = StreamQueue()
    ended.shutdown()
    with pytest.raises(ConfigError, match="has ended"):
        _prepared("bitget", "a", ended)


def _prepared(exchange: str, account: str, queue: StreamQueue) -> Stream:
    """Return a stream that leads nowhere."""
    credentials = Simulator().credentials(exchange)  # type: ignore[call-overload]
    return prepare_stream(exchange, credentials, endpoints=NOWHERE, account=account, queue=queue)
