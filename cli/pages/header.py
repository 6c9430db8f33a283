"""The head of a session's page: who, under which policy, what was used of what was allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.output import SEVERITY_STYLES, STATUS_STYLES, one_line
from watchkeeper.cli.pages.text import Page
from watchkeeper.cli.record.model import CapUse, FindingNote, Record
from watchkeeper.schemas.failure_modes import SEVERITIES
from watchkeeper.schemas.policy import CapName

LABEL_WIDTH: Final = 11
_CAP_TITLES: Final[dict[CapName, str]] = {
    "tool_calls": "tool calls",
    "tokens": "tokens",
    "wall_clock_seconds": "wall clock",
    "cost_usd": "cost",
}


def header(page: Page, record: Record) -> Iterator[Text]:
    """The lines of the head."""
    facts = record.facts
    title = Text("session ").append(facts["session_id"], style="bold")
    yield title.append("  ").append(facts["status"], style=STATUS_STYLES.get(facts["status"], ""))
    yield from _line(page, "agent", _joined(f"{facts['agent_id']} {facts['agent_version']}".strip(), _model(record)))
    yield from _line(page, "policy", _policy(record))
    people = [f"{title} {facts[name]}" for title, name in (("user", "user_id"), ("customer", "customer_id"))]
    yield from _line(page, "for", _joined(*[said for said in people if not said.endswith(" ")], facts["intent"]))
    yield from _line(page, "where", _where(record))
    yield from _line(page, "ran", _ran(record))
    for index, cap in enumerate(record.caps):
        yield from _line(page, "used" if index == 0 else "", _cap(record, cap), always=True)
    yield from _line(page, "priced by", ", ".join(record.price_versions))
    yield from _line(page, "findings", _findings(record))
    yield from _line(page, "texts", _texts(record))
    if record.truncated:
        yield Text("There are more events than are shown here.", style="bold yellow")


def _line(page: Page, label: str, value: Text | str, *, always: bool = False) -> Iterator[Text]:
    text = Text(one_line(value)) if isinstance(value, str) else value
    if not text and not always:
        return
    for index, line in enumerate(page.block(text, " " * LABEL_WIDTH)):
        if index:
            yield line
        else:
            yield (
                Text(f"{label:<{LABEL_WIDTH}}", style="dim")
                .append_text(Text("", style="not dim"))
                .append_text(line[LABEL_WIDTH:])
            )


def _joined(*said: str) -> str:
    return " · ".join(part for part in said if part)


def _model(record: Record) -> str:
    provider = record.started.data.provider if record.started else ""
    model = str(record.facts["model"])
    return f"model {model}" + (f" ({provider})" if provider else "") if model else ""


def policy_words(record: Record) -> tuple[str, str]:
    """Which policy judged the session, and what is wrong with its text; empty where nothing is."""
    policy = record.policy
    if record.started is None:
        return "not known, since the session's start is missing: judged by the default caps", ""
    if policy.reference is None:
        return "none: judged by the default caps, in mode warn", ""
    name = one_line(f"{policy.name} {policy.version}".strip())
    if policy.body is None:
        why = "missing" if policy.reference.text is None else "not what its hash says, or unreadable"
        return name, f"its text is {why}"
    return f"{name} · {policy.body.mode}", ""


def _policy(record: Record) -> Text:
    words, problem = policy_words(record)
    text = Text(words, style="yellow" if record.started is None else "")
    text.append(f" · {problem}" if problem else "", style="bold red")
    address = record.policy.reference.address if record.started is not None and record.policy.reference else ""
    return text.append(f" · {address}" if address else "", style="dim")


def _where(record: Record) -> str:
    facts = record.facts
    above = facts["parent_session_id"]
    root = facts["root_session_id"]
    return _joined(
        f"tenant {facts['tenant_id']}",
        facts["environment"],
        facts["origin"],
        f"workflow {facts['workflow']}" if facts["workflow"] else "",
        f"delegated by session {above}" if above else "",
        f"root {root}" if root not in {"", facts["session_id"], above} else "",
    )


def _ran(record: Record) -> str:
    facts = record.facts
    seconds = (facts["last_event_at"] - facts["started_at"]).total_seconds()
    writers = formats.plural(len(record.writers), "writer")
    events = formats.plural(facts["events"], "event")
    return f"{formats.at(facts['started_at'])} UTC, {formats.duration(seconds)} · {events} of {writers}"


def allowance_words(record: Record, cap: CapUse) -> tuple[str, str, str]:
    """What a cap is of, what was used, and what was allowed; empty where there is no cap."""
    limit = "" if cap.limit is None else _limit(cap.cap, cap.limit)
    return _CAP_TITLES[cap.cap], _amount(record, cap.cap, cap.used), limit


def _cap(record: Record, cap: CapUse) -> Text:
    title, used, limit = allowance_words(record, cap)
    share = cap.share
    if share is None:
        return Text(f"{title:<12}{used} (no cap)")
    style = "red" if share >= 1 else "yellow" if share >= 0.8 else "green"
    text = Text(f"{title:<12}").append(formats.bar(share), style=style)
    return text.append(f" {used} of {limit}, {share:.0%}")


def _amount(record: Record, name: CapName, used: float) -> str:
    if name == "cost_usd":
        return formats.cost(used, record.facts["unpriced_requests"])
    return _limit(name, used)


def _limit(name: CapName, limit: float) -> str:
    if name == "cost_usd":
        return formats.money(limit)
    return formats.duration(limit) if name == "wall_clock_seconds" else formats.count(round(limit))


def _findings(record: Record) -> Text:
    rows = [entry.told.row for entry in record.story if isinstance(entry.told, FindingNote)]
    if not rows:
        return Text("none")
    worst = max((row["severity"] for row in rows), key=SEVERITIES.index)
    resolved = sum(row["status"] == "resolved" for row in rows)
    text = Text(f"{len(rows)}, the worst ").append(worst, style=SEVERITY_STYLES[worst])
    return text.append(f", {resolved} resolved") if resolved else text


def texts_words(record: Record) -> tuple[str, str]:
    """How many texts there are, and how many of them are not what their hash says; empty where all are."""
    counts = record.texts.counts()
    wrong = {verdict: number for verdict, number in counts.items() if number and verdict != "verified"}
    problem = ", ".join(f"{number} {verdict}" for verdict, number in wrong.items())
    return formats.count(sum(counts.values())), problem


def _texts(record: Record) -> Text:
    number, problem = texts_words(record)
    return (
        Text(f"{number}, of them ").append(problem, style="bold red")
        if problem
        else Text(f"{number}, each with its hash")
    )
