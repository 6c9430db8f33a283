"""`make panels-bench`; see `panels.bench`."""

from __future__ import annotations

import sys

from panels.bench import main

if __name__ == "__main__":
    sys.exit(main())
