"""A policy that cannot be used stops no worker, is never ignored in silence, and nothing of it stands in findings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_limits import MAX_CANONICAL_BYTES, MAX_CONDITIONS, MAX_PATTERNS
from watchkeeper.stream_processors.detection.library import Library, Unusable
from watchkeeper.stream_processors.detection.refused_policies import ADVICE

SECRET = "Ada-Lovelace"

Spoil = Callable[[dict[str, Any]], Any]


def with_tool(**fields: Any) -> Spoil:
    return lambda policy: policy | {"tools": {SECRET: fields}}


def with_fields(**fields: Any) -> Spoil:
    return lambda policy: policy | fields


FACTS = {"total": {"type": "number"}}

MISTAKES: dict[str, tuple[Spoil, str]] = {
    "unknown field": (with_fields(**{SECRET: 1}), "at *: there is a field that this version does not know"),
    "unknown field of a tool": (with_tool(**{SECRET: 1}), "at tools.*.*: there is a field"),
    "field missing": (lambda policy: {}, "at agent: a field is missing"),
    "another type": (with_fields(caps={"tokens": SECRET}), "at caps.tokens: a value is of another type"),
    "impossible cap": (with_fields(caps={"tool_calls": 0}), "at caps.tool_calls: a number is out of range"),
    "a cap below the job": (
        with_fields(caps={"tool_calls": 3}, goal={"tool_budget": 4, "statement": SECRET}),
        "at goal: what it says cannot hold",
    ),
    "unknown word": (with_fields(mode=SECRET), "at mode: a word is not one of those"),
    "bad CEL of a tool": (
        with_tool(require=[{"condition": f"'{SECRET}' +"}]),
        "at tools.*.require[0].condition: a condition does not compile",
    ),
    "bad CEL": (
        with_fields(facts=FACTS, constraints=[{"name": SECRET, "require": f"total > '{SECRET}"}]),
        "at constraints[0].require: a condition does not compile",
    ),
    "a type that was declared otherwise": (
        with_fields(facts=FACTS, constraints=[{"name": "n", "when": f"total == '{SECRET}'", "require": "true"}]),
        "at constraints[0].when: a condition does not compile",
    ),
    "unknown tool": (
        with_fields(
            allow_unlisted_tools=False, constraints=[{"name": "n", "tool": SECRET, "require": "args.total > 5"}]
        ),
        "at constraints[0].tool: what it says cannot hold",
    ),
    "fields that contradict each other": (
        with_tool(bounds={SECRET: {"minimum": 5, "maximum": 1}}),
        "at tools.*.bounds.*: what it says cannot hold",
    ),
    "no path": (with_tool(bounds={f"{SECRET}[": {"minimum": 5}}), "at tools.*.bounds: what it says cannot hold"),
    "bad pattern": (
        with_tool(bounds={"id": {"pattern": f"{SECRET}(?=x)"}}),
        "at tools.*.bounds.*.pattern: what it says cannot hold",
    ),
    "a number beyond all": (with_fields(caps={"cost_usd": 10**400}), "it is no JSON that can be read"),
    "several mistakes": (with_fields(mode=SECRET, caps={"tokens": SECRET}), "(and 1 more)"),
    "no mapping": (lambda _: [SECRET], "at its top: a value is of another type"),
    "no JSON": (lambda _: b"{" + SECRET.encode(), "it is no JSON that can be read"),
    "YAML": (lambda _: f"agent: {SECRET}".encode(), "it is no JSON that can be read"),
    "half a surrogate pair": (lambda _: b'{"agent": "\\ud800"}', "it is no JSON that can be read"),
    "too deep": (lambda _: b'{"agent": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "it is no JSON that can be read"),
    "too long": (with_fields(version=SECRET, x="x" * MAX_CANONICAL_BYTES), f"more than {MAX_CANONICAL_BYTES} bytes"),
    "too many patterns": (
        lambda policy: (
            policy
            | {"tools": {f"{SECRET}{i}": {"bounds": {"a": {"pattern": "\\w{200}"}}} for i in range(MAX_PATTERNS + 1)}}
        ),
        f"write at most {MAX_PATTERNS}",
    ),
    "too many conditions": (
        with_tool(require=[{"condition": f"args.a{i}"} for i in range(MAX_CONDITIONS + 1)]),
        f"write at most {MAX_CONDITIONS}",
    ),
}


def spoilt(what: str) -> str:
    made = MISTAKES[what][0]({"agent": "support"})
    return made.decode() if isinstance(made, bytes) else json.dumps(made)


@pytest.mark.parametrize("what", MISTAKES)
@pytest.mark.parametrize("stored", [False, True])
def test_a_session_is_judged_by_the_default_policy_and_told_so(stories: Any, what: str, stored: bool) -> None:
    story = stories.Story(tools=[stories.tool("look")])
    story.start(policy={"name": "support", "content": story.content(spoilt(what), shared=True)})
    for _ in range(30):
        story.ask("look", q="x")
    hall = stories.Hall(stored=stored).hear(story.events)
    told = [finding for finding in hall.findings if finding.kind == "unjudged"]
    assert len({finding.finding_id for finding in told}) == 1
    [finding] = told
    evidence = finding.evidence.model_dump()
    assert MISTAKES[what][1] in evidence["reason"]
    assert ADVICE in evidence["reason"]
    assert SECRET not in finding.model_dump_json()
    # The default caps hold, and nobody is stopped by a policy that nobody wrote.
    caps = [finding for finding in hall.findings if finding.kind == "cap_use"]
    assert [one.evidence.model_dump()["limit"] for one in caps if one.severity == "high"] == [25]
    assert not any(verdict.commands for verdict in hall.verdicts)


@pytest.mark.parametrize(
    "regex", [r"\p{Greek}+", r"(?P<a>x)\z", r"(?-u:\xff)", r"[[:alpha:]&&[^a]]", r"(?x) a # b"], ids=repr
)
def test_an_expression_that_pythons_own_engine_cannot_read_is_no_exception(regex: str) -> None:
    library, text = Library(), json.dumps({"agent": "a", "masking": {"patterns": [{"name": "x", "regex": regex}]}})
    library._texts["u-1"] = text
    assert isinstance(library.policy("u-1"), (AgentPolicy, Unusable))


def test_whatever_a_policy_does_to_its_reader_the_worker_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: str) -> None:
        raise MemoryError(SECRET)

    monkeypatch.setattr(AgentPolicy, "model_validate_json", fails)
    library = Library()
    library._texts["u-1"] = '{"agent": "a"}'
    found = library.policy("u-1")
    assert isinstance(found, Unusable)
    assert found.reason == f"the policy cannot be read (MemoryError); {ADVICE}"
