"""When a person spoke again: what an agent asks anew then is no loop.

The envelope's `turn` decides, where the runtime tells it. Otherwise prompts do: a person spoke where a conversation
holds more messages of the role `user` than before, and one of the new ones is no answer of a tool in disguise
(Anthropic's and Google's clients send results as the user's; so do ReAct prompts, as "Observation: …").

What it gets wrong. A runtime that hands results to the model as plain user messages, and tells no turn, shows a
person at every step: its loops stay unseen. A message of the runtime's own making ("continue") passes for a
person's. Where the history is cut, a person's next word is not noticed until the conversation is as long as before.
"""

from __future__ import annotations

from watchkeeper.schemas.events import Event, Message, Prompt
from watchkeeper.stream_processors.detection.fingerprints import brief

MAX_CONVERSATIONS = 8
"""Conversations of one session that are told apart: the agent's own, and those of its helpers."""

_OPENING = 400
_DISGUISES = ('"tool_result"', '"tool_use_id"', '"functionResponse"', '"function_response"', '"Observation:')


def spoke(known: dict[str, int], event: Event) -> bool:
    """Whether a person spoke since the events before; takes the event into `known`.

    Args:
        known: the latest turn under `turn`, and the number of user messages by conversation.
        event: the event at hand.
    """
    turn = event.turn
    if turn is not None:
        before = known.get("turn")
        if before is None or turn > before:
            known["turn"] = turn
        return before is not None and turn > before
    if "turn" in known or type(event) is not Prompt:
        return False
    return _spoke_in(known, event)


def _spoke_in(known: dict[str, int], prompt: Prompt) -> bool:
    data = prompt.data
    if not data.messages:
        return False
    said = [message for message in data.messages if message.role == "user"]
    head = data.system or data.messages[0].content
    conversation = brief(head.address)
    before = known.pop(conversation, None)
    known[conversation] = len(said)
    if len(known) > MAX_CONVERSATIONS:
        del known[next(iter(known))]
    if before is None:
        last = data.messages[-1]
        return last.role == "user" and last.content.text is not None and not _is_disguised(last)
    return any(not _is_disguised(message) for message in said[before:])


def _is_disguised(message: Message) -> bool:
    text = message.content.text
    return text is not None and any(disguise in text[:_OPENING] for disguise in _DISGUISES)
