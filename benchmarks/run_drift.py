"""`make drift-bench`; see `drift.bench`."""

from __future__ import annotations

import sys

from drift.bench import main

if __name__ == "__main__":
    sys.exit(main())
