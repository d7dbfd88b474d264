"""The consumer's end: opening a stream, its queue, and everything one can ask of it."""

from futures_stream.stream.opening import open_stream
from futures_stream.stream.options import Options
from futures_stream.stream.queue import ShutDown, StreamQueue
from futures_stream.stream.stats import Stats
from futures_stream.stream.stream import Stream
from futures_stream.stream.watching import ExpectedOrder

__all__ = ["ExpectedOrder", "Options", "ShutDown", "Stats", "Stream", "StreamQueue", "open_stream"]
