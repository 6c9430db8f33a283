"""Every page of the console as people with different eyes, hands and screens meet it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from console_browser import DESKTOP, PHONE, Scheme, Visit, visiting
from console_graded_agent import GradedAgent
from console_world import World
from playwright.sync_api import Browser, ViewportSize

from watchkeeper.cli.store import open_store
from watchkeeper.dashboards.console.app import all_pages
from watchkeeper.schemas.ids import uuid7

PATIENCE_SECONDS = 60.0
VIEWS: list[tuple[ViewportSize, Scheme]] = [(DESKTOP, "light"), (PHONE, "dark")]


@pytest.fixture(scope="module")
def world(broker: str, clickhouse: str, failing: Any) -> Iterator[World]:
    """A session that fails, and an agent of four weeks that was graded."""
    with open_store(clickhouse) as store:
        graded = GradedAgent(f"t-{uuid7()[-12:]}", broker, store)
        graded.publish(graded.scores())
        graded.ledger()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while graded.counted() < len(graded.scores()):
            assert time.monotonic() < deadline, "the worker did not store the scores"
            time.sleep(0.1)
        yield World(store, failing.tenant, graded.tenant)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(VIEWS[0], id="desktop-light"),
        # A page's width and errors on a phone are looked at below; here the rules of accessibility once more.
        pytest.param(VIEWS[1], id="phone-dark", marks=pytest.mark.long),
    ],
)
def test_every_page_is_for_everybody(
    browser: Browser, console: str, world: World, view: tuple[ViewportSize, Scheme]
) -> None:
    addresses = world.addresses()
    assert len(addresses) >= len([page for page in all_pages() if page.menu])
    wrong: list[str] = []
    with visiting(browser, console, size=view[0], scheme=view[1]) as visit:
        visit.enter()
        for address in addresses.values():
            visit.open(address)
            wrong += faults(visit, address)
        assert wrong == []
        assert visit.complaints == []
        assert visit.strangers == []


def test_no_page_is_wider_than_a_phone(browser: Browser, console: str, world: World) -> None:
    with visiting(browser, console, size=PHONE, scheme="dark") as visit:
        visit.enter()
        wide = {}
        for address in world.addresses().values():
            visit.open(address)
            wide[address] = visit.overflow()
        assert {address: pixels for address, pixels in wide.items() if pixels} == {}
        assert visit.complaints == []


def faults(visit: Visit, address: str) -> list[str]:
    """What is wrong with the page that is open."""
    found = visit.violations()
    if wide := visit.overflow():
        found.append(f"{address}: {wide} px too wide")
    heads = visit.page.locator("h1").count()
    if heads != 1:
        found.append(f"{address}: {heads} first headings")
    return found
