"""
Records in the forms that other tools want: dicts, lines of JSON, pandas, and ccxt's structures.

Other libraries are imported when they are asked for, and only then. What notebooks show (``_repr_html_``) the records
and views say themselves.
"""

from futures_stream.interop.frames import to_pandas
from futures_stream.interop.plain import to_dict, to_dicts, to_json
from futures_stream.interop.unified import to_ccxt

__all__ = ["to_ccxt", "to_dict", "to_dicts", "to_json", "to_pandas"]
