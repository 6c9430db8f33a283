"""Paths of policies: what events have, what is refused; ids of persons; by what a delegated session is masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.losses import Losses
from watchkeeper.producers.masking import Masked, PolicyMasker
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.producers.writing.drafts import Draft, Filters
from watchkeeper.producers.writing.encoding import Frozen, freeze
from watchkeeper.producers.writing.shapes import SHAPES
from watchkeeper.schemas.contents import INLINE_LIMIT
from watchkeeper.schemas.errors import ConfigurationError, PolicyError
from watchkeeper.schemas.events import EventType
from watchkeeper.schemas.masked_paths import MASKED, wrong_path
from watchkeeper.schemas.policy import AgentPolicy, Masking
from watchkeeper.schemas.policy_file import policy_from_mapping

Make = Callable[..., Watchkeeper]
MAIL = "someone@example.com"


class Anything(dict[str, Frozen]):
    """Has every field, of every shape."""

    def get(self, key: str, default: Any = None) -> Frozen:
        listed: dict[str, Any] = {
            "messages": [{"role": "my role", "content": "x"}],
            "documents": [{"id": "d", "content": "x", "version": "v", "allowed_groups": ["g"]}],
            "rules": [{"name": "r", "version": "v"}],
            "values": {"n": {"value": 1, "source": "s", "source_value": 1, "source_version": "v"}},
            "arguments": {"a": 1},
            "usage": {"input_tokens": 1},
            "idempotency_key": "k",
        }
        return freeze(listed.get(key, ["x"] if key in {"scope", "delegable", "asker_groups", "alternatives"} else "x"))


class Following(PolicyMasker):
    """Notes where it was asked."""

    def __init__(self) -> None:
        super().__init__(Masking(), bytes(32))
        self.paths: set[tuple[str, ...]] = set()

    def mask_at(self, text: str, media_type: Any, path: tuple[str, ...]) -> Masked:
        self.paths.add(path)
        return Masked(text)


@pytest.mark.parametrize("kind", SHAPES)
def test_the_paths_that_may_be_named_are_those_that_are_masked(kind: EventType) -> None:
    masker = Following()
    filters = Filters(masker, Losses())
    filters.begin(kind)
    SHAPES[kind](Draft(filters), Anything())
    names = {path[1] for path in masker.paths}
    assert names == {name.rstrip(".") for name in MASKED[kind]}
    assert masker.paths <= {(kind, name) for name in names} | {("checkpoint", "values", "n")}


@pytest.mark.parametrize(
    ("path", "instead"),
    [
        ("tool_cal.arguments.pin", "write tool_call.arguments.pin"),
        ("tool_call.argument.pin", "write tool_call.arguments.pin"),
        ("tool_call.arguments_content.pin", "write tool_call.arguments.pin"),
        ("prompt.messages.content", "write prompt.content"),
        ("retrieval.documents.content.iban", "write retrieval.content.iban"),
        ("tool_call.user_id", r"write \*\.user_id"),
        ("prompt.attributes.tier", r"write \*\.attributes\.tier"),
        ("tool_call.idempotency_key.x", "write tool_call.idempotency_key"),
        ("tool_call.tool_name", "what is masked is arguments, idempotency_key"),
        ("nothing.like", "begin with"),
        ("password", "is no path"),
    ],
)
def test_a_path_that_no_event_has_is_refused_with_the_nearest_one(path: str, instead: str) -> None:
    with pytest.raises(PolicyError, match=rf"masking\.fields: .*{instead}"):
        policy_from_mapping({"agent": "a", "masking": {"fields": [path]}})
    with pytest.raises(PolicyError, match=rf"masking\.exempt: .*{instead}"):
        policy_from_mapping({"agent": "a", "masking": {"exempt": [path]}})


def test_what_is_written_instead_is_a_path() -> None:
    for path in (
        "*.password",
        "tool_call.arguments",
        "Tool_Call.Arguments.a.b",
        "decision.facts.*.iban",
        "tool_call.*.a",
    ):
        assert wrong_path(path) is None
    for kind, names in MASKED.items():
        assert all(wrong_path(f"{kind}.{name.rstrip('.')}") is None for name in names)


def test_a_policy_of_another_version_is_read_as_it_is_and_refused_where_it_would_mask(make_watch: Make) -> None:
    policy = AgentPolicy.model_validate({"agent": "support", "masking": {"fields": ["prompt.future.key"]}})
    with pytest.raises(ConfigurationError, match="what is masked is"):
        make_watch(policy=policy)


@pytest.mark.parametrize("size", [10, INLINE_LIMIT + 1])
def test_a_field_of_arguments_is_masked_whatever_their_size(
    size: int, make_watch: Make, memory: MemoryTransport
) -> None:
    watch = make_watch(policy={"masking": {"fields": ["tool_call.arguments.pin"]}})
    with watch.session() as s:
        s.tool_call("t", {"pin": "778899", "filling": "x" * size})
    assert watch.close()
    assert b"778899" not in b"".join(memory.lines())


def test_a_checked_value_is_named_by_its_name(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch(policy={"masking": {"fields": ["checkpoint.values.iban", "*.pin"]}})
    with watch.session() as s:
        s.checkpoint({"iban": "778899", "pin": {"value": 778899, "source": "crm", "source_value": 778899}, "kept": 7})
    assert watch.close()
    assert b"778899" not in b"".join(memory.lines())
    assert b'"kept":{"value":7}' in b"".join(memory.lines())


def test_roles_groups_and_scopes_are_masked(make_watch: Make, memory: MemoryTransport) -> None:
    policy = {"masking": {"kinds": ["email"], "exempt": ["delegation.delegable"]}}
    watch = make_watch(policy=policy)
    with watch.session() as s:
        s.prompt([{"role": f"to {MAIL}", "content": "x"}, {"role": "user", "content": "x"}])
        s.retrieval("q", [{"id": "d", "allowed_groups": [MAIL, "staff"]}], asker_groups=[MAIL])
        with s.delegate("other", policy=policy, scope=[MAIL], delegable=["keep@example.com"]):
            pass
    assert watch.close()
    sent = b"".join(memory.lines())
    assert MAIL.encode() not in sent
    assert b"keep@example.com" in sent
    assert b'"role":"user"' in sent
    events = memory.events()
    finished = [one.data for one in events if one.type == "retrieval"][-1]
    assert finished.asker_groups == (finished.documents[0].allowed_groups or [])[:1]


def ids_of(memory: MemoryTransport) -> set[tuple[str, str]]:
    return {(event.user_id, event.customer_id) for event in memory.events()}


def test_ids_of_persons_become_pseudonyms_where_a_path_names_them(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch(policy={"masking": {"kinds": [], "fields": ["*.user_id"]}})
    for user in (MAIL, MAIL, "other@example.com"):
        with watch.session(user_id=user, customer_id="c1"):
            pass
    assert watch.close()
    users = {user for user, _ in ids_of(memory)}
    assert len(users) == 2
    assert all(user.startswith("[field:") and len(user) == len("[field:]") + 16 for user in users)
    assert {customer for _, customer in ids_of(memory)} == {"c1"}


def test_with_constants_they_are_left_out_as_they_would_be_one_person(
    make_watch: Make, memory: MemoryTransport
) -> None:
    masking = {"fields": ["*.user_id", "*.customer_id"], "replacement": "constant"}
    watch = make_watch(policy={"masking": masking})
    with watch.session(user_id=MAIL, customer_id="c1"):
        pass
    assert watch.close()
    assert ids_of(memory) == {("", "")}


CASES = [
    ({"kinds": []}, {"kinds": ["email"]}, "[email:"),
    ({"kinds": ["email"]}, {"kinds": []}, "[email:"),
    ({"kinds": ["email"]}, None, "[email:"),
    ({"kinds": []}, None, MAIL),
]


@pytest.mark.parametrize(("above", "below", "shown"), CASES)
def test_a_delegated_session_is_masked_by_its_policy_and_by_those_above_it(
    above: dict[str, Any], below: dict[str, Any] | None, shown: str, make_watch: Make, memory: MemoryTransport
) -> None:
    watch = make_watch(policy={"masking": above})
    given = None if below is None else {"masking": below}
    with watch.session() as s, s.delegate("child", policy=given) as child:
        child.reasoning(MAIL)
        with child.delegate("grandchild", policy={"masking": {"kinds": []}}) as grandchild:
            grandchild.reasoning(MAIL)
    assert watch.close()
    assert watch.losses() == {}
    said = [event.data.text.text or "" for event in memory.events() if event.type == "reasoning"]
    assert len(said) == 2
    assert all(text.startswith(shown) for text in said)


def test_a_policy_of_a_delegated_session_that_cannot_be_used_is_told_at_once(make_watch: Make) -> None:
    wrong = AgentPolicy.model_validate({"agent": "child", "masking": {"fields": ["prompt.future"]}})
    with make_watch().session() as s, pytest.raises(ConfigurationError, match=r"prompt\.future"):
        s.delegate("child", policy=wrong)
