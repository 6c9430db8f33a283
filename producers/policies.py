"""Which policy an agent runs under."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.policy import AgentPolicy, default_policy
from watchkeeper.schemas.policy_file import load_policy, policy_from_mapping

PolicyLike: TypeAlias = AgentPolicy | Mapping[str, Any] | str | Path | None
"""A policy, its fields, the path of a YAML file, or None for the default caps in `warn`."""


def resolve_policy(agent: str, given: PolicyLike) -> AgentPolicy:
    """The policy for this agent. A mapping need not name the agent.

    Raises:
        PolicyError: the file or the mapping is refused; every mistake is named.
        ConfigurationError: the policy is another agent's.
    """
    if given is None:
        return default_policy(agent)
    if isinstance(given, AgentPolicy):
        policy = given
    elif isinstance(given, Mapping):
        policy = policy_from_mapping({"agent": agent, **given})
    else:
        policy = load_policy(given)
    if policy.agent != agent:
        raise ConfigurationError(
            f"the policy is for the agent {policy.agent!r}, not {agent!r}: "
            "give the agent the policy's name, or the policy the agent's"
        )
    return policy
