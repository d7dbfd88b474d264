"""
What is used of websocket-client, looked at once before anything relies on it.

Two projects on PyPI give a module named ``websocket``; only one of them has what we need.
"""

from __future__ import annotations

try:
    import websocket
except Exception as error:  # none at all, or the other one, which is of the time of Python 2
    websocket = None  # type: ignore[assignment]
    _trouble = f"websocket-client cannot be imported ({type(error).__name__})"
else:
    _trouble = f"the module 'websocket' ({getattr(websocket, '__file__', 'of unknown origin')}) is not websocket-client"

_NEEDED = ("ABNF", "WebSocket", "WebSocketException", "frame_buffer")

if not all(hasattr(websocket, name) for name in _NEEDED):
    raise ImportError(
        f"{_trouble}; run: pip uninstall --yes websocket && pip install --force-reinstall 'websocket-client>=1.8,<2'"
    )

from websocket import ABNF, WebSocket, WebSocketException, frame_buffer  # noqa: E402 - only after the look

__all__ = ["ABNF", "WebSocket", "WebSocketException", "frame_buffer"]
