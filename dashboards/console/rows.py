"""A row of the store, by column name."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
