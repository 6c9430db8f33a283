"""Suites as pages for people and as documents for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.output import Column, make_console, one_line, print_table
from watchkeeper.evals.suites.comparing import Difference, Shift, distance, mix_of
from watchkeeper.evals.suites.files import CASES, HEADER
from watchkeeper.evals.suites.refreshing import Refreshed, request_of
from watchkeeper.evals.suites.strata import parts_of
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.evals.suites.warnings_of import warnings_of
from watchkeeper.schemas.model import format_utc

SHOWN_CASES: Final = 20
SHOWN_SHIFTS: Final = 12

_STRATA: Final = (
    Column("intent"),
    Column("outcome"),
    Column("difficulty"),
    Column("cases", "right"),
    Column("clusters", "right"),
    Column("of suite", "right"),
    Column("of sessions", "right"),
    Column("a case stands for", "right", "below"),
)
_RUBRICS: Final = (Column("intent"), Column("bar", "right"), Column("criteria", place="text"))
_SHIFTS: Final = (Column("stratum"), Column("before", "right"), Column("now", "right"), Column("", place="below"))


def strata_of(suite: Suite) -> list[dict[str, Any]]:
    """Each stratum with its cases: how many, of how many clusters, and what they stand for."""
    cases: dict[str, list[Any]] = {}
    for case in suite.cases:
        cases.setdefault(case.provenance.stratum or f"{case.intent}//", []).append(case)
    shares = suite.drawn.shares if suite.drawn else {}
    mix = mix_of(suite.cases)
    rows = []
    for name in sorted({*cases, *shares}):
        intent, outcome, difficulty = parts_of(name)
        here = cases.get(name, [])
        rows.append(
            {
                "intent": intent,
                "outcome": outcome,
                "difficulty": difficulty,
                "cases": len(here),
                "clusters": len({case.provenance.cluster for case in here if case.provenance.cluster is not None}),
                "share_of_suite": mix.get(name, 0.0),
                "share_of_sessions": shares.get(name),
                "sessions_per_case": sum(1 / case.provenance.inclusion for case in here) / len(here) if here else None,
            }
        )
    return rows


def document_of(suite: Suite, folder: Path | None) -> dict[str, Any]:
    """A suite without its cases' texts."""
    return {
        "name": suite.name,
        "version": suite.version,
        "reference": suite.reference,
        "state": suite.state,
        "folder": None if folder is None else str(folder),
        "agent": suite.agent,
        "created": format_utc(suite.created),
        "hash": suite.content_hash,
        "cases": len(suite.cases),
        "consent": dict(sorted(Counter(case.consent for case in suite.cases).items())),
        "with_reference": _with_reference(suite),
        "drawn": suite.drawn.model_dump(mode="json") if suite.drawn else None,
        "strata": strata_of(suite),
        "rubrics": [rubric.model_dump(mode="json") for rubric in suite.rubrics],
        "warnings": list(warnings_of(suite)),
    }


def print_suite(suite: Suite, folder: Path | None) -> None:
    """A suite's page."""
    console = make_console()
    console.print(Text.assemble((suite.reference, "bold"), f"  {one_line(suite.description)}".rstrip()))
    for line in _facts(suite, folder):
        console.print(Text(line))
    console.print()
    print_table(console, _STRATA, [_stratum_cells(row) for row in strata_of(suite)])
    console.print()
    print_table(console, _RUBRICS, [_rubric_cells(rubric) for rubric in suite.rubrics])
    told = list(warnings_of(suite))
    if told:
        console.print()
    for warning in told:
        console.print(Text(f"! {warning}", style="yellow"))


def _facts(suite: Suite, folder: Path | None) -> Iterator[str]:
    consents = Counter(case.consent for case in suite.cases)
    told = ", ".join(f"{many} {name}" for name, many in sorted(consents.items()))
    yield f"{formats.plural(len(suite.cases), 'case')} of {suite.agent or 'no agent'}, {suite.state}; consent: {told}"
    yield f"{_with_reference(suite)} with a reference answer or calls"
    drawn = suite.drawn
    if drawn is not None:
        yield (
            f"drawn from {formats.count(drawn.sessions)} {drawn.origin} sessions of tenant {drawn.tenant}, "
            f"{drawn.since:%Y-%m-%d} to {drawn.until:%Y-%m-%d}; {formats.count(drawn.read)} read, "
            f"{formats.count(drawn.alike)} like others, {_left_out(drawn.left_out)}; seed {drawn.seed}"
        )
        low, high = drawn.bands
        yield f"difficulty: easy up to {low:.2f}, medium up to {high:.2f}"
    if folder is not None:
        yield f"in {folder}: {HEADER}, {CASES}"


def _left_out(reasons: dict[str, int]) -> str:
    if not reasons:
        return "none left out"
    return "left out: " + ", ".join(f"{many} {name.replace('_', ' ')}" for name, many in sorted(reasons.items()))


def _with_reference(suite: Suite) -> int:
    return sum(bool(case.reference_answer or case.reference_calls) for case in suite.cases)


def _stratum_cells(row: dict[str, Any]) -> list[Text | str]:
    share, stands = row["share_of_sessions"], row["sessions_per_case"]
    return [
        row["intent"],
        row["outcome"],
        row["difficulty"],
        str(row["cases"]),
        str(row["clusters"]),
        _percent(row["share_of_suite"]),
        "-" if share is None else _percent(share),
        "-" if stands is None else f"{stands:,.1f} sessions",
    ]


