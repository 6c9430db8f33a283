"""What the events of each type carry: the shapes of `data`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from watchkeeper.schemas.contents import MAX_PARTS, Address, Content, MediaType
from watchkeeper.schemas.model import Model, Moment, Name, Sentence
from watchkeeper.schemas.policy import Caps

Count = Annotated[int, Field(ge=0, lt=2**53)]
Label = Annotated[str, StringConstraints(max_length=256)]


class PolicyRef(Model):
    """The policy that a session runs under, by hash; its body is content."""

    name: Label
    version: Label = ""
    content: Content


class SessionStartedData(Model):
    """A session begins, or goes on in another process (`resumed`).

    Attributes:
        goal: what the session is for, as the agent was told.
        intent: the class of request, for reports by intent.
        tools: JSON list of the tools registered for this agent version: `{name, description, parameters}` with
            `parameters` a JSON Schema. None where the runtime does not know; an empty list means "no tools".
        policy: the policy in force.
        caps: caps that the caller sets for this session alone; they may only narrow the policy's.
        reasoning_exposed: whether the model shows its reasoning: it cannot be missed where it is hidden.
    """

    goal: Content | None = None
    intent: Label = ""
    tools: Content | None = None
    policy: PolicyRef | None = None
    caps: Caps | None = None
    model: Label = ""
    provider: Label = ""
    prompt_version: Label = ""
    reasoning_exposed: Literal["full", "summary", "none"] = "none"
    sdk: Label = ""
    resumed: bool = False


class Message(Model):
    """One message of a prompt, verbatim: the content is the whole message object as JSON."""

    role: Label
    content: Content


class PromptData(Model):
    """A request to a model begins. All that the model was shown, in order.

    Attributes:
        request_id: pairs the prompt with its response.
        tools: tool schemas as handed to the model, where they differ from the session's registered ones.
        parameters: temperature and the like.
    """

    request_id: Name
    model: Label = ""
    provider: Label = ""
    prompt_version: Label = ""
    system: Content | None = None
    messages: list[Message] = []
    tools: Content | None = None
    parameters: Annotated[dict[str, Any], Field(default_factory=dict, json_schema_extra={"default": {}})]


class ReasoningData(Model):
    """Reasoning that the model exposed."""

    text: Content
    summary: bool = False


class ToolCallData(Model):
    """A tool call begins.

    Attributes:
        tool_call_id: pairs the call with its result (OpenTelemetry: `gen_ai.tool.call.id`). Models repeat ids.
        arguments: the arguments as JSON; a string where the model's text was not JSON.
        arguments_content: in place of `arguments` where they are longer than `INLINE_LIMIT`.
        idempotency_key: what makes a repeat harmless.
    """

    tool_call_id: Name
    tool_name: Name
    arguments: Any = None
    arguments_content: Content | None = None
    idempotency_key: Label = ""


class ToolResultData(Model):
    """A tool call ended.

    Attributes:
        trust: whether the source may carry instructions. What comes from outside is `untrusted`.
        duration_us: microseconds from call to result, by the runtime's monotonic clock.
    """

    tool_call_id: Name
    tool_name: Name
    status: Literal["ok", "error", "timeout", "rejected", "cancelled"] = "ok"
    result: Content | None = None
    error_type: Label = ""
    duration_us: Count | None = None
    trust: Literal["trusted", "untrusted"] = "untrusted"


class Document(Model):
    """A retrieved document and who may read it.

    Attributes:
        score: similarity in the retriever's own scale, higher is nearer.
        allowed_groups: its access list at `access_list_at`; None where the retriever does not know.
    """

    document_id: Name
    score: float | None = None
    version: Label = ""
    content: Content | None = None
    allowed_groups: list[Label] | None = None
    access_list_at: Moment | None = None


class RetrievalData(Model):
    """A retrieval begins (`started`) or ends (`finished`)."""

    retrieval_id: Name
    phase: Literal["started", "finished"]
    source: Label = ""
    query: Content | None = None
    documents: list[Document] = []
    asker_groups: list[Label] | None = None
    duration_us: Count | None = None


class RuleRef(Model):
    """A business rule that took part in a decision."""

    name: Name
    version: Label = ""


class DecisionData(Model):
    """A decision with what it rests on, so that it can be explained and repeated."""

    decision_id: Name
    name: Name
    facts: dict[str, Any] = {}
    rules: list[RuleRef] = []
    alternatives: list[Any] = []
    outcome: Any = None
    principal: Label = ""
    authority: Label = ""
    reason: Content | None = None


class DelegationData(Model):
    """One agent hands work, and authority, to another.

    Attributes:
        scope: what the child may do itself; wildcards allowed.
        delegable: what the child may hand on.
    """

    delegation_id: Name
    child_session_id: Name
    child_agent_id: Name
    task: Content | None = None
    grant_id: Label = ""
    parent_grant_id: Label = ""
    granted_by: Label = ""
    scope: list[Label] = []
    delegable: list[Label] = []
    constraints: dict[str, Any] = {}
    expires_at: Moment | None = None


class ApprovalData(Model):
    """A person is asked for, gives or refuses approval of an action."""

    approval_id: Name
    status: Literal["requested", "granted", "denied", "expired"]
    tool_call_id: Label = ""
    action: Label = ""
    approver: Label = ""
    limits: dict[str, Any] = {}
    expires_at: Moment | None = None
    reason: Content | None = None


class CheckedValue(Model):
    """A value as the agent holds it, beside the source it came from."""

    value: Any
    source: Label = ""
    source_value: Any = None
    source_version: Label = ""


class CheckpointData(Model):
    """Values extracted so far, at a step of the workflow."""

    checkpoint_id: Name
    values: dict[str, CheckedValue] = {}


class Usage(Model):
    """Tokens of one model request, as OpenTelemetry's `gen_ai.usage.*` counts them.

    Attributes:
        input_tokens: all input tokens, cached ones included.
        output_tokens: all output tokens, reasoning included.
        cache_read_input_tokens: the part of `input_tokens` read from a cache.
        cache_creation_input_tokens: the part of `input_tokens` written to a cache.
        reasoning_output_tokens: the part of `output_tokens` spent on reasoning.
    """

    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_input_tokens: Count = 0
    cache_creation_input_tokens: Count = 0
    reasoning_output_tokens: Count = 0


class ResponseData(Model):
    """A request to a model ended.

    Attributes:
        answer: whether this text is meant for the user; the last one is the session's best answer so far.
        abstained: whether the agent declined to answer; None where it does not say.
        reported_cost_usd: the cost that the runtime reports; kept beside ours, never in its place.
    """

    request_id: Name
    model: Label = ""
    provider: Label = ""
    text: Content | None = None
    answer: bool = False
    usage: Usage | None = None
    finish_reason: Label = ""
    duration_us: Count | None = None
    abstained: bool | None = None
    error_type: Label = ""
    reported_cost_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class OutcomeData(Model):
    """A business result or a user's feedback; it may arrive days later, from another writer."""

    name: Name
    kind: Literal["business", "feedback"]
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    label: Label = ""
    comment: Content | None = None
    source: Label = ""


class ContentData(Model):
    """A part of a text that is too long for the event that refers to it.

    Attributes:
        part: counts from 0 to `parts` - 1.
        size: length of the whole text in UTF-8 bytes.
    """

    address: Address
    part: Annotated[int, Field(ge=0, lt=MAX_PARTS)]
    parts: Annotated[int, Field(ge=1, le=MAX_PARTS)]
    size: Count
    media_type: MediaType = "text/plain"
    text: str

    @model_validator(mode="after")
    def _part_of_parts(self) -> ContentData:
        if self.part >= self.parts:
            raise ValueError(f"part {self.part} of {self.parts}: parts count from 0")
        return self


class SessionEndedData(Model):
    """A session ends. The writer's `seq` is its last: a lost tail shows."""

    status: Literal["completed", "failed", "stopped"] = "completed"
    reason: Sentence = ""
    error_type: Label = ""
    answer: Content | None = None
