"""The board Failure modes: every shape of evidence that the catalogue knows, in the panel of its mode.

Evidence is made of the models themselves, so that a field that is renamed is missed here; what panels say is computed
again from the same evidence.
"""

from __future__ import annotations

import random
import re
import types
import typing
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from board_asking import END, LAST_DAYS, LAST_HOUR, PANELS, Row, ask, fresh_store, put
from board_fleet import SMALL, finding
from clickhouse_connect.driver import Client
from pydantic import AwareDatetime, BaseModel, TypeAdapter

from watchkeeper.dashboards.grafana.boards.modes import SHOWN
from watchkeeper.dashboards.grafana.query import sql
from watchkeeper.schemas.evidence import Evidence
from watchkeeper.schemas.failure_modes import FAILURE_MODES, FailureMode
from watchkeeper.stream_processors.detection.catalogue import default_detectors, default_subject_rules
from watchkeeper.stream_processors.rollups import Rollups

EACH = 3
"""Findings of each kind."""

OF_OTHER_MODULES: dict[str, tuple[FailureMode, ...]] = {
    "completeness": ("audit_gap",),
    "burn": ("latency_budget", "tool_degradation"),
    "unjudged": FAILURE_MODES,
}
"""Modes of evidence that does not stand in a module of its mode's name."""


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for one in get_args(annotation):
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one
        else:
            yield from _models(one)


MODELS = list(dict.fromkeys(_models(Evidence)))


def modes_of(model: type[BaseModel]) -> tuple[FailureMode, ...]:
    module = model.__module__.rpartition(".")[2]
    return OF_OTHER_MODULES.get(module) or tuple(mode for mode in FAILURE_MODES if mode == module)


