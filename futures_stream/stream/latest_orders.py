"""Latest state of each order, so that waiting for one counts what came before the wait began."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from futures_stream.records import Closed, Order, Record
from futures_stream.vocabulary import Mark

__all__ = ["LatestOrders"]


class LatestOrders:
    """
    The last state of each order that a stream told of; the oldest ones are forgotten beyond *most*.

    Threads:
        The I/O thread fills it, any thread may ask.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._orders: OrderedDict[str, Order] = OrderedDict()

    def deliver(self, records: Sequence[Record]) -> None:
        """Take note of the orders among some records."""
        for record in records:
            # What is late was overtaken by what came before it.
            if type(record) is Order and record.order_id is not None and Mark.LATE not in record.marks:
                with self._lock:
                    self._orders[record.order_id] = record
                    self._orders.move_to_end(record.order_id)
                    if len(self._orders) > self._most:
                        self._orders.popitem(last=False)

    def after_fork(self) -> None:
        """In a child that was forked: lock as if it were new."""
        self._lock = threading.Lock()

    def end(self, notice: Closed) -> None:
        """Nothing more comes; what is known stays."""

    def find(self, order_id: str | None, client_order_id: str | None) -> Order | None:
        """Return the last known state of an order by one of its ids."""
        with self._lock:
            if order_id is not None:
                return self._orders.get(order_id)
            for order in reversed(self._orders.values()):
                if order.client_order_id == client_order_id:
                    return order
        return None
