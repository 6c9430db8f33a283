"""What each kind finds, and what only looks like it."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.producers.masking import PolicyMasker
from watchkeeper.schemas.errors import ConfigurationError, PolicyError
from watchkeeper.schemas.policy import Masking
from watchkeeper.schemas.policy_file import policy_from_mapping

KEY = bytes(32)
KINDS = ["secret", "email", "phone", "card", "iban", "ssn", "ip"]


def masker(**section: object) -> PolicyMasker:
    return PolicyMasker(Masking.model_validate({"kinds": KINDS, "phone_regions": ["US"]} | section), KEY)


ALL = masker()
FOUND = [
    ("secret", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("secret", "ghp_" + "a1B2" * 9),
    ("secret", "xoxb-" + "123456789012-abcdef"),
    ("secret", "sk_live_" + "4eC39HqLyjWDarjtT1zd"),
    ("secret", "sk-proj-" + "Ab1" * 12),
    ("secret", "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK"),
    ("secret", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"),
    ("secret", "-----BEGIN PRIVATE KEY-----\nMIIE and nothing after it"),
    ("email", "bob@example.com"),
    ("email", "böb+x@exämple.de"),
    ("email", "bob\\u0040example.com"),
    ("phone", "+44 20 7946 0958"),
    ("phone", "(202) 456-1111"),
    ("card", "4111 1111 1111 1111"),
    ("card", "378282246310005"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("iban", "GB82WEST12345698765432"),
    ("ssn", "123-45-6789"),
    ("ip", "10.1.2.3"),
    ("ip", "2001:db8:85a3::8a2e:370:7334"),
    ("ip", "fe80::1"),
    ("ip", "2a00::53"),
]
LEFT = [
    "4111111111111112",
    "0000000000000000",
    "order 1234567890123456",
    "DE00370400440532013000",
    "000-12-3456",
    "2026-11-21T14:30:00",
    "version 1.2.3.4",
    "v1.2.3.4",
    "pkg==1.2.3.4",
    "1.2.3.4.5",
    "999.1.1.1",
    "127.0.0.1",
    "12:30:45",
    "std::find",
    "dead::beef",
    "2024::12",
    "ab12::cd34",
    "550e8400-e29b-41d4-a716-446655440000",
    "d41d8cd98f00b204e9800998ecf8427e",
    "icon@2x.png",
    "bob@localhost",
    "git@github.com:a/b.git",
    "#W1234567",
    "sk-learn is a library of many parts",
    "password: required",
    "0.4111111111111111",
    "order 202-456",
    "2024-05-09 15:00:00",
    "(2024-05-14 16:03 local)",
    "ISBN 978 90 5867 754 9",
    "C57 12.7599 44.2401 0 28.5 0",
    "FINAL ANSWER: 3.1.3.1;1.11.1.7",
    "https://325506e3332d48799956@reports.example.com/1",
    "/news/sk-slovakia-2024-elections-results",
    "The secret: 1960s-era furniture",
    "password=config.key2",
    "password=$PASSWORD1",
    "password=read_line2()",
    "api_key: https://example.com/keys/1",
    '"apiKey":"pk_UHS2HZOeRnaSOdDp7jbd5w"',
    "postgres://app:${PASSWORD}@db/x",
    "postgres://app:<password>@db/x",
]


@pytest.mark.parametrize(("kind", "value"), FOUND)
def test_what_is_found_leaves_and_its_surroundings_stay(kind: str, value: str) -> None:
    out = ALL.mask(f"see {value}", "text/plain")
    assert value not in out.text
    assert out.text.startswith(f"see [{kind}:")
    assert out.kinds == {kind: 1}


@pytest.mark.parametrize("text", LEFT)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert ALL.mask(text, "text/plain").text == text


def test_secrets_in_their_context() -> None:
    for text, secret in [
        ("postgres://app:p4ss-word@db/x", "p4ss-word"),
        ("Authorization: Bearer abcdef1234567890abcdef", "abcdef1234567890abcdef"),
        ("export DB_PASSWORD=hunter22", "hunter22"),
        ('password = "$ecret(12"', "$ecret"),
        ('password = "$ecret(12"', "(12"),
        ("client_secret: hunter22", "hunter22"),
        ("secret='hunter22'", "hunter22"),
        ("redis://:$ecret@db", "$ecret"),
        ("ping 8.8.8.8:53", "8.8.8.8"),
        ("the host 8.8.8.8", "8.8.8.8"),
    ]:
        assert secret not in ALL.mask(text, "text/plain").text


def test_escapes_and_json_in_json_are_caught_and_numbers_stay_exact() -> None:
    inner = '{"to": "a\\u0040b.com"}'
    given = (
        '{"a":"x\\u0040y.org","n":123456789012345678901234567890,"c":4111111111111111,"arguments":%s,"password":"x"}'
    )
    out = ALL.mask(given % json.dumps(inner), "application/json")
    value = json.loads(out.text)
    assert value["a"].startswith("[email:")
    assert value["n"] == 123456789012345678901234567890
    assert value["c"].startswith("[card:")
    assert json.loads(value["arguments"])["to"].startswith("[email:")
    assert value["password"].startswith("[secret:")


def test_whole_fields_and_exemptions() -> None:
    own = masker(kinds=["email"], fields=["tool_call.arguments.items.card", "*.note"], exempt=["*.reply_to"])
    given = json.dumps({"items": [{"card": {"a": [1, 2]}}], "card": 7, "note": "x", "reply_to": "a@b.com"})
    value = json.loads(own.mask_at(given, "application/json", ("tool_call", "arguments")).text)
    assert value["items"][0]["card"].startswith("[field:")
    assert value["card"] == 7
    assert value["note"].startswith("[field:")
    assert value["reply_to"] == "a@b.com"


def test_equal_values_get_equal_pseudonyms_under_one_key_only() -> None:
    one, two = (ALL.mask(text, "text/plain").text for text in ("a@b.com", "a@b.com"))
    other = PolicyMasker(Masking(kinds=["email"]), b"1" * 32).mask("a@b.com", "text/plain").text
    assert one == two != other
    assert masker(replacement="constant").mask("a@b.com", "text/plain").text == "[email]"


def test_own_patterns_and_those_that_could_run_away() -> None:
    own = masker(kinds=[], patterns=[{"name": "case", "regex": r"CASE-\d+"}])
    assert own.mask("CASE-12", "text/plain").kinds == {"case": 1}
    for regex in ("(?=a)b", r"(a)\1", "(", "a*"):
        with pytest.raises(PolicyError, match=r"masking\.patterns\[0\]\.regex"):
            policy_from_mapping({"agent": "a", "masking": {"patterns": [{"name": "x", "regex": regex}]}})


def test_without_the_engine_nothing_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "phonenumbers", None)
    with pytest.raises(ConfigurationError, match=r"watchkeeper\[masking\]"):
        masker()


def test_five_megabytes_of_the_worst_take_linear_time() -> None:
    evil = masker(kinds=["secret"], patterns=[{"name": "evil", "regex": "(a+)+$"}])
    began = time.perf_counter()
    evil.mask("a" * 5_000_000 + "!", "text/plain")
    # Backtracking would not end in this universe's time.
    assert time.perf_counter() - began < 60


PIECES = st.one_of(st.text(max_size=20), st.sampled_from([value for _, value in FOUND]))
TEXTS = st.lists(PIECES, max_size=5).map(" ".join)
VALUES = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_masking_twice_is_masking_once(text: str) -> None:
    once = ALL.mask(text, "text/plain").text
    again = ALL.mask(once, "text/plain")
    assert again.text == once
    assert again.kinds == {}


def shape(value: object) -> object:
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    return [shape(item) for item in value] if isinstance(value, list) else None


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_json_keeps_its_shape(value: object) -> None:
    given_text = json.dumps(value)
    out = ALL.mask(given_text, "application/json").text
    assert shape(json.loads(out)) == shape(value)
    assert ALL.mask(out, "application/json").text == out
