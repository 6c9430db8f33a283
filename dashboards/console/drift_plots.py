"""What is drawn of a stream: means of its scores, and below them the statistic against what alarms."""

from __future__ import annotations

from watchkeeper.dashboards.console.drift_source import Course
from watchkeeper.dashboards.console.plots import Dot, Plot, Rule, Span, points, powers_for, room_for


def span_of(course: Course) -> Span | None:
    """The time that both plots show; None where there are no scores."""
    if not course.blocks:
        return None
    return Span(course.blocks[0].first_at, course.blocks[-1].last_at)


def means_plot(course: Course) -> Plot | None:
    """Means of neighbouring scores, with the baseline's mean and the limit; None without scores."""
    span = span_of(course)
    if span is None:
        return None
    levels = {"before": course.before, "limit": course.limit}
    drawn = {kind: share for kind, share in levels.items() if share is not None}
    height = room_for([*(block.mean for block in course.blocks), *drawn.values()])
    dots = [
        Dot("mean", span.place(block.first_at + (block.last_at - block.first_at) / 2), height.place(block.mean))
        for block in course.blocks
    ]
    return Plot(
        name="Means of neighbouring scores over time",
        dots=dots,
        levels=[Rule(kind, height.place(share)) for kind, share in drawn.items()],
        marks=_marks(course, span),
        shade=_baseline(course, span),
        y_words=height.words,
        x_words=span.words,
    )


def statistic_plot(course: Course) -> Plot | None:
    """What speaks for a change, as a share of what alarms; None as long as nothing is held against a baseline."""
    span = span_of(course)
    if span is None or not course.steps:
        return None
    height = powers_for([step.share for step in course.steps])
    return Plot(
        name="What speaks for a change over time, as a share of what alarms, in powers of ten",
        line=points([(span.place(step.at), height.place(step.share)) for step in course.steps]),
        levels=[Rule("alarm", height.place(1.0))],
        marks=_marks(course, span),
        shade=_baseline(course, span),
        y_words=height.words,
        x_words=span.words,
    )


def _baseline(course: Course, span: Span) -> tuple[float, float] | None:
    return None if course.baseline_to is None else (0.0, span.place(course.baseline_to))


def _marks(course: Course, span: Span) -> list[Rule]:
    """Where the last change began, most likely, and where each was told."""
    told = [Rule("told", span.place(alarm.at)) for alarm in course.alarms if not alarm.is_revised]
    return [*told, *(Rule("since", span.place(alarm.told.since)) for alarm in course.alarms[-1:])]
