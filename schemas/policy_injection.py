"""How far content from outside is believed: the part of a policy that `prompt_injection` reads."""

from __future__ import annotations

from watchkeeper.schemas.model import Model, Name


class Injection(Model):
    """What counts as content that may carry somebody else's instructions.

    Attributes:
        trusted_tools: tools whose results may instruct the agent though the runtime does not call them trusted,
            wildcards allowed: a runbook of one's own, a policy lookup.
        trusted_sources: the same for retrievers, by the `source` that they tell.
        report_content: whether content that reads like instructions to the agent is told by itself (`low`), before
            anything follows it. Off: mail and web pages of all kinds are full of it.
    """

    trusted_tools: list[Name] = []
    trusted_sources: list[Name] = []
    report_content: bool = False
