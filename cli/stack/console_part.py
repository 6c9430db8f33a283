"""The console as a part of the local stack: where it answers, and whether it does."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final

from watchkeeper.cli.console.place import LOOPBACK, PORT, console_keys, console_url
from watchkeeper.cli.stack.child import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from watchkeeper.cli.stack.status import StackStatus

CONSOLE: Final = "console"
_ANSWER_SECONDS: Final = 2.0


def console_place(port: int) -> tuple[str, dict[str, str]]:
    """Where the console will answer, and the variable that tells it; port 0 takes a free one."""
    chosen = port or free_port()
    return f"http://{LOOPBACK}:{chosen}/", {PORT: str(chosen)}


def console_problem(url: str) -> str:
    """Why the console does not answer; empty where it does. It answers also while the store is away."""
    try:
        with urllib.request.urlopen(f"{url}livez", timeout=_ANSWER_SECONDS):  # noqa: S310 - our own, on loopback
            return ""
    except (urllib.error.URLError, OSError) as error:
        return f"the console does not answer at {url} ({error})"


def console_address(told: StackStatus, directory: Path) -> str:
    """The address that opens the console of a running stack, token included; empty where none runs."""
    part = told.part(CONSOLE)
    if part is None or part.state != "running" or not part.url:
        return ""
    port = int(part.url.rstrip("/").rpartition(":")[2])
    return console_url(port, console_keys(directory))
