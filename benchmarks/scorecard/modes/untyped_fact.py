"""Decisions, and values at checkpoints, that rest on what is not what the policy declares."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.matters import MATTERS, Matter
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import Stage

MONEY_FORMS: Final = ("${:,.2f}", "{:,.2f} USD", "€{:,.2f}", "{:,.2f}")


def _matter(stage: Stage, *types: str) -> tuple[Matter, str]:
    """A matter and one of its facts, of one of these types; of any, without."""
    fitting = [(one, name) for one in MATTERS for name in (one.of_types(*types) if types else one.parts)]
    found: tuple[Matter, str] = stage.rng.choice(fitting)
    return found


def _decided(stage: Stage, matter: Matter, case: Mapping[str, Any], fact: str, **policy: Any) -> Sought:
    """The agent decides by these facts in the midst of its work; a finding about `fact` is sought."""
    desk = stage.open(stage.ground(), policy={"facts": matter.declared(), **policy})
    since: list[int] = []

    def act(desk: Desk) -> None:
        since.append(desk.now_us)
        matter.decide(desk, case, stage.rng.choice(matter.outcomes))

    stage.perform(desk, act)
    return stage.sought(desk, since_us=since[0], fact=fact, kind="untyped_fact")


def _other_type(stage: Stage) -> Sought:
    matter, fact = _matter(stage)
    facts = matter.facts(stage.rng)
    facts[fact] = _wrong(stage.rng, matter.parts[fact].declared["type"], facts[fact])
    return _decided(stage, matter, facts, fact)


def _wrong(rng: Random, kind: str, right: Any) -> Any:
    """The value as software that is careless about types hands it over."""
    match kind:
        case "number":
            wrong: tuple[Any, ...] = (rng.choice(MONEY_FORMS).format(right), str(right), [right], {"value": right})
        case "integer":
            wrong = (str(right), right + 0.5, f"{right} months", bool(right % 2))
        case "boolean":
            wrong = ("yes", "true", 1, "No", "unknown")
        case "text":
            wrong = (rng.randrange(9), [right], {"name": right}, True)
        case "date":
            wrong = (right.replace("-", "/"), _dotted(right), rng.randrange(10**9, 2 * 10**9), "last Monday")
        case _:
            wrong = (", ".join(right), right[0], dict.fromkeys(right, True))
    return rng.choice(wrong)


def _dotted(day: str) -> str:
    return f"{day[8:]}.{day[5:7]}.{day[:4]}"


def _nothing_there(stage: Stage) -> Sought:
    """A required fact is null, or missing altogether."""
    matter, fact = _matter(stage, "number", "integer", "boolean", "text", "date")
    facts = matter.facts(stage.rng)
    declared = matter.declared(**{fact: {"required": True}})
    if stage.rng.random() < 0.5:
        facts[fact] = None
    else:
        del facts[fact]
    return _decided(stage, matter, facts, fact, facts=declared)


def _unknown_word(stage: Stage) -> Sought:
    """One of few words is declared, and another stands there: in capitals, with a blank, or one that does not exist."""
    matter, fact = _matter(stage, "text")
    facts = matter.facts(stage.rng)
    right = facts[fact]
    forms = (right.capitalize(), right.upper(), f"{right} ", f"{right}s", "premium", "n/a", "", "unknown")
    facts[fact] = stage.rng.choice(forms)
    return _decided(stage, matter, facts, fact)


def _beyond_limits(stage: Stage) -> Sought:
    """A number is none that can be: below zero, far above what there is."""
    matter, fact = _matter(stage, "number", "integer")
    facts = matter.facts(stage.rng)
    too_much = stage.rng.randrange(20_000, 10**7)
    facts[fact] = stage.rng.choice((-stage.rng.randrange(1, 500), too_much))
    declared = matter.declared(
        **{fact: {"maximum": min(too_much - 1, matter.parts[fact].declared.get("maximum", 10**6))}}
    )
    return _decided(stage, matter, facts, fact, facts=declared)


def _unreadable_spelling(stage: Stage) -> Sought:
    """There is a rule for other spellings, and this one is none that it can read without guessing."""
    matter, fact = _matter(stage, "number")
    facts = matter.facts(stage.rng)
    amount = stage.rng.randrange(1, 40) * 100
    forms = (
        f"{amount / 1000:g}k",
        f"about {amount}",
        f"{amount}-{amount + 200}",
        f"{amount} + tax",
        "TBD",
        "NaN",
        "4,8,00",
    )
    facts[fact] = stage.rng.choice(forms)
    return _decided(stage, matter, facts, fact, facts=matter.declared(**{fact: {"normalize": ["trim", "money"]}}))


def _misnamed_fact(stage: Stage) -> Sought:
    """The policy allows declared facts alone, and the agent decides by one of its own naming besides."""
    matter, real = _matter(stage)
    facts = matter.facts(stage.rng)
    name = stage.rng.choice(
        (f"{real}_2", real.title().replace("_", ""), "sentiment", "gut_feeling", f"estimated_{real}")
    )
    facts[name] = facts[real]
    return _decided(stage, matter, facts, name, allow_undeclared_facts=False)


def _at_a_checkpoint(stage: Stage) -> Sought:
    """A value that was extracted for a later step is of another type than declared."""
    matter, fact = _matter(stage, "number", "integer", "date")
    facts = matter.facts(stage.rng)
    wrong = _wrong(stage.rng, matter.parts[fact].declared["type"], facts[fact])
    desk = stage.open(stage.ground(), policy={"facts": matter.declared()})
    since: list[int] = []

    def act(desk: Desk) -> None:
        since.append(desk.now_us)
        desk.session.step = stage.rng.choice(("extract", "assess", "confirm"))
        desk.session.checkpoint({fact: {"value": wrong}})
        desk.session.step = ""

    stage.perform(desk, act)
    return stage.sought(desk, since_us=since[0], fact=fact, where="checkpoint")


def _read_by_rule(stage: Stage) -> Sought:
    """A declared rule reads another spelling: right, and to be counted, never to pass silently."""
    matter, fact = _matter(stage, "number", "boolean", "text", "date")
    facts = matter.facts(stage.rng)
    spelled, rules = _other_spelling(stage.rng, matter.parts[fact].declared["type"], facts[fact])
    facts[fact] = spelled
    desk = stage.open(stage.ground(), policy={"facts": matter.declared(**{fact: {"normalize": rules}})})
    stage.perform(desk, matter.deciding(facts))
    return stage.sought(desk, fact=fact, kind="normalized_fact")


def _other_spelling(rng: Random, kind: str, right: Any) -> tuple[str, list[str]]:
    if kind == "number":
        return rng.choice(MONEY_FORMS[:3]).format(right), ["money"]
    if kind == "boolean":
        return rng.choice(("Yes", "Y") if right else ("No", "n")), ["yes_no"]
    if kind == "date":
        forms = ((_dotted(right), "eu_date"), (right.replace("-", ""), "iso_date"))
        text, rule = rng.choice(forms)
        return text, [rule]
    return rng.choice((f" {right}", right.upper(), right.title() + " ")), ["trim", "lower"]


def _clean(stage: Stage, matter: Matter, case: Mapping[str, Any], **policy: Any) -> None:
    desk = stage.open(stage.job(), policy={"facts": matter.declared(), **policy})
    stage.perform(desk, matter.deciding(case))


def _whole_numbers(stage: Stage) -> None:
    """A number that happens to be whole comes without a decimal point, and a whole number with one."""
    matter, fact = _matter(stage, "number")
    facts = matter.facts(stage.rng)
    facts[fact] = stage.rng.choice((0, 1, 1.0, 0.0)) if fact == "churn_risk" else stage.rng.randrange(1, 900)
    for name in matter.of_types("integer"):
        facts[name] = float(facts[name])
    _clean(stage, matter, facts)


def _at_the_limits(stage: Stage) -> None:
    """Values are exactly the least and the most that are allowed."""
    matter, fact = _matter(stage, "number", "integer")
    most = stage.rng.randrange(1, 9) * 100 + stage.rng.randrange(100)
    facts = {**matter.facts(stage.rng), fact: stage.rng.choice((0, most))}
    _clean(stage, matter, facts, facts=matter.declared(**{fact: {"minimum": 0, "maximum": most}}))


def _left_out(stage: Stage) -> None:
    """A fact that nobody requires is not there, or null where null is allowed."""
    matter, fact = _matter(stage)
    facts = matter.facts(stage.rng)
    if stage.rng.random() < 0.5:
        facts[fact] = None
    else:
        del facts[fact]
    _clean(stage, matter, facts, facts=matter.declared(**{fact: {"required": False, "nullable": True}}))


def _of_another_decision(stage: Stage) -> None:
    """What one decision requires, another does not have."""
    matter, _ = _matter(stage)
    required = {"reviewer": {"type": "text", "required": True, "decisions": ["close_case"]}}
    _clean(stage, matter, matter.facts(stage.rng), facts={**matter.declared(), **required})


def _numbers_that_are_names(stage: Stage) -> None:
    """A postal code, an account and a version are texts of digits, and declared so."""
    rng = stage.rng
    matter, _ = _matter(stage)
    texts = {"postal_code": f"0{rng.randrange(1000, 9999)}", "account": f"{rng.randrange(10**9):010}", "build": "1.10"}
    facts = {**matter.facts(rng), **texts}
    _clean(stage, matter, facts, facts={**matter.declared(), **{name: {"type": "text"} for name in texts}})


def _spoken_amounts(stage: Stage) -> None:
    """The user writes an amount as people do; the agent parses it and decides by the number."""
    matter, fact = _matter(stage, "number")
    facts = matter.facts(stage.rng)
    told = stage.rng.choice(MONEY_FORMS).format(facts[fact])
    desk = stage.open(stage.job("support", "finance"), policy={"facts": matter.declared()})

    def act(desk: Desk) -> None:
        desk.user(f"For your notes: {fact.replace('_', ' ')} was {told}, as I said.")
        desk.session.step = "extract"
        desk.session.checkpoint({fact: facts[fact]})
        desk.session.step = ""
        matter.decide(desk, facts, reason=f"They said {told}.")
        desk.say("I have noted it.")

    stage.perform(desk, act)


CARD: Final = ModeCard(
    mode="untyped_fact",
    recipes=(
        Recipe("other-type", "Decides by a value of another type.", _other_type, recorded=True),
        Recipe("nothing-there", "Decides without a required fact.", _nothing_there, recorded=True),
        Recipe("unknown-word", "Decides by a word that is none of those declared.", _unknown_word, recorded=True),
        Recipe("beyond-limits", "Decides by a number that cannot be.", _beyond_limits, recorded=True),
        Recipe("unreadable-spelling", "A spelling that no rule reads.", _unreadable_spelling, recorded=True),
        Recipe("misnamed-fact", "Decides by a fact that nobody declared.", _misnamed_fact, recorded=True),
        Recipe("at-a-checkpoint", "Carries a value of another type on.", _at_a_checkpoint, recorded=True),
        Recipe("read-by-rule", "Another spelling is read by a rule: to be counted.", _read_by_rule, recorded=True),
    ),
    near_misses=(
        NearMiss("whole-numbers", "5 and 5.0 are one number.", _whole_numbers),
        NearMiss("at-the-limits", "Values exactly at their limits.", _at_the_limits),
        NearMiss("left-out", "What is not required is not there.", _left_out),
        NearMiss("of-another-decision", "A fact that only another decision requires.", _of_another_decision),
        NearMiss("numbers-that-are-names", "Texts of digits, declared as texts.", _numbers_that_are_names),
        NearMiss("spoken-amounts", "An amount in words that was parsed first.", _spoken_amounts),
    ),
)
