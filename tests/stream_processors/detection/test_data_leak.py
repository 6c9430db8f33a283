from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.leak_scan import KnownForms, Spotted, masked_in
from watchkeeper.stream_processors.detection.session_rules.data_leak import MAX_TOLD, DataLeak

KEY = "AKIA" + "Q3ZT7WJ2LMN8RVXP"
CARD = "4539578763621486"


def policy(**leaks: Any) -> AgentPolicy:
    return AgentPolicy.model_validate({"agent": "support", "leaks": leaks})


def judged(stories: Any, read: str, answer: str, *, user: str = "Help me.", **leaks: Any) -> Any:
    story = stories.Story(policy=policy(**leaks) if leaks else None)
    story.start()
    story.prompt(user)
    story.ask("look", read)
    story.call("relay", text=answer)
    story.result("ok")
    story.response(text=story.content(answer), answer=True)
    story.end()
    return stories.Hall([DataLeak()]).hear(story.events)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (f"key={KEY};", "secret", KEY),
        ("ghp_" + "k3JdT9sWq2LxVb7NfRzYc5HmPg8UaE1oiT4w", "secret", "ghp_" + "k3JdT9sWq2LxVb7NfRzYc5HmPg8UaE1oiT4w"),
        ("xoxb-" + "93847561023-Lk3JdT9sWq", "secret", "xoxb-" + "93847561023-Lk3JdT9sWq"),
        ("pay 4539 5787 6362 1486 now", "card", CARD),
        ("IBAN FR14 2004 1010 0505 0001 3M02 606", "iban", "FR1420041010050500013M02606"),
        ("ssn 536-22-1874", "ssn", "536-22-1874"),
        ("write to Jane.Roe@corp.example", "email", "jane.roe@corp.example"),
        ("Grüße: jane@corp.example", "email", "jane@corp.example"),
    ],
)
def test_what_tells_itself_by_its_form(text: str, kind: str, value: str) -> None:
    [one] = KnownForms().find(text)
    assert (one.kind, one.value) == (kind, value)
    assert "".join(text[one.start : one.end].split()).casefold() == value.casefold()


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "sk-" + "x" * 40,
        "sk-proj-your-key-goes-here-please",
        "4111 1111 1111 1111",
        "4539578763621487",  # another checksum
        "order 45395787636214861234",
        "DE89 3704 0044 0532 0130 00",
        "123-45-6789",
        "000-12-3456",
        "3f2a90c1-5b7d-4e21-9a3f-0c1d2e3f4a5b",
        "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "[secret:3f2a90c1]",
        "the secret of good bread",
    ],
)
def test_what_only_looks_like_it(text: str) -> None:
    assert list(KnownForms().find(text)) == []


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for one in [*KnownForms().find(text + " " + KEY), *masked_in(text)]:
        assert 0 <= one.start < one.end <= len(text) + 1 + len(KEY)


def test_a_masked_value_is_known_by_its_pseudonym() -> None:
    assert masked_in("a [card:3f2a90c1] b [ssn] [note]") == [
        Spotted("card", 2, 17, "[card:3f2a90c1]"),
        Spotted("ssn", 20, 25, "[ssn]"),
    ]


