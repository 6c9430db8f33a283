"""The figures of `make bench-graders` as tables of docs/evals/graders.md: `python benchmarks/graders_page.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "evals" / "graders.md"
RESULTS: Final = ROOT / "benchmarks" / "results" / "graders.json"

_TABLE: Final = re.compile(r"(<!-- figures: (?P<begin>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, figures: Sequence[Mapping[str, Any]]) -> str:
    """The page with its tables written anew: each holds the figures whose names begin as its mark says."""
    return _TABLE.sub(lambda found: f"{found[1]}\n{_table(found['begin'], figures)}\n\n{found[3]}", page)


def _table(begin: str, figures: Sequence[Mapping[str, Any]]) -> str:
    rows = [_row(figure) for figure in figures if figure["name"].startswith(f"{begin}_")]
    return "\n".join(["| figure | value | 95 % interval | sessions |", "|---|---|---|---|", *rows])


def _row(figure: Mapping[str, Any]) -> str:
    low, high = figure["interval"]
    if figure["name"].endswith(("_groups", "_seconds")):
        return f"| `{figure['name']}` | {figure['value']:.0f} {figure['unit']} | | |".replace("  ", " ")
    unit = f" {figure['unit']}" if figure["unit"] else ""
    return f"| `{figure['name']}` | {figure['value']:.3f}{unit} | {low:.3f} to {high:.3f} | {figure['n']} |"


def main() -> None:
    figures = json.loads(RESULTS.read_text())["figures"]
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")
    print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
