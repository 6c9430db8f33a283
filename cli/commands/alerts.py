"""`watchkeeper alerts`."""

from __future__ import annotations

from typing import Final

from watchkeeper.cli.command import Lazy, LazyGroup

_COMMANDS: Final = "watchkeeper.cli.commands"

TABLE: Final[dict[str, Lazy]] = {
    "list": Lazy(f"{_COMMANDS}.alerts_list", "list_alerts", "List alerts, the latest first.", "Look"),
    "show": Lazy(f"{_COMMANDS}.alerts_show", "show", "Show one: its findings, and who was told what.", "Look"),
    "new": Lazy(f"{_COMMANDS}.alerts_check", "new", "Write a commented alerts.yaml to begin with.", "Set up"),
    "check": Lazy(f"{_COMMANDS}.alerts_check", "check", "Say what is wrong with alerts.yaml.", "Set up"),
    "test": Lazy(f"{_COMMANDS}.alerts_test", "test", "Send a marked test through each channel.", "Set up"),
    "schema": Lazy(f"{_COMMANDS}.alerts_check", "schema", "Print the JSON Schema, for editors.", "Set up"),
    "run": Lazy(f"{_COMMANDS}.alerts_run", "run", "Route findings to people until a signal ends it.", "Run"),
}

alerts = LazyGroup(
    "alerts",
    table=TABLE,
    help="Tell people what was found: who, by which channel, when, and what became of it.",
    examples=(
        ("what was told today, and what stands", "watchkeeper alerts list"),
        ("check alerts.yaml before it is used", "watchkeeper alerts check alerts.yaml"),
        ("try its channels", "watchkeeper alerts test"),
    ),
)
