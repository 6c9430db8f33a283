"""What is masked in recorded sessions of others is truly of its kind: each place is judged here, by other means."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from watchkeeper.producers.masking import PolicyMasker
from watchkeeper.producers.masking.tokens import SHORT, Pseudonyms
from watchkeeper.schemas.contents import MediaType
from watchkeeper.schemas.policy import Masking

pytestmark = pytest.mark.recordings

ROOT: Final = Path(__file__).parents[3]
PLACE: Final = Path(os.environ.get("WATCHKEEPER_RECORDINGS") or ROOT.parent / "shared" / "trajectories")
KEY: Final = bytes(32)
KINDS: Final = ["secret", "email", "phone", "card", "iban", "ssn", "ip"]

BESIDE: Final = {
    "email": re.compile(r"[\w.+-]+(?:@|%40)[\w.-]+\.[a-z]{2,}"),
    "phone": re.compile(r"\+\d[\d .-]{7,}|\(\d{3}\) \d{3}-\d{4}|\d{3}[ -]\d{3}[ -]\d{4}"),
    "card": re.compile(r"4\d{12}(?:\d{3})?"),
    "ip": re.compile(r"\d+\.\d+\.\d+\.\d+"),
    "secret": re.compile(r"[\w-]{16,}"),
}
"""What the masked text must be in these recordings; a kind that is not here must not be found."""

MOST: Final = {"secret": 4, "card": 8, "ip": 40, "phone": 50}
"""Places at most over one recording, after those that were looked at by hand."""


def texts_of(session: dict[str, Any]) -> Iterator[tuple[str, MediaType]]:
    """What was said, called and registered."""
    for message in session["messages"]:
        content = message.get("content")
        if content:
            yield (content if isinstance(content, str) else json.dumps(content)), "text/plain"
        for call in message.get("tool_calls") or []:
            yield json.dumps(call["arguments"]), "application/json"
    yield json.dumps(session["tools"]), "application/json"


@pytest.fixture(scope="module", params=["trail", "toolbench_chatgpt", "tau2_bench"])
def texts(request: pytest.FixtureRequest) -> list[tuple[str, MediaType]]:
    path = PLACE / f"{request.param}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is missing: set WATCHKEEPER_RECORDINGS to the folder that holds it")
    with gzip.open(path, "rt") as file:
        return sorted({text for line in file for text in texts_of(json.loads(line))})


class Noting(Pseudonyms):
    """Notes what is masked."""

    def __init__(self, masking: Masking) -> None:
        super().__init__(KEY, constant=masking.replacement == "constant")
        self.found: list[tuple[str, str]] = []

    def token(self, kind: str, value: bytes, counts: dict[str, int], size: int = SHORT) -> bytes:
        self.found.append((kind, value.decode()))
        return super().token(kind, value, counts, size)


def masked_in(texts: list[tuple[str, MediaType]], masking: Masking) -> list[tuple[str, str]]:
    """Kind and text of every place."""
    masker, noting = PolicyMasker(masking, KEY), Noting(masking)
    masker._pseudonyms = noting
    for text, media in texts:
        masker.mask(text, media)
    return noting.found


@pytest.mark.parametrize("section", [{}, {"kinds": KINDS, "phone_regions": ["US"]}], ids=["default", "all kinds"])
def test_the_quick_way_masks_as_the_slow_one(
    texts: list[tuple[str, MediaType]], section: dict[str, Any], slow_masker: Callable[..., Any]
) -> None:
    masking = Masking.model_validate(section)
    quick, slow = PolicyMasker(masking, KEY), slow_masker(masking, KEY)
    for text, media in texts:
        out = quick.mask(text, media)
        assert out.text == slow.mask(text, media)
        assert out.kinds == slow.counts


def test_by_default_hardly_anything_of_them_is_taken_for_a_secret(texts: list[tuple[str, MediaType]]) -> None:
    found = masked_in(texts, Masking())
    assert {kind for kind, _ in found} <= {"secret"}
    assert len(found) <= MOST["secret"], found
    assert [value for kind, value in found if not BESIDE[kind].fullmatch(value)] == []


def test_what_all_kinds_take_is_of_its_kind(texts: list[tuple[str, MediaType]]) -> None:
    found = masked_in(texts, Masking.model_validate({"kinds": KINDS, "phone_regions": ["US"]}))
    assert found
    wrong = [one for one in found if one[0] not in BESIDE or not BESIDE[one[0]].fullmatch(one[1])]
    assert wrong == []
    for kind, most in MOST.items():
        assert sum(1 for one in found if one[0] == kind) <= most
    dates = [one for one in found if one[0] == "phone" and re.match(r"\(?(?:19|20)\d\d-", one[1])]
    assert dates == []
