"""The door to the command line: ``python -m futures_stream``."""

import sys

from futures_stream.cli import main

if __name__ == "__main__":
    sys.exit(main())
