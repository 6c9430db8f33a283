"""A comparison for the person who reviews a pull request: the answer first, then what got worse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from watchkeeper.evals.gate.comparison import Comparison, Regression
from watchkeeper.evals.gate.decision import Judged, Outcome, points
from watchkeeper.evals.gate.resources import Change

TITLES: Final[dict[Outcome, str]] = {
    "pass": "Passed",
    "fall": "Blocked: worse than the baseline",
    "undecided": "Not decided",
}
_MARKS: Final[dict[Outcome, str]] = {"pass": "✅", "fall": "❌", "undecided": "⚠️"}
_MOST_SHOWN: Final = 20
_LONGEST: Final = 160


def markdown(found: Comparison, *, most: int = _MOST_SHOWN) -> str:
    """The summary; at most `most` regressions are listed, the others counted."""
    return "\n".join(_lines(found, most)) + "\n"


def _lines(found: Comparison, most: int) -> Iterator[str]:
    decision = found.decision
    yield f"## {_MARKS[decision.outcome]} {TITLES[decision.outcome]}: suite {_cell(found.named.suite)}"
    yield ""
    yield f"Candidate {_code(found.named.candidate)} against {_code(found.named.baseline)}."
    yield ""
    yield from (f"- {_cell(reason)}" for reason in decision.reasons)
    yield from (f"- ⚠️ {_cell(warning)}" for warning in decision.warnings)
    if found.regressions:
        yield from ("", f"### Cases that got worse ({len(found.regressions)})", "")
        yield from _regressions(found.regressions[:most])
        if len(found.regressions) > most:
            yield from ("", f"{len(found.regressions) - most} more stand in `summary.json`.")
    yield from ("", "### By intent", "", *_measures(decision.judged))
    if found.changes:
        yield from ("", "### Cost and latency of an answer", "", *_changes(found.changes))
    yield ""
    yield from _footnotes(found)


def _regressions(regressions: tuple[Regression, ...]) -> Iterator[str]:
    yield "| case | intent | grader | before | now | why | session |"
    yield "|---|---|---|---|---|---|---|"
    for one in regressions:
        now = "no answer" if one.candidate is None else f"{one.candidate:.2f}"
        why = one.reason if len(one.reason) <= _LONGEST else one.reason[: _LONGEST - 1] + "…"
        yield (
            f"| {_code(one.case_id)} | {_cell(one.intent)} | {_cell(one.grader)} | {one.baseline:.2f} | {now} "
            f"| {_cell(why)} | {_code(one.session_id) if one.session_id else ''} |"
        )


def _measures(judged: tuple[Judged, ...]) -> Iterator[str]:
    yield "| what | cases | baseline | candidate | difference (95 %) | worse / better | p | sees a fall of |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in judged:
        effect, scope = one.effect, one.measure.scope
        name = {"whole": f"**{_cell(one.measure.name)}**", "must_pass": f"must pass: {_cell(one.measure.name)}"}.get(
            scope, _cell(one.measure.title)
        )
        seen = f"{points(one.visible)}" if one.visible < 1 else "none"
        yield (
            f"| {'❌ ' if one.fell else ''}{name} | {effect.cases} | {effect.baseline:.1%} | {effect.candidate:.1%} "
            f"| {points(effect.difference)} ({points(effect.lower)} to {points(effect.upper)}) "
            f"| {effect.worse} / {effect.better} | {one.p:.2g} | {seen} |"
        )


def _changes(changes: tuple[Change, ...]) -> Iterator[str]:
    yield "| what | cases | baseline | candidate | change (95 %) |"
    yield "|---|---|---|---|---|"
    for one in changes:
        change = "" if one.ratio is None else f"{one.ratio - 1:+.1%}"
        if one.low is not None and one.high is not None:
            change += f" ({one.low - 1:+.1%} to {one.high - 1:+.1%})"
        yield f"| {one.name} ({one.unit}) | {one.cases} | {one.baseline:.4g} | {one.candidate:.4g} | {change} |"


def _footnotes(found: Comparison) -> Iterator[str]:
    settings = found.decision.settings
    yield (
        f"Differences and visible falls are in points of a hundred. Falls count at {settings.level:.1%} over all rows "
        f"together (Holm); a pass excludes a fall by {points(settings.margin)} points at "
        f"{1 - settings.margin_level:.0%}; a fall that is seen is seen with a chance of {settings.power:.0%}. "
        f"{found.improved} cases got better."
    )
    for side, troubles in found.troubles.items():
        if troubles:
            told = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(troubles.items()))
            yield f"The {side} gave no answer in {sum(troubles.values())} of {found.attempts[side]} attempts: {told}."
    yield f"Run `{found.named.run_id}`."


def _cell(text: str) -> str:
    """Text that cannot leave its cell, begin a link or an element, or call somebody: agents wrote some of it."""
    flat = " ".join(text.split())
    for char in "\\|`*_[]<>":
        flat = flat.replace(char, "\\" + char)
    return flat.replace("@", "@\u200b")


def _code(text: str) -> str:
    flat = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{flat}`" if flat else ""
