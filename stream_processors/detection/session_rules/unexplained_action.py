"""Deeds that neither the goal nor anybody in the session asked for.

What it sees. Calls that do something: delete, cancel, pay, send, publish, export, grant rights, change credentials,
deploy, and (only where the policy declares the tool to write) change. Where no text gives a reason for that kind of
deed, the call is `unexplained_action`: high where the tool is declared irreversible, medium otherwise, one finding for
each tool, taken back where the guard refused the call. Reading is never found, nor is creating: agents keep notes,
tickets and drafts that nobody asked for.

Method. `deeds` tells a call's deed by the tool's name, or by the commands that it is given (SQL, shell, HTTP).
`reasons` tells which deeds a text gives a reason for. Looked at are: the goal (of policy and session, with intent and
workflow), the system prompt, what users said, what the agent had proposed when a user answered, and results; a short
trusted result in which somebody asks for something (a ticket) counts as a user's words (what an untrusted one asks for
is `prompt_injection`'s). A deed that somebody named beside what one of the tools does it to is a reason for that tool
alone (`attribution`), and what a long system prompt says of a deed one for commands only beside what commands act on.
Sending and exporting are found only where an e-mail address is named that stands in no text of the session: what goes
to the user is not out of scope. Texts are read when they arrive, and only while the session's tools can do a deed that
nobody asked for yet; kept is one bit for each deed, the names of things, and digests of addresses.

Silent: without a goal of at least four words, users, and a system prompt of a hundred words; where a user writes
another language than English; where the goal is too long to travel with its event; for tools that the policy declares
to read; for tools and actions that the goal refuses, which `scope_creep` tells.

Parameters. `MIN_GOAL_WORDS` 4: "Help customers" excludes nothing. `MIN_SYSTEM_WORDS` 100: a shorter one says how to
speak, not what is to be done. The word lists were made from the catalogue of deeds and everyday English, and tried on
recorded sessions of support agents, where they are silent.

What it gets wrong. Words are not meaning: an agent that deletes the wrong customer's order is not seen where anybody
spoke of deleting orders, nor is a refund that a question about refunds did not ask for. Where the system prompt tells
all that its tools can do, nothing is out of scope. A deed asked for in words outside the lists ("make it go away") is
accused. A tool whose name tells nothing (`do_it`, `handler_7`) is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.schemas.events import Event, Prompt, SessionStarted, ToolCall, ToolResult
from watchkeeper.schemas.evidence import UnexplainedAction
from watchkeeper.stream_processors.detection import reasons
from watchkeeper.stream_processors.detection.addresses import addresses_within
from watchkeeper.stream_processors.detection.calls import Call, call_of
from watchkeeper.stream_processors.detection.deeds import (
    SAID,
    Done,
    deed_of,
    may_do,
    things_in,
    things_in_commands,
)
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said
from watchkeeper.stream_processors.detection.fingerprints import short
from watchkeeper.stream_processors.detection.refusals import refusals_of
from watchkeeper.stream_processors.detection.session_rules.kept_findings import keep, settle
from watchkeeper.stream_processors.detection.session_rules.reasons_given import (
    MAX_ADDRESSES,
    SOURCES,
    TO_SOMEBODY,
    WRITING,
    UnexplainedActionState,
    begin,
    bit_of,
    read_prompt,
    read_result,
    toolbox_in,
)

MIN_GOAL_WORDS = 4

MAX_TOLD = 10
"""Tools that a session tells."""


class UnexplainedActions(Detector[UnexplainedActionState]):
    """See the module."""

    rule_id = "unexplained_action"
    failure_mode = "scope_creep"
    rule_version = 4
    listens = frozenset({"session_started", "prompt", "tool_call", "tool_result"})
    state_type = UnexplainedActionState

    def step(self, state: UnexplainedActionState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is SessionStarted:
            begin(state, event, context)
        elif not state.open:
            return settle(state.kept, event) if state.kept and type(event) is ToolResult else ()
        elif type(event) is ToolResult:
            read_result(state, event, context)
            return settle(state.kept, event) if state.kept else ()
        elif type(event) is ToolCall:
            return _judge(state, event, context) if may_do(event.data.tool_name) else ()
        elif type(event) is Prompt:
            read_prompt(state, event, context)
        return ()


def _judge(state: UnexplainedActionState, event: ToolCall, context: Context) -> Iterable[Said]:
    call = call_of(event, context)
    done = deed_of(call)
    if done is None or not state.open & reasons.bit(done.deed):
        return ()
    declared = context.policy.tools.get(call.tool_name)
    effect = "" if declared is None else declared.effect
    judged = state.goal_words >= MIN_GOAL_WORDS or state.looked & bit_of("users")
    if not judged or effect == "read" or (done.deed == "change" and effect not in WRITING):
        return ()
    to_somebody = reasons.bit(done.deed) & TO_SOMEBODY
    if not _goes_elsewhere(state, call) if to_somebody else _is_explained(state, call, done, context):
        return ()
    if refusals_of(call, context.policy.goal, declared):
        return ()
    return _tell(state, event, call, done, context, irreversible=effect == "irreversible")


def _is_explained(state: UnexplainedActionState, call: Call, done: Done, context: Context) -> bool:
    """Whether the goal or users spoke of the deed in other words, and of what it is done to if its tool names that.

    Or whether the system prompt or the agent's own proposal named both in one sentence.
    """
    by_name = done.told_by == "name"
    things = things_in(call.tool_name) if by_name else things_in_commands(call.arguments)
    if any(f"{done.deed}:{thing}" in state.spoken for thing in things):
        return True
    if not things and by_name:
        return bool((state.core | state.wide) & reasons.bit(done.deed))
    if not by_name:
        return bool(state.commanded & reasons.bit(done.deed))
    if not things <= toolbox_in(context).things:
        return bool(state.core & reasons.bit(done.deed))
    return bool(state.wide & reasons.bit(done.deed)) and not things.isdisjoint(state.spoken)


def _tell(
    state: UnexplainedActionState,
    event: ToolCall,
    call: Call,
    done: Done,
    context: Context,
    *,
    irreversible: bool,
) -> Iterable[Said]:
    name = short(call.tool_name)
    if name not in state.told and len(state.told) >= MAX_TOLD:
        return ()
    # The first call's event, and how many there were.
    told = state.told.setdefault(name, [event.event_id, 0, -1])
    told[1] += 1
    if told[1] & (told[1] - 1):
        return ()
    told[2] += 1
    found = Found(
        about=(call.tool_name,),
        severity="high" if irreversible else "medium",
        summary=(
            f"The agent called {call.tool_name} ({SAID[done.deed]}), and neither its goal nor anybody in the session "
            f"gives a reason for that."
        ),
        evidence=UnexplainedAction(
            tool_name=call.tool_name,
            tool_call_id=call.call_id,
            deed=done.deed,
            told_by=done.told_by,
            looked_at=[source for source in SOURCES if state.looked & bit_of(source)],
            calls=told[1],
        ),
        first_event_id=told[0],
        revision=told[2],
    )
    keep(state.kept, call.call_id, event.event_id, context.at_us, [found])
    return [found]


def _goes_elsewhere(state: UnexplainedActionState, call: Call) -> bool:
    """Whether the arguments name an e-mail address that stands in no text of the session."""
    if len(state.addresses) >= MAX_ADDRESSES:
        return False
    return any(address not in state.addresses for address in addresses_within(call.arguments))
