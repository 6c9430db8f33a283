"""Values that leave their source from step to step, and values that change because their source did."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.schemas.failure_modes import FailureMode
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final[FailureMode] = "context_drift"

CLAIMS: Final = AgentPolicy.model_validate(
    {
        "agent": "claims",
        "facts": {
            "amount": {"type": "number"},
            "codes": {"type": "list", "unordered": True},
        },
        "checkpoints": [
            {"step": "assess", "values": ["amount"], "tolerance": 0.01},
            {"step": "pay", "values": ["amount"]},
        ],
        "objectives": [{"rate": "workflow_accuracy", "target": 0.95, "window_days": 28}],
    }
)


def _desk(scene: Scene, policy: AgentPolicy | None = None) -> Story:
    story = scene.story(agent="claims", policy=policy)
    story.start()
    return story


def _check(story: Story, step: str, /, **values: dict[str, Any]) -> None:
    story.say("checkpoint", {"checkpoint_id": f"k-{len(story.events)}", "values": values}, step=step, workflow="claim")


def _held(value: Any, source_value: Any = None, version: str = "3", source: str = "claim/7") -> dict[str, Any]:
    return {"value": value, "source": source, "source_value": source_value, "source_version": version}


def _amount_grows(scene: Scene) -> None:
    story = _desk(scene)
    _check(story, "extract", amount=_held(4800.0, 4800.0))
    _check(story, "assess", amount=_held(4800, 4800.0))
    _check(story, "pay", amount=_held(8400.0, 4800.0))
    story.end()


def _digits_swapped_at_first(scene: Scene) -> None:
    story = _desk(scene)
    for step in ("extract", "assess", "pay"):
        _check(story, step, amount=_held(4080.0, 4800.0))
    story.end()


def _changed_without_a_source_value(scene: Scene) -> None:
    story = _desk(scene)
    _check(story, "extract", policy_number=_held("PN-11-7"))
    _check(story, "assess", policy_number=_held("PN-11-1"))
    story.end()


def _old_version(scene: Scene) -> None:
    story = _desk(scene)
    _check(story, "extract", amount=_held(4800.0, 4800.0, "3"))
    _check(story, "assess", holder=_held("Kim", "Kim", "4"))
    _check(story, "pay", amount=_held(4800.0, 4800.0, "3"))
    story.end()


def _listed_and_wrong(scene: Scene) -> None:
    story = _desk(scene, CLAIMS)
    _check(story, "assess", amount=_held(4849.0, 4800.0))
    story.end()


def _nothing_to_check(scene: Scene) -> None:
    story = _desk(scene, CLAIMS)
    _check(story, "pay", amount={"value": 4800.0})
    story.end()


def _wrong_in_many_steps(scene: Scene) -> None:
    for number in range(48):
        story = _desk(scene, CLAIMS)
        for index, step in enumerate(("extract", "classify", "settle")):
            off = number % 4 == index
            _check(story, step, amount=_held(100.0 + off, 100.0))
        story.end()
        scene.start_us += 60_000_000


def _the_source_changed(scene: Scene) -> None:
    story = _desk(scene)
    _check(story, "extract", amount=_held(4800.0, 4800.0, "3"), holder=_held("Kim", "Kim", "3"))
    _check(story, "assess", amount=_held(5200.0, 5200.0, "4"), holder=_held("Kim", "Kim", "4"))
    _check(story, "pay", amount=_held(5200.0, 5200.0, "10"))
    story.end()


def _other_spellings(scene: Scene) -> None:
    story = _desk(scene)
    _check(
        story,
        "extract",
        amount=_held("$4,800.00", 4800),
        holder=_held("KIM  Lee", "Kim Lee"),
        due=_held("2026-01-31", "2026-01-31T00:00:00Z"),
        share=_held(0.1 + 0.2, 0.3),
        lines=_held([{"price": 5}], [{"price": 5.0}]),
    )
    story.end()


def _rounded_within_tolerance(scene: Scene) -> None:
    story = _desk(scene, CLAIMS)
    _check(story, "assess", amount=_held(4800, 4812.5), codes=_held(["b", "a"], ["a", "b"]))
    _check(story, "pay", amount=_held(4812.5, 4812.5))
    story.end()


def _a_running_total(scene: Scene) -> None:
    story = _desk(scene)
    for total in (10, 25, 60):
        _check(story, "add", total={"value": total}, open_items=_held(total, version="", source="cart"))
    story.end()


def _extracted_bit_by_bit(scene: Scene) -> None:
    story = _desk(scene)
    _check(story, "extract", amount=_held(None, 4800.0), holder=_held(None, "Kim"))
    _check(story, "extract", amount=_held(4800.0, 4800.0), holder=_held(None, "Kim"))
    _check(story, "assess", holder=_held("Kim", "Kim"))
    story.end()


def _two_sources(scene: Scene) -> None:
    story = _desk(scene)
    _check(story, "extract", amount=_held(4800.0, 4800.0, "9", "claim/7"))
    _check(story, "assess", amount=_held(4500.0, 4500.0, "2", "expert/7"))
    story.end()


def _a_workflow_that_keeps_its_promise(scene: Scene) -> None:
    for _ in range(40):
        story = _desk(scene, CLAIMS)
        for step in ("extract", "classify", "settle"):
            _check(story, step, amount=_held(100.0, 100.0))
        story.end()
        scene.start_us += 60_000_000


SEQUENCES: Final = (
    Sequence(
        "amount-grows",
        MODE,
        "A claim's amount is another one at the step that pays.",
        _amount_grows,
        (Fires("value_mismatch", severity="medium", evidence={"step": "pay", "value": "amount", "apart": 0.75}),),
    ),
    Sequence(
        "digits-swapped-at-first",
        MODE,
        "The first step swaps two digits, and the others believe it: one finding, where it happened.",
        _digits_swapped_at_first,
        (Fires("value_mismatch", evidence={"step": "extract"}),),
    ),
    Sequence(
        "changed-without-a-source-value",
        MODE,
        "A number changes between two steps, and the source's version says that nothing did.",
        _changed_without_a_source_value,
        (Fires("value_changed", evidence={"step": "assess", "since_step": "extract"}),),
    ),
    Sequence(
        "old-version",
        MODE,
        "The step that pays rests on a version that another step had seen replaced.",
        _old_version,
        (Fires("stale_source", evidence={"step": "pay", "source_version": "3", "newer_version": "4"}),),
    ),
    Sequence(
        "listed-and-wrong",
        MODE,
        "A value that the policy lists is one per cent and a little off.",
        _listed_and_wrong,
        (Fires("value_mismatch", severity="high"),),
    ),
    Sequence(
        "nothing-to-check",
        MODE,
        "A value that must be checked comes without its source.",
        _nothing_to_check,
        (Fires("unjudged", severity="low"),),
    ),
    Sequence(
        "wrong-in-many-steps",
        MODE,
        "Each step is right in three of four sessions; all are in one of four.",
        _wrong_in_many_steps,
        (
            Fires("value_mismatch", times=36),
            Fires("workflow_accuracy", severity="high", evidence={"workflow": "claim", "target": 0.95}),
        ),
    ),
    Sequence("the-source-changed", MODE, "The value changes with its source; 10 comes after 4.", _the_source_changed),
    Sequence("other-spellings", MODE, "The same values, written otherwise.", _other_spellings),
    Sequence("rounded-within-tolerance", MODE, "A number is rounded as the policy allows.", _rounded_within_tolerance),
    Sequence("a-running-total", MODE, "A value that nobody read from anywhere grows.", _a_running_total),
    Sequence("extracted-bit-by-bit", MODE, "Values are null until they were extracted.", _extracted_bit_by_bit),
    Sequence("two-sources", MODE, "Another source, with versions of its own, says otherwise.", _two_sources),
    Sequence(
        "a-workflow-that-keeps-its-promise",
        MODE,
        "Forty sessions in which every step is right.",
        _a_workflow_that_keeps_its_promise,
    ),
)