def _made(annotation: Any, dice: random.Random) -> Any:  # noqa: PLR0911 - one answer for each shape of type
    """A value of a type: texts are always the same, so that rows group; numbers differ."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, types.UnionType}:
        return _made(next(one for one in arguments if one is not types.NoneType), dice)
    if origin is typing.Annotated:
        return _made(arguments[0], dice)
    if origin is Literal:
        return arguments[0]
    if origin in {list, tuple}:
        return [_made(arguments[0], dice) for _ in range(2)]
    if origin is dict:
        return {"key": _made(arguments[1], dice)}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _evidence(annotation, dice)
    plain: dict[Any, Callable[[], Any]] = {
        str: lambda: "text",
        bool: lambda: dice.random() < 0.5,
        int: lambda: dice.randrange(1, 9),
        float: lambda: round(dice.uniform(0.1, 0.9), 3),
        AwareDatetime: lambda: END,
        Any: lambda: "text",
    }
    return plain[annotation]()


def _evidence(model: type[BaseModel], dice: random.Random) -> dict[str, Any]:
    made = {name: _made(field.annotation, dice) for name, field in model.model_fields.items()}
    # A later number is the greater one; and findings of one limit are told together.
    same = {"last_missing": 12, "follow_up": dice.choice(["corrected", "repeated", ""])}
    same |= {"limit": 25} if "lower_bound" in made else {}
    return made | {name: value for name, value in same.items() if name in made}


def _planted() -> dict[FailureMode, list[tuple[Row, dict[str, Any]]]]:
    dice, planted = random.Random(2), defaultdict(list)
    for model in MODELS:
        for mode in modes_of(model):
            for number in range(EACH):
                told = TypeAdapter(model).dump_python(model.model_validate(_evidence(model, dice)), mode="json")
                session = SMALL[number]
                at = (END - timedelta(minutes=30 - number)).isoformat()
                row = finding(session, mode, told["kind"], f"{mode}-{told['kind']}-{number}", told)
                planted[mode].append((row | {"first_event_at": at, "last_event_at": at}, told))
    for number in range(EACH):
        row = finding(SMALL[number], "unsafe_rule_change", "to_come", f"unsafe-{number}", {})
        at = (END - timedelta(minutes=30 - number)).isoformat()
        planted["unsafe_rule_change"].append((row | {"first_event_at": at, "last_event_at": at}, {"kind": "to_come"}))
    return dict(planted)


PLANTED = _planted()


@pytest.fixture(scope="module")
def store(clickhouse: str) -> Iterator[Client]:
    """All findings twice; the first of each kind was taken back by a later revision."""
    rows = [row for listed in PLANTED.values() for row, _ in listed]
    taken_back = [row | {"revision": 1, "status": "resolved"} for row in rows if row["finding_id"].endswith("-0")]
    with fresh_store(clickhouse) as (client, dsn):
        job = Rollups(dsn)
        for _ in range(2):
            put(client, "findings", rows + taken_back)
            job.run_pass()
        job.close()
        yield client


def panel_of(mode: FailureMode) -> str:
    return f"watchkeeper-modes: {mode}: {SHOWN[mode].what}"


def test_every_shape_of_evidence_belongs_to_a_mode() -> None:
    assert all(modes_of(model) for model in MODELS)
    assert set(PLANTED) == set(FAILURE_MODES)
    assert {rule.failure_mode for rule in default_detectors()} <= set(SHOWN)
    assert {rule.failure_mode for rule in default_subject_rules()} <= set(SHOWN)


@pytest.mark.parametrize("mode", FAILURE_MODES)
def test_a_panel_reads_fields_that_evidence_has(mode: FailureMode) -> None:
    known = {"kind"} | {name for model in MODELS if mode in modes_of(model) for name in _names(model)}
    read = set(re.findall(r"JSON\w+\(\w+, '(\w+)'", sql(f"modes/{mode}")))
    read |= set(re.findall(r"JSON\w+\(told, '\w+', (?:1, )?'(\w+)'", sql(f"modes/{mode}")))
    assert read <= known
    assert read or mode == "unsafe_rule_change"


def _names(model: type[BaseModel]) -> set[str]:
    # mypy takes the subscript for a type; it is read at run time.
    inner = [one for field in model.model_fields.values() for one in _models(list[field.annotation])]  # type: ignore[name-defined]
    return set(model.model_fields) | {name for one in inner for name in _names(one)}


@pytest.mark.parametrize("mode", FAILURE_MODES)
def test_each_finding_is_counted_once_in_the_panel_of_its_mode(store: Client, mode: FailureMode) -> None:
    rows = ask(store, panel_of(mode), LAST_HOUR)
    assert sum(row["findings"] for row in rows) == len(PLANTED[mode])
    kinds = {told["kind"] for _, told in PLANTED[mode]}
    assert sum(row["open"] for row in rows) == len(kinds) * (EACH - 1)
    latest = SMALL[EACH - 1]
    for row in rows:
        assert (row["session"], row["agent"], row["tenant"]) == (latest.session_id, latest.agent, latest.tenant)
        assert row["latest"].replace(tzinfo=UTC) == END - timedelta(minutes=31 - EACH)
        assert int(row["from_ms"]) < END.timestamp() * 1000 - 1_680_000 < int(row["to_ms"])
    if "kind" in rows[0]:
        assert {row["kind"] for row in rows} == kinds
    assert ask(store, panel_of(mode), LAST_DAYS, agent=["nobody"]) == []


Told = list[dict[str, Any]]


def corrected_share(told: Told) -> float:
    known = [one["follow_up"] for one in told if one["follow_up"]]
    return known.count("corrected") / len(known)


FIGURES: list[tuple[FailureMode, str, str, Callable[[Told], Any]]] = [
    ("hallucinated_tool", "unknown_tool", "corrected", corrected_share),
    ("scope_creep", "refused_action", "calls", lambda told: sum(t["calls"] for t in told)),
    ("cost_runaway", "cap_use", "worst_use", lambda told: max(t["used"] / t["limit"] for t in told)),
    ("cost_runaway", "budget_use", "worst_use", lambda told: max(t["share"] for t in told)),
    ("cost_runaway", "spend_outlier", "worst_use", lambda told: max(t["usd"] / t["limit_usd"] for t in told)),
    ("reasoning_loop", "loop", "most_rounds", lambda told: max(t["rounds"] for t in told)),
    ("reasoning_loop", "loop", "spend", lambda told: sum(t["cost_usd"] for t in told)),
    ("reasoning_loop", "loop", "cycle", lambda _: "text → text"),
    ("audit_gap", "sequence_gap", "lost_events", lambda told: sum(13 - t["first_missing"] for t in told)),
    ("tool_boundary", "rate_exceeded", "calls_above", lambda told: sum(t["above"] for t in told)),
    ("unapproved_action", "unapproved_action", "took_effect", lambda told: sum(t["outcome"] == "ok" for t in told)),
    ("unapproved_action", "unapproved_action", "threshold", lambda told: max(t["above"] for t in told)),
    ("cascading_approval", "broken_delegation", "deepest", lambda told: max(t["depth"] for t in told)),
    ("goal_misgeneralization", "proxy_divergence", "outcome_effect", lambda told: told[-1]["outcome"]["effect"]),
    ("goal_misgeneralization", "customer_limit_exceeded", "most_above", lambda told: max(t["above"] for t in told)),
    ("context_drift", "value_mismatch", "farthest", lambda told: max(t["apart"] for t in told)),
    ("context_drift", "workflow_accuracy", "compounded", lambda told: told[-1]["compounded"]),
    ("nondeterministic_decision", "different_outcomes", "outcomes", lambda _: 2),
    ("untyped_fact", "untyped_fact", "times", lambda told: sum(t["count"] for t in told)),
    ("ungrounded_answer", "unsupported_claims", "claims", lambda told: sum(2 + t["more"] for t in told)),
    ("ungrounded_answer", "unsupported_claims", "checked", lambda told: sum(t["checked"] for t in told)),
    ("permission_leak", "stale_access_list", "oldest_list", lambda told: max(t["age_seconds"] for t in told)),
    ("prompt_injection", "suspicious_content", "signals", lambda _: "override"),
    ("data_leak", "data_leaked", "places", lambda told: sum(t["places"] for t in told)),
    ("data_leak", "data_leaked", "masked", lambda told: sum(t["masked"] for t in told)),
    ("duplicate_action", "duplicate_action", "repeats", lambda told: sum(t["repeats"] for t in told)),
    ("duplicate_action", "duplicate_action", "apart", lambda told: sorted(t["seconds_between"] for t in told)[1]),
    ("conflicting_write", "conflicting_write", "conflicts", lambda told: sum(t["conflicts"] for t in told)),
    ("tool_degradation", "tool_worse", "now", lambda told: told[-1]["now"]),
    ("tool_degradation", "retry_storm", "retries", lambda told: sum(t["retries"] for t in told)),
    ("latency_budget", "budget_burn", "fastest_burn", lambda told: max(t["burn"] for t in told)),
    ("latency_budget", "budget_burn", "p95", lambda told: told[-1]["duration_p95_ms"]),
    ("quality_drift", "drifted_scores", "change_low", lambda told: told[-1]["change_low"]),
    ("input_drift", "shifted_mix", "moved", lambda _: "text ↓, text ↓"),
    ("input_drift", "shifted_texts", "moved", lambda _: "text, text"),
    ("version_drift", "version_drift", "sessions", lambda told: max(t["sessions"] for t in told)),
    ("incident", "incident", "most_findings", lambda told: max(2 + t["more"] for t in told)),
]


@pytest.mark.parametrize(("mode", "kind", "column", "answer"), FIGURES)
def test_what_matters_for_a_mode(
    store: Client, mode: FailureMode, kind: str, column: str, answer: Callable[[Told], Any]
) -> None:
    told = [evidence for _, evidence in PLANTED[mode] if evidence["kind"] == kind]
    rows = [row for row in ask(store, panel_of(mode), LAST_HOUR) if row.get("kind", kind) == kind]
    known = next((row for row in rows if row[column] not in {0, ""}), rows[0])
    assert known[column] == pytest.approx(answer(told))


def test_every_mode_has_figures_of_its_own() -> None:
    # Of rule changes there is no evidence yet.
    assert {mode for mode, *_ in FIGURES} == set(FAILURE_MODES) - {"unsafe_rule_change"}


def test_all_of_them(store: Client) -> None:
    rows = {row["mode"]: row for row in ask(store, "watchkeeper-modes: Findings by failure mode", LAST_HOUR)}
    assert {mode: row["total"] for mode, row in rows.items()} == {mode: len(listed) for mode, listed in PLANTED.items()}
    assert all(row["taken_back"] * EACH == row["total"] for row in rows.values())
    assert [rows[mode]["runbook_panel"] for mode in FAILURE_MODES] == list(range(1, len(FAILURE_MODES) + 1))
    assert all(f"watchkeeper-modes: {mode}: {SHOWN[mode].what}" in PANELS for mode in FAILURE_MODES)
