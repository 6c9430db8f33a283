"""Messages as people read them: plain lines, and HTML for mail."""

from __future__ import annotations

from html import escape
from typing import Final

from watchkeeper.dashboards.alerting.message import Message

_WORDS: Final = {
    "page": "",
    "escalation": "Escalated",
    "update": "Update",
    "resolved": "Over",
    "acknowledged": "Noted",
    "summary": "Held back",
    "undelivered": "Not delivered elsewhere",
    "test": "Test",
}


def headline(message: Message) -> str:
    """One line: how bad, what, which agent."""
    word = _WORDS.get(message.kind, message.kind)
    head = f"[{message.severity}]" + (f" {word}:" if word else "")
    whose = f" ({message.agent_id})" if message.agent_id and message.agent_id not in message.title else ""
    return " ".join(f"{head} {message.title}{whose}".split())


def facts(message: Message) -> list[tuple[str, str]]:
    """What, since when, how bad, in short: pairs of name and text, in the order in which they are read."""
    found = [("severity", message.severity), ("since", _when(message.since))]
    if message.why:
        found.append(("told now because", message.why))
    if message.repeated:
        found.append(("repeated", "an earlier attempt may have arrived: the router ended during it"))
    for name, value in (("mode", message.failure_mode), ("agent", message.agent_id), ("tenant", message.tenant_id)):
        if value:
            found.append((name, value))
    if message.findings:
        found.append(("findings", f"{message.findings} in this alert, {message.standing} of them stand"))
    return found


def group_lines(message: Message) -> list[str]:
    """How many of what, one line for each mode and agent."""
    lines = [
        f"{group['findings']} x {group['failure_mode']}, {group['severity']}, agent {group['agent_id']}"
        for group in message.groups
    ]
    counted = sum(int(group["findings"]) for group in message.groups)
    if message.new > counted:
        lines.append(f"{message.new - counted} of other modes and agents")
    return lines


def finding_lines(message: Message) -> list[str]:
    """The findings that are listed, and how many are not."""
    lines = [f"{one.finding_id}  {one.severity}  {one.summary}" for one in message.listed]
    if message.new > len(message.listed):
        lines.append(f"and {message.new - len(message.listed)} more: watchkeeper alerts show {message.alert_id} --all")
    return lines


def plain(message: Message) -> str:
    """The whole message as lines."""
    lines = [headline(message), ""]
    lines += [f"{name}: {value}" for name, value in facts(message)]
    if message.new > 1:
        lines += ["", f"New in this message, {message.new} findings:"]
        lines += [f"  {line}" for line in group_lines(message)]
        lines += [f"  - {line}" for line in finding_lines(message)]
    if message.evidence:
        lines += ["", "Evidence:", *(f"  {name}: {value}" for name, value in message.evidence)]
    if message.runbook:
        lines += ["", f"What to do: {message.runbook}"]
    if message.commands:
        lines += ["", "Look further:"]
        for purpose, line in message.commands:
            lines += [f"  # {purpose}", f"  {line}"]
    if message.link:
        lines += ["", f"Console: {message.link}"]
    lines += ["", f"alert {message.alert_id}, notice {message.notice_id}, attempt {message.attempt}"]
    return "\n".join(lines)


_COLOURS: Final = {"critical": "#8f1d14", "high": "#a34100", "medium": "#6b5200", "low": "#2b5b84", "info": "#444444"}


def html(message: Message) -> str:
    """The whole message as a page for mail: no images, no scripts, nothing fetched."""
    colour = _COLOURS.get(message.severity, "#444444")
    rows = "".join(
        f'<tr><th align="left" valign="top" style="padding:2px 16px 2px 0;font-weight:600">{escape(name)}</th>'
        f'<td valign="top" style="padding:2px 0">{escape(value)}</td></tr>'
        for name, value in facts(message)
    )
    parts = [
        f'<h1 style="font-size:18px;line-height:1.3;margin:0 0 12px;color:{colour}">{escape(headline(message))}</h1>',
        f'<table role="presentation" cellspacing="0" cellpadding="0">{rows}</table>',
    ]
    if message.new > 1:
        parts += [_heading(f"New in this message: {message.new} findings"), _list(group_lines(message))]
        parts.append(_list(finding_lines(message)))
    if message.evidence:
        parts += [_heading("Evidence"), _list([f"{name}: {value}" for name, value in message.evidence])]
    if message.runbook:
        parts += [_heading("What to do"), f"<p>{_linked(message.runbook)}</p>"]
    if message.commands:
        code = "\n".join(f"# {purpose}\n{line}" for purpose, line in message.commands)
        style = "background:#f4f4f4;color:#1b1b1b;padding:12px;white-space:pre-wrap;font-size:13px"
        parts += [_heading("Look further"), f'<pre style="{style}">{escape(code)}</pre>']
    if message.link:
        parts.append(f"<p>{_linked(message.link)}</p>")
    parts.append(f'<p style="color:#666;font-size:12px">alert {escape(message.alert_id)}</p>')
    body = "font-family:system-ui,sans-serif;font-size:15px;line-height:1.45;color:#1b1b1b;max-width:720px"
    return f'<!doctype html><html lang="en"><body style="{body}">{"".join(parts)}</body></html>'


def _heading(text: str) -> str:
    return f'<h2 style="font-size:15px;margin:18px 0 6px">{escape(text)}</h2>'


def _list(lines: list[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul style="margin:0;padding-left:20px">{items}</ul>'


def _linked(address: str) -> str:
    if address.startswith(("http://", "https://")):
        return f'<a href="{escape(address, quote=True)}">{escape(address)}</a>'
    return f"<code>{escape(address)}</code>"


def _when(since: str) -> str:
    return f"{since[:10]} {since[11:19]} UTC"
