"""Bitget's private futures stream of today, API version 2, for classic accounts: eight channels, and REST snapshots."""

from futures_stream.dialects.bitget_v2.credentials import BitgetV2Credentials
from futures_stream.dialects.bitget_v2.dialect import BITGET_V2_DEMO, BitgetV2

__all__ = ["BITGET_V2_DEMO", "BitgetV2", "BitgetV2Credentials"]
