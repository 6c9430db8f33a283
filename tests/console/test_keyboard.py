"""Where the keyboard leads: in the order in which a page is read, visibly, past what repeats on every page."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from console_browser import DESKTOP, PATIENCE_MS, Visit, visiting
from playwright.sync_api import Browser, expect

from watchkeeper.stream_processors.clickhouse import connect

MOST_TABS = 60
# What every page begins with: past the menu, its name, its places.
LEAST_TABS = 11
# What may have the focus, in the order of the document, of what is shown.
_FOCUSABLE = """
const focusable = () =>
    [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
        .filter(one => one.checkVisibility() && !one.disabled && one.type !== 'hidden');
"""
# Remembers where the focus is and what comes next; answers whether anything does. At first, no element has it.
_REMEMBER = f"""
() => {{
    {_FOCUSABLE}
    const all = focusable(), from = document.activeElement;
    window.before = {{from, next: all[all.indexOf(from) + 1]}};
    return window.before.next !== undefined;
}}
"""
# Findings may have come meanwhile, so what comes next is looked up anew; a row that the focus left may be gone by now.
_FOCUSED = f"""
() => {{
    {_FOCUSABLE}
    const one = document.activeElement, box = one.getBoundingClientRect(), look = getComputedStyle(one);
    const all = focusable(), {{from, next}} = window.before;
    const due = from.isConnected ? all[all.indexOf(from) + 1] : next;
    return {{
        html: one.outerHTML.slice(0, 90),
        due: due.outerHTML.slice(0, 90),
        next: one === due,
        seen: parseFloat(look.outlineWidth) >= 2 && look.outlineStyle !== 'none',
        inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        body: one === document.body,
    }};
}}
"""


@pytest.fixture
def visit(browser: Browser, console: str) -> Any:
    with visiting(browser, console, size=DESKTOP) as visiting_one:
        visiting_one.enter()
        yield visiting_one


@pytest.mark.parametrize("path", ["/", "/sessions", "/control", "/evaluation", "/drift"])
def test_tab_goes_as_the_page_is_read_and_shows_where_it_is(visit: Visit, path: str) -> None:
    page = visit.open(path)
    assert (
        page.evaluate('document.querySelectorAll(\'[tabindex]:not([tabindex="0"]):not([tabindex="-1"])\').length') == 0
    )
    reached: list[str] = []
    while len(reached) < MOST_TABS and page.evaluate(_REMEMBER):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        assert not focused["body"], f"the focus was lost after {reached[-1:]}"
        assert focused["seen"], f"nothing shows that the focus is on {focused['html']}"
        assert focused["inside"], f"{focused['html']} has the focus outside the window"
        assert focused["next"], f"after {reached[-1:]} comes {focused['due']}, not {focused['html']}"
        reached.append(focused["html"])
    assert len(reached) >= LEAST_TABS


def test_the_first_tab_skips_what_repeats(visit: Visit) -> None:
    page = visit.open("/sessions")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_what_comes_meanwhile_waits_until_the_list_is_left(visit: Visit, failing: Any, clickhouse: str) -> None:
    page = visit.open("/")
    state = page.locator("#live-state")
    expect(state).to_have_text("live", timeout=PATIENCE_MS)
    page.locator("[data-live] tbody a").first.focus()
    held = page.evaluate("document.activeElement.href")
    fresh = f"fresh-{uuid.uuid4().hex}"
    client = connect(clickhouse)
    client.command(
        "INSERT INTO findings SELECT * REPLACE ({fresh:String} AS finding_id, now64(3) AS stored_at) "
        "FROM findings FINAL WHERE agent_id = {agent:String} LIMIT 1",
        parameters={"fresh": fresh, "agent": failing.agent},
    )
    client.close()
    expect(state).to_have_text("live, waiting until you leave the list", timeout=PATIENCE_MS)
    assert page.evaluate("document.activeElement.href") == held
    row = page.locator(f"#f-{fresh}")
    expect(row).to_have_count(0)
    page.get_by_role("link", name="All findings").focus()
    expect(row).to_have_count(1)
    expect(state).to_have_text("live")
