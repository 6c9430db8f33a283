"""Tries recipes of the scorecard in this process; see `scorecard.quick`."""

from __future__ import annotations

import sys

from scorecard.quick import main

if __name__ == "__main__":
    sys.exit(main())
