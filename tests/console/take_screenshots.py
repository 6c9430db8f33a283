"""Takes pictures of every page of the console, over a stack with the demo's sessions in it. `make screenshots` runs it.

The pictures go to docs/console, as PNG with a palette: desktop in light, some in dark, and phones. A stack of its own
is started and ended, on free ports of this machine; it takes three minutes or so.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import orjson
from console_browser import DESKTOP, PHONE, Scheme, Visit, browser_problem, running_chromium, visiting
from console_graded_agent import GradedAgent
from console_world import World
from PIL import Image
from playwright.sync_api import ViewportSize

from watchkeeper.cli.stack.child import Child, tail
from watchkeeper.cli.stack.settings import StackSettings
from watchkeeper.cli.stack.testing import running_stack
from watchkeeper.cli.store import open_store

FOLDER: Final = Path(__file__).parents[2] / "docs" / "console"
MOST_BYTES: Final = 150_000
MOST_HEIGHT: Final = 1500
"""Pixels of a picture: the rest of a long page says nothing new."""

PATIENCE_SECONDS: Final = 120.0
SHOTS: Final[tuple[tuple[str, ViewportSize, Scheme], ...]] = (
    ("", DESKTOP, "light"),
    ("-dark", DESKTOP, "dark"),
    ("-phone", PHONE, "light"),
)
DARK: Final = frozenset({"overview", "session", "dashboards-overview", "drift-stream"})
"""Pages that are shown in dark too; all are tested in both."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go; default: docs/console")
    parser.add_argument("--sessions", type=int, default=180, help="sessions of the demo's fleet; default: 180")
    given = parser.parse_args()
    if problem := browser_problem():
        sys.stderr.write(f"{problem}\n")
        return 1
    given.folder.mkdir(parents=True, exist_ok=True)
    with stack(given.sessions) as (world, console), running_chromium() as browser:
        for suffix, size, scheme in SHOTS:
            with visiting(browser, console, size=size, scheme=scheme) as visit:
                visit.enter()
                for path, address in world.addresses().items():
                    name = name_of(path, address)
                    if suffix != "-dark" or name in DARK:
                        say(shoot(visit, address, given.folder / f"{name}{suffix}.png"))
    return 0


@contextmanager
def stack(sessions: int) -> Iterator[tuple[World, str]]:
    """A stack with everything to be seen in it; the console's address beside it."""
    with ExitStack() as open_things:
        home = Path(open_things.enter_context(tempfile.TemporaryDirectory(prefix="watchkeeper-screenshots-")))
        settings = StackSettings(data_dir=home, environment={"WATCHKEEPER_SIMULATED_ACTS": "1"})
        environment = open_things.enter_context(running_stack(settings))
        say("The demo's fleet …")
        fleet = demo(home, sessions)
        store = open_things.enter_context(open_store(environment["WATCHKEEPER_CLICKHOUSE_DSN"]))
        say("An agent of four weeks …")
        graded = GradedAgent("acme", environment["WATCHKEEPER_KAFKA_BOOTSTRAP"], store)
        graded.publish(graded.scores())
        graded.ledger()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while graded.counted() < len(graded.scores()):
            assert time.monotonic() < deadline, "the scores were not stored"
            time.sleep(0.2)
        log = home / "console.log"
        command = [sys.executable, "-m", "watchkeeper.cli.main", "console", "--home", str(home), "--port", "0"]
        child = Child("the console", command, log, {**os.environ, **environment})
        open_things.callback(child.stop, 10.0)
        child.wait_until(lambda: "token=" in tail(log), PATIENCE_SECONDS)
        yield World(store, fleet, "acme"), next(line for line in tail(log).splitlines() if "token=" in line).strip()


def demo(home: Path, sessions: int) -> str:
    """Runs the demo's fleet against a stack; the tenant that it used."""
    command = [sys.executable, "-m", "watchkeeper.cli.main", "demo", "--home", str(home), "--json"]
    told = subprocess.run([*command, "--sessions", str(sessions)], capture_output=True, check=False)
    tenant: str = orjson.loads(told.stdout)["tenant"]
    return tenant


def name_of(path: str, address: str) -> str:
    """A page's name as a file: `/evaluation/runs/{run}` is `evaluation-run`, the overview `overview`."""
    parts = [part for part in path.strip("/").split("/") if part]
    if not parts:
        return "overview"
    if not parts[-1].startswith("{"):
        return "-".join(parts)
    if parts[0] == "dashboards":
        return "-".join(part for part in address.split("?", maxsplit=1)[0].strip("/").split("/"))
    folder = parts[-2]
    return "-".join([*parts[:-2], {"policies": "policy"}.get(folder, folder.removesuffix("s"))])


def shoot(visit: Visit, address: str, file: Path) -> str:
    """Takes the picture of a page; a line about it."""
    page = visit.open(address)
    page.evaluate("document.fonts.ready")
    wide = page.viewport_size or DESKTOP
    tall = int(page.evaluate("document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": wide["width"], "height": min(max(tall, wide["height"]), MOST_HEIGHT)}
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip))).convert("RGB")  # type: ignore[arg-type] # a FloatRect
    for colours in (256, 128, 64, 32, 16):
        packed = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
        if packed.tell() <= MOST_BYTES:
            break
    file.write_bytes(packed.getvalue())
    return f"{file.name}: {packed.tell() / 1000:.0f} kB, {colours} colours"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
