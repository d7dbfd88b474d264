"""A WebSocket server that shares no line with this project, run on a thread of its own and ended without a trace."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.server import Server, ServerConnection, serve

__all__ = ["port_of", "serving"]


@contextmanager
def serving(converse: Callable[[ServerConnection], None], **options: Any) -> Iterator[Server]:
    """
    Serve on a free port of this machine while the block lasts; every conversation must have ended by then.

    It sends no pings of its own: the thread that would send them ends after its connection, and nobody can wait for it.

    Args:
        converse: Called on a thread of its own for each connection.
        options: Passed on to the library.
    """
    threads = []

    def note_thread(connection: ServerConnection) -> None:
        threads.append(threading.current_thread())
        converse(connection)

    with serve(note_thread, "127.0.0.1", 0, **{"ping_interval": None, **options}) as server:
        thread = threading.Thread(target=server.serve_forever, name="independent websocket")
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            for ending in threads:
                ending.join(5.0)
    for pipe in ("shutdown_watcher", "shutdown_notifier"):  # which the library does not close before version 17
        if isinstance(getattr(server, pipe, None), int):
            os.close(getattr(server, pipe))


def port_of(server: Server) -> int:
    """Return the port that it listens on."""
    return int(server.socket.getsockname()[1])
