"""Which deeds a text gives a reason for: a goal, what a user says, what an agent was told.

Words are compared by their beginnings with two lists for each deed: the *core* (other forms of the deed itself) and the
*wide* one, of all that people say when they want it: who moves a meeting has one deleted, who returns a parcel is
paid. Goals and users are read by the wide list, and so are short results in which somebody asks for something; system
prompts and other results by the core alone: they are long, and name much that nobody asked for. What a goal or system
prompt forbids is no reason, unless it forbids with an exception.

English only: `is_foreign` says where a text is in another language, and nothing can be concluded from what it lacks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pydantic_core import SchemaValidator, core_schema

from watchkeeper.stream_processors.detection.deeds import DEEDS, VERBS
from watchkeeper.stream_processors.detection.word_lists import CORE, ENGLISH, MIN_PREFIX, WIDE, Deed, listed, stem

MAX_HEAD, MAX_TAIL = 12_000, 4_000
"""Characters that are read of a text, from its beginning and from its end."""

MAX_SAMPLE = 600
"""Characters that tell a text's language."""

MAX_PROPOSAL = 1_500
"""Characters that are read of what the agent said before a user answered: it asks at the end."""

MAX_KNOWN = 50_000
"""Words remembered by the process."""

MAX_RESULT = 8_000
"""Characters of a result that are read."""

MAX_REQUEST = 2_000
"""Characters of a result in which somebody may ask for something."""

MIN_WORDS = 6
"""Words from which on a text tells its language."""

MAX_WORDS = 180
"""Different words from which on a text needs no more of `ENGLISH` to be English: the list is short."""

_UNWANTED = re.compile(
    r"(?:n['\u2019]t|\bnot) (?:want|need)\b(?! to\b)|\bno longer\b|\bany ?more\b|\bchanged my mind\b"
)
_MAY_BE_UNWANTED = SchemaValidator(
    core_schema.str_schema(strict=True, pattern=r"n(?:['\u2019]|o)t (?:want|need)|no longer|any ?more|changed my mind")
)
"""Matches wherever `_UNWANTED` does, by the linear engine."""
_NEGATIONS = ("don't", "don\u2019t", "do not", "never", "must not")

_WORD = re.compile(r"[a-z0-9$]+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_FORBIDS = re.compile(
    r"\b(?:not|never|no|nothing|nobody|cannot|without|refuse|refuses|decline|avoid|forbidden|prohibited)\b|n't\b"
)
_EXCEPTS = re.compile(r"\b(?:unless|except|only|until|if|when|before|but)\b")
_ASKED_NOT_TO = re.compile(r"\b(?:don.?t|do not|never|must not)\s+(?:\w+\s+)?\w+")


class Reason(NamedTuple):
    """What a text gives reasons for.

    Attributes:
        core: deeds that it names, as bits by the place in `DEEDS`.
        wide: deeds that it speaks of, those that it names included.
        stems: of its words.
        words: how many different ones there are.
        foreign: whether it is long enough to tell its language, and that is not English.
    """

    core: int
    wide: int
    stems: frozenset[str]
    words: int
    foreign: bool


def bit(deed: Deed) -> int:
    """The deed's bit in `Reason.deeds`."""
    return 1 << DEEDS.index(deed)


@lru_cache(maxsize=256)
def of_goal(text: str) -> Reason:
    """What a goal gives reasons for."""
    return _reason(_permitted(text))


@lru_cache(maxsize=256)
def of_system(text: str) -> tuple[Reason, ...]:
    """What each sentence of a system prompt gives reasons for. One serves many sessions: it is read once."""
    return tuple(_reason(sentence) for sentence in _SENTENCE.split(_permitted(text)))


def of_user(text: str) -> Reason:
    """What a person's words give reasons for. Who no longer wants a thing names what is to be done with it."""
    lowered = _read(text)
    unwanted = _MAY_BE_UNWANTED.isinstance_python(lowered) and _UNWANTED.search(lowered) is not None
    if any(sign in lowered for sign in _NEGATIONS):
        lowered = _ASKED_NOT_TO.sub(" ", lowered)
    reason = _reason(lowered)
    return reason._replace(core=reason.core | _ENDING, wide=reason.wide | _ENDING) if unwanted else reason


def of_proposal(text: str) -> tuple[Reason, ...]:
    """What each sentence at the end of the agent's own words proposes."""
    return tuple(_reason(sentence) for sentence in _SENTENCE.split(text[-MAX_PROPOSAL:].lower()))


def _reason(text: str) -> Reason:
    words = set(_WORD.findall(text))
    core = wide = english = 0
    stems = []
    for word in words:
        named, spoken, is_english, its_stem = _KNOWN.get(word) or _learn(word)
        core |= named
        wide |= spoken
        english += is_english
        stems.append(its_stem)
    foreign = len(words) >= MIN_WORDS and english * 12 < min(len(words), MAX_WORDS)
    return Reason(core, wide, frozenset(stems), len(words), foreign or (not text.isascii() and _is_elsewhere(text)))


class Named(NamedTuple):
    """Deeds that one sentence names.

    Attributes:
        core: as bits.
        bare: those of them that are named without an object, or with a pronoun.
        stems: of the sentence's words.
    """

    core: int
    bare: int
    stems: frozenset[str]


