"""Agents that make something up where they should have abstained.

What it sees. What was looked up (retrievals, results of tools), what the user and the system prompt said, and each
answer that is meant for the user:

- `answered_anyway` (medium): the retrievals since the answer before found nothing, or nothing as near as
  `retrieval.threshold`, and the agent answered all the same. Not where a tool answered since (the call within which was
  retrieved excepted), or the agent said that it does not know (`ResponseData.abstained`, else by its words), only asked
  back, or only kept up manners.
- `unsupported_claims` (medium; high from three on): numbers, days, names and quotations of an answer that stand in
  nothing the agent had before it, located by span. What follows from known numbers is supported (`figures`).
- `unjudged` (low, once for each reason), where the policy demands grounding: scores on another scale than it declares,
  sources that were not recorded or are too many to be told apart.

Only sessions that retrieve are judged, and all of an agent whose policy says `retrieval.require_grounding`. Without
that, tools' results before the first retrieval are not looked at (every session would pay for it): claims of such a
session are not judged. A claim is told once.

Method. Texts are reduced on arrival (`known_text`): hashes of words and of three words in a row, numbers, days; never
the text. Errors of these sets are in favour of the agent. Claims: `claims`; abstention: `abstention`.

Parameters, from the policy: `retrieval.threshold` (0.55, from field reports), `score_range` ([0, 1]),
`require_grounding` (false). Lengths that make a quotation or a name: `claims`.

What it gets wrong. Claims in words ("free of charge", a cause, a promise) are not looked at: paraphrase needs
embeddings. A true number that the model knew by itself is told; a wrong one that happens to follow from known numbers
is not, nor is a right number about the wrong thing. Single capitalised words count as names only where the text calls
them so, and no names are judged in texts that capitalise nouns. Spelled numbers are English. Abstention is recognised
in English, German, French and Spanish. What was said before a lost event, or travelled in parts, cannot be known:
from then on claims are not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from watchkeeper.schemas.contents import INLINE_LIMIT, Content
from watchkeeper.schemas.events import Event, Prompt, Response, Retrieval, ToolResult
from watchkeeper.schemas.evidence import AnsweredAnyway, Unjudged, UnsupportedClaims
from watchkeeper.stream_processors.detection.abstention import declines, says_nothing
from watchkeeper.stream_processors.detection.claims import judge_claims
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Notice, Said
from watchkeeper.stream_processors.detection.fingerprints import digest
from watchkeeper.stream_processors.detection.known_text import (
    BITMAP,
    Reduced,
    is_full,
    reduce_briefly,
    reduce_words,
    take_in,
    take_reduced,
    words_of,
)
from watchkeeper.stream_processors.detection.message_texts import new_messages
from watchkeeper.stream_processors.detection.session_rules.looked_up import (
    UngroundedAnswerState,
    forget_retrievals,
    hear_a_tool,
)
from watchkeeper.stream_processors.detection.shown_texts import plain

MAX_TOLD = 8
MAX_CLAIMS = 12
_MANY = 3
_OWN_ROLES = frozenset({"assistant", "model"})
_DAY_US = 86_400_000_000
_EPOCH = 719_163
"""The ordinal of the first of January 1970."""


class UngroundedAnswer(Detector[UngroundedAnswerState]):
    """See the module."""

    rule_id = "ungrounded_answer"
    rule_version = 2
    state_version = 2
    failure_mode = "ungrounded_answer"
    listens = frozenset({"prompt", "retrieval", "tool_result", "response"})
    state_type = UngroundedAnswerState

    def step(self, state: UngroundedAnswerState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        judged = state.looked_up or context.policy.retrieval.require_grounding
        if type(event) is Response:
            return list(_answered(state, event, context)) if judged and event.data.answer else ()
        if type(event) is Retrieval:
            return list(_retrieved(state, event, context)) if event.data.phase == "finished" else ()
        if state.blind:
            # Of a tool's result it matters still that there was one.
            if type(event) is ToolResult and state.retrievals:
                hear_a_tool(state, event, context.at_us)
            return ()
        if type(event) is Prompt:
            _prompted(state, event, wholly=judged)
        elif type(event) is ToolResult:
            _resulted(state, event, context.at_us, judged=judged)
        return ()

    # ARG002: neither event nor context says more than the notice.
    def sequence(self, state: UngroundedAnswerState, event: Event, notice: Notice, context: Context) -> Iterable[Said]:  # noqa: ARG002
        """See `Detector.sequence`: what was lost may have been the source."""
        if notice.kind == "gap":
            _blind(state, "events of this session were lost")
        return ()


def _retrieved(state: UngroundedAnswerState, event: Retrieval, context: Context) -> Iterator[Found]:
    data = event.data
    state.looked_up = True
    state.retrievals += 1
    state.last_us = context.at_us
    state.documents += len(data.documents)
    low, high = context.policy.retrieval.score_range
    for document in data.documents:
        score = None if document.score is None else (document.score - low) / (high - low)
        if score is None or not -1.001 <= score <= 1.001:
            state.unscored = True
            if score is not None:
                yield from _unjudged(state, context, "scores lie outside of retrieval.score_range")
        else:
            state.best = max(state.best, score, 0.0)
        _take(state, document.content, "documents were recorded without their text")
    if data.query is not None and data.query.text is not None and not state.blind:
        take_in(state, data.query.text)


def _take(state: UngroundedAnswerState, content: Content | None, why: str) -> None:
    if content is None or (content.text is None and content.size > INLINE_LIMIT):
        _blind(state, why)
    elif content.text is not None and not state.blind:
        take_in(state, plain(content.text))


def _blind(state: UngroundedAnswerState, why: str) -> None:
    """From here on claims are not judged; what was kept for it is let go."""
    if not state.blind:
        state.blind = why
        state.words = state.runs = ""
        state.values, state.days = [], []


def _prompted(state: UngroundedAnswerState, event: Prompt, *, wholly: bool) -> None:
    briefly: list[Reduced] = []
    system = event.data.system
    if system is not None and system.text is not None:
        _hear(state, system.text, None if wholly else briefly, shared=True)
    for _, message in new_messages(event.data):
        text = message.content.text
        if text is None or message.role in _OWN_ROLES:
            continue
        if message.role in {"tool", "function"}:
            if not state.results and wholly:
                take_in(state, plain(text))
        else:
            _hear(state, text, None if wholly else briefly, shared=message.role in {"system", "developer"})
    if not briefly:
        return
    take_reduced(state, briefly)
    # Most sessions never look anything up: theirs must stay small.
    if state.words[:1] == BITMAP:
        _blind(state, "more was said before the first retrieval than is kept")


def _hear(state: UngroundedAnswerState, text: str, briefly: list[Reduced] | None, *, shared: bool) -> None:
    """Takes in what was said; of a session that may never look anything up only words that may matter (`briefly`)."""
    if briefly is None:
        take_in(state, plain(text))
    elif shared:
        briefly.append(_standing_out(text))
    else:
        briefly.append(reduce_briefly(state, plain(text)))


@lru_cache(maxsize=256)
def _standing_out(text: str) -> Reduced:
    """Words of a system prompt that an answer may take from it; the same prompt comes with every session."""
    chosen = [word for word in plain(text).split() if word[:1].isupper() or any(char.isdigit() for char in word)]
    return reduce_words(words_of(" ".join(chosen)))


def _resulted(state: UngroundedAnswerState, event: ToolResult, at_us: int, *, judged: bool) -> None:
    state.results = True
    data = event.data
    if data.status == "ok":
        hear_a_tool(state, event, at_us)
    if not judged:
        _blind(state, "tools answered before the first retrieval")
    elif data.result is not None or data.status == "ok":
        _take(state, data.result, "results of tools were not recorded")


def _answered(state: UngroundedAnswerState, event: Response, context: Context) -> Iterator[Found]:
    text = None if event.data.text is None else event.data.text.text
    if not text:
        return
    yield from _anyway(state, event, text, context)
    forget_retrievals(state)
    if state.blind or state.cut or is_full(state.words):
        yield from _unjudged(state, context, state.blind or "more was looked up than can be told apart")
        return
    judged = judge_claims(text, state, context.at_us // _DAY_US + _EPOCH)
    if not judged.unsupported:
        return
    count = len(judged.unsupported)
    evidence = UnsupportedClaims(
        request_id=event.data.request_id,
        claims=judged.unsupported[:MAX_CLAIMS],
        more=max(0, count - MAX_CLAIMS),
        checked=judged.checked,
    )
    yield Found(
        about=("claims", event.event_id),
        severity="high" if count >= _MANY else "medium",
        summary=_summary(evidence, count),
        evidence=evidence,
    )
    # What was told once is not told again where the agent repeats it.
    take_in(state, plain(text))


def _summary(evidence: UnsupportedClaims, count: int) -> str:
    kinds = sorted({claim.claim for claim in evidence.claims})
    return (
        f"{count} of {evidence.checked} claims of the answer ({', '.join(kinds)}) stand in nothing that was looked up, "
        "nor in what the user said."
    )


def _anyway(state: UngroundedAnswerState, event: Response, text: str, context: Context) -> Iterator[Found]:
    threshold = context.policy.retrieval.threshold
    if not state.retrievals or state.best >= threshold or (state.documents and state.best < 0) or state.unscored:
        return
    abstained = event.data.abstained
    if abstained or (abstained is None and declines(text)) or says_nothing(text):
        return
    evidence = AnsweredAnyway(
        request_id=event.data.request_id,
        reason="below_threshold" if state.documents else "nothing_retrieved",
        retrievals=state.retrievals,
        documents=state.documents,
        best_score=state.best if state.documents else None,
        threshold=threshold,
    )
    what = (
        f"the best of {state.documents} documents has a similarity of {state.best:.2f}, below {threshold:g}"
        if state.documents
        else "nothing was found"
    )
    yield Found(
        about=("anyway", event.event_id),
        severity="medium",
        summary=f"The agent answered though {what}.",
        evidence=evidence,
    )


def _unjudged(state: UngroundedAnswerState, context: Context, reason: str) -> Iterator[Found]:
    key = digest(reason)
    if not context.policy.retrieval.require_grounding or key in state.told or len(state.told) >= MAX_TOLD:
        return
    state.told.append(key)
    yield Found(
        about=("unjudged", reason),
        severity="low",
        summary=f"Whether answers of this session are grounded could not be judged in all of it: {reason}.",
        evidence=Unjudged(detector=UngroundedAnswer.rule_id, reason=reason),
    )
