"""Forked children: the parent's stream goes on, and is of no use in the child."""

from __future__ import annotations

import os

import pytest
from process_children import run

from futures_stream.simulator import Simulator

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

FORKS = int(os.environ.get("FUTURES_STREAM_FORKS", "15"))  # each at a random moment

CALLS = """
def calls(stream):
    shared = stream.queue
    return {
        "get": lambda: stream.get(timeout=1),
        "iterate": lambda: next(iter(stream)),
        "records": lambda: next(stream.records()),
        "queue.get": lambda: shared.get(timeout=1),
        "queue.iterate": lambda: next(iter(shared)),
        "wait_for": lambda: stream.wait_for(lambda record: True, 1),
        "wait_order": lambda: stream.wait_order(order_id="1", timeout=1),
        "wait_until": lambda: stream.wait_until(lambda: True, 1),
        "expect": lambda: stream.expect(order_id="1"),
        "orders": lambda: stream.orders,
        "positions": lambda: stream.positions,
        "balances": lambda: stream.balances,
        "wait_state": lambda: stream.wait_state("closed", 1),
        "add_channels": lambda: stream.add_channels("orders", timeout=1),
        "remove_channels": lambda: stream.remove_channels("orders"),
        "subscribe": lambda: stream.subscribe(Order),
        "start": stream.start,
        "stop": stream.stop,
        "close": stream.close,
    }

def outcomes(stream):
    found = {}
    for name, call in calls(stream).items():
        try:
            found[name] = repr(call())
        except Exception as error:
            found[name] = type(error).__name__
    return found

def refused(stream):
    wrong = {name: outcome for name, outcome in outcomes(stream).items() if outcome != "ForkedError"}
    if wrong:
        print("not refused:", wrong, flush=True)

def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.mark.parametrize("exchange", ["bitget", "bitmusa"])
def test_a_stream_is_its_parents(sim: Simulator, exchange: str) -> None:
    """In the child every call is refused at once and nothing is open; the parent's connection does not notice."""
    ended = run(
        sim,
        exchange,
        CALLS
        + """
before = sockets()
stream = opened()
inherited = sockets() - before
own = stream.subscribe(Order)
pid = os.fork()
if pid == 0:
    refused(stream)
    try:
        own.get()
    except ForkedError as error:
        print(error)
    print("open in the child:", len(inherited & sockets()), "of", len(inherited) > 2, ours())
    print(repr(stream).replace(exchange, "exchange"), type(stream.status.error).__name__, flush=True)
    sys.exit(7)  # runs atexit
print("child ended with", ended(pid))
seq = stream.wait_for(lambda record: not isinstance(record, Notice), 10).seq
stream.wait_for(lambda record: record.seq > seq, 10)
print(stream.status.state.value, stream.status.connects, flush=True)
stream.close()
print(ours())
""",
    )

    assert ended.err == ""
    assert ended.lines[:2] == [
        "this stream belongs to the process that opened it; open another one in this one",
        "open in the child: 0 of True []",
    ]
    assert ended.lines[2].startswith("<Stream exchange/default: failed; last error: ForkedError")
    assert ended.lines[3:] == ["child ended with 7", "live 1", "[]"]
    assert ended.code == 0
    assert sim.wait_connections(None, 0)


def test_the_children_of_multiprocessing(sim: Simulator) -> None:
    """A process of the standard library's fork context is such a child too, and leaves with its own result."""
    ended = run(
        sim,
        "bitget",
        CALLS
        + """
import multiprocessing
with opened() as stream:
    processes = [multiprocessing.get_context("fork").Process(target=refused, args=(stream,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print([process.exitcode for process in processes])
    stream.wait_for(lambda record: True, 10)
    print(stream.status.state.value, stream.status.connects)
""",
    )

    assert (ended.code, ended.out, ended.err) == (0, "[0, 0, 0]\nlive 1\n", "")


def test_a_child_opens_its_own(sim: Simulator) -> None:
    """
    A stream that is opened in the child is as good as any, on a queue made before the fork, too.

    The end of the parent's block has nothing to close in the child, so its own exception gets through.
    """
    ended = run(
        sim,
        "bitmusa",
        CALLS
        + """
prepared = StreamQueue()
with opened() as stream:
    pid = os.fork()
    if pid == 0:
        with opened(queue=prepared) as own:
            print(own.get(timeout=10).exchange, own.status.state.value, flush=True)
        sys.exit(5)
    print(ended(pid), stream.status.state.value, stream.status.connects)
""",
    )

    assert (ended.code, ended.out, ended.err) == (0, "bitmusa live\n5 live 1\n", "")


