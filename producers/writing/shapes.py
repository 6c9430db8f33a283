"""What each type of event holds: from what the host handed over to the `data` of the contract.

One function for each type, run in the sender's thread. The keys stand in the order of the models in
`watchkeeper.schemas.events`; a test writes every type and validates it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, get_args

from watchkeeper.producers.writing.drafts import MOST_ITEMS, Draft
from watchkeeper.producers.writing.encoding import Frozen, freeze, parse_json, refreeze, thaw
from watchkeeper.producers.writing.names import NAME_LENGTH, plain_text
from watchkeeper.producers.writing.usage import draft_usage
from watchkeeper.schemas.contents import INLINE_LIMIT
from watchkeeper.schemas.events import ApprovalData, EventType, OutcomeData, SessionEndedData, ToolResultData
from watchkeeper.schemas.model import Model

Fields: TypeAlias = Mapping[str, Frozen]
"""What the host handed over for one event, frozen, by keys of the recorder's own."""

SMALL: Final = 1024
"""Bytes of a value in a list of many."""


def _words(model: type[Model], field: str) -> tuple[str, ...]:
    words: tuple[str, ...] = get_args(model.model_fields[field].annotation)
    return words


ROLES: Final = frozenset({"", "system", "developer", "user", "assistant", "tool", "function"})
"""Roles of messages that are words of protocols, and so are not looked into."""

RESULT_STATUSES: Final = _words(ToolResultData, "status")
TRUSTS: Final = _words(ToolResultData, "trust")
APPROVAL_STATUSES: Final = _words(ApprovalData, "status")
OUTCOME_KINDS: Final = _words(OutcomeData, "kind")
END_STATUSES: Final = _words(SessionEndedData, "status")
EXPOSURES: Final = ("full", "summary", "none")


def _session_started(draft: Draft, given: Fields) -> None:
    draft.text("goal", given.get("goal"))
    draft.label("intent", given.get("intent"))
    draft.text("tools", given.get("tools"), salted=False)
    if (body := given.get("policy")) is not None:
        policy = draft.nested()
        policy.always("name", given.get("policy_name"))
        policy.label("version", given.get("policy_version"))
        policy.text("content", body, salted=False)
        draft.object("policy", policy)
    draft.value("caps", given.get("caps"), shape="object")
    draft.label("model", given.get("model"))
    draft.label("provider", given.get("provider"))
    draft.label("prompt_version", given.get("prompt_version"))
    draft.word("reasoning_exposed", given.get("reasoning_exposed"), EXPOSURES, "none")
    draft.label("sdk", given.get("sdk"))
    draft.flag("resumed", given.get("resumed"))


def _prompt(draft: Draft, given: Fields) -> None:
    draft.name("request_id", given.get("request_id"))
    draft.label("model", given.get("model"))
    draft.label("provider", given.get("provider"))
    draft.label("prompt_version", given.get("prompt_version"))
    draft.text("system", given.get("system"))
    draft.objects("messages", (_message(draft, message) for message in messages_of(given.get("messages"))))
    draft.text("tools", given.get("tools"), salted=False)
    draft.value("parameters", given.get("parameters"), shape="object")


def messages_of(given: Frozen) -> list[Any]:
    """The messages of a prompt: a list as it was given; a text is one message of the user's."""
    if given is None:
        return []
    if not isinstance(given, bytes):
        return [{"role": "user", "content": plain_text(given)}]
    value = thaw(given)
    return value if isinstance(value, list) else [value]


def _message(draft: Draft, message: Any) -> Draft:
    inner = draft.nested()
    role = plain_text(freeze(message.get("role"))) if isinstance(message, dict) else ""
    (inner.always if role in ROLES else inner.told)("role", role)
    inner.text("content", refreeze(message))
    return inner


def _reasoning(draft: Draft, given: Fields) -> None:
    draft.text("text", _some_text(given.get("text")))
    draft.flag("summary", given.get("summary"))


