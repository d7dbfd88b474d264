"""
Wait until an order is filled, as a script does that has just placed one.

Run it with credentials in the environment, or with --simulated against the simulator.
"""

import sys

from futures_stream import Order, OrderEnded, open_stream
from futures_stream.simulator import Simulator


def main(*who, **where):
    """Take the next order that shows up for the one that was placed, and wait for its end."""
    with open_stream("bitmusa", *who, **where) as stream:
        placed = stream.wait_for(lambda record: isinstance(record, Order), timeout=60)
        print("waiting for", placed.order_id, "on", placed.symbol)
        try:
            order = stream.wait_order(order_id=placed.order_id, until="filled", timeout=60)
            print("filled", order.filled, "of", order.size)
        except OrderEnded as ended:
            print("it ended as", ended.order.status.value)
        except TimeoutError:
            print("still not filled:", stream)


if __name__ == "__main__":
    if "--simulated" in sys.argv:
        with Simulator() as simulator:
            main(simulator.credentials("bitmusa"), endpoints=simulator.endpoints("bitmusa"))
    else:
        main()
