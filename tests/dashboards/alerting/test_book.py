"""What the book makes of findings, people and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchkeeper.dashboards.alerting.alert import ALERT_ADAPTER, Alert, Notice
from watchkeeper.dashboards.alerting.book import Book, Known
from watchkeeper.dashboards.alerting.config import AlertsConfig
from watchkeeper.dashboards.alerting.holding import Mute, mute_key
from watchkeeper.dashboards.alerting.outcome import settle, tell_elsewhere
from watchkeeper.dashboards.alerting.ports import Answer
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import from_us, to_us

Make = Callable[..., Finding]
NOON_US = to_us(datetime(2026, 11, 2, 12, 0, tzinfo=UTC))
SECOND = 1_000_000
OK = Answer(ok=True, text="taken")


def config(**given: Any) -> AlertsConfig:
    """Two channels; what is critical goes to both."""
    values: dict[str, Any] = {
        "channels": {"chat": {"kind": "log"}, "pager": {"kind": "log"}},
        "routes": [
            {"match": {"severity": "critical"}, "channels": ["pager"], "continue": True},
            {"channels": ["chat"]},
        ],
        **given,
    }
    return AlertsConfig.model_validate_json(orjson.dumps(values))


class Desk:
    """A book, what is kept of it, and a world in which every message arrives at once.

    Attributes:
        told: (alert, notice) in the order of delivery.
    """

    def __init__(self, settings_: AlertsConfig | None = None) -> None:
        self.config = settings_ or config()
        self.book = Book(self.config)
        self.known: dict[str, Known] = {}
        self.findings: dict[str, Finding] = {}
        self.now_us = NOON_US
        self.told: list[tuple[Alert, Notice]] = []

    def hear(self, *findings: Finding) -> None:
        for one in findings:
            result = self.book.hear(one, self.known.get(one.finding_id), self.now_us)
            if result is not None:
                self.known[one.finding_id] = result
                self.findings[one.finding_id] = one

    def say(self, verdict: Any, one: Finding) -> None:
        result = self.book.judge(self.known[one.finding_id], verdict, "ada", "looked at it", self.now_us)
        if result is not None:
            self.known[one.finding_id] = result

    def wait(self, seconds: float, steps: int = 1) -> list[tuple[str, str, int]]:
        """Lets time pass, and all that is due be delivered; answers channel, kind and how many findings it told."""
        before = len(self.told)
        for _ in range(steps):
            self.now_us += round(seconds / steps * SECOND)
            self.book.tick(self.now_us)
            for alert in list(self.book.alerts.values()):
                for one in list(alert.notices):
                    assert settle(alert, one, OK, 8, self.now_us) == "delivered"
                    self.told.append((alert, one))
            self.book.tick(self.now_us)
        return [(one.channel, one.kind, one.upto - one.after) for _, one in self.told[before:]]

    def restart(self) -> None:
        """Another process goes on from what is kept."""
        alerts = [ALERT_ADAPTER.validate_json(ALERT_ADAPTER.dump_json(one)) for one in self.book.alerts.values()]
        trees = [
            (f"{one.tenant_id}/{one.root_session_id}", self.known[one.finding_id].alert_id)
            for one in self.findings.values()
        ]
        self.book = Book(self.config)
        self.book.load(alerts, trees)


def test_findings_of_one_agent_and_mode_are_one_page_and_then_updates(finding: Make) -> None:
    desk = Desk()
    desk.hear(finding())
    desk.hear(finding())
    assert desk.wait(0.5) == []
    assert desk.wait(1) == [("chat", "page", 2)]
    desk.hear(finding())
    assert desk.wait(200) == []
    assert desk.wait(150) == [("chat", "update", 1)]
    desk.hear(finding())
    assert desk.wait(400) == []
    assert desk.wait(250) == [("chat", "update", 1)]


def test_what_was_found_first_in_a_tree_is_the_page_and_its_incident_an_update(finding: Make) -> None:
    desk = Desk()
    desk.hear(finding(root_session_id="root", severity="medium"))
    assert desk.wait(2) == [("chat", "page", 1)]
    desk.hear(finding(root_session_id="root", agent_id="other", failure_mode="cost_runaway", severity="medium"))
    desk.hear(finding(session_id=None, subject="tree:x", root_session_id="root", failure_mode="incident"))
    assert desk.wait(1) == [("chat", "update", 2)]
    assert len(desk.book.alerts) == 1


def test_an_incident_that_is_critical_pages_who_was_not_paged_and_only_them(finding: Make) -> None:
    desk = Desk()
    desk.hear(finding(root_session_id="root", severity="medium"))
    desk.wait(2)
    desk.hear(finding(root_session_id="root", failure_mode="incident", severity="critical"))
    assert sorted(desk.wait(2)) == [("chat", "update", 1), ("pager", "page", 2)]


def test_what_is_heard_again_changes_nothing(finding: Make) -> None:
    desk = Desk()
    one = finding()
    desk.hear(one)
    desk.wait(2)
    desk.hear(one, one)
    desk.restart()
    desk.hear(one)
    assert desk.wait(4000) == []
    desk.wait(30_000, 10)
    assert not desk.book.alerts
    desk.hear(one)
    assert desk.wait(10) == []


def test_an_alert_is_over_when_all_its_findings_are_and_comes_back_as_an_update(finding: Make) -> None:
    desk = Desk()
    first, second = finding(), finding()
    desk.hear(first, second)
    desk.wait(2)
    desk.hear(first.model_copy(update={"status": "resolved", "revision": 1}))
    assert desk.wait(2) == []
    desk.say("wrong", second)
    assert desk.wait(2) == [("chat", "resolved", 0)]
    desk.hear(finding())
    assert desk.wait(320) == [("chat", "update", 1)]


def test_what_is_over_before_it_was_told_is_not_told(finding: Make) -> None:
    desk = Desk()
    one = finding()
    desk.hear(one, one.model_copy(update={"status": "resolved", "revision": 1}))
    assert desk.wait(5000, 20) == []


def test_nobody_takes_note_and_others_are_paged_unless_somebody_does(finding: Make) -> None:
    routes = [{"channels": ["chat"], "escalate": [{"after_seconds": 600, "channels": ["pager"]}]}]
    for acked in (False, True):
        desk = Desk(config(routes=routes))
        one = finding()
        desk.hear(one)
        desk.wait(2)
        if acked:
            desk.say("ack", one)
            assert desk.wait(1) == [("chat", "acknowledged", 0)]
        assert desk.wait(700, 5) == ([] if acked else [("pager", "escalation", 1)])


@pytest.mark.parametrize("origin", ["import", "simulated"])
def test_recordings_never_page_and_simulated_sessions_only_where_a_route_says_so(finding: Make, origin: str) -> None:
    desk = Desk()
    desk.hear(finding(origin=origin))
    assert desk.wait(10) == []
    routes = [{"match": {"origins": ["live", "simulated"]}, "channels": ["chat"]}]
    desk = Desk(config(routes=routes))
    desk.hear(finding(origin=origin))
    assert len(desk.wait(10)) == (origin == "simulated")


def test_a_rule_on_trial_does_not_page(finding: Make) -> None:
    desk = Desk()
    one = finding(rule_stage="shadow")
    desk.hear(one)
    assert desk.wait(10) == []
    assert desk.known[one.finding_id].place == "shadow"


def test_muted_findings_are_held_back_and_told_in_one_summary_when_the_mute_ends(finding: Make) -> None:
    desk = Desk()
    some = [finding(tool="refund_all") for _ in range(3)]
    desk.book.holding.muted([Mute(mute_key(some[0]), NOON_US + 3600 * SECOND, "ada", "known")])
    desk.hear(*some, finding(tool="another_tool"))
    assert desk.wait(60) == [("chat", "page", 1)]
    assert {desk.known[one.finding_id].place for one in some} == {"held"}
    assert "muted until 2026-11-02 13:00 UTC by ada: known" in desk.known[some[0].finding_id].why
    assert desk.wait(3600) == [("chat", "summary", 3)]


def test_a_maintenance_window_holds_back_what_it_covers(finding: Make) -> None:
    window = {
        "name": "deploy", "reason": "new model", "since": "2026-11-02T11:00:00Z", "until": "2026-11-02T13:00:00Z",
        "agents": ["supp*"],
    }  # fmt: skip
    desk = Desk(config(maintenance=[window]))
    desk.hear(finding(), finding(agent_id="other"), finding())
    assert desk.wait(60) == [("chat", "page", 1)]
    assert desk.wait(3600) == [("chat", "summary", 2)]


def test_old_news_are_one_summary(finding: Make) -> None:
    desk = Desk()
    old = from_us(NOON_US - 7200 * SECOND)
    desk.hear(*(finding(at=old, agent_id=f"agent-{number}") for number in range(50)))
    assert desk.wait(60) == [("chat", "summary", 50)]


def test_a_storm_is_bounded_and_nothing_of_it_is_hidden(finding: Make) -> None:
    desk = Desk()
    for number in range(10_000):
        desk.hear(finding(agent_id=f"agent-{number}", severity="medium"))
        if number % 500 == 0:
            desk.wait(1)
    desk.wait(7200, 300)
    assert len(desk.told) <= 10 + 1 + 10
    told = Counter[str]()
    for alert, one in desk.told:
        told[alert.alert_id] += one.upto - one.after
    assert sum(told.values()) == 10_000


def test_a_storm_of_the_middling_hides_nothing_that_is_critical(finding: Make) -> None:
    desk = Desk()
    desk.hear(*(finding(agent_id=f"agent-{number}", severity="medium") for number in range(100)))
    desk.wait(2)
    desk.hear(finding(agent_id="the-one", severity="critical"))
    assert sorted(desk.wait(2)) == [("chat", "page", 1), ("pager", "page", 1)]


def test_a_channel_that_takes_nothing_is_given_up_and_told_of_elsewhere(finding: Make) -> None:
    desk = Desk()
    desk.hear(finding())
    desk.now_us += 2 * SECOND
    desk.book.tick(desk.now_us)
    (alert,) = desk.book.alerts.values()
    (one,) = alert.notices
    refused = Answer(ok=False, text="HTTP 503")
    waits = []
    for _ in range(8):
        one.state, one.attempts = "sending", one.attempts + 1
        state = settle(alert, one, refused, 8, desk.now_us)
        waits.append(one.next_us - desk.now_us)
    assert state == "dead"
    assert waits[:6] == sorted(waits[:6])
    assert waits[0] >= 2 * SECOND
    (other,) = tell_elsewhere(alert, one, refused, ("chat", "pager"), desk.now_us)
    assert (other.channel, other.kind, other.after, other.upto) == ("pager", "undelivered", 0, 1)
    assert "chat" in other.why
    assert tell_elsewhere(alert, other, refused, ("chat", "pager"), desk.now_us) == []


def test_who_asks_to_be_left_alone_is_left_alone_for_so_long(finding: Make) -> None:
    desk = Desk()
    desk.hear(finding())
    desk.now_us += 2 * SECOND
    desk.book.tick(desk.now_us)
    (alert,) = desk.book.alerts.values()
    (one,) = alert.notices
    one.attempts = 1
    settle(alert, one, Answer(ok=False, text="HTTP 429", retry_seconds=120), 8, desk.now_us)
    assert one.next_us >= desk.now_us + 120 * SECOND


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["find", "incident", "resolve", "again", "ack", "wrong", "wait", "restart"]),
        st.integers(0, 5),
        st.sampled_from(["medium", "high", "critical"]),
        st.sampled_from([0.4, 2.0, 400.0, 5000.0]),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_whatever_happens_no_incident_pages_a_channel_twice_and_nothing_is_lost(
    finding: Make, actions: list[tuple[str, int, Any, float]]
) -> None:
    desk = Desk()
    heard: list[Finding] = []
    for action, number, severity, seconds in actions:
        root = f"root-{number}"
        if action in {"find", "incident"}:
            mode = "incident" if action == "incident" else "hallucinated_tool"
            given_at = from_us(desk.now_us)
            one = finding(
                root_session_id=root, agent_id=f"agent-{number % 3}", failure_mode=mode, severity=severity, at=given_at
            )
            heard.append(one)
            desk.hear(one)
        elif action == "wait":
            desk.wait(seconds, 3)
        elif action == "restart":
            desk.restart()
        elif heard:
            one = heard[number % len(heard)]
            if action == "again":
                desk.hear(one)
            elif action == "resolve":
                heard[number % len(heard)] = one = one.model_copy(
                    update={"status": "resolved", "revision": one.revision + 1}
                )
                desk.hear(one)
            else:
                desk.say(action, one)
    desk.wait(90_000, 60)
    pages = Counter((alert.alert_id, one.channel) for alert, one in desk.told if one.kind in {"page", "escalation"})
    assert not pages or max(pages.values()) == 1
    assert len({one.notice_id for _, one in desk.told}) == len(desk.told)
    assert not any(alert.notices for alert in desk.book.alerts.values())
    # Every finding that stood when its alert was told is in exactly one message to each channel of its alert.
    for alert_id, channel in pages:
        spans = sorted((one.after, one.upto) for alert, one in desk.told
                       if alert.alert_id == alert_id and one.channel == channel)  # fmt: skip
        assert spans[0][0] == 0
        assert all(before[1] == after[0] for before, after in pairwise(spans))
        count = sum(known.alert_id == alert_id for known in desk.known.values())
        assert spans[-1][1] == count
