"""A quick try of recipes in this process, for writing them: what was missed, and what alarmed.

python benchmarks/try_recipes.py hallucinated_tool --plants 20 --near 20 --jobs 100
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from random import Random

from scorecard.bundles import Bundle
from scorecard.composer import Composer, Place
from scorecard.in_process import Court
from scorecard.model import ModeCard
from scorecard.modes import cards
from scorecard.seen import Seen, fits, is_alarm, latest
from watchkeeper.stream_processors.prices import GenaiPriceBook


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries recipes and prints a line for each; answers 1 where one was missed or a clean session alarmed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modes", nargs="*", help="all, if none is named")
    parser.add_argument("--plants", type=int, default=10, help="of each recipe")
    parser.add_argument("--near", type=int, default=10, help="of each near miss")
    parser.add_argument("--jobs", type=int, default=0, help="clean sessions besides")
    parser.add_argument("--seed", default="try")
    options = parser.parse_args(arguments)
    chosen = [card for card in cards() if not options.modes or card.mode in options.modes]
    court = Court(GenaiPriceBook())
    with Composer(options.seed) as composer:
        faults = sum(_try_card(composer, court, card, options.plants, options.near) for card in chosen)
        faults += _try_jobs(composer, court, options.jobs)
    return 1 if faults else 0


def _try_card(composer: Composer, court: Court, card: ModeCard, plants: int, near: int) -> int:
    faults = 0
    for recipe in card.recipes:
        bundles = [composer.plant(card, recipe, number) for number in range(plants)]
        faults += _tell(f"{card.mode}/{recipe.name}", bundles, [court.hear(bundle) for bundle in bundles])
    for one in card.near_misses:
        places = Random(one.name).sample(range(near * 50), near)
        bundles = [
            composer.near_miss(card, one, number, Place(place, near * 50))
            for number, place in enumerate(sorted(places))
        ]
        faults += _tell(f"{card.mode}/near/{one.name}", bundles, [court.hear(bundle) for bundle in bundles])
    return faults


def _try_jobs(composer: Composer, court: Court, jobs: int) -> int:
    bundles = [composer.job(number, Place(number, jobs)) for number in range(jobs)]
    return _tell("jobs", bundles, [court.hear(bundle) for bundle in bundles])


def _tell(title: str, bundles: Sequence[Bundle], found: Sequence[Sequence[Seen]]) -> int:
    if not bundles:
        return 0
    missed = 0
    alarms: Counter[str] = Counter()
    for bundle, seen in zip(bundles, found, strict=True):
        open_ones = [one for one in latest(seen) if one.is_open]
        if bundle.sought is not None and bundle.mode is not None:
            hits = [one for one in seen if fits(bundle.sought, bundle.mode, one)]
            missed += not hits
            if not bundle.recorded:
                alarms.update(_named(one) for one in open_ones if one.mode != bundle.mode)
        else:
            alarms.update(_named(one) for one in open_ones if is_alarm(one))
    events = sum(bundle.events for bundle in bundles)
    planted = bundles[0].sought is not None
    what = (
        f"found {len(bundles) - missed} of {len(bundles)}" if planted else f"alarms {alarms.total()} of {len(bundles)}"
    )
    print(f"{title}: {what}, {events / len(bundles):.0f} events each")
    for line, count in alarms.most_common(8):
        print(f"    {'also' if planted else 'ALARM'} {count}x {line}")
    return missed if planted else alarms.total()


def _named(one: Seen) -> str:
    return f"{one.mode}/{one.kind} ({one.severity}): {one.summary[:160]}"
