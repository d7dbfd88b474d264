"""
Interrupts each of a stream's waits again and again, at any of its instructions; run as a program of its own.

    python interrupted_waits.py EXCHANGE WS_URL REST_URL TIMES

After every kind of wait the stream must deliver as before, and at the end close in time and leave no thread; a line
tells. What hangs tells where after a while. Nothing here waits by the standard library's events, which an interrupt
can break as well.
"""

from __future__ import annotations

import _thread
import contextlib
import faulthandler
import queue
import random
import signal
import sys
import threading
import time
from collections.abc import Callable

from futures_stream import Endpoints, Notice, Order, Stream, StreamQueue, open_stream
from futures_stream.clock import SYSTEM_CLOCK
from futures_stream.simulator import Simulator

PATIENCE = 20.0  # seconds that what is not interrupted may take
KEEPS_ALL = sys.version_info >= (3, 11)  # see StreamQueue about CPython 3.10


class Shooter:
    """Interrupts the main thread in the middle of what it repeats."""

    def __init__(self) -> None:
        self.caught = 0

    def interrupt(self, call: Callable[[], object], times: int, longest: float = 0.002) -> None:
        """Repeat a call until it is interrupted, and that so many times, each at any moment of *longest* seconds."""
        for _ in range(times):
            try:
                _thread.start_new_thread(self._shoot, (self.caught, random.random() * longest))
                while True:
                    call()
            except KeyboardInterrupt:
                self.caught += 1

    def _shoot(self, round_: int, pause: float) -> None:
        until = time.perf_counter() + pause  # too short to wait for otherwise
        while time.perf_counter() < until:
            pass
        while self.caught == round_:  # Python throws away what is raised in a weak reference's callback: once more
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            _BREATH.acquire(timeout=1.0)


_BREATH = threading.Lock()  # held for ever, to wait for
_BREATH.acquire()


def wait_for_it(stream: Stream) -> None:
    """See that the stream goes on."""
    stream.wait_for(lambda record: not isinstance(record, Notice), PATIENCE)


def say(*what: object) -> None:
    """Print what is to be known."""
    sys.stdout.write(" ".join(map(str, what)) + "\n")


def in_vain(call: Callable[[], object]) -> Callable[[], None]:
    """Return a call that is over in time."""

    def give_up() -> None:
        with contextlib.suppress(TimeoutError):
            call()

    return give_up


def main() -> None:
    """Interrupt everything that waits."""
    exchange, ws_url, rest_url, times = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    sys.setswitchinterval(1e-4)
    faulthandler.dump_traceback_later(2 * PATIENCE + times, exit=True)
    random.seed(7)
    credentials = Simulator().credentials(exchange)  # type: ignore[call-overload]
    endpoints = Endpoints(ws_url=ws_url, rest_url=rest_url)

    def opened(**asked: object) -> Stream:
        return open_stream(exchange, credentials, endpoints=endpoints, **asked)  # type: ignore[arg-type]

    stream = opened()
    seen: list[int] = []

    def iterate() -> None:
        for record in stream:
            seen.append(record.seq)

    def expect() -> None:
        with stream.expect(client_order_id="nobody's") as order:
            order.wait(timeout=0.0001)

    # Those that wait in vain do so again and again, so that the interrupts do not all come in the middle of a wait.
    waits: dict[str, Callable[[], object]] = {
        "get": lambda: seen.append(stream.get().seq),
        "iterate": iterate,
        "wait_for": in_vain(lambda: stream.wait_for(lambda record: False, 0.0001)),
        "wait_order": in_vain(lambda: stream.wait_order(order_id="nobody's", timeout=0.0001)),
        "wait_until": in_vain(lambda: stream.wait_until(lambda: False, 0.0001)),
        "expect": in_vain(expect),
        "wait_state": in_vain(lambda: stream.wait_state("backing_off", 0.0001)),
        "wait_state for ever": lambda: stream.wait_state("backing_off"),
        "add_channels": in_vain(lambda: stream.add_channels("orders", timeout=0.0001)),
    }
    if exchange == "bitmusa":
        waits["refresh"] = in_vain(lambda: stream.refresh(timeout=0.0005))
    interrupt = Shooter().interrupt
    for wait in waits.values():
        interrupt(wait, times)
        wait_for_it(stream)
    wait_for_it(stream)  # what an interrupt has left attached is found out by a delivery, and detached
    attached = len(stream._delivery._sinks)
    missing = len(set(range(1, max(seen) + 1)) - set(seen)) if KEEPS_ALL else 0
    say("attached", attached, "missing", missing, "twice", len(seen) - len(set(seen)))
    say(stream.status.state.value, stream.status.connects)

    own = StreamQueue(2)

    def put_and_take() -> None:
        with contextlib.suppress(queue.Full, queue.Empty, ValueError):  # it was interrupted in the middle
            own.put(1, timeout=0.0001)
            own.get(timeout=0.0001)
            own.task_done()

    interrupt(put_and_take, times)
    say("locked", own.mutex.locked())

    full, taken, many = StreamQueue(0), [], times * 3000
    full.open()
    full.deliver([Order(exchange="x", account="a", seq=seq) for seq in range(many)])
    interrupt(lambda: taken.append(full.get().seq), times)
    full.shutdown()
    taken += [record.seq for record in full]
    say("lost", many - len(set(taken)) if KEEPS_ALL else 0, "twice", len(taken) - len(set(taken)))

    flag, over, raised = SYSTEM_CLOCK.event(), False, 0

    def keep_raising() -> None:
        nonlocal raised
        while not over:
            flag.set()
            raised += 1

    def wait_for_flag() -> None:
        flag.wait(0.0001)
        flag.clear()

    raising = threading.Thread(target=keep_raising, daemon=True)
    raising.start()
    interrupt(wait_for_flag, times)
    before, until = raised, time.monotonic() + PATIENCE
    while raised == before and time.monotonic() < until:
        pass
    say("goes on", raised > before)
    over = True

    streams: list[Stream] = []

    def open_and_close() -> None:
        streams.append(opened(account=f"a{len(streams)}"))
        streams[-1].close()

    interrupt(open_and_close, times, longest=0.02)
    for one in (stream, *streams):
        one.close()
    if not KEEPS_ALL:  # a call that was about to return its stream
        from futures_stream.stream.registry import open_streams

        open_streams.close_all()
    say("left", [thread.name for thread in threading.enumerate() if thread.name.startswith("futures-stream/")])


if __name__ == "__main__":
    main()
