"""The right module named websocket."""

import subprocess
import sys
from pathlib import Path

import futures_stream


def test_wrong_websocket(tmp_path):
    """The other project with a module of this name is recognised before anything is sent, and the way out is said."""
    (tmp_path / "websocket.py").write_text("class WebSocket: pass\n")
    root = str(Path(futures_stream.__file__).parent.parent)
    connect = "from futures_stream.transport import Network; Network()"
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {root!r}]; {connect}"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 1
    assert "ImportError" in done.stderr.splitlines()[-1]
    assert "pip install --force-reinstall 'websocket-client" in done.stderr
