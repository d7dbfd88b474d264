"""Bitget's private futures stream as its first document says: five channels, a login, JSON pings."""

from futures_stream.dialects.bitget.dialect import Bitget
from futures_stream.dialects.bitget.login import BitgetCredentials

__all__ = ["Bitget", "BitgetCredentials"]
