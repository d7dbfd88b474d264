"""The exchanges that are spoken. A further one is a file beside this one and a line in ``DIALECTS``."""

from futures_stream.dialects.base import Dialect, Endpoints
from futures_stream.dialects.bitget import Bitget, BitgetCredentials
from futures_stream.dialects.bitget_v2 import BITGET_V2_DEMO, BitgetV2, BitgetV2Credentials
from futures_stream.dialects.bitmusa import Bitmusa, BitmusaCredentials, BitmusaRest
from futures_stream.dialects.credentials import Credentials, Secret
from futures_stream.errors import ConfigError

__all__ = [
    "BITGET_V2_DEMO",
    "DIALECTS",
    "Bitget",
    "BitgetCredentials",
    "BitgetV2",
    "BitgetV2Credentials",
    "Bitmusa",
    "BitmusaCredentials",
    "BitmusaRest",
    "Credentials",
    "Dialect",
    "Endpoints",
    "Secret",
    "find_dialect",
]

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (Bitget(), Bitmusa(), BitgetV2())}
"""The registry."""


def find_dialect(exchange: str | Dialect) -> Dialect:
    """
    Return the dialect of that name; a dialect is returned as it is.

    Raises:
        ConfigError: There is none; the message lists what there is.
    """
    if isinstance(exchange, Dialect):
        return exchange
    found = DIALECTS.get(exchange) if isinstance(exchange, str) else None
    if found is None:
        raise ConfigError(f"no exchange {exchange!r}; there are {', '.join(DIALECTS)}")
    return found
