"""The figures of a run: for `benchmarks/results/scorecard.json`, and as tables for `docs/scorecard.md`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness import Figure, of_quantile

from scorecard.intervals import Precision, Share, precision, share, upper_bound
from scorecard.model import ModeCard, Part
from scorecard.seen import Seen
from scorecard.tally import Counts, Tally
from scorecard.untouched import PREFIX, Untouched, to_read


def document(cards: Sequence[ModeCard], counts: Tally, recordings: Sequence[Untouched]) -> dict[str, Any]:
    """Everything that was counted, as JSON. What is not defined is null."""
    return {
        "clean": _clean(counts),
        "modes": [_mode(card, counts) for card in cards],
        "recordings": [
            {"name": one.name, "sessions": one.sessions, "alarms": dict(one.alarms), "unjudged": one.unjudged}
            for one in recordings
        ],
        "recordings_read": [
            {"recording": one.tenant.removeprefix(PREFIX), **_alarm(one)} for one in to_read(recordings)
        ],
    }


def figures(cards: Sequence[ModeCard], counts: Tally) -> list[Figure]:
    """The figures that have a value; one that is not defined is left out here and null in `document`."""
    found = [figure for card in cards for figure in _of_mode(card, counts)]
    n, alarmed = counts.clean_sessions, counts.alarmed()
    if n:
        bound = share(min(alarmed, n), n)
        interval = (bound.low * 1000, bound.high * 1000)
        found.append(Figure("false_alarms_per_1000_clean_sessions", alarmed / n * 1000, "alarms", n, interval))
    return found


def _of_mode(card: ModeCard, counts: Tally) -> Iterator[Figure]:
    recall, right = _recall(counts.modes[card.mode]), _precision(card, counts)
    yield from _shares(card.mode, recall, right, counts)
    seconds = counts.modes[card.mode].seconds
    for part in card.parts:
        name = f"{card.mode}_{part.name}"
        recall, right = _recall_of(part, card, counts), _precision_of(part, card, counts)
        yield from _shares(name, recall, right, counts)
    if seconds:
        yield of_quantile(f"seconds_to_finding_p50/{card.mode}", "s", seconds, 0.5)
        yield of_quantile(f"seconds_to_finding_p95/{card.mode}", "s", seconds, 0.95)


def _shares(name: str, recall: Share, right: Precision, counts: Tally) -> Iterator[Figure]:
    if recall.value is not None:
        yield Figure(f"recall/{name}", recall.value, "share", recall.n, (recall.low, recall.high))
    if right.value is not None:
        interval = (right.low or 0.0, 1.0 if right.high is None else right.high)
        yield Figure(f"precision/{name}", right.value, "share", counts.clean_sessions, interval)


def _recall(counts: Counts) -> Share:
    return share(counts.found, counts.planted)


def _recall_of(part: Part, card: ModeCard, counts: Tally) -> Share:
    own = [counts.recipes[card.mode, name] for name in sorted(part.recipes)]
    return share(sum(one.found for one in own), sum(one.planted for one in own))


def _alarm_share(counts: Tally, mode: str, kinds: Collection[str] | None = None) -> Share:
    return share(min(counts.alarmed(mode, kinds), counts.clean_sessions), counts.clean_sessions)


def _precision(card: ModeCard, counts: Tally) -> Precision:
    return precision(_recall(counts.modes[card.mode]), _alarm_share(counts, card.mode))


def _precision_of(part: Part, card: ModeCard, counts: Tally) -> Precision:
    return precision(_recall_of(part, card, counts), _alarm_share(counts, card.mode, part.kinds))


def _clean(counts: Tally) -> dict[str, Any]:
    n, alarmed = counts.clean_sessions, counts.alarmed()
    return {
        "sessions": n,
        "sessions_of_near_misses": counts.near_sessions,
        "near_misses": counts.near_misses.total(),
        "alarms": alarmed,
        "alarms_per_1000": alarmed / n * 1000 if n else None,
        "alarms_per_1000_upper_95": upper_bound(min(alarmed, n), n) * 1000 if n else None,
        "notes": dict(counts.notes),
        "unjudged": dict(counts.unjudged),
        "shown": [_alarm(one) for one in counts.alarms[:50]],
    }


def _alarm(one: Seen) -> dict[str, str]:
    return {"mode": one.mode, "kind": one.kind, "severity": one.severity, "about": one.about, "summary": one.summary}


def _mode(card: ModeCard, counts: Tally) -> dict[str, Any]:
    own = counts.modes[card.mode]
    return {
        "mode": card.mode,
        "target": card.target,
        "recall": _share(_recall(own)),
        "precision_at_1_percent": asdict(_precision(card, counts)),
        "false_alarms": _false_alarms(_alarm_share(counts, card.mode)),
        "parts": [_part(part, card, counts) for part in card.parts],
        "seconds_to_finding": _seconds(own.seconds),
        "in_recordings": _share(share(own.found_in_recordings, own.in_recordings)),
        "recipes": [
            {
                "name": recipe.name,
                "says": recipe.says,
                "recall": _share(_recall(counts.recipes[card.mode, recipe.name])),
                "missed": counts.recipes[card.mode, recipe.name].missed[:10],
            }
            for recipe in card.recipes
        ],
        "near_misses": [
            {
                "name": near.name,
                "says": near.says,
                "performed": counts.near_misses[card.mode, near.name],
                "alarms": counts.alarms_of[card.mode, near.name],
            }
            for near in card.near_misses
        ],
        "besides": {other: count for (mode, other), count in sorted(counts.besides.items()) if mode == card.mode},
    }


def _part(part: Part, card: ModeCard, counts: Tally) -> dict[str, Any]:
    return {
        "name": part.name,
        "target": part.target,
        "recall": _share(_recall_of(part, card, counts)),
        "precision_at_1_percent": asdict(_precision_of(part, card, counts)),
        "false_alarms": _false_alarms(_alarm_share(counts, card.mode, part.kinds)),
        "seconds_to_finding": _seconds(
            [one for name in sorted(part.recipes) for one in counts.recipes[card.mode, name].seconds]
        ),
    }


def _false_alarms(alarms: Share) -> dict[str, Any]:
    return {
        "alarms": alarms.hits,
        "per_1000": None if alarms.value is None else alarms.value * 1000,
        "per_1000_upper_95": upper_bound(alarms.hits, alarms.n) * 1000 if alarms.n else None,
    }


def _share(one: Share) -> dict[str, Any]:
    return {"hits": one.hits, "n": one.n, "value": one.value, "low": one.low, "high": one.high}


def _seconds(seconds: Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    ordered = sorted(seconds)
    return {"p50": ordered[len(ordered) // 2], "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]}


def missed_targets(result: Mapping[str, Any]) -> list[str]:
    """Modes whose recall or precision is below what the project asks for, or not known; and too many false alarms."""
    found = []
    for name, line in _lines(result):
        for what, value in (
            ("recall", line["recall"]["value"]),
            ("precision", line["precision_at_1_percent"]["value"]),
        ):
            if value is None or value < line["target"]:
                found.append(f"{what}/{name}: {spelled(value)} (target {line['target']:.2f})")
    rate = result["clean"]["alarms_per_1000"]
    if rate is None or rate > 5:
        found.append(f"false alarms per 1,000 clean sessions: {spelled(rate)} (target 5)")
    return found


def _lines(result: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What has a target: each mode, or its parts, by the names of their figures."""
    for mode in result["modes"]:
        if not mode["parts"]:
            yield mode["mode"], mode
        for part in mode["parts"]:
            yield f"{mode['mode']}_{part['name']}", part


