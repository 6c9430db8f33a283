"""What somebody who relies on a suite should know of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

from watchkeeper.evals.suites.suite import Suite

FEW_CASES: Final = 200
FEW_OF_AN_INTENT: Final = 10
_TRAJECTORY: Final = "tool_trajectory"


def warnings_of(suite: Suite) -> Iterator[str]:
    """Sentences, each with its remedy."""
    if suite.state == "edited":
        yield (
            f"edited since version {suite.version} was frozen: scores call it {suite.reference}; freeze it as the next "
            "version with `watchkeeper evals suite refresh`"
        )
    if suite.state == "draft":
        yield "nobody froze it: freeze it with `watchkeeper evals suite refresh`"
    number = len(suite.cases)
    if number < FEW_CASES:
        margin = 98 / math.sqrt(number)
        yield f"{number} cases tell a share only to within {margin:.0f} points; draw {FEW_CASES} to 500 with --size"
    yield from _of_intents(suite)


def _of_intents(suite: Suite) -> Iterator[str]:
    counts = Counter(case.intent for case in suite.cases)
    few = [f"{intent or '(none)'} {many}" for intent, many in sorted(counts.items()) if many < FEW_OF_AN_INTENT]
    if few:
        yield f"too few cases to judge an intent by itself ({', '.join(few)}): draw more, or look further back"
    for intent in sorted(counts):
        name = intent or "(none)"
        rubric = suite.rubric_for(intent)
        if rubric is None:
            yield f"no rubric is for the intent {name}: add one to suite.yaml, or one for `*`"
            continue
        compares = any(criterion.grader == _TRAJECTORY for criterion in rubric.criteria)
        if compares and not any(case.reference_calls for case in suite.cases if case.intent == intent):
            yield f"the rubric for {name} compares calls, and no case of it has reference_calls: add some"
    if not any(case.reference_answer or case.reference_calls for case in suite.cases):
        yield (
            "no case has a reference: no session is known to have ended well. Record outcomes (`session.outcome`), "
            "or write references into cases.jsonl"
        )