def _tool_call(draft: Draft, given: Fields) -> None:
    draft.name("tool_call_id", given.get("tool_call_id"))
    draft.name("tool_name", given.get("tool_name"))
    arguments = arguments_of(given.get("arguments"))
    if len(refreeze(arguments) if isinstance(arguments, str) else arguments) > INLINE_LIMIT:
        draft.text("arguments_content", arguments, at=("arguments",))
    else:
        draft.value("arguments", arguments, limit=INLINE_LIMIT)
    draft.label("idempotency_key", given.get("idempotency_key"))


def arguments_of(given: Frozen) -> str | bytes:
    """Arguments as JSON; a text where the model's text was no JSON. None and an empty text are "no arguments"."""
    if given is None:
        return b"{}"
    if isinstance(given, str):
        return (parse_json(given) or given) if given.strip() else b"{}"
    return given if isinstance(given, bytes) else refreeze(given)


def _tool_result(draft: Draft, given: Fields) -> None:
    draft.name("tool_call_id", given.get("tool_call_id"))
    draft.name("tool_name", given.get("tool_name"))
    draft.word("status", given.get("status"), RESULT_STATUSES, "ok")
    draft.text("result", given.get("result"))
    draft.label("error_type", given.get("error_type"))
    draft.count("duration_us", given.get("duration_us"))
    draft.word("trust", given.get("trust"), TRUSTS, "untrusted")


def _retrieval(draft: Draft, given: Fields) -> None:
    draft.name("retrieval_id", given.get("retrieval_id"))
    draft.word("phase", given.get("phase"), ("started", "finished"), "finished")
    draft.label("source", given.get("source"))
    draft.text("query", given.get("query"))
    documents = draft.listed(given.get("documents"))
    if documents:
        draft.objects("documents", (_document(draft, item, index) for index, item in enumerate(documents)))
    draft.labels("asker_groups", given.get("asker_groups"))
    draft.count("duration_us", given.get("duration_us"))


def _document(draft: Draft, item: Any, index: int) -> Draft:
    """Reads our own names and the usual others: `id`, and `content`, `text` or `page_content`."""
    inner = draft.nested()
    given = item if isinstance(item, dict) else {"content": item}
    inner.name("document_id", freeze(_first(given, "document_id", "id")), fallback=f"document-{index}")
    inner.number("score", freeze(given.get("score")))
    inner.label("version", freeze(given.get("version")))
    inner.text("content", freeze(_first(given, "content", "text", "page_content")))
    inner.labels("allowed_groups", freeze(given.get("allowed_groups")))
    inner.moment("access_list_at", freeze(given.get("access_list_at")))
    return inner


def _decision(draft: Draft, given: Fields) -> None:
    draft.name("decision_id", given.get("decision_id"))
    draft.name("name", given.get("name"))
    draft.value("facts", given.get("facts"), shape="object")
    if rules := draft.listed(given.get("rules")):
        draft.objects("rules", (_rule(draft, rule) for rule in rules))
    draft.value("alternatives", given.get("alternatives"), shape="array")
    draft.value("outcome", given.get("outcome"))
    draft.label("principal", given.get("principal"))
    draft.label("authority", given.get("authority"))
    draft.text("reason", given.get("reason"))


def _rule(draft: Draft, rule: Any) -> Draft:
    inner = draft.nested()
    given = rule if isinstance(rule, dict) else {"name": rule}
    inner.name("name", freeze(given.get("name")))
    inner.label("version", freeze(given.get("version")))
    return inner


def _delegation(draft: Draft, given: Fields) -> None:
    draft.name("delegation_id", given.get("delegation_id"))
    draft.name("child_session_id", given.get("child_session_id"))
    draft.name("child_agent_id", given.get("child_agent_id"))
    draft.text("task", given.get("task"))
    draft.label("grant_id", given.get("grant_id"))
    draft.label("parent_grant_id", given.get("parent_grant_id"))
    draft.label("granted_by", given.get("granted_by"))
    draft.labels("scope", given.get("scope"))
    draft.labels("delegable", given.get("delegable"))
    draft.value("constraints", given.get("constraints"), shape="object")
    draft.moment("expires_at", given.get("expires_at"))


