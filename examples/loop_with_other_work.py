"""
A loop that has other things to do, and ends properly on Ctrl-C.

Run it with credentials in the environment, or with --simulated against the simulator.
"""

import signal
import sys

from futures_stream import Notice, Tick, open_stream
from futures_stream.simulator import Simulator


def main(*who, **where):
    """Print what comes; whenever nothing came for a moment, do the other work."""
    with open_stream("bitmusa", *who, **where) as stream:
        signal.signal(signal.SIGINT, lambda *_: stream.stop())  # the loop below then ends by itself
        print("Ctrl-C ends it", flush=True)
        for record in stream.records(tick=0.2):
            if isinstance(record, Tick):
                print("nothing new: time for the other work;", stream.status.state.value, flush=True)
            elif isinstance(record, Notice):
                print(f"({type(record).__name__})", flush=True)
            else:
                print(type(record).__name__, record.symbol or "", flush=True)
    print("ended:", stream)


if __name__ == "__main__":
    if "--simulated" in sys.argv:
        with Simulator(tick=0.5) as simulator:
            main(simulator.credentials("bitmusa"), endpoints=simulator.endpoints("bitmusa"))
    else:
        main()
