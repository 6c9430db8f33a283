"""The example policies, one for each kind of job."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from watchkeeper.cli.policies.yaml_names import spelled
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.json_schema import CONTRACTS

KINDS: Final = ("support", "retrieval", "coding", "finance", "multi-agent")

SCHEMA_NAME: Final = "policy.schema.json"
"""What the examples' first line names: editors look for it beside the policy."""

_AGENT = re.compile(r"^agent: *\S+", re.MULTILINE)


def example(kind: str, agent: str | None = None) -> str:
    """The commented policy for a kind of job, for this agent.

    Raises:
        ConfigurationError: the agent's name is empty or has more than 256 characters.
    """
    text = (files("watchkeeper.cli.policies") / "examples" / f"{kind}.yaml").read_text(encoding="utf-8")
    if agent is None:
        return text
    if not 1 <= len(agent) <= 256:
        raise ConfigurationError("an agent's name has 1 to 256 characters: give another --agent")
    return _AGENT.sub(lambda _: f"agent: {spelled(agent)}", text, count=1)


def schema_text() -> str:
    """The JSON Schema of policies, as the models say it."""
    return next(contract for contract in CONTRACTS if contract.name == "policy").text()
