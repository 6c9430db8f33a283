"""The quick way says what the slow one says: same bytes, same counts, whatever the text, the path and the policy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.producers.masking import PolicyMasker
from watchkeeper.producers.masking.json_text import nested_in, opened, scalars_in, touched_in
from watchkeeper.producers.masking.json_walk import JsonWalk
from watchkeeper.producers.masking.scanning import knows_edges
from watchkeeper.producers.masking.tokens import TOKEN, numbered
from watchkeeper.schemas.policy import Masking

KEY = bytes(32)
KINDS = ["secret", "email", "phone", "card", "iban", "ssn", "ip"]
OWN = [{"name": "edge", "regex": r"^AB\d+$"}, {"name": "quoted", "regex": r'"x"'}, {"name": "line", "regex": r"\n#\d"}]
POLICIES = [
    {},
    {"kinds": KINDS, "phone_regions": ["US"]},
    {"kinds": KINDS, "replacement": "constant", "exempt": ["*.exempt", "tool_call.arguments.a"]},
    {"kinds": ["email"], "fields": ["*.pin", "tool_call.arguments.a.b", "*.a.note"]},
    {"kinds": ["secret"], "fields": ["tool_call.arguments.b.*", "*.exempt"]},
    {"kinds": [], "patterns": OWN},
    {"kinds": ["secret"], "patterns": OWN[1:]},
]
PATHS = [(), ("tool_call", "arguments"), ("tool_result", "result"), ("checkpoint", "values", "password")]

PIECES = st.sampled_from(
    [
        "a@b.com",
        "ghp_" + "a1B2" * 9,
        "4111111111111111",
        "10.1.2.3",
        "AB12",
        '"x"',
        "\n#7",
        "\\",
        '"',
        "'",
        "\x7f",
        "\x00",
        "\n\x00\n",
        "[email]",
        "[email:01234567]",
        "{",
        "[",
        " ",
        "\t",
        "é",
        "😀",
        "password=hunter22",
        "-----BEGIN PRIVATE KEY-----",
        "1\u2028",
        "C:\\new",
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=4).map("".join), st.text(max_size=12))
KEYS = st.one_of(st.sampled_from(["a", "b", "pin", "Note", "exempt", "password", "api_key", "a@b.com"]), TEXTS)
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.just(4111111111111111))
LEAVES = st.one_of(TEXTS, NUMBERS, st.none(), st.booleans())


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    told = st.tuples(inner, st.booleans()).map(lambda one: json.dumps(one[0], ensure_ascii=one[1]))
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3), told)


VALUES = st.recursive(LEAVES, _containers, max_leaves=10)


@pytest.fixture(scope="module", params=POLICIES, ids=lambda policy: ",".join(policy) or "default")
def both(request: pytest.FixtureRequest, slow_masker: Callable[..., Any]) -> tuple[PolicyMasker, Any]:
    masking = Masking.model_validate(request.param)
    return PolicyMasker(masking, KEY), slow_masker(masking, KEY)


@settings(max_examples=60)
@given(VALUES, st.sampled_from(PATHS), st.booleans(), st.sampled_from([None, 1]), st.booleans())
def test_json_as_the_slow_way_masks_it(
    both: tuple[PolicyMasker, Any],
    value: Any,
    path: tuple[str, ...],
    ascii_only: bool,
    indent: int | None,
    as_text: bool,
) -> None:
    quick, slow = both
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    media: Any = "text/plain" if as_text else "application/json"
    out = quick.mask_at(text, media, path)
    assert out.text == slow.mask(text, media, path)
    assert out.kinds == slow.counts


INNERMOST: list[Any] = [
    {"to": "a@b.com", "pin": 7, "a": {"b": "x", "note": "y"}},
    ["\n#7", 'tab\tand "x" in it', "\\"],
    {"password": "hunter22", "b": {"deep": [1, {"exempt": "c@d.org"}]}},
    ["it ends with a backslash \\", "a@b.com"],
    {"token": ["nothing"], "api_key": ["AB12", {"x": "AB12"}], "n": 4111111111111111},
]


@pytest.mark.parametrize("levels", range(4))
@pytest.mark.parametrize("innermost", INNERMOST, ids=range(len(INNERMOST)))
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_in_json_as_the_slow_way_masks_it(
    both: tuple[PolicyMasker, Any], innermost: Any, levels: int, ascii_only: bool
) -> None:
    quick, slow = both
    text = json.dumps(innermost)
    if ascii_only:
        text = text.replace("@", "\\u0040")
    for _ in range(levels):
        text = json.dumps({"said": "\r\n " + text, "beside": "[not JSON] é"}, ensure_ascii=ascii_only)
    for path in PATHS:
        out = quick.mask_at(text, "application/json", path)
        assert out.text == slow.mask(text, "application/json", path)
        assert out.kinds == slow.counts
        assert quick.mask_at(text, "text/plain", path).text == slow.mask(text, "text/plain", path)


@settings(max_examples=40)
@given(TEXTS, st.sampled_from(PATHS))
def test_texts_as_the_slow_way_masks_them(both: tuple[PolicyMasker, Any], text: str, path: tuple[str, ...]) -> None:
    quick, slow = both
    out = quick.mask_at(text, "text/plain", path)
    assert out.text == slow.mask(text, "text/plain", path)
    assert out.kinds == slow.counts


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_every_string_stands_decoded_in_what_is_scanned(value: Any, ascii_only: bool, indent: int | None) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    text = opened(raw)
    assert text is not None
    strings = [json.loads(raw[start:end]) for start, end in scalars_in(raw) if raw[start] == ord('"')]
    assert all(one.encode() in text for one in strings)
    found = [json.loads(raw[start:end]) for start, end in nested_in(raw)]
    assert all(one.lstrip()[:1] in {"{", "["} for one in found)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]), st.sampled_from(["a", "1", "7", "\n", '"', "é", "\\"]))
def test_scalars_are_told_by_what_is_found_in_them(value: Any, ascii_only: bool, indent: int | None, what: str) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    wanted = what.encode()
    found = touched_in(raw, lambda text: [match.span() for match in re.finditer(re.escape(wanted), text)])
    for start, end in scalars_in(raw):
        shown = json.loads(raw[start:end]).encode() if raw[start] == ord('"') else raw[start:end]
        assert wanted not in shown or (start, end) in found


@pytest.mark.parametrize(
    ("pattern", "knows"),
    [
        (rb"^a", True),
        (rb"a$", True),
        (rb"(?m)^a", True),
        (rb"\Aa", True),
        (rb"a\z", True),
        (rb"(^|\s)a", True),
        (rb"\[^a", True),
        (rb"[[]^a", True),
        (rb"\\\Aa", True),
        (rb"[^a]b", False),
        (rb"a\$", False),
        (rb"\^a", False),
        (rb"\\Aa", False),
        (rb"CASE-\d+\b", False),
    ],
)
def test_expressions_that_ask_for_an_edge_are_known(pattern: bytes, knows: bool) -> None:
    assert knows_edges(pattern) is knows


def test_an_expression_with_edges_sees_each_string_of_json_by_itself() -> None:
    own = PolicyMasker(Masking.model_validate({"kinds": [], "patterns": OWN[:1]}), KEY)
    out = own.mask('{"a":"AB12","b":"see AB12","c":["x","AB3"]}', "application/json")
    assert out.kinds == {"edge": 2}


def test_replaced_keys_are_told_apart_in_little_room() -> None:
    marks = [numbered(place) for place in range(5000)]
    assert len(set(marks)) == len(marks)
    assert max(map(len, marks)) <= 13
    assert all(TOKEN.fullmatch(b"[email]" + mark) for mark in marks)
    masked = PolicyMasker(Masking(kinds=["email"], replacement="constant"), KEY)
    given_text = json.dumps({f"u{place}@example.com": place for place in range(5000)})
    out = masked.mask(given_text, "application/json")
    assert list(json.loads(out.text).values()) == list(range(5000))
    assert masked.mask(out.text, "application/json").text == out.text


def test_a_walk_by_paths_looks_at_each_token_once_however_deep() -> None:
    looked = 0

    def whole(_path: tuple[str, ...], _start: int, _end: int) -> None:
        nonlocal looked
        looked += 1

    depth = 200
    raw = b'{"a":[' * depth + b"1" + b"]}" * depth
    walk = JsonWalk(raw, (), lambda *_: None, whole)
    assert walk.run() == raw
    assert looked == 2 * depth + 1


def test_a_pseudonym_tells_nothing_but_its_kind() -> None:
    out = PolicyMasker(Masking(kinds=["email"]), KEY).mask("a@b.com", "text/plain").text
    assert re.fullmatch(r"\[email:[0-9a-f]{8}\]", out)
