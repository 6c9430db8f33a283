"""Many watches under one promise: e-BH.

Watches that are fed by the same sessions (a grader's criteria, an agent's intents) each promise one false alarm in N
scores; together they would give many. By the e-BH procedure (Wang and Ramdas, "False discovery rate control with
e-values", JRSS B 2022), used on e-detectors (Dandapanthula and Ramdas, "Multiple testing in multi-stream sequential
change detection", 2025), k of K watches alarm where k of them have an evidence of K / k times what alarms alone. While
nothing has changed anywhere, the first alarm of the whole family comes after N scores a stream on average, at least:
where k watches have that much, the mean evidence of all is as much as alarms alone, and the mean of e-detectors is one.
However the streams depend on each other, that holds. Where one change shows in many streams, each needs less.

Baselines of a family are estimated with an `error` divided by the number of its members.
"""

from __future__ import annotations

from collections.abc import Mapping


def alarms_of(evidences: Mapping[str, float], members: int | None = None) -> tuple[str, ...]:
    """Which watches alarm, the strongest first.

    Args:
        evidences: `watch.evidence` of each watch, by name; all with the same promise.
        members: how many the family has, where some are not shown (those count as without evidence).
    """
    ordered = sorted(evidences, key=lambda name: (-evidences[name], name))
    size = max(len(ordered), members or 0)
    for count in range(len(ordered), 0, -1):
        if evidences[ordered[count - 1]] * count >= size:
            return tuple(ordered[:count])
    return ()
