"""What sequences that look something up say: documents, and texts of prompts and answers."""

from __future__ import annotations

import json
from typing import Any

from watchkeeper.schemas.events import Event
from watchkeeper.stream_processors.detection.sequences.story import Story


def look_up(story: Story, *documents: dict[str, Any], query: str = "", **data: Any) -> Event:
    """A retrieval that has ended. Documents are `Document` fields, with `text` in place of `content`."""
    number = len(story.events)
    found = []
    for index, given in enumerate(documents):
        document = {"document_id": f"d-{number}-{index}"} | given
        if "text" in document:
            document["content"] = story.content(document.pop("text"))
        found.append(document)
    asked = {"query": story.content(query)} if query else {}
    body = {"retrieval_id": f"q-{number}", "phase": "finished", "source": "handbook", "documents": found}
    return story.say("retrieval", body | asked | data)


def show(story: Story, *said: tuple[str, str], **data: Any) -> Event:
    """A prompt with these messages, each a role and what it says."""
    messages = [
        {"role": role, "content": story.content(json.dumps({"role": role, "content": text}))} for role, text in said
    ]
    return story.say("prompt", {"request_id": f"r-{len(story.events)}", "messages": messages} | data)


def answer(story: Story, text: str, **data: Any) -> Event:
    """An answer to the user."""
    return story.response(20, 10, text=story.content(text), answer=True, **data)
