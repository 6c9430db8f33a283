"""`docs/policies.md` against the models: every section and every field is told, where a reader looks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from watchkeeper.schemas.failure_modes import FAILURE_MODES
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_limits import MAX_CONDITIONS, MAX_PATTERNS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "policies.md").read_text()


def models_in(kind: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation speaks of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for inner in get_args(kind):
        yield from models_in(inner)


SECTIONS = {
    name: next(models_in(field.annotation))
    for name, field in AgentPolicy.model_fields.items()
    if list(models_in(field.annotation))
}


def fields_of(model: type[BaseModel]) -> set[str]:
    """Names of a model's fields, with those of the models within that have no section of their own."""
    found = set(model.model_fields)
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            if inner not in SECTIONS.values():
                found |= fields_of(inner)
    return found


def chapter(title: str) -> str:
    """The text under a heading."""
    level = "#" * (len(title) - len(title.lstrip("#")))
    assert GUIDE.count(f"\n{title}\n") == 1, title
    text = GUIDE.split(f"\n{title}\n", 1)[1]
    return re.split(rf"^#{{1,{len(level)}}} ", text, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_tells_every_field(section: str) -> None:
    told = set(re.findall(r"`(\w+)`", chapter(f"### `{section}`")))
    assert fields_of(SECTIONS[section]) - told == set()


def test_no_section_tells_of_what_is_not_there() -> None:
    headed = set(re.findall(r"^### `(\w+)`$", GUIDE, flags=re.MULTILINE))
    assert headed == set(SECTIONS)
    for section in headed:
        rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", chapter(f"### `{section}`"), flags=re.MULTILINE)
        first = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
        rates = {"latency", "errors", "guard_blocks", "retries", "abstentions", "completeness", "workflow_accuracy"}
        assert first - fields_of(SECTIONS[section]) - (rates if section == "objectives" else set()) == set()


def test_the_first_table_lists_the_sections() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", chapter("## Fields").split("### ", 1)[0], flags=re.MULTILINE)
    assert set(rows) == set(AgentPolicy.model_fields)


def test_what_reads_a_section_is_told_of_each() -> None:
    table = chapter("## What reads it")
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", table, flags=re.MULTILINE)
    assert {name for left, _ in rows for name in re.findall(r"`(\w+)`", left)} == set(AgentPolicy.model_fields)
    linked = set(re.findall(r"\[(\w+)\]\(runbooks/(\w+)\.md\)", table))
    assert all(name == page and name in FAILURE_MODES for name, page in linked)


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", GUIDE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_the_limits_are_the_ones_in_force() -> None:
    text = chapter("## A policy that cannot be used").replace("\n", " ")
    assert f"has more than 1 MiB, {MAX_PATTERNS} regular expressions or {MAX_CONDITIONS} conditions" in text
