"""Evidence of `prompt_injection`: what a content asks of the agent, and the action that follows it.

Nothing of the content is quoted: it may hold a person's data. It is found again by its event and address, and the
place by offset and length in characters.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model

InjectionSignal: TypeAlias = Literal[
    "override",
    "chat_markup",
    "addressed",
    "new_orders",
    "first_do",
    "secrecy",
    "exfiltration",
    "hidden",
    "encoded",
    "tool_syntax",
    "banner",
    "imperative",
]
"""What in a text reads like instructions to the agent.

`override`: it sets earlier instructions aside. `chat_markup`: it imitates the markup of turns. `addressed`: it speaks
to a model or assistant. `new_orders`: it announces instructions. `first_do`: something is to be done before the task.
`secrecy`: the user is not to know. `exfiltration`: something is to be sent to an address. `hidden`: it stands in
invisible characters or in a comment. `encoded`: it stands in base64. `tool_syntax`: it spells a tool call. `banner`:
it is marked as important. `imperative`: it asks for a deed.
"""


class SuspiciousContent(Model):
    """A content from outside that reads like instructions to the agent.

    Attributes:
        source: what brought it.
        name: the tool, the document's id, or the role of the message.
        address: the content's address.
        event_id: the event that brought it.
        signals: what in it reads so.
        score: the sum of their weights.
        offset: where the first of them stands, in characters.
        length: how long that is.
    """

    kind: Literal["suspicious_content"] = "suspicious_content"
    source: Literal["tool_result", "retrieval", "file"]
    name: str
    address: str
    event_id: str
    signals: list[InjectionSignal]
    score: Count
    offset: Count
    length: Count


class FollowedInstruction(Model):
    """A call that a suspicious content explains, and nothing that the user, the goal or the system prompt said.

    Attributes:
        link: what ties them: an `argument` whose value stands in the content, the `tool` that it names, the `deed`
            that it asks for.
        path: JSON pointer to the argument; empty for the others.
        value: what kind of value it is.
        deed: the deed, where that is the link.
        content: the content that it follows.
    """

    kind: Literal["followed_instruction"] = "followed_instruction"
    tool_name: str
    tool_call_id: str
    link: Literal["argument", "tool", "deed"]
    path: str = ""
    value: str = ""
    deed: str = ""
    content: SuspiciousContent
