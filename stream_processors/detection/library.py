"""Tools and policies by content address: parsed and compiled once, shared by all sessions that name them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from watchkeeper.schemas.contents import matches
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_limits import over_the_limits
from watchkeeper.stream_processors.detection.refused_policies import ADVICE, why_refused
from watchkeeper.stream_processors.detection.tools import ToolRegistry

CAPACITY = 2048
"""Texts kept. An agent version has one list of tools and one policy; hosts that make them per session cost the most."""

MAX_CHARACTERS = 64 * 1024 * 1024
"""Of all texts kept, together."""

MAX_OPEN_PARTS = 64
MAX_PARTS = 64
"""Parts of one text: 16 MiB. What is longer is no list of tools."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A text that is there and cannot be used; detectors say so instead of staying silent."""

    reason: str


class Library:
    """An address-keyed cache, shared by all sessions and tenants: a text comes in only under its own hash.

    A miss is not a judgement: the engine loads what is missing and asks again.
    """

    def __init__(self, capacity: int = CAPACITY, max_characters: int = MAX_CHARACTERS) -> None:
        self._capacity = capacity
        self._max_characters = max_characters
        self._characters = 0
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._tools: dict[str, ToolRegistry | Unusable] = {}
        self._policies: dict[str, AgentPolicy | Unusable] = {}
        self._parts: OrderedDict[str, dict[int, str]] = OrderedDict()

    def __contains__(self, address: str) -> bool:
        return address in self._texts

    def add(self, address: str, text: str) -> bool:
        """Takes in a text; the oldest ones leave when there is no room.

        Returns:
            Whether the text is what the address says. One that is not would judge other people's sessions.
        """
        if address in self._texts:
            self._texts.move_to_end(address)
            return True
        if not matches(address, text, None):
            return False
        self._texts[address] = text
        self._characters += len(text)
        while len(self._texts) > self._capacity or (self._characters > self._max_characters and len(self._texts) > 1):
            oldest, forgotten = self._texts.popitem(last=False)
            self._characters -= len(forgotten)
            self._tools.pop(oldest, None)
            self._policies.pop(oldest, None)
        return True

    def add_part(self, address: str, part: int, parts: int, text: str) -> None:
        """Takes in a part; with the last one the text is whole."""
        if address in self._texts or parts > MAX_PARTS:
            return
        known = self._parts.setdefault(address, {})
        known[part] = text
        if len(known) >= parts:
            del self._parts[address]
            self.add(address, "".join(known[index] for index in sorted(known)))
        while len(self._parts) > MAX_OPEN_PARTS:
            self._parts.popitem(last=False)

    def tools(self, address: str) -> ToolRegistry | Unusable | None:
        """The registered tools at this address; None where the text is not here."""
        if address not in self._tools and (text := self._use(address)) is not None:
            self._tools[address] = _parse_tools(text)
        return self._tools.get(address)

    def policy(self, address: str) -> AgentPolicy | Unusable | None:
        """The policy at this address; None where the text is not here."""
        if address not in self._policies and (text := self._use(address)) is not None:
            self._policies[address] = _parse_policy(text)
        return self._policies.get(address)

    def _use(self, address: str) -> str | None:
        text = self._texts.get(address)
        if text is not None:
            self._texts.move_to_end(address)
        return text


def _parse_tools(text: str) -> ToolRegistry | Unusable:
    try:
        listed: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Unusable(f"the list of tools is not JSON: {error.msg}")
    if not isinstance(listed, list):
        return Unusable("the list of tools is no JSON array of {name, description, parameters}")
    return ToolRegistry(listed)


def _parse_policy(text: str) -> AgentPolicy | Unusable:
    try:
        too_much = over_the_limits(len(text), orjson.loads(text))
        if too_much is not None:
            return Unusable(f"the policy is refused: {too_much}; {ADVICE}")
        return AgentPolicy.model_validate_json(text)
    except orjson.JSONDecodeError:
        return Unusable(f"the policy is refused: it is no JSON that can be read; {ADVICE}")
    except ValidationError as error:
        return Unusable(why_refused(error))
    except Exception as error:  # noqa: BLE001 - whatever a policy does to its reader, the worker goes on
        return Unusable(f"the policy cannot be read ({type(error).__name__}); {ADVICE}")