def named_in(text: str, *, is_goal: bool = False) -> list[Named]:
    """The sentences of a goal, or of a person's words, that name a deed."""
    found = []
    for sentence in _SENTENCE.split(_permitted(text) if is_goal else _read(text)):
        core = full = 0
        stems = []
        words = _WORD.findall(sentence)
        for word, after in zip(words, (*words[1:], ""), strict=False):
            known = _KNOWN.get(word) or _learn(word)
            core |= known.core
            full |= 0 if after in _POINTING else known.core
            stems.append(known.stem)
        if core:
            found.append(Named(core, core & ~full, frozenset(stems)))
    return found


def of_result(text: str, deeds: int) -> int:
    """Which of these deeds a result names by a verb in its plain form, as instructions do.

    Every result is read: one search by a linear engine for each deed, not word by word.
    """
    head = text[:MAX_RESULT]
    return sum(one for one, named in _NAMED if one & deeds and named.isinstance_python(head))


def of_request(text: str) -> Reason | None:
    """What a result gives reasons for in which a person asks for something, as in a ticket; None where nobody does.

    Longer ones are pages and lists: what is asked there is asked of others.
    """
    if len(text) > MAX_REQUEST:
        return None
    return of_user(text) if _REQUEST.isinstance_python(text) else None


def _is_elsewhere(text: str) -> bool:
    """Whether a text is largely in other letters than English has."""
    sample = text[:MAX_SAMPLE]
    return (len(sample) - len(sample.encode("ascii", "ignore"))) * 5 > len(sample) > MIN_WORDS


def _permitted(text: str) -> str:
    """The text without the sentences that only forbid."""
    sentences = _SENTENCE.split(_read(text))
    return "\n".join(one for one in sentences if not _FORBIDS.search(one) or _EXCEPTS.search(one))


def _read(text: str) -> str:
    if len(text) > MAX_HEAD + MAX_TAIL:
        text = f"{text[:MAX_HEAD]}\n{text[-MAX_TAIL:]}"
    return text.lower()


class _Word(NamedTuple):
    core: int
    wide: int
    english: bool
    stem: str


_KNOWN: dict[str, _Word] = {}


def _learn(word: str) -> _Word:
    """What a word tells; remembered, since texts are made of the same words."""
    core = sum(bit(deed) for deed in DEEDS if word in VERBS.get(deed, ()) or word.startswith(_PREFIXES[deed]))
    wide = core | sum(bit(deed) for deed in DEEDS if _is_wide(word, deed))
    if len(_KNOWN) >= MAX_KNOWN:
        _KNOWN.clear()
    known = _KNOWN[word] = _Word(core, wide, word in ENGLISH, stem(word))
    return known


def _is_wide(word: str, deed: Deed) -> bool:
    exact, prefixes = _WIDER[deed]
    return word in exact or word.startswith(prefixes)


_PREFIXES = {deed: tuple(words) for deed, words in CORE.items()}
_WIDER = {
    deed: (
        frozenset(word for word in words if len(word) < MIN_PREFIX),
        tuple(word for word in words if len(word) >= MIN_PREFIX or word == "$"),
    )
    for deed, words in WIDE.items()
}
_POINTING = frozenset({"", *listed("it them that this those these and or then if but please now today too instead")})
_NOUNS_TOO = listed(
    "abort change charge checkout close credit deploy drop dump edit email export forward grant increase mail message",
    "migrate notify order post promote purchase push raise refund release restart set share sms transfer tweet update",
    "upload wire withdraw broadcast buy rollout rollback reboot shutdown payout lower override",
)
_OBJECTS = "the|this|that|these|those|a|an|all|any|each|every|it|them|him|her|us|me|my|your|our|their|his|its|no"

_BEFORE = "please|to|and|then|must|should|shall|will|can|you|kindly|now|immediately"


def _plainly(deed: Deed) -> str:
    """Verbs that are nouns as well name a deed only as an order: with an object, or where an order begins."""
    alone, nouns_too = VERBS[deed] - _NOUNS_TOO, "|".join(sorted(VERBS[deed] & _NOUNS_TOO))
    patterns = [rf"\b(?:{'|'.join(sorted(alone))})\b"] if alone else []
    if nouns_too:
        patterns += [
            rf"\b(?:{nouns_too})\s+(?:{_OBJECTS})\b",
            rf"(?:[.!?]\s+|\b(?:{_BEFORE})\s+)(?:{nouns_too})\s+\w",
        ]
    return f"(?i)(?:{'|'.join(patterns)})"


_NAMED = tuple(
    (bit(deed), SchemaValidator(core_schema.str_schema(pattern=_plainly(deed), strict=True)))
    for deed in DEEDS
    if deed in VERBS
)
_ENDING = bit("delete") | bit("cancel")
_PLAIN_ORDERS = listed(
    "make give let put turn take move add set get mute silence pause stop quit block freeze bill ship roll land switch",
    "unlock lock reset reopen invite enable allow replace fix correct renew extend swap rename archive clear undo",
    "revert open end book reschedule postpone return settle order post share",
)
_ORDERS = "|".join(sorted(_PLAIN_ORDERS.union(*VERBS.values())))
_REQUEST = SchemaValidator(
    core_schema.str_schema(
        pattern=(
            r"(?i)\b(?:please|(?:can|could|would) (?:you|we|i)|(?:i|we|they)(?: would|'d)? (?:want|need|like))\b"
            r"|\b(?:needs|wants|asks|asked)\b"
            rf"|(?:^|[.!?\n\x22]\s*)(?:{_ORDERS})\s+[a-z]"
        ),
        strict=True,
    )
)
"""Words with which people ask for something; an order begins a sentence with its verb."""
