"""A comparison for build servers: JUnit XML, one test case for each case of the suite and one for the gate."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from watchkeeper.evals.gate.attempts import Attempt
from watchkeeper.evals.gate.comparison import Comparison, Regression

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(found: Comparison, candidate: Sequence[Attempt]) -> str:
    """The document. A case fails where the candidate is worse on it than the baseline, and is an error without answer.

    The gate itself is the first test case: it fails on a fall and is an error where nothing can be said. Build servers
    that count failed cases see more than the gate blocks by: single cases go either way by chance.
    """
    by_case: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in candidate:
        by_case[attempt.case_id].append(attempt)
    worse: dict[str, list[Regression]] = defaultdict(list)
    for regression in found.regressions:
        worse[regression.case_id].append(regression)
    gate = Element("testsuite", name="gate")
    _gate_case(gate, found)
    cases = Element("testsuite", name=_clean(f"suite {found.named.suite}"))
    for case_id, attempts in by_case.items():
        _suite_case(cases, found.named.suite, case_id, attempts, worse[case_id])
    whole = Element("testsuites", name=_clean(f"watchkeeper evals run {found.named.run_id}"))
    for suite in (gate, cases):
        _count(suite)
        whole.append(suite)
    for name in ("tests", "failures", "errors"):
        whole.set(name, str(sum(int(suite.get(name, "0")) for suite in (gate, cases))))
    indent(whole)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(whole, encoding="unicode") + "\n"


def _gate_case(suite: Element, found: Comparison) -> None:
    case = SubElement(suite, "testcase", name=_clean(f"{found.named.candidate} against {found.named.baseline}"))
    case.set("classname", "watchkeeper.gate")
    told = "\n".join((*found.decision.reasons, *found.decision.warnings))
    if found.decision.outcome == "pass":
        SubElement(case, "system-out").text = _clean(told)
        return
    element = SubElement(case, "failure" if found.decision.outcome == "fall" else "error")
    element.set("type", found.decision.outcome)
    element.set("message", _clean(found.decision.reasons[0]))
    element.text = _clean(told)


def _suite_case(
    suite: Element, name: str, case_id: str, attempts: Sequence[Attempt], worse: Sequence[Regression]
) -> None:
    case = SubElement(suite, "testcase", name=_clean(case_id))
    case.set("classname", _clean(f"{name}.{attempts[0].intent or 'no intent'}"))
    times = [attempt.seconds for attempt in attempts if attempt.seconds is not None]
    case.set("time", f"{sum(times):.3f}")
    troubles = [attempt.trouble for attempt in attempts if attempt.trouble]
    if troubles and len(troubles) == len(attempts):
        element = SubElement(case, "error", type=troubles[0].kind, message=_clean(troubles[0].text))
        element.text = _clean("\n".join(trouble.text for trouble in troubles))
    elif worse:
        first = worse[0]
        now = "no answer" if first.candidate is None else f"{first.candidate:.2f}"
        message = f"{first.grader}: {first.baseline:.2f} before, {now} now"
        element = SubElement(case, "failure", type="worse", message=_clean(message))
        element.text = _clean("\n".join(f"{one.grader}: {one.reason} (session {one.session_id})" for one in worse))


def _count(suite: Element) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")


def _clean(text: str) -> str:
    """Text without what XML cannot hold: an agent's answer may hold anything."""
    return _NOT_XML.sub("\ufffd", text)
