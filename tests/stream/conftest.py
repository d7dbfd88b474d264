"""The stream's tests use the engine's rig: a stream on a fake clock and a fake network."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "engine"))
