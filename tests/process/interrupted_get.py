"""
Interrupts a loop of ``get()`` again and again while another thread delivers; run as a program of its own.

Prints how many interrupts it survived; hangs if one of them left the queue's lock behind.
"""

from __future__ import annotations

import signal
import sys
import threading

from futures_stream import Balance, StreamQueue

INTERRUPTS = 300


def main() -> None:
    """Interrupt a consumer while a stream delivers."""
    queue = StreamQueue(1000)
    queue.open()
    record = Balance(exchange="x", account="a")
    ended = threading.Event()

    def deliver() -> None:
        while not ended.is_set():
            queue.deliver([record] * 50)

    def interrupt() -> None:
        if not ended.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=deliver, daemon=True).start()
    survived = 0
    while survived < INTERRUPTS:
        timer = threading.Timer(0.001, interrupt)
        try:
            timer.start()
            while True:
                queue.get()
        except KeyboardInterrupt:
            survived += 1
    ended.set()
    sys.stdout.write(f"{survived} {queue.qsize() >= 0}\n")


if __name__ == "__main__":
    main()
