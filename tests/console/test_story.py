"""What an operator does in the console, from end to end, with a real agent at the other end.

Somebody looks for a session that failed, opens it, reads why, stops its agent, and says that a finding is wrong: with a
mouse, with a thumb on a phone, and by the keyboard alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from console_browser import DESKTOP, PATIENCE_MS, PHONE, Visit, visiting
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from watchkeeper.cli.store import ReadStore, open_store

MOST_TABS = 150
VERDICTS = "SELECT verdict, reason, given_by FROM verdicts WHERE tenant_id = {tenant:String}"
COMMANDS = """
SELECT action, target_kind, target_id, reason, issued_by FROM control_commands WHERE tenant_id = {tenant:String}
"""


@pytest.fixture
def store(clickhouse: str) -> Iterator[ReadStore]:
    with open_store(clickhouse) as opened:
        yield opened


class Hand(Protocol):
    """How somebody uses a page."""

    def press(self, where: Locator) -> None:
        """Follows a link, or presses a button."""

    def write(self, where: Locator, text: str) -> None:
        """Writes into a field, in place of what stands there."""


class Mouse:
    def press(self, where: Locator) -> None:
        where.click()

    def write(self, where: Locator, text: str) -> None:
        where.fill(text)


class Thumb(Mouse):
    def press(self, where: Locator) -> None:
        where.tap()


class Keys:
    """Tab, Enter and letters; nothing else."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, where: Locator) -> None:
        self._reach(where)
        self._page.keyboard.press("Enter")

    def write(self, where: Locator, text: str) -> None:
        self._reach(where)
        self._page.keyboard.press("Control+A")
        self._page.keyboard.type(text)

    def _reach(self, where: Locator) -> None:
        for _ in range(MOST_TABS):
            if where.evaluate("element => element === document.activeElement"):
                assert self._is_seen(where), "what has the focus does not show it"
                return
            self._page.keyboard.press("Tab")
        pytest.fail(f"{where} is not reached by {MOST_TABS} times Tab")

    @staticmethod
    def _is_seen(where: Locator) -> bool:
        look = "element => parseFloat(getComputedStyle(element).outlineWidth) >= 2"
        return bool(where.evaluate(look)) and where.is_visible()


@pytest.mark.parametrize(
    ("size", "way"),
    [
        # What the keyboard can do at this width the mouse can do too.
        pytest.param(DESKTOP, "mouse", id="mouse", marks=pytest.mark.long),
        pytest.param(PHONE, "thumb", id="phone", marks=pytest.mark.long),
        pytest.param(DESKTOP, "keys", id="keyboard"),
    ],
)
def test_a_failing_session_is_found_read_stopped_and_judged(
    browser: Browser, console: str, stoppable: Any, store: ReadStore, size: ViewportSize, way: str
) -> None:
    with visiting(browser, console, size=size) as visit:
        page = visit.enter()
        hands: dict[str, Hand] = {"mouse": Mouse(), "thumb": Thumb(), "keys": Keys(page)}
        hand = hands[way]
        find(page, hand, stoppable)
        read(page, hand)
        stop(page, hand, stoppable)
        assert "it calls what is not there" in stoppable.told("stopped")
        expect(page.get_by_role("row").get_by_text("stopped", exact=True)).to_be_visible(timeout=PATIENCE_MS)
        mark_wrong(page, hand, visit, stoppable)
        assert visit.complaints == []
        assert visit.strangers == []
    (verdict,) = store.rows(VERDICTS, tenant=stoppable.tenant)
    assert verdict == {"verdict": "wrong", "reason": "the tool was renamed today", "given_by": "Ines"}
    (command,) = store.rows(COMMANDS, tenant=stoppable.tenant)
    assert (command["action"], command["target_kind"]) == ("terminate", "agent")
    assert command["target_id"] == stoppable.agent
    assert (command["reason"], command["issued_by"]) == ("it calls what is not there", "Ines")
    assert stoppable.process.wait(60) == 0


def find(page: Page, hand: Hand, agent: Any) -> None:
    """Among all sessions the one that failed."""
    hand.press(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Sessions"))
    hand.write(page.get_by_label("Agent"), agent.agent)
    hand.press(page.get_by_role("button", name="Filter"))
    expect(page.get_by_role("row").filter(has_text=agent.agent)).to_have_count(1)
    hand.press(page.get_by_role("link", name=agent.told("session")))


def read(page: Page, hand: Hand) -> None:
    """Why: in the story, and in the finding with its evidence."""
    story = page.get_by_role("heading", name="The story")
    expect(story).to_be_visible()
    expect(page.get_by_text("Please refund order 40112, it came broken.", exact=True)).to_be_visible()
    expect(page.get_by_text('The agent called "refnd_order"').first).to_be_visible()
    hand.press(page.get_by_role("link", name="hallucinated tool").first)
    evidence = page.get_by_role("region", name="Evidence")
    expect(evidence.get_by_text("refnd_order")).to_be_visible()
    expect(page.get_by_role("heading", name="Runbook")).to_be_visible()


def stop(page: Page, hand: Hand, agent: Any) -> None:
    """The agent, with a reason, after a page that says what would happen."""
    hand.press(page.get_by_role("region", name="What to do").get_by_role("link", name="stop it"))
    expect(page.get_by_label("Its name or id")).to_have_value(agent.agent)
    hand.write(page.get_by_label("Reason"), "it calls what is not there")
    hand.write(page.get_by_label("Your name"), "Ines")
    hand.press(page.get_by_role("button", name="Go on"))
    expect(page.get_by_text("1 open session")).to_be_visible()
    hand.press(page.get_by_role("button", name="Stop"))


def mark_wrong(page: Page, hand: Hand, visit: Visit, agent: Any) -> None:
    """The finding; the name is remembered from the stop."""
    hand.press(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Findings"))
    hand.write(page.get_by_label("Agent"), agent.agent)
    hand.press(page.get_by_role("button", name="Filter"))
    hand.press(page.get_by_role("link", name="hallucinated tool").first)
    expect(page.get_by_label("Your name")).to_have_value("Ines")
    hand.write(page.get_by_label("Reason"), "the tool was renamed today")
    hand.press(page.get_by_role("button", name="Mark wrong"))
    expect(page.get_by_role("status")).to_contain_text("wrong")
    said = page.get_by_role("region", name="What people say")
    expect(said.get_by_text("the tool was renamed today")).to_be_visible()
