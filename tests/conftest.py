"""Guards that every test runs under: nothing outlives it, nothing sleeps, nothing leaves this machine."""

import gc
import ipaddress
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# A test that is slow on a busy machine has found no counter-example. The ordinary suite looks at the same examples each
# time, so that a change is judged by what it changed; the full matrix looks at others in each run, and finds more.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("FUTURES_STREAM_FULL") != "1",
)
settings.load_profile("any machine")

PACKAGE = "futures_stream"
PATIENCE = 5.0  # seconds that a thread which was told to end may still need on a busy machine
_real_sleep = time.sleep


def _refuse_to_leave(event: str, args: tuple[object, ...]) -> None:
    """Refuse every connection, in every thread, to anything but this machine."""
    if event not in ("socket.connect", "socket.sendto"):
        return
    address = args[1]
    if isinstance(address, tuple) and not _is_here(str(address[0])):
        raise RuntimeError(f"a test wants to connect to {address[0]}")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


sys.addaudithook(_refuse_to_leave)


def _guarded_sleep(seconds: float) -> None:
    caller = sys._getframe(1).f_globals.get("__name__", "")
    if caller.partition(".")[0] == PACKAGE:
        raise AssertionError(f"{caller} sleeps; wait on an event instead")
    _real_sleep(seconds)


def pytest_xdist_auto_num_workers() -> int:
    """Say how many workers ``-n auto`` means: more than there are cores, as many tests wait for something."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.fixture(autouse=True, scope="session")
def _no_sleep_in_the_package() -> Iterator[None]:
    time.sleep = _guarded_sleep
    yield
    time.sleep = _real_sleep


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """Fail the test that leaves one of its threads, sockets, pipes or selectors behind."""
    threads = set(threading.enumerate())
    channels = _open_channels()
    yield
    left = [thread for thread in threading.enumerate() if thread not in threads]
    deadline = time.monotonic() + PATIENCE
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    alive = [thread.name for thread in left if thread.is_alive()]
    assert not alive, f"threads left behind: {alive}"
    extra = _open_channels() - channels
    if extra:
        gc.collect()  # a reference cycle of the test's own may hold one
        extra = _open_channels() - channels
    assert not extra, f"left open: {sorted(extra)}"


def _open_channels() -> set[str]:
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        return set()  # only Linux can tell
    found = set()
    for name in os.listdir(folder):
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:
            continue  # the listing's own descriptor
        if target.startswith(("socket:", "pipe:", "anon_inode:")):
            found.add(f"{name} {target}")  # all selectors have one target
    return found


@pytest.fixture
def dead_port() -> int:
    """A port on this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
