"""``python -m isfdb``: the command where it is not on the path."""

from __future__ import annotations

import sys

from isfdb.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
