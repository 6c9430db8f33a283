"""Evidence of `version_drift`: what an agent runs with changed, and nobody said so."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model

Ingredient: TypeAlias = Literal["model", "model_version", "prompt_version", "system", "tools", "policy"]


class VersionDrift(Model):
    """A session of a released version ran with something that no earlier one had.

    Attributes:
        what: `model`: the one that is asked for; `model_version`: what the provider answered with under that name;
            `prompt_version`: as the runtime tells it; `system`: the system prompt, dates and identifiers aside;
            `tools`: the registered tools with their schemas; `policy`.
        before: what the sessions before had: a name, or the address of the content.
        after: what this session has.
        agent_version: the release under which both ran; empty where the runtime tells none.
        sessions: that ran in a row without a new value before this one.
    """

    kind: Literal["version_drift"] = "version_drift"
    what: Ingredient
    before: str
    after: str
    agent_version: str
    environment: str
    sessions: Count
