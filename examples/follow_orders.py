"""
Follow the orders of an account until five of them have ended.

Run it with credentials in the environment, or with --simulated against the simulator.
"""

import sys

from futures_stream import Gap, Order, open_stream
from futures_stream.simulator import Simulator


def main(*who, **where):
    """Print each order as it changes; say when something may have been missed."""
    ended = set()
    with open_stream("bitmusa", *who, channels=["orders"], **where) as stream:
        for record in stream:
            if isinstance(record, Order):
                print(record.symbol, record.order_id, record.filled, "of", record.size, record.status.value)
                if record.status.final:
                    ended.add(record.order_id)
            elif isinstance(record, Gap):
                print("events may be missing: ask the exchange for your open orders. Reason:", record.reason)
            if len(ended) == 5:
                break
    print("five orders have ended:", ", ".join(sorted(ended)))


if __name__ == "__main__":
    if "--simulated" in sys.argv:
        with Simulator() as simulator:
            main(simulator.credentials("bitmusa"), endpoints=simulator.endpoints("bitmusa"))
    else:
        main()
