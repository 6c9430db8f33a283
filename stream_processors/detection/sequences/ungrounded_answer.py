"""Sequences of `ungrounded_answer`."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.lookups import answer, look_up, show
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final = "ungrounded_answer"
GROUNDED: Final = AgentPolicy.model_validate({"agent": "adviser", "retrieval": {"require_grounding": True}})
DISTANCES: Final = AgentPolicy.model_validate({"agent": "adviser", "retrieval": {"score_range": [2.0, 0.0]}})

REFUNDS: Final = (
    "Orders may be returned within 30 days of delivery. A restocking fee of 15 percent applies to opened goods. "
    "Refunds of more than $1,200 are approved by Maria Keller. Written requests go to the office in Lisbon."
)
SYSTEM: Final = "You are the adviser of Northwind Outfitters. The desk is open until 18:00; its number is 555-0142."
QUESTION: Final = "I bought a tent for $480 on May 2, 2026 and opened it. What do I get back?"


def _asked(scene: Scene, question: str = QUESTION, policy: AgentPolicy | None = None) -> Story:
    story = scene.story(agent="adviser", policy=policy)
    story.start()
    show(story, ("user", question), system=story.content(SYSTEM))
    return story


def _found(story: Story, score: float | None = 0.82, text: str = REFUNDS) -> None:
    look_up(story, {"score": score, "text": text}, query="refund opened goods")


def _answers(text: str, **data: Any) -> Any:
    def tell(scene: Scene) -> None:
        story = _asked(scene)
        _found(story)
        answer(story, text, **data)
        story.end()

    return tell


def _far_off(scene: Scene) -> None:
    story = _asked(scene, "How are tents insured?")
    _found(story, 0.31)
    answer(story, "Tents are insured by the manufacturer against storms and hail.")
    story.end()


def _nothing_found(scene: Scene) -> None:
    story = _asked(scene, "How are tents insured?")
    look_up(story, query="tent insurance")
    answer(story, "Tents are insured by the manufacturer against storms and hail.")
    story.end()


def _never_looked_up(scene: Scene) -> None:
    story = _asked(scene, policy=GROUNDED)
    answer(story, "The deposit is $73 and it is due within 45 days.")
    story.end()


def _says_that_it_does_not_know(scene: Scene) -> None:
    story = _asked(scene, "How are tents insured?")
    _found(story, 0.31)
    answer(story, "I could not find anything about insurance in our rules. The desk at 555-0142 can help.")
    story.end()


def _says_so_in_a_field(scene: Scene) -> None:
    story = _asked(scene, "How are tents insured?")
    look_up(story, query="tent insurance")
    answer(story, "That one is for a colleague of mine.", abstained=True)
    story.end()


def _manners(scene: Scene) -> None:
    story = _asked(scene, "Thanks a lot!")
    _found(story, 0.12)
    answer(story, "You're welcome! Is there anything else I can help you with?")
    story.end()


def _a_tool_knew(scene: Scene) -> None:
    story = _asked(scene, "Where is my order 7781?")
    look_up(story, query="order 7781")
    story.ask("track", '{"order": 7781, "status": "shipped", "carrier": "Blue Heron", "eta": "2026-06-19"}', order=7781)
    answer(story, "Order 7781 was shipped with Blue Heron and arrives on June 19.")
    story.end()


def _searches_by_a_tool(story: Story, score: float) -> None:
    story.call("search", call_id="c-search", q="tent insurance")
    _found(story, score, "The desk is closed on public holidays.")
    story.result("[one document]", call_id="c-search", duration_us=150_000)


def _the_search_is_a_tool(scene: Scene) -> None:
    story = _asked(scene, "How are tents insured?")
    _searches_by_a_tool(story, 0.31)
    answer(story, "Tents are insured by the manufacturer against storms and hail.")
    story.end()


def _a_tool_knew_beside_the_search(scene: Scene) -> None:
    story = _asked(scene, "Where is my order 7781?")
    story.call("track", call_id="c-track", order=7781)
    _searches_by_a_tool(story, 0.31)
    story.result('{"order": 7781, "status": "shipped"}', call_id="c-track", duration_us=450_000)
    answer(story, "Order 7781 was shipped.")
    story.end()


def _another_tool_knew(scene: Scene) -> None:
    story = _asked(scene, "Where is my order 7781?")
    _searches_by_a_tool(story, 0.31)
    story.call("track", call_id="c-track", order=7781)
    story.result('{"order": 7781, "status": "shipped"}', call_id="c-track", duration_us=90_000)
    answer(story, "Order 7781 was shipped.")
    story.end()


def _second_try(scene: Scene) -> None:
    story = _asked(scene)
    _found(story, 0.2, "The desk is closed on public holidays.")
    _found(story, 0.8)
    answer(story, "Opened goods may be returned within thirty days, with a fee of 15%.")
    story.end()


def _follow_up(scene: Scene) -> None:
    story = _asked(scene)
    _found(story)
    answer(story, "You pay a restocking fee of $72.")
    show(story, ("user", "And who approves that?"))
    answer(story, "Refunds above $1.2k are approved by Maria Keller, so yours is not.")
    story.end()


def _distances(scene: Scene) -> None:
    story = _asked(scene, policy=DISTANCES)
    _found(story, 0.35)
    answer(story, "Opened goods may be returned within 30 days.")
    story.end()


SEQUENCES: Final = (
    Sequence(
        "far-off",
        MODE,
        "The best document is not about the question, and the agent answers all the same.",
        _far_off,
        (Fires("answered_anyway", evidence={"reason": "below_threshold", "best_score": 0.31}),),
    ),
    Sequence(
        "nothing-found",
        MODE,
        "The search finds nothing, and the agent answers all the same.",
        _nothing_found,
        (Fires("answered_anyway", evidence={"reason": "nothing_retrieved", "documents": 0}),),
    ),
    Sequence(
        "the-search-is-a-tool",
        MODE,
        "The model searches by a tool, whose result is what was not found.",
        _the_search_is_a_tool,
        (Fires("answered_anyway", evidence={"reason": "below_threshold", "best_score": 0.31}),),
    ),
    Sequence(
        "another-number",
        MODE,
        "The fee of 15 per cent becomes one of 23.",
        _answers("You can return it, with a restocking fee of 23%."),
        (Fires("unsupported_claims", severity="medium", evidence={"checked": 1}),),
    ),
    Sequence(
        "a-person-nobody-named",
        MODE,
        "The agent sends the user to somebody who stands nowhere.",
        _answers("For amounts like yours you should write to Helena Brandt in our office."),
        (Fires("unsupported_claims", severity="medium", evidence={"checked": 1}),),
    ),
    Sequence(
        "a-made-up-quotation",
        MODE,
        "The agent quotes what the rules do not say, with a day and a sum.",
        _answers(
            'Our rules say: "Customers who complain in writing are always paid in full without delay." '
            "You have until September 9, 2027 to claim $655."
        ),
        (Fires("unsupported_claims", severity="high", evidence={"checked": 3}),),
    ),
    Sequence(
        "never-looked-up",
        MODE,
        "The policy demands that answers rest on something; this one rests on nothing.",
        _never_looked_up,
        (Fires("unsupported_claims", severity="medium", evidence={"checked": 2}),),
    ),
    Sequence(
        "in-other-figures",
        MODE,
        "Numbers as people write them: words, signs, sums, shares, weeks.",
        _answers(
            "You may return it within thirty days, that is about 4 weeks. The fee of 15% on $480.00 is $72, "
            "so you get $408 back. Approval is needed above 1.2k USD only."
        ),
    ),
    Sequence(
        "quotes-the-rules",
        MODE,
        "A quotation with other quotation marks and an omission.",
        _answers(
            "It says: “Orders may be returned within 30 days of delivery … fee of 15 percent applies to opened goods”."
        ),
    ),
    Sequence(
        "the-users-own-words",
        MODE,
        "Days, sums and names that the user and the system prompt said.",
        _answers(
            "Northwind Outfitters takes back the tent that you bought on 2 May for 480 dollars. Since 2026-05-02 the "
            "thirty days have not passed: June 1 is the last. Call 555-0142, or write to Lisbon."
        ),
    ),
    Sequence(
        "says-that-it-does-not-know", MODE, "Nothing near is found and the agent says so.", _says_that_it_does_not_know
    ),
    Sequence("says-so-in-a-field", MODE, "Nothing is found and the runtime tells the abstention.", _says_so_in_a_field),
    Sequence("manners", MODE, "Every message is looked up, thanks too; the agent is polite.", _manners),
    Sequence("a-tool-knew", MODE, "The search finds nothing, a tool does.", _a_tool_knew),
    Sequence("another-tool-knew", MODE, "The search, a tool, finds nothing; another tool does.", _another_tool_knew),
    Sequence(
        "a-tool-knew-beside-the-search",
        MODE,
        "Two tools are called at once: the search finds nothing, the other knows.",
        _a_tool_knew_beside_the_search,
    ),
    Sequence("second-try", MODE, "A second search finds what the first did not.", _second_try),
    Sequence("follow-up", MODE, "A second answer rests on what the first search found.", _follow_up),
    Sequence("distances", MODE, "Scores are distances, as the policy declares.", _distances),
)
