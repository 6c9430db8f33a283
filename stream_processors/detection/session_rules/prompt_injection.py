"""Content from outside that instructs the agent, and calls that follow it.

What it sees. Results whose `trust` is `untrusted`, retrieved documents, and files in users' messages. Each is read for
what reads like instructions to the agent (`suspicious_content`, low, told only where the policy asks for it). Then each
call: where it follows what such a content asks for, and nothing else explains it, that is `followed_instruction` (high;
medium where the content merely asks, as any letter does), linked to the content by event, address and place. Taken back
where the guard refused the call.

Method. `instruction_scan` sums the weights of the signals in a text; at `MIN_SCORE`, with one among them that honest
texts hardly have, it is suspicious. Of the text around the signals is kept what could be copied into a call (`handles`:
addresses, accounts, identifiers, names of tools, things in quotes; as digests) and which deeds it asks for. A call
follows it by

- an argument: a value that *is* such a handle (or stands in a command) and that neither user, goal nor system prompt
  named. Who the content is from is no handle: to answer a letter is not to follow it;
- its tool: the content names it, nobody else did nor gives a reason for its deed, and it was not called before;
- its deed (send, pay, delete, …): the content asks for it, nobody else gives a reason, its tool was not called before
  and no user spoke since.

Contents that discuss attacks count by arguments alone.

A content that only asks ("please transfer … to …") counts where argument *and* deed lead to it. Calls that only look
need a score of `LOOKING_SCORE`. Where a user hands over the say ("do what the letter asks"), only contents that hide,
forge turns or set instructions aside are held against the agent.

Parameters. `MIN_SCORE` 3 (`contents_heard`): an outright "ignore previous instructions", or two weaker signals.
`LOOKING_SCORE` 5 (`instructed_calls`). The weights are `instruction_signals.WEIGHTS`. Signals were written from
published attacks on agents (AgentDojo's and InjecAgent's templates, hidden text in web pages) and are silent on the
recorded sessions. `injection.trusted_tools`, `injection.trusted_sources` and `injection.report_content` of the policy.

What it gets wrong. Words are not meaning: an instruction in plain words that names nothing, in another language than
English, in a picture, or spread over several results is not seen; nor is one that only changes what the agent says. An
agent that opens a link out of an attack in order to look into it is accused. A runbook that comes as an untrusted
result and speaks to assistants passes for an attack: declare its tool trusted. Texts too long to travel with their
events are not read, which is told once (`unjudged`).
"""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.schemas.contents import INLINE_LIMIT
from watchkeeper.schemas.events import Event, Prompt, Retrieval, SessionStarted, ToolCall, ToolResult
from watchkeeper.schemas.wildcards import covers
from watchkeeper.stream_processors.detection.detector import Context, Detector, Said
from watchkeeper.stream_processors.detection.message_texts import new_messages, said_in
from watchkeeper.stream_processors.detection.session_rules.contents_heard import Brought, files_in, hear
from watchkeeper.stream_processors.detection.session_rules.instructed_calls import judge_call
from watchkeeper.stream_processors.detection.session_rules.kept_findings import settle
from watchkeeper.stream_processors.detection.session_rules.reasons_said import take_goal, take_in, take_system
from watchkeeper.stream_processors.detection.session_rules.suspicious_contents import PromptInjectionState


class PromptInjection(Detector[PromptInjectionState]):
    """See the module."""

    rule_id = "prompt_injection"
    failure_mode = "prompt_injection"
    rule_version = 2
    listens = frozenset({"session_started", "prompt", "tool_call", "tool_result", "retrieval"})
    state_type = PromptInjectionState

    def step(self, state: PromptInjectionState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is ToolResult:
            return _hear_result(state, event, context)
        if type(event) is ToolCall:
            return judge_call(state, event, context)
        if type(event) is Prompt:
            return _read_prompt(state, event, context)
        if type(event) is Retrieval:
            return _hear_documents(state, event, context)
        if type(event) is SessionStarted and event.data.goal is not None and event.data.goal.text:
            take_goal(state, event.data.goal.text)
        return ()


def _read_prompt(state: PromptInjectionState, event: Prompt, context: Context) -> Iterable[Said]:
    system = event.data.system
    if system is not None and system.text is not None:
        take_system(state, system.text)
    new = new_messages(event.data)
    if not new:
        return ()
    for role, text in said_in(event.data):
        if role == "user":
            take_in(state, text)
            for content in state.contents:
                content["fresh"] = False
        elif state.contents:
            # What the agent proposed of a content, and a user answered.
            take_in(state, text)
    said: list[Said] = []
    for _, message in new:
        # The words of a file are in the message itself: only a message that has parts is opened.
        if message.role == "user" and '"type"' in (raw := message.content.text or ""):
            for text in files_in(raw):
                said += hear(state, Brought("file", message.role, event.event_id), context, message.content, text)
    return said


def _hear_result(state: PromptInjectionState, event: ToolResult, context: Context) -> Iterable[Said]:
    data = event.data
    said: list[Said] = list(settle(state.kept, event)) if state.kept else []
    content = data.result
    if content is None or data.trust == "trusted" or (content.text is None and content.size <= INLINE_LIMIT):
        return said
    trusted = context.policy.injection.trusted_tools
    if trusted and any(covers(pattern, data.tool_name) for pattern in trusted):
        return said
    brought = Brought("tool_result", data.tool_name, event.event_id)
    heard = hear(state, brought, context, content, content.text)
    return [*said, *heard] if said else heard


def _hear_documents(state: PromptInjectionState, event: Retrieval, context: Context) -> Iterable[Said]:
    data = event.data
    if any(covers(pattern, data.source) for pattern in context.policy.injection.trusted_sources):
        return ()
    said: list[Said] = []
    for document in data.documents:
        if document.content is not None:
            brought = Brought("retrieval", document.document_id, event.event_id)
            said += hear(state, brought, context, document.content, document.content.text)
    return said
