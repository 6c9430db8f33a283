"""Each channel against a receiver on loopback: what goes out, what a refusal means, and that no secret is told."""

from __future__ import annotations

import email
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiosmtpd.controller import Controller
from pydantic import TypeAdapter
from webhook_receiver import Receiver, receiving

from watchkeeper.cli.stack.child import free_port
from watchkeeper.dashboards.alerting.channels.http import wait_asked_for
from watchkeeper.dashboards.alerting.channels.making import Sending, make_channel
from watchkeeper.dashboards.alerting.channels.slack import blocks_of
from watchkeeper.dashboards.alerting.config import AnyChannel
from watchkeeper.dashboards.alerting.delivery import Delivery
from watchkeeper.dashboards.alerting.message import Listed, Message
from watchkeeper.dashboards.alerting.secrets import Secrets
from watchkeeper.dashboards.alerting.signing import sign, verify
from watchkeeper.dashboards.alerting.text import html, plain
from watchkeeper.schemas.errors import ConfigurationError

KEY = "the-signing-key-of-these-tests"
ENVIRONMENT = {"KEY": KEY, "ROUTING": "r" * 32, "PASSWORD": "pass-of-smtp"}
LISTED = Listed(
    "f-1", "acme", "hallucinated_tool", "unknown_tool", "high", "open", "support", "s-1", "", "called <refund>", "x"
)
MESSAGE = Message(
    notice_id="0a1b2c3d-0000-8000-8000-000000000001",
    alert_id="0a1b2c3d-0000-8000-8000-000000000002",
    kind="page",
    sort="findings",
    severity="high",
    status="open",
    tenant_id="acme",
    agent_id="support",
    failure_mode="hallucinated_tool",
    title="called <refund> & more",
    why="",
    since="2026-11-02T12:00:00.000000Z",
    made_at="2026-11-02T12:00:02.000000Z",
    findings=40,
    standing=39,
    new=40,
    groups=[{"failure_mode": "hallucinated_tool", "agent_id": "support", "severity": "high", "findings": 40}],
    listed=[LISTED],
    ids=[f"f-{number}" for number in range(40)],
    evidence=[("tool_name", "refund")],
    runbook="https://example.com/docs/runbooks/hallucinated_tool.md",
    commands=[("what was found", "watchkeeper finding show f-1")],
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def channel(**given: Any) -> Sending:
    config: Any = TypeAdapter(AnyChannel).validate_json(orjson.dumps(given))
    return make_channel("it", config, Secrets(Path(), ENVIRONMENT))


def test_a_webhook_is_signed_and_says_which_notice_it_is(receiver: Receiver) -> None:
    it = channel(
        kind="webhook", url=f"{receiver.url}/x", signing_key={"env": "KEY"}, headers={"Authorization": {"env": "KEY"}}
    )
    assert it.send(replace(MESSAGE, attempt=3)).ok
    (hook,) = receiver.hooks
    assert verify(KEY, hook.body, hook.headers["Watchkeeper-Signature"])
    assert not verify(KEY, hook.body + b" ", hook.headers["Watchkeeper-Signature"])
    assert not verify("another", hook.body, hook.headers["Watchkeeper-Signature"])
    assert hook.headers["Authorization"] == KEY
    assert hook.headers["Watchkeeper-Notice-Id"] == MESSAGE.notice_id
    assert hook.headers["Watchkeeper-Attempt"] == "3"
    assert hook.document["version"] == 1
    assert len(hook.document["ids"]) == 40


def test_an_old_signature_counts_for_nothing() -> None:
    assert verify(KEY, b"x", sign(KEY, b"x", 1000), now=1200)
    assert not verify(KEY, b"x", sign(KEY, b"x", 1000), now=1400)
    assert not verify(KEY, b"x", "nonsense")


@pytest.mark.parametrize(
    ("status", "headers", "permanent", "retry"),
    [
        (500, {}, False, 0),
        (429, {"Retry-After": "17"}, False, 17),
        (404, {}, True, 0),
        (302, {"Location": "/"}, True, 0),
    ],
)
def test_what_an_answer_means(
    receiver: Receiver, status: int, headers: dict[str, str], permanent: bool, retry: float
) -> None:
    receiver.answer = lambda _: (status, headers, b"no")
    answer = channel(kind="webhook", url=receiver.url).send(MESSAGE)
    assert (answer.ok, answer.permanent, answer.retry_seconds) == (False, permanent, retry)
    assert str(status) in answer.text
    assert len(receiver.hooks) == 1


def test_a_date_of_retry_after_is_read_and_nonsense_is_nothing() -> None:
    assert 25 < wait_asked_for(formatdate(time.time() + 30, usegmt=True)) <= 31
    assert wait_asked_for("soon") == 0
    assert wait_asked_for("999999999") == 3600


def test_nobody_there_is_an_answer_without_the_address(receiver: Receiver) -> None:
    url = f"http://127.0.0.1:1/{KEY}"
    answer = channel(kind="webhook", url=url, timeout_seconds=2).send(MESSAGE)
    assert not answer.ok
    assert not answer.permanent
    assert KEY not in answer.text
    assert "127.0.0.1:1" in answer.text


def test_a_secret_that_is_echoed_is_hidden(receiver: Receiver) -> None:
    receiver.answer = lambda _: (400, {}, f"bad key {KEY}".encode())
    secrets = Secrets(Path(), ENVIRONMENT)
    config: Any = TypeAdapter(AnyChannel).validate_python(
        {"kind": "webhook", "url": receiver.url, "signing_key": {"env": "KEY"}}
    )
    delivery = Delivery({"it": make_channel("it", config, secrets)}, secrets.hidden)
    delivery.submit("it", MESSAGE)
    assert delivery.drain(10)
    (sent,) = delivery.answers()
    assert KEY not in sent.answer.text
    assert "bad key …" in sent.answer.text
    delivery.close()


def test_slack_gets_blocks_within_its_bounds_and_nothing_calls_anybody(receiver: Receiver) -> None:
    long = replace(MESSAGE, title="<!channel> " + "x" * 500, evidence=[(f"n{i}", "y" * 600) for i in range(8)])
    it = channel(kind="slack", url={"file": str(_file(receiver.url))})
    assert it.send(long).ok
    told = receiver.hooks[0].document
    assert all(len(block["text"]["text"]) <= 3000 for block in told["blocks"] if block["type"] == "section")
    assert len(told["blocks"][0]["text"]["text"]) <= 150
    sections = [block["text"]["text"] for block in told["blocks"] if block["type"] == "section"]
    assert not any("<!" in text for text in [told["text"], *sections])
    assert "```" in blocks_of(MESSAGE)["blocks"][-2]["text"]["text"]


def _file(text: str) -> Path:
    path = Path(tempfile.mkdtemp()) / "secret"
    path.write_text(text + "\n")
    return path


def test_pagerduty_opens_notes_and_resolves_one_incident(receiver: Receiver) -> None:
    it = channel(kind="pagerduty", routing_key={"env": "ROUTING"}, url=f"{receiver.url}/v2/enqueue")
    for kind in ("page", "update", "acknowledged", "resolved"):
        assert it.send(replace(MESSAGE, kind=kind)).ok
    told = [hook.document for hook in receiver.hooks]
    assert [one["event_action"] for one in told] == ["trigger", "trigger", "acknowledge", "resolve"]
    assert len({one["dedup_key"] for one in told}) == 1
    assert told[0]["payload"]["severity"] == "error"
    assert told[0]["payload"]["custom_details"]["commands"] == dict(MESSAGE.commands)
    assert told[0]["links"][0]["href"] == MESSAGE.runbook
    assert {one["routing_key"] for one in told} == {"r" * 32}


def test_alertmanager_holds_it_firing_until_it_is_over(receiver: Receiver) -> None:
    it = channel(kind="alertmanager", url=receiver.url, labels={"team": "agents"}, token={"env": "KEY"})
    assert it.send(MESSAGE).ok
    assert it.send(replace(MESSAGE, kind="resolved", severity="critical", findings=50)).ok
    (first,), (last,) = (hook.document for hook in receiver.hooks)
    assert receiver.hooks[0].path == "/api/v2/alerts"
    assert receiver.hooks[0].headers["Authorization"] == f"Bearer {KEY}"
    assert first["labels"] == last["labels"]
    assert first["labels"]["team"] == "agents"
    assert first["endsAt"] > "2026-11-08"
    assert last["endsAt"] == MESSAGE.made_at


class Letters:
    """What an SMTP server took."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        self.taken.append(email.message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default))
        return "250 OK" if "refuse" not in envelope.rcpt_tos[0] else "554 no"


@pytest.fixture
def smtp() -> Iterator[tuple[int, Letters]]:
    letters = Letters()
    port = free_port()
    controller = Controller(letters, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, letters
    finally:
        controller.stop()


def mail_channel(port: int, to: str) -> Sending:
    return channel(kind="email", host="127.0.0.1", port=port, security="none", sender="wk@example.com", to=[to])


def test_mail_is_text_and_html_and_one_thread(smtp: tuple[int, Letters]) -> None:
    port, letters = smtp
    it = mail_channel(port, "team@example.com")
    assert it.send(MESSAGE).ok
    assert it.send(replace(MESSAGE, kind="resolved", notice_id="another")).ok
    first, last = letters.taken
    assert first["Subject"] == "[high] called <refund> & more (support)"
    assert first["Message-ID"] == f"<{MESSAGE.notice_id}@example.com>"
    assert first["References"] == last["References"]
    text, page = first.get_body(("plain",)), first.get_body(("html",))
    assert text is not None
    assert page is not None
    assert "watchkeeper finding show f-1" in text.get_content()
    assert "called &lt;refund&gt; &amp; more" in page.get_content()


def test_a_server_that_refuses_is_an_answer(smtp: tuple[int, Letters]) -> None:
    answer = mail_channel(smtp[0], "refuse@example.com").send(MESSAGE)
    assert not answer.ok
    assert answer.permanent
    assert "554" in answer.text
    away = mail_channel(1, "team@example.com").send(MESSAGE)
    assert not away.ok
    assert not away.permanent


# apprise looks for the module imghdr, which Python 3.13 no longer has.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
def test_the_long_tail_goes_by_apprise(receiver: Receiver) -> None:
    url = receiver.url.replace("http://", "json://") + "/apprise"
    it = channel(kind="apprise", url={"file": str(_file(url))})
    assert it.send(MESSAGE).ok
    assert "called <refund>" in receiver.hooks[0].document["title"]
    with pytest.raises(ConfigurationError, match="does not know this address"):
        channel(kind="apprise", url={"file": str(_file("nonsense://x"))})


@pytest.mark.parametrize("given", [{"env": "NOWHERE"}, {"file": "/nowhere/at/all"}])
def test_a_secret_that_is_not_there_is_named(given: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"channels\.it\.url: .*(NOWHERE|nowhere)"):
        channel(kind="slack", url=given)


def test_what_people_read_says_what_since_when_how_bad_evidence_runbook_and_command() -> None:
    for text in (plain(MESSAGE), html(MESSAGE)):
        for part in (
            "high",
            "2026-11-02 12:00:00 UTC",
            "tool_name: refund",
            "hallucinated_tool.md",
            "finding show f-1",
        ):
            assert part in text
        assert "and 39 more" in text
