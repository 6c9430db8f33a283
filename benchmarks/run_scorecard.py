"""`make scorecard`; see `scorecard.run`."""

from __future__ import annotations

import sys

from scorecard.run import main

if __name__ == "__main__":
    sys.exit(main())
