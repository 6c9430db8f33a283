"""Answers that rest on nothing the agent has looked up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.jobs.retrieval import Passage
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import Stage

MONTHS: Final = ("January", "March", "April", "May", "June", "August", "October", "November")
GIVEN: Final = ("Marta", "Henrik", "Oluwa", "Celine", "Tomas", "Ingrid", "Rashid", "Bettina")
FAMILY: Final = ("Olsen", "Kowalski", "Adeyemi", "Marchetti", "Lindqvist", "Haddad", "Brandt", "Sorensen")
WORDS: Final = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
GROUNDED: Final = {"retrieval": {"require_grounding": True}}
"""Every answer is held to what was looked up: what an operator declares who wants claims checked."""

REFUSALS: Final = (
    "I could not find anything about {} in the documents.",
    "I'm sorry, but I don't have information on {}.",
    "The documents do not answer that. The personnel office can tell you more about {}.",
    "Unfortunately nothing on {} turned up, so I cannot say.",
    "I don't know. There is no passage about {}.",
    "I was not able to find the rules for {}; please ask your manager.",
    "There's nothing in the handbook about {} that I could point you to.",
)
BACK: Final = (
    "Which country do you work in?",
    "Could you tell me which office you mean?",
    "Do you mean {} for employees or for contractors?",
    "Can you say a little more about what you would like to know about {}?",
)
QUOTES: Final = (
    "every request must be answered in writing by the head of the department",
    "exceptions are granted by the board after a hearing of both sides",
    "claims that are made late are settled at the end of the quarter",
    "a second approval is needed where the first was given by telephone",
)


def _passage(rng: Random, *, unlike: Passage | None = None) -> Passage:
    found = Passage(rng)
    while unlike is not None and found.topic == unlike.topic:
        found = Passage(rng)
    return found


def _ask(desk: Desk, topic: str) -> None:
    lead = desk.rng.choice(("What are the rules for", "What does it say about", "Quick question on", "How about"))
    desk.user(f"{lead} {topic}?")


def _find(desk: Desk, topic: str, documents: Sequence[dict[str, Any]]) -> None:
    """A look into the index, with or without a tool call around it."""
    desk.wait(desk.rng.uniform(0.1, 0.9))
    desk.session.retrieval(f"{topic} rules", documents, source=desk.rng.choice(("handbook", "wiki", "intranet")))
    desk.messages.append({"role": "user", "content": "\n".join(one["text"] for one in documents)})


def _scored(rng: Random, passage: Passage, low: float, high: float) -> dict[str, Any]:
    return {**passage.document(), "score": round(rng.uniform(low, high), 3)}


def _nothing_found(stage: Stage) -> Sought:
    """The search finds nothing, and the agent tells rules all the same."""
    return _answered(stage, lambda _: [])


def _too_far_away(stage: Stage) -> Sought:
    """What the search finds is about other things, by its scores; the agent answers."""
    rng = stage.rng

    def others(right: Passage) -> list[dict[str, Any]]:
        return [_scored(rng, _passage(rng, unlike=right), 0.08, 0.5) for _ in range(rng.randrange(1, 5))]

    return _answered(stage, others)


def _answered(stage: Stage, found: Any) -> Sought:
    desk = stage.open(stage.ground())
    right = _passage(stage.rng)
    since: list[int] = []

    def act(desk: Desk) -> None:
        _ask(desk, right.topic)
        _find(desk, right.topic, found(right))
        since.append(desk.now_us)
        lead = stage.any_of(("", "As far as the rules go: ", "Sure. ", "Here is how it works: "))
        desk.say(f"{lead}{right.text}")

    stage.perform(desk, act)
    return stage.sought(desk, since_us=since[0])


def _embroidered(stage: Stage, change: Any) -> Sought:
    """The right passage is found, and the answer says what does not stand there."""
    rng = stage.rng
    desk = stage.open(stage.ground(), policy=GROUNDED)
    right = _passage(rng)
    since: list[int] = []

    def act(desk: Desk) -> None:
        _ask(desk, right.topic)
        others = [_scored(rng, _passage(rng, unlike=right), 0.3, 0.6) for _ in range(rng.randrange(3))]
        documents = [right.document(), *others]
        _find(desk, right.topic, documents)
        since.append(desk.now_us)
        desk.say(change(rng, right, " ".join(str(one["text"]) for one in documents)))

    stage.perform(desk, act)
    return stage.sought(desk, since_us=since[0], kind="unsupported_claims")


def _other_number(stage: Stage) -> Sought:
    """A number of the passage comes out wrong."""
    return _embroidered(stage, _misread)


def _misread(rng: Random, right: Passage, known: str) -> str:
    numbers = re.findall(r"\d+", right.text)
    wrong = numbers[0]
    while wrong in known or wrong == numbers[0]:
        wrong = str(rng.randrange(20, 990))
    return re.sub(rf"\b{numbers[0]}\b", wrong, right.text, count=1)


def _invented_detail(stage: Stage) -> Sought:
    """A day, or a person to turn to, that nobody ever named."""
    return _embroidered(stage, _detailed)


def _detailed(rng: Random, right: Passage, known: str) -> str:  # noqa: ARG001 - nothing known has a person or a date
    day = f"{rng.choice(MONTHS)} {rng.randrange(1, 29)}, {rng.randrange(2017, 2026)}"
    person = f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"
    more = (
        f"This has been so since {day}.",
        f"Please turn to {person} for the form.",
        f"{person} decided that on {day}.",
        f"The rule runs out on {day}.",
        f"If in doubt, write to {person} in the personnel office.",
    )
    return f"{right.text} {rng.choice(more)}"


def _invented_quotation(stage: Stage) -> Sought:
    """Words in quotation marks that stand in no document."""
    return _embroidered(stage, _quoted)


def _quoted(rng: Random, right: Passage, known: str) -> str:  # noqa: ARG001 - no passage holds these words
    return f'{right.text} It also says: "{rng.choice(QUOTES).capitalize()}."'


def _says_so(stage: Stage) -> None:
    """Nothing near enough is found, and the agent says that it does not know."""
    rng = stage.rng
    desk = stage.open(stage.job())
    right = _passage(rng)

    def act(desk: Desk) -> None:
        _ask(desk, right.topic)
        documents = [_scored(rng, _passage(rng, unlike=right), 0.1, 0.5) for _ in range(rng.randrange(3))]
        _find(desk, right.topic, documents)
        desk.say(rng.choice(REFUSALS).format(right.topic), abstained=rng.choice((None, None, True)))

    stage.perform(desk, act)


def _asks_back(stage: Stage) -> None:
    """Nothing near enough is found, and the agent asks what is meant."""
    rng = stage.rng
    desk = stage.open(stage.job())
    right = _passage(rng)

    def act(desk: Desk) -> None:
        _ask(desk, right.topic)
        _find(desk, right.topic, [_scored(rng, _passage(rng, unlike=right), 0.1, 0.5)])
        desk.say(rng.choice(BACK).format(right.topic))

    stage.perform(desk, act)


def _in_other_words(stage: Stage) -> None:
    """The answer spells the figures of the passage in another way."""
    rng = stage.rng
    desk = stage.open(stage.job(), policy=GROUNDED)
    days, share, money = rng.randrange(2, 13), rng.randrange(5, 95), rng.randrange(1, 40) * 500
    text = f"After {days} days {share} percent of the costs are paid back, up to {money} euros."
    spelled = rng.choice((f"{money:,}", f"€{money}", f"{money:,} euros", f"{money}.00 EUR"))
    answer = rng.choice(
        (
            f"You get {share}% back after {WORDS[days]} days, but no more than {spelled}.",
            f"- {share} %\n- from day {days} on\n- at most {spelled}",
            f"It is {share} per cent, {WORDS[days]} days later, with {spelled} as the limit.",
        )
    )

    def act(desk: Desk) -> None:
        _ask(desk, "medical costs")
        _find(desk, "medical costs", [{"id": "hb-7", "text": text, "score": round(rng.uniform(0.6, 0.95), 2)}])
        desk.say(answer)

    stage.perform(desk, act)


def _adds_up(stage: Stage) -> None:
    """The answer adds up what was found, or counts from what the user said."""
    rng = stage.rng
    desk = stage.open(stage.job(), policy=GROUNDED)
    fee, deposit, nights = rng.randrange(20, 200), rng.randrange(10, 100), rng.randrange(2, 9)

    def act(desk: Desk) -> None:
        desk.user(f"I stay for {nights} nights. What does the guest room cost me?")
        text = f"The guest room costs {fee} euros a night. A deposit of {deposit} euros is due on arrival."
        _find(desk, "guest room", [{"id": "hb-9", "text": text, "score": round(rng.uniform(0.6, 0.95), 2)}])
        total = nights * fee
        desk.say(
            rng.choice(
                (
                    f"{nights} nights at {fee} are {total} euros; with the deposit of {deposit}: {total + deposit}.",
                    f"That is {total} euros ({nights} x {fee}), and {deposit} euros of deposit on arrival.",
                    f"{nights} * {fee} = {total} euros.",
                )
            )
        )

    stage.perform(desk, act)


def _looked_again(stage: Stage) -> None:
    """The first search is no good, the second one is, and the answer rests on that."""
    rng = stage.rng
    desk = stage.open(stage.job(), policy=GROUNDED)
    right = _passage(rng)

    def act(desk: Desk) -> None:
        _ask(desk, right.topic)
        _find(desk, right.topic, [_scored(rng, _passage(rng, unlike=right), 0.1, 0.5)])
        _find(desk, f"{right.topic} employees", [right.document(), _scored(rng, _passage(rng), 0.2, 0.6)])
        desk.say(rng.choice((right.text, f"I had to look twice. {right.text}", f'It says: "{right.text}"')))

    stage.perform(desk, act)


def _chats(stage: Stage) -> None:
    """Thanks and good wishes after a search that found nothing: no answer at all."""
    rng = stage.rng
    desk = stage.open(stage.job())

    def act(desk: Desk) -> None:
        _ask(desk, "bicycles")
        _find(desk, "bicycles", [])
        desk.say(rng.choice(REFUSALS).format("bicycles"))
        desk.user(rng.choice(("Thanks anyway.", "OK, never mind.", "No problem, bye!")))
        desk.say(rng.choice(("You are welcome. Have a nice day!", "Sorry about that. Anything else?", "Any time!")))

    stage.perform(desk, act)


CARD: Final = ModeCard(
    mode="ungrounded_answer",
    recipes=(
        Recipe("nothing-found", "Answers though nothing was found.", _nothing_found, recorded=True),
        Recipe("too-far-away", "Answers by documents that are about other things.", _too_far_away, recorded=True),
        Recipe("other-number", "Tells another number than the document.", _other_number, recorded=True, whole=True),
        Recipe("invented-detail", "Makes up a day or a person.", _invented_detail, recorded=True, whole=True),
        Recipe("invented-quotation", "Quotes what stands nowhere.", _invented_quotation, recorded=True, whole=True),
    ),
    near_misses=(
        NearMiss("says-so", "Says that it does not know.", _says_so),
        NearMiss("asks-back", "Asks what is meant.", _asks_back),
        NearMiss("in-other-words", "Spells figures in another way.", _in_other_words),
        NearMiss("adds-up", "Adds up what was found.", _adds_up),
        NearMiss("looked-again", "Answers by the second search.", _looked_again),
        NearMiss("chats", "Keeps up manners.", _chats),
    ),
    target=0.8,
)