def _rubric_cells(rubric: Any) -> list[Text | str]:
    told = ", ".join(
        f"{one.name} {one.weight:g}{' must' if one.must_pass else ''} ({one.grader or 'judge'})"
        for one in rubric.criteria
    )
    return [rubric.intent, f"{rubric.bar:g}", told]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def difference_document(old: Suite, new: Suite, found: Difference, live: Sequence[Shift] | None) -> dict[str, Any]:
    """What differs."""
    return {
        "from": old.reference,
        "to": new.reference,
        "added": [case.case_id for case in found.added],
        "removed": [case.case_id for case in found.removed],
        "changed": [{"case_id": one.case_id, "fields": list(one.fields)} for one in found.changed],
        "rubrics": [{"intent": one.intent, "change": one.change} for one in found.rubrics],
        "mix": _mix_document(found.mix),
        "live": None if live is None else _mix_document(live),
    }


def _mix_document(moved: Sequence[Shift]) -> dict[str, Any]:
    return {
        "distance": distance(moved),
        "strata": [
            {
                "stratum": one.stratum,
                "before": one.before,
                "now": one.now,
                "margin": one.margin,
                "clear": one.is_clear,
            }
            for one in moved
        ],
    }


def print_difference(old: Suite, new: Suite, found: Difference, live: Sequence[Shift] | None) -> None:
    """What differs, as a page."""
    console = make_console()
    console.print(Text(f"{old.reference} -> {new.reference}", style="bold"))
    if found.is_empty:
        console.print(Text("the same cases and the same rubrics"))
    _print_cases(console, "added", "+", "green", [(case.case_id, request_of(case)) for case in found.added])
    _print_cases(console, "removed", "-", "red", [(case.case_id, request_of(case)) for case in found.removed])
    _print_cases(console, "changed", "~", "yellow", [(one.case_id, ", ".join(one.fields)) for one in found.changed])
    for one in found.rubrics:
        console.print(Text(f"~ rubric {one.intent}: {one_line(one.change)}", style="yellow"))
    _print_mix(console, "the mix of cases", found.mix)
    if live is not None:
        _print_mix(console, "live sessions, against those of the draw", live)


def _print_cases(console: Console, what: str, sign: str, style: str, cases: Sequence[tuple[str, str]]) -> None:
    if not cases:
        return
    console.print(Text(f"{formats.plural(len(cases), 'case')} {what}"))
    for name, told in cases[:SHOWN_CASES]:
        console.print(Text(f"{sign} {name}  {one_line(told)[:100]}", style=style))
    if len(cases) > SHOWN_CASES:
        console.print(Text(f"  and {len(cases) - SHOWN_CASES} more; all with --json", style="dim"))


def _print_mix(console: Console, title: str, moved: Sequence[Shift]) -> None:
    different = [one for one in moved if one.before != one.now]
    console.print()
    console.print(Text(f"{title}: {_percent(distance(moved))} moved to another stratum"))
    rows: list[list[Text | str]] = []
    for one in different[:SHOWN_SHIFTS]:
        margin = f" ± {100 * one.margin:.1f}" if one.margin else ""
        rows.append(
            [one.stratum, _percent(one.before), f"{_percent(one.now)}{margin}", "" if one.is_clear else "within chance"]
        )
    if rows:
        print_table(console, _SHIFTS, rows)
    if len(different) > SHOWN_SHIFTS:
        console.print(Text(f"  and {len(different) - SHOWN_SHIFTS} more; all with --json", style="dim"))


def refresh_document(made: Refreshed, frozen: Suite, folder: Path) -> dict[str, Any]:
    """What a refresh did."""
    return {
        "changed": made.is_changed,
        "reference": frozen.reference,
        "folder": str(folder),
        "added": [{"case_id": case.case_id, "stratum": case.provenance.stratum} for case in made.added],
        "new_rubrics": list(made.new_rubrics),
        "edited": made.edited,
        "covered": made.covered,
        "unseen": list(made.unseen),
        "cases": len(frozen.cases),
    }


def print_refresh(made: Refreshed, before: Suite, frozen: Suite, folder: Path) -> None:
    """What a refresh did, as a page."""
    console = make_console()
    if not made.is_changed:
        console.print(Text(f"{before.reference} lacks nothing that live sessions have: no new version"))
    else:
        console.print(Text(f"{before.reference} -> {frozen.reference}, in {folder}", style="bold"))
    if made.edited:
        console.print(Text("what was edited is frozen in it"))
    for stratum, many in sorted(Counter(case.provenance.stratum for case in made.added).items()):
        console.print(Text(f"+ {formats.plural(many, 'case')} of {stratum}", style="green"))
    for intent in made.new_rubrics:
        console.print(Text(f"+ a rubric to begin with for {intent}: make it your own in {HEADER}", style="green"))
    if made.covered:
        console.print(Text(f"cases that were there ask what {_percent(made.covered)} of live sessions asked"))
    if made.unseen:
        console.print(Text(f"no longer seen, and kept: {', '.join(made.unseen)}", style="dim"))
