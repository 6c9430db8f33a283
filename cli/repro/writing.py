"""A case as a file that pytest runs: the events as JSON, one on each line, and the assertion."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any, Final

from watchkeeper.cli.output import one_line
from watchkeeper.cli.store import Row
from watchkeeper.stream_processors.detection.rehearsal import Case

_FILE: Final = '''"""{title}

{told}
"""

from __future__ import annotations

from watchkeeper.stream_processors.detection.rehearsal import Case

CASE = r\'\'\'
{case}
\'\'\'


def test_{name}_is_found() -> None:
    case = Case.from_json(CASE)
    assert case.found(), f"{{case.expected}} is not found in these {{len(case.events)}} events any more"
'''


def file_text(case: Case, finding: Row, events: int) -> str:
    """The file.

    Args:
        case: what it holds.
        finding: the row that it is of.
        events: of how many it was made.
    """
    made = f"Made by `watchkeeper finding repro {finding['finding_id']}` of {events} stored events."
    told = f"{made} What the finding says: {_plain(finding['summary'])}"
    rule = f"{finding['rule_id']} {finding['rule_version']}"
    return _FILE.format(
        title=f"{finding['failure_mode']} / {finding['kind']}, found by {rule}.",
        told=textwrap.fill(told, 118, break_long_words=False, break_on_hyphens=False),
        case=_lines(case),
        name=re.sub(r"\W", "_", finding["rule_id"]),
    )


def _lines(case: Case) -> str:
    """JSON with each event on a line of its own; readable, and fit for a raw string between three quotes."""
    document = case.model_dump(mode="json", exclude_defaults=True)
    events = document.pop("events")
    head = ",\n".join(f" {_json(name)}: {_json(value)}" for name, value in document.items())
    body = ",\n".join(f"  {_json(event)}" for event in events)
    return f'{{\n{head},\n "events": [\n{body}\n ]\n}}'


def _json(value: Any) -> str:
    # JSON spells an apostrophe in two ways; only one of them ends no string of Python's.
    return json.dumps(value, ensure_ascii=False).replace("'", "\\u0027")


def _plain(text: str) -> str:
    """A sentence that ends no docstring, and starts no escape."""
    return one_line(text).replace("\\", "/").replace('"""', "'''").rstrip('"')
