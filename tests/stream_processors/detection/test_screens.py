"""What is tried only where a linear engine sees that it may match: the screen must match wherever it does."""

from __future__ import annotations

import hashlib
import hmac
from random import Random

import pytest

from watchkeeper.stream_processors.detection import abstention, calendar_days, figures, reasons
from watchkeeper.stream_processors.detection.calendar_days import days_in
from watchkeeper.stream_processors.detection.figures import values_in
from watchkeeper.stream_processors.detection.known_text import words_of
from watchkeeper.stream_processors.detection.pattern_set import PatternSet
from watchkeeper.stream_processors.detection.shingles import shingles, values_of
from watchkeeper.stream_processors.detection.subject_keys import SubjectKeys

DAYS = (
    *("1 May", "3rd of\x1fMärz 2026", "May\x1cthe 4th", "17 de JULIO", "FÉVRIER 3", "sept. 9", "12.05.26", "5/6/2026"),
    *(
        "2026-05-16",
        "16\u2003août",
        "Décembre 24",
        "\u017feptember 2",
        "o\u212atober 3",
        "9999/1/31",
        "june 31st, 2025",
    ),
)
COUNTS = ("3k", "3 K", "4\u00a0million", "2-thousand", "7 b", "1.5 mrd.", "9M", "12 crore", "8 Millionen", "6 \u212a")
DECLINED = (
    *(
        "I don't know",
        "we COULD NOT find",
        "nothing",
        "there is no",
        "unclear to me",
        "je n'ai pas",
        "je n'\x1cest pas",
    ),
    *(
        "ich kann",
        "leider",
        "dazu nicht",
        "keine Angaben",
        "no hay resultados",
        "contains none of",
        "I am unable to tell",
    ),
)
UNWANTED = (
    "I don't want",
    "not need",
    "do not want to",
    "no longer",
    "any more",
    "anymore",
    "i changed my mind",
    "more",
)
OTHERS = ("x", "7", " ", "market 5", "maybe", "4 meetings", "5 business", "12", ".", "-", "/", "3 kg", "ORD-2024-17")


def _texts(parts: tuple[str, ...], seed: int) -> list[str]:
    draw = Random(seed)
    some = (*parts, *OTHERS)
    return [draw.choice(["", " ", ", "]).join(draw.choices(some, k=draw.randint(1, 4))) for _ in range(2000)]


class _Always:
    """A screen that lets everything pass."""

    def isinstance_python(self, text: str) -> bool:
        """Whether the text may match."""
        return text is not None


def test_days_are_read_as_without_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """No text that names a day is passed over."""
    texts = _texts(DAYS, 1)
    screened = [list(days_in(text)) for text in texts]
    monkeypatch.setattr(calendar_days, "_MAY_NAME", _Always())
    monkeypatch.setattr(calendar_days, "_STEM", _Always())
    assert screened == [list(days_in(text)) for text in texts]
    assert sum(map(bool, screened)) > len(texts) // 4


def test_every_day_of_the_list_is_read() -> None:
    """The list tries the screen: each of its entries names a day."""
    assert [text for text in DAYS if not list(days_in(text))] == []


def test_counted_numbers_are_read_as_without_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """No number is passed over that is followed by how many of it."""
    texts = _texts(COUNTS, 2)
    screened = [values_in(text) for text in texts]
    monkeypatch.setattr(figures, "_MAY_SCALE", _Always())
    assert screened == [values_in(text) for text in texts]
    assert all(max(values_in(text)) > 1000 for text in COUNTS)


def test_answers_in_ascii_decline_as_others_do() -> None:
    """Both engines tell the same of a text; one that is not in ASCII goes to the other one."""
    texts = [text for text in _texts(DECLINED, 3) if text.isascii()]
    declined = [abstention.declines(text) for text in texts]
    assert declined == [abstention.declines(text + "\u00a0") for text in texts]
    assert len(texts) // 10 < sum(declined) < len(texts)


def test_what_is_no_longer_wanted_is_read_as_without_the_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No text is passed over in which somebody no longer wants a thing."""
    texts = _texts((*UNWANTED, "I don\u2019t need"), 4)
    screened = [reasons.of_user(text) for text in texts]
    monkeypatch.setattr(reasons, "_MAY_BE_UNWANTED", _Always())
    assert screened == [reasons.of_user(text) for text in texts]
    assert sum(reason.core > 0 for reason in screened) > len(texts) // 4


@pytest.mark.parametrize("text", ["Plain WORDS, 3.5 of them", "Straße \u201cquoted\u201d naïve", "\x1funit\x85sep"])
def test_words_are_the_same_by_either_way(text: str) -> None:
    """A text in ASCII takes a shorter way to the same words."""
    assert words_of(text + "\u201c")[: len(words_of(text))] == words_of(text)


def test_marks_open_the_expressions_behind_them_alone() -> None:
    """An expression behind a mark is found where both stand, and nowhere else."""
    patterns = PatternSet([b"one", b"a+@x", b"b+/y"], {1: (b"@",), 2: (b"/", b"://")})
    assert patterns.occurring(b"one aa@x") == [0, 1]
    assert patterns.occurring(b"bb/y aa@x one") == [0, 1, 2]
    assert patterns.occurring(b"bb/ @") == []


@pytest.mark.parametrize("length", [0, 16, 64, 65, 200])
def test_names_are_rfc_2104(length: int) -> None:
    """However long the secret is, the name is its HMAC-SHA-256."""
    secret = hashlib.shake_128(b"secret").digest(length)
    assert (
        SubjectKeys(secret).name("acme", "order", 7) == hmac.digest(secret, b'["acme","order",7]', "sha256").hex()[:32]
    )


@pytest.mark.parametrize("text", ["", "One two", "A_b c-d E9, f. g\x1fh i_j!", "naïve " * 7, "x" * 3 + " Y z" * 40])
def test_shingles_without_their_places_are_the_same(text: str) -> None:
    """A text in ASCII takes a shorter way to the same values."""
    assert values_of(text) == [one.value for one in shingles(text)]
