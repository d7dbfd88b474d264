"""Fresh TLS connections under concurrent commands, in a process of their own, so that a crash is seen."""

import subprocess
import sys

import pytest

from tests.faults.effort import FULL, how_many
from tests.faults.fresh_tls import LIMIT, ROOT

CONNECTIONS = how_many("TLS", 10, 1000)
EXCHANGES = ["bitget", "bitmusa"] if FULL else ["bitget"]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_no_connection_is_lost_but_by_the_servers_will(exchange: str) -> None:
    """Commands from four threads while the greeting runs neither end a connection nor the process."""
    command = [sys.executable, "-m", "tests.faults.fresh_tls", exchange, str(CONNECTIONS)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT + 90, cwd=ROOT, check=False)

    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr[-4000:]}"