def _approval(draft: Draft, given: Fields) -> None:
    draft.name("approval_id", given.get("approval_id"))
    draft.word("status", given.get("status"), APPROVAL_STATUSES, "requested")
    draft.label("tool_call_id", given.get("tool_call_id"))
    draft.label("action", given.get("action"))
    draft.label("approver", given.get("approver"))
    draft.value("limits", given.get("limits"), shape="object")
    draft.moment("expires_at", given.get("expires_at"))
    draft.text("reason", given.get("reason"))


def _checkpoint(draft: Draft, given: Fields) -> None:
    draft.name("checkpoint_id", given.get("checkpoint_id"))
    values = given.get("values")
    thawed = thaw(values) if isinstance(values, bytes) else None
    held = draft.nested()
    for key, item in _named_items(thawed)[:MOST_ITEMS]:
        held.object(key, _checked_value(draft, key, item))
    draft.object("values", held)


def _named_items(value: Any) -> list[tuple[str, Any]]:
    # By way of a dict: two long names that are cut to the same one must not stand twice.
    return list({key[:NAME_LENGTH]: item for key, item in value.items()}.items()) if isinstance(value, dict) else []


def _checked_value(draft: Draft, name: str, item: Any) -> Draft:
    at = ("values", name)
    inner = draft.nested()
    told = isinstance(item, dict) and "value" in item and item.keys() <= CHECKED_KEYS
    given = item if told else {"value": item}
    inner.required("value", freeze(given["value"]), limit=SMALL, at=at)
    inner.label("source", freeze(given.get("source")))
    inner.value("source_value", freeze(given.get("source_value")), limit=SMALL, at=at)
    inner.label("source_version", freeze(given.get("source_version")))
    return inner


CHECKED_KEYS: Final = frozenset({"value", "source", "source_value", "source_version"})


def _response(draft: Draft, given: Fields) -> None:
    draft.name("request_id", given.get("request_id"))
    draft.label("model", given.get("model"))
    draft.label("provider", given.get("provider"))
    draft.text("text", given.get("text"))
    draft.flag("answer", given.get("answer"))
    usage = draft_usage(draft, given.get("usage"), plain_text(given.get("provider")))
    if usage is not None:
        draft.object("usage", usage)
    draft.label("finish_reason", given.get("finish_reason"))
    draft.count("duration_us", given.get("duration_us"))
    draft.flag("abstained", given.get("abstained"))
    draft.label("error_type", given.get("error_type"))
    draft.number("reported_cost_usd", given.get("reported_cost_usd"), least=0)


def _outcome(draft: Draft, given: Fields) -> None:
    draft.name("name", given.get("name"))
    draft.word("kind", given.get("kind"), OUTCOME_KINDS, "business")
    draft.number("value", given.get("value"))
    draft.label("label", given.get("label"))
    draft.text("comment", given.get("comment"))
    draft.label("source", given.get("source"))


def _session_ended(draft: Draft, given: Fields) -> None:
    draft.word("status", given.get("status"), END_STATUSES, "completed")
    draft.label("reason", given.get("reason"), length=2000)
    draft.label("error_type", given.get("error_type"))
    draft.text("answer", given.get("answer"))


SHAPES: Final[Mapping[EventType, Callable[[Draft, Fields], None]]] = {
    "session_started": _session_started,
    "prompt": _prompt,
    "reasoning": _reasoning,
    "tool_call": _tool_call,
    "tool_result": _tool_result,
    "retrieval": _retrieval,
    "decision": _decision,
    "delegation": _delegation,
    "approval": _approval,
    "checkpoint": _checkpoint,
    "response": _response,
    "outcome": _outcome,
    "session_ended": _session_ended,
}
"""All types but `content`, which the writer makes itself."""


def _some_text(given: Frozen) -> Frozen:
    return "" if given is None else given


def _first(given: Mapping[str, Any], *keys: str) -> Any:
    return next((given[key] for key in keys if given.get(key) is not None), None)
