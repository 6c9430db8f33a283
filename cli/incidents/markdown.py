"""A report as Markdown: what is known is filled in, what only people know is left open.

Summaries and arguments may hold what a user or a model wrote. They are escaped: no text of theirs makes a heading, a
link or a tag of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from watchkeeper.cli import formats
from watchkeeper.cli.incidents.report import Report
from watchkeeper.schemas.visible_text import visible

_SPECIAL: Final = re.compile(r"[\\`*_\[\]<>|~&$]|^[#+=-]|^(\d+)([.)])")
_OPEN: Final = "_To be written._"


def markdown_of(report: Report) -> str:
    """The whole document."""
    return "\n".join([*_head(report), *_facts(report), *_story(report), *_repair(report), *_for_people()]) + "\n"


def escaped(text: str) -> str:
    """A text of others on one line, by which nothing but itself is said."""
    return _SPECIAL.sub(_harmless, visible(" ".join(text.split())))


def _harmless(found: re.Match[str]) -> str:
    # Of a number that would begin a list it is the point or bracket that can be escaped.
    number, mark = found.groups()
    return f"\\{found[0]}" if number is None else f"{number}\\{mark}"


def code(text: str) -> str:
    """An identifier; one that holds a backquote is escaped instead."""
    shown = visible(text)
    return f"`{shown}`" if text and not set("`|\n") & set(shown) else escaped(text)


def _head(report: Report) -> Iterator[str]:
    head = report.head
    environment = f", environment {code(head['environment'])}" if head["environment"] else ""
    yield f"# Incident of {formats.at(report.began)} UTC: {report.first_cause} of {escaped(head['agent_id'])}"
    yield ""
    yield escaped(head["summary"])
    yield ""
    yield (
        f"Severity **{head['severity']}**, {head['status']}. Tenant {code(head['tenant_id'])}, origin"
        f" {head['origin']}{environment}. Finding {code(head['finding_id'])}, rule"
        f" {code(head['rule_id'])} {head['rule_version']}. Runbook: {code(head['runbook'])}."
    )
    yield ""


def _facts(report: Report) -> Iterator[str]:
    yield "## In figures"
    yield ""
    yield from _table(("", ""), _figures(report))
    if report.gone:
        gone = ", ".join(code(name) for name in report.gone)
        yield f"The records of these sessions are not in this report (past their retention, or too many): {gone}."
        yield ""


def _figures(report: Report) -> Iterator[tuple[str, str]]:
    yield "first failure", f"{formats.at(report.began)} UTC"
    yield "last seen", f"{formats.at(report.last)} UTC, {_length(report.last - report.began)} after it began"
    yield "found", f"{_length(report.found_after)} after it began"
    told = report.told_after
    yield "first notice to people", "none is known" if told is None else _after(told)
    acknowledged = report.acknowledged_after
    yield "acknowledged", "not yet" if acknowledged is None else _after(acknowledged)
    commanded = report.commanded_after
    yield "first command", "none" if commanded is None else _after(commanded)
    stopped = report.stopped_after
    yield "last session ended", "not yet" if stopped is None else _after(stopped)
    yield "sessions", str(len(report.sessions) + len(report.gone))
    yield "findings", str(len(report.findings) + report.more)
    after = formats.cost(report.cost_after_usd, report.unpriced)
    yield "cost", f"{formats.cost(report.cost_usd, report.unpriced)}, of it since the first failure {after}"
    yield "customers concerned", ", ".join(map(code, report.customers)) or "none named"
    yield "users who asked", ", ".join(map(code, report.users)) or "none named"


def _story(report: Report) -> Iterator[str]:
    yield "## First cause, and what followed"
    yield ""
    for number, row in enumerate(report.findings, 1):
        after = _length(row["first_event_at"] - report.began) if number > 1 else "first"
        yield (
            f"{number}. **{row['failure_mode']}** ({row['severity']}, {after}), session"
            f" {code(row['session_id'] or '')}: {escaped(row['summary'])}"
            f" Finding {code(row['finding_id'])}, {code(row['runbook'])}."
        )
    if report.more:
        more = formats.plural(report.more, "finding")
        yield f"{len(report.findings) + 1}. {more} more, which the incident does not list."
    yield ""
    yield "## Timeline (UTC)"
    yield ""
    rows = ((_at(moment.at), moment.kind, code(moment.session_id), escaped(moment.what)) for moment in report.timeline)
    yield from _table(("time", "", "session", "what"), rows)
    yield "## In force"
    yield ""
    versions = (
        (
            code(one.session_id),
            escaped(f"{one.agent} {one.agent_version}"),
            escaped(one.model),
            escaped(one.prompt_version),
            escaped(one.policy) or "none",
            code(one.policy_address),
        )
        for one in report.versions
    )
    yield from _table(("session", "agent", "model", "prompt", "policy", "policy's hash"), versions)


def _repair(report: Report) -> Iterator[str]:
    yield "## To be made good"
    yield ""
    if report.deeds:
        yield (
            "Calls since the first failure that changed something by the policy in force, or of which it does not say."
            " Tick what was looked at, and say what was done about it."
        )
        yield ""
        deeds = (
            (
                "[ ]",
                _at(deed.at),
                code(deed.tool),
                deed.effect,
                escaped(deed.resource),
                deed.result,
                escaped(deed.approved_by) or "nobody",
                code(deed.event_id),
                "",
            )
            for deed in report.deeds
        )
        names = ("", "time", "tool", "effect", "on what", "result", "approved by", "event", "what was done")
        yield from _table(names, deeds)
    else:
        yield "No call since the first failure changed anything, by the policies in force."
        yield ""
    yield "## What people said"
    yield ""
    for verdict in report.verdicts:
        yield (
            f"- {formats.at(verdict['given_at'])}: **{verdict['verdict']}** by {escaped(verdict['given_by'])}:"
            f" {escaped(verdict['reason'])} (finding {code(verdict['finding_id'])})"
        )
    if not report.verdicts:
        yield f"Nobody has said yet whether it is true: `watchkeeper finding ack|wrong {report.head['finding_id']}`."
    yield ""


def _for_people() -> Iterator[str]:
    for heading, asks in (
        ("Impact", "Who was harmed, by what, and how much? What were they told, and when?"),
        ("Why it could happen", "What in goal, policy, tools, prompt or model made the first failure possible?"),
        ("Why it was not stopped earlier", "What would have found it sooner, and what would have acted?"),
        ("What will be different", "Each with an owner and a date."),
    ):
        yield f"## {heading}"
        yield ""
        yield f"{asks}"
        yield ""
        yield _OPEN
        yield ""


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _at(moment: datetime) -> str:
    return moment.strftime("%m-%d %H:%M:%S.%f")[:-3]


def _after(found: timedelta) -> str:
    if found < timedelta(0):
        return f"{_length(-found)} before it was found"
    return f"{_length(found)} after it was found" if found else "in the moment in which it was found"


def _length(span: timedelta) -> str:
    seconds = span.total_seconds()
    return "no time" if seconds <= 0 else formats.duration(seconds)
