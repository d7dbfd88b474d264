"""futures-stream: frozen records on a queue."""

import sys

from meter import Meter

from futures_stream import BitgetCredentials, Endpoints, Order, open_stream

meter = Meter(sys.argv[1])
with open_stream(
    "bitget",
    BitgetCredentials("key", "secret", "passphrase"),
    channels=["orders"],
    endpoints=Endpoints(ws_url=f"ws://{sys.argv[1]}/bitget"),
) as stream:
    for record in stream:
        if isinstance(record, Order):
            meter.take(record.client_order_id)
            if meter.done.is_set():
                break
