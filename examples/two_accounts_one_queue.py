"""
Read two accounts, here at two exchanges, from one queue.

Run it with credentials in the environment, or with --simulated against the simulator.
"""

import sys
from collections import Counter

from futures_stream import Closed, StreamQueue, open_stream
from futures_stream.simulator import Simulator


def main(simulator=None):
    """Count what each account sends; after a hundred records ask both streams to end, and read on to the end."""
    queue, seen, streams = StreamQueue(), Counter(), []
    for exchange, account in (("bitget", "main"), ("bitmusa", "hedge")):
        settings = {"account": account, "queue": queue}
        if simulator is not None:
            settings |= {"credentials": simulator.credentials(exchange), "endpoints": simulator.endpoints(exchange)}
        streams.append(open_stream(exchange, **settings))
    for record in queue:  # ends when the last stream that fills it has ended
        seen[record.exchange, record.account, type(record).__name__] += 1
        if isinstance(record, Closed):
            print(record.exchange, "ended:", record.error or "as asked")
        elif seen.total() == 100:
            for stream in streams:
                stream.stop()
    for (exchange, account, kind), count in sorted(seen.items()):
        print(f"{exchange:<8} {account:<6} {kind:<20} {count:>4}")


if __name__ == "__main__":
    if "--simulated" in sys.argv:
        with Simulator() as simulator:
            main(simulator)
    else:
        main()
