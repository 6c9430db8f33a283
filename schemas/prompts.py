"""Rebuilds, from a session's events, the exact prompts that a model was shown.

Texts are sent once and named by address afterwards, so a prompt is put together from the events before it. Every
text is checked against its address: what is shown as verified is what was hashed when it was sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from watchkeeper.schemas.contents import Content, matches
from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.events import ContentPart, Event, Prompt

Verdict = Literal["verified", "mismatch", "missing", "unverifiable"]
"""`unverifiable`: the text is there, but the salt of its address is not (it was erased, or its event is missing)."""

Lookup = Callable[[str], str | None]
"""Answers the text at an address, from wherever it is kept; None where it is not."""


@dataclass(frozen=True, slots=True)
class RebuiltText:
    """A text of a prompt.

    Attributes:
        address: where it stands.
        text: the text; None where it is missing.
        media_type: `application/json` where the text is a JSON value.
        masked: how many places were masked before it was sent.
    """

    address: str
    text: str | None
    verdict: Verdict
    media_type: str = "text/plain"
    masked: int = 0

    def value(self) -> Any:
        """The text itself, or the value it holds where it is JSON; None where it is missing.

        Raises:
            ValueError: the text is not the JSON that its media type promises.
        """
        if self.text is None or self.media_type != "application/json":
            return self.text
        # Not by orjson: it would round whole numbers beyond 64 bits.
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class RebuiltPrompt:
    """A prompt as the model was shown it.

    Attributes:
        prompt: the event.
        messages: role and text of each message, in order; the text is the whole message object as JSON.
        tools: tool schemas handed to the model with this request.
    """

    prompt: Prompt
    system: RebuiltText | None
    messages: tuple[tuple[str, RebuiltText], ...]
    tools: RebuiltText | None

    def texts(self) -> Iterator[RebuiltText]:
        """All texts of the prompt."""
        if self.system is not None:
            yield self.system
        for _, text in self.messages:
            yield text
        if self.tools is not None:
            yield self.tools

    @property
    def is_exact(self) -> bool:
        """Whether every text is there and has its hash."""
        return all(text.verdict == "verified" for text in self.texts())

    def values(self) -> list[Any]:
        """The messages as they were given; None where one is missing."""
        return [text.value() for _, text in self.messages]


def rebuild_prompts(events: Iterable[Event], lookup: Lookup | None = None) -> list[RebuiltPrompt]:
    """The prompts among a session's events, in the order in which they are given.

    Args:
        events: the session's events, of all its writers, in any order.
        lookup: asked for texts that the events do not hold, a table of contents for example.
    """
    listed = list(events)
    known = texts_of(listed)
    salts = {event.writer_id: event.writer_salt for event in listed if event.writer_salt is not None}

    def rebuilt(content: Content, salt: str | None) -> RebuiltText:
        text = known.get(content.address)
        if text is None and lookup is not None:
            text = lookup(content.address)
        return RebuiltText(content.address, text, _verdict(content, text, salt), content.media_type, content.masked)

    def prompt(event: Prompt) -> RebuiltPrompt:
        salt, data = salts.get(event.writer_id), event.data
        return RebuiltPrompt(
            prompt=event,
            system=None if data.system is None else rebuilt(data.system, salt),
            messages=tuple((message.role, rebuilt(message.content, salt)) for message in data.messages),
            tools=None if data.tools is None else rebuilt(data.tools, salt),
        )

    return [prompt(event) for event in listed if isinstance(event, Prompt)]


def texts_of(events: Iterable[Event]) -> dict[str, str]:
    """The texts that these events hold, by address: inline ones, and those whose parts are all there."""
    texts: dict[str, str] = {}
    parts: dict[str, dict[int, str]] = {}
    wanted: dict[str, int] = {}
    for event in events:
        if isinstance(event, ContentPart):
            parts.setdefault(event.data.address, {})[event.data.part] = event.data.text
            wanted[event.data.address] = event.data.parts
        else:
            texts.update(
                {content.address: content.text for _, content in contents_of(event) if content.text is not None}
            )
    for address, pieces in parts.items():
        if len(pieces) == wanted[address]:
            texts.setdefault(address, "".join(pieces[index] for index in sorted(pieces)))
    return texts


def _verdict(content: Content, text: str | None, salt: str | None) -> Verdict:
    if text is None:
        return "missing"
    fits = matches(content.address, text, salt)
    return "unverifiable" if fits is None else "verified" if fits else "mismatch"
