"""Tools and policies by content address: parsed and compiled once, shared by all sessions that name them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.tools import ToolRegistry

CAPACITY = 2048
"""Texts kept. An agent version has one list of tools and one policy; hosts that make them per session cost the most."""

MAX_OPEN_PARTS = 64


@dataclass(slots=True)
class Unusable:
    """A text that is there and cannot be used; detectors say so instead of staying silent."""

    reason: str


class Library:
    """An address-keyed cache. A miss is not a judgement: the engine loads what is missing and asks again."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._tools: dict[str, ToolRegistry | Unusable] = {}
        self._policies: dict[str, AgentPolicy | Unusable] = {}
        self._parts: OrderedDict[str, dict[int, str]] = OrderedDict()

    def __contains__(self, address: str) -> bool:
        return address in self._texts

    def add(self, address: str, text: str) -> None:
        """Takes in a text; the oldest one leaves when there is no room."""
        if address in self._texts:
            self._texts.move_to_end(address)
            return
        self._texts[address] = text
        while len(self._texts) > self._capacity:
            oldest, _ = self._texts.popitem(last=False)
            self._tools.pop(oldest, None)
            self._policies.pop(oldest, None)

    def add_part(self, address: str, part: int, parts: int, text: str) -> None:
        """Takes in a part; with the last one the text is whole."""
        known = self._parts.setdefault(address, {})
        known[part] = text
        if len(known) == parts:
            self.add(address, "".join(known[index] for index in range(parts) if index in known))
            del self._parts[address]
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
        return Unusable(f"the list of tools is not JSON: {error}")
    if not isinstance(listed, list):
        return Unusable("the list of tools is no JSON array of {name, description, parameters}")
    return ToolRegistry(listed)


def _parse_policy(text: str) -> AgentPolicy | Unusable:
    try:
        return AgentPolicy.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        return Unusable(f"the policy is refused at {'.'.join(map(str, first['loc'])) or 'its top'}: {first['msg']}")
