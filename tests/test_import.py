"""What importing the package brings along."""

import subprocess
import sys

import pytest

import futures_stream

HEAVY = {"requests", "urllib3", "websocket", "http.client", "email.parser", "asyncio", "pandas", "argparse", "msgspec"}
NOT_NEEDED = {
    "futures_stream.cli",
    "futures_stream.dialects.bitget.session",
    "futures_stream.dialects.bitget_v2.session",
    "futures_stream.dialects.bitmusa.session",
    "futures_stream.engine.feed",
    "futures_stream.interop",
    "futures_stream.simulator",
    "futures_stream.testing",
}
FOR_THEIR_USERS = {"futures_stream.trackers"}  # and for a stream that is open


@pytest.mark.parametrize("statement", ["import futures_stream", "from futures_stream import *"])
def test_import_is_light(statement):
    """What only connecting needs is imported when somebody connects."""
    code = f"import sys; {statement}; print(*sys.modules, sep='\\n')"
    modules = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )

    assert "futures_stream.stream.opening" in modules
    assert not modules & (HEAVY | NOT_NEEDED)
    assert "*" in statement or not modules & FOR_THEIR_USERS


def test_every_name_is_there():
    """Also those that are imported when somebody asks for them."""
    assert not set(futures_stream.__all__) - set(dir(futures_stream))
    for name in futures_stream.__all__:
        assert getattr(futures_stream, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Stroem'"):
        _ = futures_stream.Stroem
