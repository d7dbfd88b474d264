"""Signals, and the many ways in which a process may end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from process_children import BEGIN, environment, run

from futures_stream.simulator import Simulator

needs_signals = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
INTERRUPTS = int(os.environ.get("FUTURES_STREAM_INTERRUPTS", "30"))  # of each kind of wait
CLOSES = int(os.environ.get("FUTURES_STREAM_CLOSES", "60"))  # by a signal handler, each at a random moment
IN_TIME = 5.0  # seconds that a process with open streams may take to end


@needs_signals
def test_ctrl_c_ends_the_wait_and_not_the_stream(sim: Simulator) -> None:
    """KeyboardInterrupt comes where the program waits, without a timeout too; the stream lives on and can be read."""
    ended = run(
        sim,
        "bitget",
        """
stream = opened()
waits = [stream.get, lambda: [record for record in stream], lambda: stream.wait_for(lambda _: False)]
for wait in waits * 2:
    when_main_waits(lambda: os.kill(os.getpid(), signal.SIGINT))
    try:
        while True:
            wait()
    except KeyboardInterrupt:
        print("interrupted", stream.status.state.value)
    stream.get(timeout=10)
with stream:
    for record in stream:
        break
print(stream.status.state.value, ours())
""",
    )

    assert ended.err == ""
    assert ended.lines == ["interrupted live"] * 6 + ["closed []"]


@needs_signals
def test_sigterm_has_its_usual_effect(sim: Simulator) -> None:
    """The default action ends the process at once, in a wait without end too."""
    ended = run(
        sim,
        "bitmusa",
        """
stream = opened()
when_main_waits(lambda: os.kill(os.getpid(), signal.SIGTERM))
while True:
    stream.get()
""",
    )

    assert (ended.code, ended.err) == (-signal.SIGTERM, "")
    assert sim.wait_connections(None, 0)


@needs_signals
def test_a_handler_that_closes_at_any_moment(sim: Simulator) -> None:
    """Signals whose handler closes, each somewhere in a loop that reads: each loop ends by itself, none hangs."""
    ended = run(
        sim,
        "bitget",
        f"rounds = {CLOSES}"
        """
import random
random.seed(4)
sys.setswitchinterval(1e-6)
longest, errors = 0.0, []
stream = None
def handle(number, frame):
    global longest
    began = time.monotonic()
    try:
        stream.close()
    except BaseException as error:
        errors.append(repr(error))
    longest = max(longest, time.monotonic() - began)
signal.signal(signal.SIGUSR1, handle)
for round in range(rounds):
    stream = opened(account=f"a{round}")
    spins = random.randrange(3000)
    def shoot():
        for _ in range(spins):
            pass
        os.kill(os.getpid(), signal.SIGUSR1)
    shooter = threading.Thread(target=shoot)
    shooter.start()
    kind = round % 4
    if kind == 0:
        for record in stream:
            pass
    elif kind == 1:
        while not stream.status.state.ended:
            stream.queue.qsize(), stream.stats(), repr(stream)
    elif kind == 2:
        try:
            stream.wait_for(lambda record: False)
        except StreamFailed:
            pass
    else:
        try:
            stream.wait_state("backing_off")
        except StreamFailed:
            pass
    shooter.join()
    stream.close()
    if not stream.status.state.ended or ours():
        errors.append(f"{round}: {stream!r} {ours()}")
print(errors, longest < 2.0)  # far less than the 5 s after which a close gives up
""",
    )

    assert (ended.code, ended.out, ended.err) == (0, "[] True\n", "")


@needs_signals
def test_a_handler_that_closes_twice(sim: Simulator) -> None:
    """A handler may interrupt a close, and another handler that one: the outermost close still waits to the end."""
    ended = run(
        sim,
        "bitmusa",
        """
calls = []
def handle(number, frame):
    calls.append(number)
    if len(calls) < 10:
        os.kill(os.getpid(), signal.SIGUSR1)
    stream.close()
signal.signal(signal.SIGUSR1, handle)
stream = opened()
threading.Thread(target=lambda: [os.kill(os.getpid(), signal.SIGUSR1) for _ in range(50)], daemon=True).start()
stream.close()
print(stream.status.state.value, ours())
""",
    )

    assert (ended.code, ended.out, ended.err) == (0, "closed []\n", "")


ENDINGS = {
    "falls off the end": ("", 0),
    "ends at once": ("os._exit(4)", 4),
    "exits beside threads that read, or have exited": (
        "thread = threading.Thread(target=lambda: (streams[0].get(), sys.exit(9))); thread.start(); thread.join();"
        "[threading.Thread(target=lambda s=s: [r for r in s], daemon=True).start() for s in streams]; sys.exit(3)",
        3,
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_process_ends_whatever_is_open(sim: Simulator, ending: str) -> None:
    """Several open streams, one that backs off, one that still connects: the end comes in time, and quietly."""
    last, code = ENDINGS[ending]
    ended = run(
        sim,
        "bitget",
        f"""
import logging, socket
logging.disable(logging.CRITICAL)  # one of the streams has a reason to complain
silent = socket.create_server(("127.0.0.1", 0))
nowhere = Endpoints(ws_url=f"ws://127.0.0.1:{{silent.getsockname()[1]}}/x", rest_url=None)
begin = threading.Thread(target=lambda: opened(account="connecting", endpoints=nowhere, timeout=60), daemon=True)
begin.start()
peer, _ = silent.accept()
streams = [opened(account=f"a{{number}}") for number in range(4)]
from futures_stream.stream.making import prepare_stream
unlucky = prepare_stream(exchange, credentials, endpoints=Endpoints(ws_url="ws://127.0.0.1:1/x", rest_url=None))
unlucky.start()
unlucky.wait_state("backing_off", 10)
print(time.time(), flush=True)
{last}
""",
        begin="import atexit, time; atexit.register(lambda: print(time.time(), flush=True))\n" + BEGIN,
    )

    assert (ended.code, ended.err) == (code, "")
    times = [float(line) for line in ended.lines]
    assert times[-1] - times[0] < IN_TIME  # the first atexit function that is registered is the last that runs
    assert len(times) == (1 if ending == "ends at once" else 2)
    assert sim.wait_connections(None, 0)


@needs_signals
@pytest.mark.parametrize("exchange", ["bitmusa", "bitget"][: 2 if "FUTURES_STREAM_INTERRUPTS" in os.environ else 1])
def test_interrupts_break_nothing(sim: Simulator, exchange: str) -> None:
    """However often Ctrl-C ends a wait, no lock is left held, no record lost, no thread left; all goes on."""
    where = sim.endpoints(exchange)  # type: ignore[call-overload]
    program = str(Path(__file__).parent / "interrupted_waits.py")
    # Ctrl-C in a weak reference's callback is thrown away by Python, and told on the standard error.
    ran = subprocess.run(
        [sys.executable, program, exchange, where.ws_url, where.rest_url, str(INTERRUPTS)],
        capture_output=True,
        text=True,
        timeout=60 + INTERRUPTS,
        env=environment(),
        check=False,
    )

    said = ["attached 1 missing 0 twice 0", "live 1", "locked False", "lost 0 twice 0", "goes on True", "left []"]
    assert (ran.stdout.splitlines(), ran.returncode) == (said, 0), ran.stderr
