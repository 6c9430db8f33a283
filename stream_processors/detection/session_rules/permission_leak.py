"""Documents that reach somebody who may not read them.

What it sees. Each retrieval's documents with their access lists, and the groups of the person on whose behalf was
asked; then prompts and answers, for what becomes of the documents that this person may not read:

- `leaked_document`: such a document stands in a prompt (`reach: model`, medium), or its words stand in an answer
  (`answer`, high; a revision where the prompt was found before). Where an agent answers and no prompt was recorded
  since the retrieval, nobody can tell whether the model saw it (`unknown`, low). A document that was filtered before
  the prompt is no finding, nor is one whose words all stand in documents that the asker may read.
- `stale_access_list` (medium), once for each source: a document's list was older at query time than
  `retrieval.access_list_max_age_seconds`.
- `unjudged` (low), once for each reason: the policy demands what was not told (lists, the asker's groups, the time of
  a list), or more documents are to be followed than there is room for.

Lists that are absent are silence, unless the policy demands them; so are sessions that look nothing up.

Method. Who may read what: `access`. Texts are known again by runs of five words (`shingles`): three of a document's
own in a prompt, or in an answer runs of eight words together, or half of the document. Runs that also stand in
documents that the asker may read, or in the query, are nobody's. Only documents that may not be read are remembered,
as samples of their runs; a session without such documents costs a look at each list.

Parameters, from the policy: `retrieval.require_access_lists`, `empty_access_list`, `public_groups`,
`access_list_max_age_seconds`. Thresholds (`leak_suspects`): eight words are more than a phrase that everybody uses.

What it gets wrong. What a model says in words of its own is not known again in an answer; the prompt shows it then,
where prompts are recorded. A document whose text was not recorded, or is of fewer than six words, is `unknown`. A copy
of its text that the asker got in another way (a tool's result, a document looked up earlier) counts as the document's.
An asker whose groups were not resolved to those above them is accused. Texts that travel in parts are not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from watchkeeper.schemas.contents import Content
from watchkeeper.schemas.events import Event, Prompt, Response, Retrieval, SessionEnded
from watchkeeper.schemas.evidence import LeakedDocument, Span, StaleAccessList, Unjudged
from watchkeeper.schemas.evidence.permission_leak import Reach
from watchkeeper.schemas.model import to_us
from watchkeeper.stream_processors.detection.access import access_of
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Notice, Said
from watchkeeper.stream_processors.detection.fingerprints import brief, digest
from watchkeeper.stream_processors.detection.session_rules.leak_suspects import (
    MAX_SUSPECTS,
    Suspect,
    absolve,
    copied,
    is_copy,
    is_shown,
    keep_prints,
    suspect_of,
)
from watchkeeper.stream_processors.detection.shingles import count_words, shingles, values_of
from watchkeeper.stream_processors.detection.shown_texts import is_readable, shown_in

MAX_TOLD = 16
"""Reasons and sources that are told of in one session."""

MAX_LISTED = 8
MAX_SPANS = 16


@dataclass(slots=True)
class PermissionLeakState:
    """What is kept between events.

    Attributes:
        suspects: documents that may not be read, to be known again.
        told: what was told once.
    """

    suspects: list[Suspect] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class PermissionLeak(Detector[PermissionLeakState]):
    """See the module."""

    rule_id = "permission_leak"
    failure_mode = "permission_leak"
    listens = frozenset({"retrieval", "prompt", "response", "session_ended"})
    state_type = PermissionLeakState

    def step(self, state: PermissionLeakState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is Retrieval:
            return list(_looked_up(state, event, context)) if event.data.documents else ()
        if not state.suspects:
            return ()
        if type(event) is Prompt:
            return list(_prompted(state, event))
        if type(event) is Response:
            data = event.data
            return [*_unseen(state), *(_answered(state, data.text) if data.answer else ())]
        if type(event) is SessionEnded:
            return list(_answered(state, event.data.answer))
        return ()

    def sequence(self, state: PermissionLeakState, event: Event, notice: Notice, context: Context) -> Iterable[Said]:
        """See `Detector.sequence`: of a retrieval that comes late it is not known which prompts followed."""
        if notice.kind != "filled" or type(event) is not Retrieval or not event.data.documents:
            return ()
        return [*_looked_up(state, event, context), *_unseen(state)]


def _looked_up(state: PermissionLeakState, event: Retrieval, context: Context) -> Iterator[Found]:
    data, rules = event.data, context.policy.retrieval
    denied, permitted = [], []
    for document in data.documents:
        access = access_of(document, data.asker_groups, rules)
        if access == "denied":
            denied.append(document)
        elif access == "allowed":
            permitted.append(document)
        elif rules.require_access_lists:
            missing = "access lists" if access == "no_list" else "the asker's groups"
            yield from _told_once(state, f"{missing} were not recorded with what was looked up")
    if rules.access_list_max_age_seconds is not None:
        yield from _stale(state, event, rules.access_list_max_age_seconds)
    if not denied and not state.suspects:
        return
    for document in denied:
        yield from _follow(state, suspect_of(document, event, context.at_us))
    for content in (*(document.content for document in permitted), data.query):
        if content is not None:
            absolve(state.suspects, content)
    keep_prints(state.suspects)


def _follow(state: PermissionLeakState, suspect: Suspect) -> Iterator[Found]:
    """Takes up a suspect; where there is no room, one of which everything is told makes it."""
    for known in state.suspects:
        if (known["document"], known["version"]) == (suspect["document"], suspect["version"]):
            known["unseen"] = True
            if suspect["words"]:
                known["address"], known["words"], known["prints"] = (
                    suspect["address"],
                    suspect["words"],
                    suspect["prints"],
                )
            return
    if len(state.suspects) >= MAX_SUSPECTS:
        done = next((one for one in state.suspects if one["reach"] == "answer"), None)
        if done is None:
            reason = f"more than {MAX_SUSPECTS} documents that the asker may not read were looked up"
            yield from _told_once(state, reason)
            return
        state.suspects.remove(done)
    state.suspects.append(suspect)


def _prompted(state: PermissionLeakState, event: Prompt) -> Iterator[Found]:
    readable = is_readable(event.data)
    addresses = {brief(message.content.address) for message in event.data.messages}
    if event.data.system is not None:
        addresses.add(brief(event.data.system.address))
    shown: set[int] = set()
    for text in shown_in(event.data):
        shown.update(values_of(text))
    for suspect in state.suspects:
        if suspect["reach"] in {"", "unknown"} and is_shown(suspect, shown, addresses):
            yield _leaked(suspect, "model")
        # Without a text to know it by, a prompt tells nothing of the document.
        suspect["unseen"] = suspect["unseen"] and not (readable and suspect["prints"])


def _unseen(state: PermissionLeakState) -> Iterator[Found]:
    for suspect in state.suspects:
        if suspect["unseen"] and not suspect["reach"]:
            yield _leaked(suspect, "unknown")


def _answered(state: PermissionLeakState, answer: Content | None) -> Iterator[Found]:
    if answer is None:
        return
    text = answer.text or ""
    runs = list(shingles(text))
    for suspect in state.suspects:
        spans = copied(suspect, runs) if suspect["prints"] else []
        words = sum(count_words(text[start:end]) for start, end in spans)
        if suspect["address"] == brief(answer.address):
            words = suspect["words"]
        elif not is_copy(suspect, runs, words):
            continue
        if words > suspect["overlap"]:
            suspect["overlap"] = words
            yield _leaked(suspect, "answer", words, spans)


def _leaked(suspect: Suspect, reach: Reach, words: int = 0, spans: Iterable[tuple[int, int]] = ()) -> Found:
    revision = suspect["revision"]
    suspect["reach"], suspect["revision"] = reach, revision + 1
    evidence = LeakedDocument(
        document_id=suspect["document"],
        version=suspect["version"],
        retrieval_id=suspect["retrieval"],
        source=suspect["source"],
        reach=reach,
        allowed_groups=suspect["allowed"],
        more_groups=suspect["more_allowed"],
        asker_groups=suspect["asker"],
        more_asker_groups=suspect["more_asker"],
        overlap=words,
        spans=[Span(start=start, length=end - start) for start, end in list(spans)[:MAX_SPANS]],
    )
    return Found(
        about=("leak", suspect["document"], suspect["version"]),
        severity="high" if reach == "answer" else "medium" if reach == "model" else "low",
        summary=_summary(evidence),
        evidence=evidence,
        first_event_id=suspect["event_id"],
        first_us=suspect["at_us"],
        revision=revision,
    )


def _summary(leak: LeakedDocument) -> str:
    right = f"it is for {', '.join(leak.allowed_groups)}" if leak.allowed_groups else "its access list admits nobody"
    if leak.more_groups:
        right += f" and {leak.more_groups} more groups"
    ends = {
        "answer": f"{leak.overlap} words of the answer are from it",
        "model": "the model was shown it",
        "unknown": "it is not known whether the model was shown it",
    }
    return f"The asker may not read the document {leak.document_id}: {right}; {ends[leak.reach]}."


def _stale(state: PermissionLeakState, event: Retrieval, limit: float) -> Iterator[Found]:
    data, queried_us = event.data, to_us(event.occurred_at)
    listed = [one for one in data.documents if one.allowed_groups is not None]
    if any(one.access_list_at is None for one in listed):
        yield from _told_once(state, "the time of access lists was not recorded")
    ages = [
        ((queried_us - to_us(one.access_list_at)) / 1_000_000, one.document_id)
        for one in listed
        if one.access_list_at is not None
    ]
    old = sorted((age for age in ages if age[0] > limit), reverse=True)
    if not old or not _is_new(state, digest(f"stale/{data.source}")):
        return
    evidence = StaleAccessList(
        retrieval_id=data.retrieval_id,
        source=data.source,
        documents=[document for _, document in old[:MAX_LISTED]],
        more=max(0, len(old) - MAX_LISTED),
        age_seconds=old[0][0],
        limit_seconds=limit,
    )
    yield Found(
        about=("stale", data.source),
        severity="medium",
        summary=(
            f"{'A document was' if len(old) == 1 else f'{len(old)} documents were'} found by an access list that was "
            f"{_for_so_long(old[0][0])} old; the policy allows {_for_so_long(limit)}."
        ),
        evidence=evidence,
    )


def _for_so_long(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def _told_once(state: PermissionLeakState, reason: str) -> Iterator[Found]:
    if _is_new(state, digest(reason)):
        yield Found(
            about=("unjudged", reason),
            severity="low",
            summary=f"Who may read what could not be judged in all of this session: {reason}.",
            evidence=Unjudged(detector=PermissionLeak.rule_id, reason=reason),
        )


def _is_new(state: PermissionLeakState, key: str) -> bool:
    if key in state.told or len(state.told) >= MAX_TOLD:
        return False
    state.told.append(key)
    return True


def _text(content: Content | None) -> str | None:
    return None if content is None else content.text
