"""Debian's Chromium, driven: nothing is downloaded, and whatever a page complains of or reaches for is kept.

Used by the browser tests and by `make screenshots`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

REQUIRE_BROWSER: Final = "WATCHKEEPER_TEST_REQUIRE_BROWSER"
"""Set to 1, as CI does, it makes a missing Chromium a failure."""

PATIENCE_MS: Final = 30_000
DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
Scheme = Literal["light", "dark"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
# The sandbox needs privileges that containers do not give; the rest keeps the browser from calling home.
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
# WCAG 2.2 AA, and axe's advice beside it.
_RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def chromium() -> str | None:
    """The program; None where none is installed."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Chromium without a window, with nothing kept from earlier runs.

    Playwright's loop runs in the calling thread meanwhile: `asyncio.run` is refused there until the block ends.
    """
    program = chromium()
    assert program is not None, "install Debian's package chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS), timeout=2 * PATIENCE_MS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(slots=True)
class Visit:
    """One visitor's page, and what went wrong on it.

    Attributes:
        page: Playwright's page.
        base: the console's address, `http://127.0.0.1:port`.
        token: lets in.
        complaints: errors and warnings of the browser's console, exceptions of scripts, and failed answers.
        strangers: addresses of other hosts that were asked for.
    """

    page: Page
    base: str
    token: str = field(repr=False)
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Goes to a page of the console; answers when it has loaded."""
        answer = self.page.goto(self.base + path)
        assert answer is not None
        assert answer.ok, f"{path} answers {answer.status}"
        return self.page

    def enter(self) -> Page:
        """Opens the address with the token in it, as a person does first of all."""
        self.page.goto(f"{self.base}/?token={self.token}")
        self.page.wait_for_url(f"{self.base}/")
        return self.page

    def listen(self) -> None:
        """Keeps what the page complains of from now on."""
        home = urlsplit(self.base).netloc

        def asked(url: str) -> None:
            if urlsplit(url).scheme in {"http", "https", "ws", "wss"} and urlsplit(url).netloc != home:
                self.strangers.append(url)

        self.page.on("request", lambda request: asked(request.url))
        self.page.on("websocket", lambda socket: asked(socket.url))
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on(
            "console",
            lambda said: (
                self.complaints.append(f"{self.page.url}: {said.type}: {said.text}")
                if said.type in {"error", "warning"}
                else None
            ),
        )

    def violations(self) -> list[str]:
        """What axe has against the page as it stands, one line for each element."""
        found: dict[str, Any] = (
            Axe()
            .run(self.page, options={"runOnly": {"type": "tag", "values": list(_RULES)}, "resultTypes": ["violations"]})
            .response
        )
        return [
            f"{urlsplit(self.page.url).path}: {one['id']} ({one['impact']}): {node['html'][:200]}"
            f" [{' '.join(map(str, node['target']))}] {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window: people would have to scroll sideways."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@contextmanager
def visiting(
    browser: Browser, address: str, *, size: ViewportSize = DESKTOP, scheme: Scheme = "light", **given: Any
) -> Iterator[Visit]:
    """A visitor with no history, who prefers `scheme` and no motion.

    Args:
        browser: from `running_chromium`.
        address: the console's, with the token in it.
        size: of the window; a narrow one is a phone with a touch screen.
        scheme: what the visitor's system is set to.
        **given: further settings of Playwright's context, such as `java_script_enabled`.
    """
    narrow = size["width"] < DESKTOP["width"]
    context = browser.new_context(
        viewport=size, color_scheme=scheme, reduced_motion="reduce", has_touch=narrow, is_mobile=narrow, **given
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    try:
        parts = urlsplit(address)
        visit = Visit(context.new_page(), f"{parts.scheme}://{parts.netloc}", parse_qs(parts.query)["token"][0])
        visit.listen()
        yield visit
    finally:
        context.close()


def browser_problem() -> str:
    """Why no browser can be driven here; empty where one can."""
    return "" if chromium() else "Chromium is not installed: apt-get install chromium"


def is_required() -> bool:
    """Whether a missing browser is a failure."""
    return os.environ.get(REQUIRE_BROWSER) == "1"
