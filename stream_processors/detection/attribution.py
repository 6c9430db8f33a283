"""Which of an agent's tools a person meant who named a deed.

"Cancel my order" is no reason to cancel a subscription. A deed that stands in one sentence with what some of the
agent's tools do it to is shared out to these tools; named without any such thing, it is a reason for all tools of that
deed, since people call things by other names than tools do. So is a deed that is done to everything. A deed that is
named again without an object ("yes, cancel it") says what was said before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from watchkeeper.stream_processors.detection.deeds import DEEDS, Toolbox
from watchkeeper.stream_processors.detection.reasons import Named, bit
from watchkeeper.stream_processors.detection.word_lists import ANYTHING, Deed, listed, stem

_ALL_OF_IT = frozenset(stem(word) for word in ANYTHING | listed("all any every both whole entire rest other others"))

COMMANDED: Final = frozenset(
    stem(word)
    for word in listed(
        "file folder directory path table row column record database schema index view bucket blob object volume disk",
        "snapshot backup branch tag commit repository package image container pod deployment cluster node server host",
        "machine vm instance service process job queue topic cache log secret token",
        "firewall port dns domain site website endpoint api artifact build environment config configuration",
        "resource namespace stack sql shell command script terminal query",
    )
)
"""What commands act on, as stems; without words that any prompt is full of, such as users and data."""


class Shared(NamedTuple):
    """What deeds are left, and what was said of which.

    Attributes:
        open: deeds that some tool can still do without a reason, as bits.
        core: deeds that were named, as bits.
        spoken: `deed:thing` for deeds that were shared out.
    """

    open: int
    core: int
    spoken: frozenset[str]


def share_out(sentences: Iterable[Named], opened: int, known: Collection[str], toolbox: Toolbox) -> Shared:
    """Shares the deeds named in these sentences out to the tools whose things stand beside them.

    Args:
        sentences: of one text.
        opened: deeds that nobody gave a reason for yet, as bits; nothing is said of others.
        known: what was shared out before, as `deed:thing`; other entries mean nothing here.
        toolbox: the agent's tools.
    """
    named = 0
    spoken: set[str] = set()
    for sentence in sentences:
        named |= sentence.core
        for deed in (one for one in DEEDS if sentence.core & opened & bit(one)):
            things = set[str]() if sentence.stems & _ALL_OF_IT else _things_beside(deed, sentence, toolbox)
            spoken.update(f"{deed}:{thing}" for thing in things)
            if not things and not (sentence.bare & bit(deed) and _was_shared(deed, (*known, *spoken))):
                opened &= ~bit(deed)
    for deed in DEEDS:
        if opened & named & bit(deed) and _is_settled(deed, {*known, *spoken}, toolbox):
            opened &= ~bit(deed)
    return Shared(opened, named, frozenset(spoken))


def _things_beside(deed: Deed, sentence: Named, toolbox: Toolbox) -> set[str]:
    return {thing for one, things in toolbox.doing if one == deed for thing in things & sentence.stems}


def _was_shared(deed: Deed, known: Iterable[str]) -> bool:
    return any(one.startswith(f"{deed}:") for one in known)


def _is_settled(deed: Deed, known: Collection[str], toolbox: Toolbox) -> bool:
    """Whether every tool of a deed was spoken of: nothing is left to look for."""
    return all(
        not things or any(f"{deed}:{thing}" in known for thing in things)
        for one, things in toolbox.doing
        if one == deed
    )
