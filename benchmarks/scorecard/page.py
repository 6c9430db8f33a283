"""The tables of a run in the page that explains it: between marks, and written by nobody else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[2] / "docs" / "scorecard.md"


def with_tables(page: str, tables: Mapping[str, str]) -> str:
    """The page with these tables at their places.

    Raises:
        ValueError: the page has no place for one of them.
    """
    for name, table in tables.items():
        begin, end = f"<!-- table: {name} -->", f"<!-- end: {name} -->"
        place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        found = place.search(page)
        if found is None:
            raise ValueError(f"the page has no place for the table {name}: put {begin} and {end} into it")
        page = f"{page[: found.start()]}{begin}\n\n{table}\n\n{end}{page[found.end() :]}"
    return page