def test_a_connection_in_the_making_is_not_kept_open(sim: Simulator) -> None:
    """What a helper thread had in its hands at the fork is closed in the child, where that thread is not."""
    ended = run(
        sim,
        "bitget",
        CALLS
        + """
import socket
listener = socket.create_server(("127.0.0.1", 0))
where = Endpoints(ws_url=f"ws://127.0.0.1:{listener.getsockname()[1]}/x", rest_url=None)
given_up = threading.Event()
before = sockets()
def open_in_vain():
    try:
        opened(endpoints=where, timeout=60)
    except StreamFailed:
        given_up.set()
opening = threading.Thread(target=open_in_vain)
opening.start()
peer, _ = listener.accept()
peer.recv(65536)  # the upgrade has been asked for
inherited = sockets() - before
ready, go = os.pipe()
pid = os.fork()
if pid == 0:
    left = sockets() & inherited
    peer.close()
    print("open in the child:", len(left), "of", len(inherited) > 3, flush=True)
    os.close(go)
    os.read(ready, 1)  # lives on while the parent closes
    os._exit(len(left) - 1)
os.close(ready)
from futures_stream.stream.registry import open_streams
for entry in tuple(open_streams._entries):
    entry.stream.close()
opening.join()
peer.settimeout(10)
heard = peer.recv(1)
os.close(go)
print(ended(pid), given_up.is_set(), "heard by the other side:", heard)
""",
    )

    # The child's peer is counted among what it inherited: it is the test's own, and the one left.
    assert ended.err == ""
    assert ended.lines == ["open in the child: 1 of True", "0 True heard by the other side: b''"]


def test_locks_that_are_held_at_the_fork(sim: Simulator) -> None:
    """A lock whose owner is not in the child is not waited for there: neither by old objects nor by new ones."""
    ended = run(
        sim,
        "bitmusa",
        CALLS
        + """
from futures_stream.engine import budget
from futures_stream.stream.registry import open_streams
stream = opened()
closed = opened(account="closed")
closed.close()
fresh = StreamQueue()
held, done = threading.Event(), threading.Event()
def hold():
    of_hosts = [of_host for of_clock in budget._budgets.values() for _, of_host in of_clock.values()]
    of_budgets = [one._lock for of_host in of_hosts for one in of_host.values()]
    locks = [budget._lock, open_streams._lock, fresh.mutex, *of_budgets]
    for one in (stream, closed):
        locks += [one.queue.mutex, one._lifecycle._lock, one._delivery._lock]
    for lock in locks:
        lock.acquire()
    held.set()
    done.wait()
    for lock in locks:
        lock.release()
holder = threading.Thread(target=hold)
holder.start()
held.wait()
pid = os.fork()
if pid == 0:
    refused(stream)
    print(repr(stream.stats())[:5], stream.queue.empty(), fresh.empty(), len(list(closed)), closed.close())
    print(names := [type(record).__name__ for record in closed.subscribe()])
    with opened(queue=fresh) as own:
        print(own.get(timeout=10).exchange, flush=True)
    sys.exit(0)
code = ended(pid)
done.set()
holder.join()
stream.wait_for(lambda record: True, 10)
print(code, stream.status.state.value)
""",
    )

    assert ended.err == ""
    first, *rest = ended.lines
    assert first.startswith("Stats True True")
    assert first.endswith("None")
    assert rest == ["['Closed']", "bitmusa", "0 live"]


def test_forks_at_any_moment(sim: Simulator) -> None:
    """Many forks amid a flood and a consumer, and no child hangs."""
    ended = run(
        sim,
        "bitget",
        CALLS
        + f"rounds = {FORKS}"
        + """
stream = opened()
sys.setswitchinterval(1e-6)
threading.Thread(target=lambda: [record.seq for record in stream], daemon=True).start()
counting = threading.Thread(target=lambda: [stream.stats() and stream.subscribe(Order) for _ in range(100)])
counting.start()
codes = set()
for _ in range(rounds):
    pid = os.fork()
    if pid == 0:
        refused(stream)
        os._exit(0)
    codes.add(ended(pid))
counting.join()
stream.wait_for(lambda record: True, 10)
print(codes, stream.status.state.value, stream.status.connects)
""",
    )

    assert (ended.code, ended.out, ended.err) == (0, "{0} live 1\n", "")
