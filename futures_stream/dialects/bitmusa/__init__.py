"""Bitmusa's futures user stream: a listen key over REST, three streams, one row a message."""

from futures_stream.dialects.bitmusa.dialect import Bitmusa
from futures_stream.dialects.bitmusa.rest import BitmusaCredentials
from futures_stream.dialects.bitmusa.terms import BitmusaRest

__all__ = ["Bitmusa", "BitmusaCredentials", "BitmusaRest"]
