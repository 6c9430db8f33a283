"""Which policy an agent runs under."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.policy import AgentPolicy, default_policy
from watchkeeper.schemas.policy_file import load_policy, policy_from_mapping
from watchkeeper.schemas.policy_limits import over_the_limits

PolicyLike: TypeAlias = AgentPolicy | Mapping[str, Any] | str | Path | None
"""A policy, its fields, the path of a YAML file, or None for the default caps in `warn`."""


def resolve_policy(agent: str, given: PolicyLike) -> AgentPolicy:
    """The policy for this agent. A mapping need not name the agent.

    Raises:
        PolicyError: the file or the mapping is refused; every mistake is named.
        ConfigurationError: the policy is another agent's, or more than a worker reads.
    """
    if given is None:
        return default_policy(agent)
    if isinstance(given, AgentPolicy):
        policy = _bearable(given)
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


def _bearable(policy: AgentPolicy) -> AgentPolicy:
    canonical = policy.canonical()
    too_much = over_the_limits(len(canonical), orjson.loads(canonical))
    if too_much is not None:
        raise ConfigurationError(f"no worker reads the policy of {policy.agent!r}: {too_much}")
    return policy
