"""Order ids by the ids that clients gave."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from futures_stream.records import Order
from futures_stream.trackers.order_views import Kept, entry_of

__all__ = ["ClientIds"]


class ClientIds:
    """
    An index of orders by their clients' ids, kept from when somebody first asks for one.

    Most never do, and what is not kept costs nothing; to begin costs a walk through the orders.

    Args:
        entries: The orders by order id. Who writes there notes here what he has written, behind it.

    Threads:
        One thread writes, and waits for nobody; :meth:`find` is callable from any.
    """

    def __init__(self, entries: dict[Hashable, Any]) -> None:
        self._entries = entries
        self._begun: dict[str, dict[str, str]] = {}  # at most one index: two may begin at once, and setdefault is whole
        self._whole: dict[str, str] | None = None  # that index, when it holds what was there before, too

    def note(self, order_id: str, order: Order) -> None:
        """Take note of an order that has been written."""
        if self._begun and order.client_order_id is not None:
            self._begun[""][order.client_order_id] = order_id

    def note_all(self, fresh: Iterable[tuple[Any, Kept]]) -> None:
        """Take note of orders that have been written."""
        if self._begun:
            for order_id, kept in fresh:
                self.note(order_id, entry_of(kept).order)

    def forget_all(self, dropped: Iterable[tuple[Any, Kept]]) -> None:
        """Take note of orders that have been dropped."""
        if self._begun:
            index = self._begun[""]
            for order_id, kept in dropped:
                client_order_id = _client_id_of(kept)
                if client_order_id is not None and index.get(client_order_id) == order_id:
                    del index[client_order_id]

    def find(self, client_order_id: str | None) -> str | None:
        """Return the id of the order with a client's id, the latest if there are more; None if there is none."""
        index = self._whole
        if client_order_id is None:
            return None
        if index is None:
            # First: what is written from now on is noted, and what was written before is in the copy. What is dropped
            # in between may stay, and leads to nothing.
            index = self._begun.setdefault("", {})
            for order_id, kept in reversed(self._entries.copy().items()):
                known = _client_id_of(kept)
                if known is not None:
                    index.setdefault(known, str(order_id))
            self._whole = index
        return index.get(client_order_id)


def _client_id_of(kept: Kept) -> str | None:
    order: Order | None = entry_of(kept).order
    return None if order is None else order.client_order_id