def spelled(value: float | None, digits: int = 3) -> str:
    """A figure for a person; what is not defined says so."""
    return "undefined" if value is None else f"{value:.{digits}f}"


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    """The tables of `docs/scorecard.md`, by the name of their place."""
    return {
        "modes": _table(
            ("mode", "recall", "n", "target", "precision at 1 %", "false alarms per 1,000", "to finding, median / p95"),
            (_line_row(name, line) for name, line in _lines(result)),
        ),
        "recipes": _table(
            ("mode", "recipe", "recall", "n", "what the agent does"),
            (
                (f"`{mode['mode']}`", one["name"], _interval(one["recall"]), str(one["recall"]["n"]), one["says"])
                for mode in result["modes"]
                for one in mode["recipes"]
            ),
        ),
        "near-misses": _table(
            ("mode", "near miss", "performed", "alarms", "what the agent does"),
            (
                (f"`{mode['mode']}`", one["name"], str(one["performed"]), str(one["alarms"]), one["says"])
                for mode in result["modes"]
                for one in mode["near_misses"]
            ),
        ),
        "recordings": _table(
            ("recording", "sessions", "alarms", "by mode"),
            (
                (f"`{one['name']}`", str(one["sessions"]), str(sum(one["alarms"].values())), _by_mode(one["alarms"]))
                for one in result["recordings"]
            ),
        ),
    }


def _line_row(name: str, line: Mapping[str, Any]) -> tuple[str, ...]:
    alarms, seconds = line["false_alarms"], line["seconds_to_finding"]
    bound = spelled(alarms["per_1000_upper_95"], 2)
    return (
        f"`{name}`",
        _interval(line["recall"]),
        str(line["recall"]["n"]),
        f"{line['target']:.2f}",
        _interval(line["precision_at_1_percent"]),
        f"{spelled(alarms['per_1000'], 2)} (at most {bound})",
        "undefined" if seconds is None else f"{seconds['p50']:.1f} s / {seconds['p95']:.1f} s",
    )


def _interval(one: Mapping[str, Any]) -> str:
    if one["value"] is None:
        return "undefined"
    return f"{one['value']:.3f} ({spelled(one['low'])} to {spelled(one['high'])})"


def _by_mode(alarms: Mapping[str, int]) -> str:
    return ", ".join(f"`{mode}` {count}" for mode, count in sorted(alarms.items(), key=lambda one: -one[1])) or "none"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