@pytest.mark.parametrize(
    ("read", "answer", "user", "leaks", "kinds"),
    [
        (KEY, f"It is {KEY}", "Hi", {}, ["secret"]),
        (KEY, f"It is {KEY}", f"Is {KEY} still good?", {}, []),
        ("nothing", f"It is {KEY}", "Hi", {}, []),
        (KEY, f"It is {KEY}", "Hi", {"answers": []}, []),
        (CARD, f"It is {CARD}", "Hi", {}, []),
        (CARD, f"It is {CARD}", "Hi", {"answers": ["card"]}, ["card"]),
        ("nothing", CARD, "Hi", {"sinks": ["relay"]}, ["card"]),
        ("nothing", CARD, "Hi", {"sinks": ["relay"], "may_receive": {"relay": ["card"]}}, []),
        ("nothing", "a@b.example", "Hi", {"sinks": ["relay"]}, []),
        ("[secret:3f2a90c1]", "It is [secret:3f2a90c1]", "Hi", {}, ["secret"]),
        ("[secret]", "It is [secret]", "Hi", {}, []),
        ("x", "BLUE heron 7731", "Hi", {"canaries": [{"name": "c", "value": "blue-heron-7731"}]}, ["canary"] * 2),
        ("x", "blue-heron-7731", "blue-heron-7731?", {"canaries": [{"name": "c", "value": "blue-heron-7731"}]}, []),
        ("C-17 and C-18", "C-18", "Hi", {"customer_ids": r"C-\d+"}, ["other_customer"]),
        ("C-17 and C-18", "C-18", "what of C-18?", {"customer_ids": r"C-\d+"}, []),
        ("C-17", "XC-171 C-1", "Hi", {"customer_ids": r"C-\d+"}, []),
    ],
)
def test_what_leaves(stories: Any, read: str, answer: str, user: str, leaks: Any, kinds: list[str]) -> None:
    hall = judged(stories, read, answer, user=user, **leaks)
    assert [finding.evidence.what for finding in hall.findings] == kinds
    for finding in hall.findings:
        assert KEY not in finding.model_dump_json()
        assert CARD not in finding.model_dump_json()


@pytest.mark.parametrize("lead", ["", "a", "ab", "abc"])
def test_a_canary_is_seen_in_base64_wherever_it_begins(stories: Any, lead: str) -> None:
    coded = base64.b64encode(f"{lead}blue-heron-7731!".encode()).decode()
    hall = judged(stories, "x", coded, canaries=[{"name": "c", "value": "blue-heron-7731"}])
    assert {finding.evidence.what for finding in hall.findings} == {"canary"}


def test_what_was_masked_without_a_pseudonym_is_told_by_its_count(stories: Any) -> None:
    story = stories.Story(policy=policy(sinks=["relay"]))
    story.start()
    call = {"tool_call_id": "c", "tool_name": "relay", "arguments": {"text": "***"}}
    story.say("tool_call", call, attributes={"watchkeeper.masked": "secret:2,email:1"})
    [finding] = stories.Hall([DataLeak()]).hear(story.events).findings
    assert (finding.evidence.what, finding.evidence.places, finding.evidence.masked) == ("secret", 2, True)


def test_a_scanner_of_the_hosts_own_is_asked(stories: Any) -> None:
    class Words:
        def find(self, text: str) -> list[Spotted]:
            at = text.find("moonbase")
            return [Spotted("secret", at, at + 8, "moonbase")] if at >= 0 else []

    story = stories.Story()
    story.start()
    story.ask("look", "the moonbase opens")
    story.response(text=story.content("The moonbase opens in May."), answer=True)
    assert stories.Hall([DataLeak(Words())]).hear(story.events).kinds() == ["data_leaked"]


def test_findings_and_state_are_bounded(stories: Any) -> None:
    story = stories.Story(policy=policy(sinks=["relay"], customer_ids=r"C-\d+"))
    story.start()
    for index in range(200):
        story.prompt(f"C-9{index} a{index}@corp.example")
        story.ask("look", f"C-{index} b{index}@corp.example {KEY}")
        story.ask("relay", text=f"{KEY} C-{index}")
    hall = stories.Hall([DataLeak()]).hear(story.events)
    assert len({finding.finding_id for finding in hall.findings}) <= MAX_TOLD + 2
    assert len(orjson.dumps(hall.state().detectors["data_leak"][1])) < 4000


@pytest.mark.parametrize(
    ("leaks", "says"),
    [
        ({"may_receive": {"pay": ["card"]}}, "list them in sinks"),
        ({"customer_ids": "x*"}, "ask for a character"),
        ({"customer_ids": "(?=x)"}, "linear time"),
        ({"canaries": [{"name": "c", "value": "short"}]}, "at least 8"),
    ],
)
def test_a_section_that_cannot_work_is_refused(leaks: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        policy(**leaks)
