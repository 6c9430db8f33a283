"""`watchkeeper policy`."""

from __future__ import annotations

from typing import Final

from watchkeeper.cli.command import Lazy, LazyGroup

_COMMANDS: Final = "watchkeeper.cli.commands"

policy = LazyGroup(
    "policy",
    table={
        "new": Lazy(f"{_COMMANDS}.policy_new", "new", "Write a commented policy to begin with.", "Commands"),
        "check": Lazy(f"{_COMMANDS}.policy_check", "check", "Say what is wrong with policies, and unwise.", "Commands"),
        "infer": Lazy(f"{_COMMANDS}.policy_infer", "infer", "Propose a policy from what an agent did.", "Commands"),
        "schema": Lazy(f"{_COMMANDS}.policy_new", "schema", "Print the JSON Schema, for editors.", "Commands"),
    },
    help="Policies: what one agent may do and spend, in a YAML file.",
    examples=(
        ("a policy for a support agent", "watchkeeper policy new --kind support --agent support support.yaml"),
        ("whether it can be used, and what is unwise in it", "watchkeeper policy check support.yaml"),
    ),
)
