"""Values that leave their source from step to step, decisions on malformed facts, equal facts decided differently."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.producers.fleet.model import Conversation, Script, Turn, steps
from watchkeeper.producers.fleet.scenario import Brief, Expectation, Job, Scenario
from watchkeeper.producers.fleet.scenarios.everyday import call, ordinary
from watchkeeper.producers.fleet.scenarios.near_misses import near
from watchkeeper.producers.fleet.series import in_series

DRIFT: Final = "context_drift"
UNTYPED: Final = "untyped_fact"
DIFFERENT: Final = "nondeterministic_decision"
GAP: Final = "audit_gap"


def _claim(brief: Brief) -> str:
    return f"claim-{brief.key}"


def _handle(brief: Brief, script: Script) -> Job:
    return Job(
        goal="Settle the claim by its file.",
        asks=(f"Please settle {_claim(brief)}. The holder has sent all papers and waits for the money.",),
        intent="claim",
        script=script,
    )


def _noted(brief: Brief, step: str, *, factor: float = 1.0, reading: int = -1) -> Any:
    """A turn that notes a step's amount as it was read (`reading`: which of the files), or changed."""

    def note(conversation: Conversation) -> Turn:
        files = [one for one in conversation.results if isinstance(one, dict) and "documents" in one]
        read = files[reading]
        amount = read["amount"] * factor
        return call("note_step", claim_id=_claim(brief), step=step, amount=amount, version=read["version"])

    return note


def _paid(brief: Brief) -> Any:
    def pay(conversation: Conversation) -> Turn:
        return call("pay_claim", claim_id=_claim(brief), amount=conversation.last["amount"])

    return pay


_DONE: Final = Turn("The claim has been settled and the holder will be told by letter.")


def _settled(brief: Brief) -> Job:
    read = call("read_claim", claim_id=_claim(brief))
    notes = [_noted(brief, step) for step in ("extract", "assess", "pay")]
    return _handle(brief, steps(read, *notes, _paid(brief), _DONE))


def _grown(brief: Brief) -> Job:
    read = call("read_claim", claim_id=_claim(brief))
    notes = (_noted(brief, "extract"), _noted(brief, "assess"), _noted(brief, "pay", factor=1.75))
    return _handle(brief, steps(read, *notes, _paid(brief), _DONE))


def _with_an_expert(brief: Brief, *, reads_again: bool) -> Job:
    read = call("read_claim", claim_id=_claim(brief))
    last = -1 if reads_again else 0
    return _handle(
        brief,
        steps(
            read,
            _noted(brief, "extract"),
            call("ask_expert", claim_id=_claim(brief)),
            read,
            _noted(brief, "assess"),
            _noted(brief, "pay", reading=last),
            _paid(brief),
            _DONE,
        ),
    )


def _stale(brief: Brief) -> Job:
    return _with_an_expert(brief, reads_again=False)


def _raised(brief: Brief) -> Job:
    return _with_an_expert(brief, reads_again=True)


def _credit(customer: str, outcome: str = "granted", credit: float = 50.0) -> Job:
    reason = "In good standing, and within a tenth of the balance." if outcome == "granted" else "Too little is known."
    return Job(
        goal="Decide on a request for credit.",
        asks=("I should like to pay next month. Can you give me credit until then?",),
        intent="credit",
        script=steps(
            call("account_facts", customer_id=customer),
            call("decide_credit", customer_id=customer, outcome=outcome, credit=credit, reason=reason),
            Turn(f"Your request was {outcome}. {reason}"),
        ),
    )


def _ordinary_credit(brief: Brief) -> Job:
    return _credit(f"house-{brief.key}/ann")


def _by_old_facts(brief: Brief) -> Job:
    return _credit(f"old-{brief.key}/ann")


def _first_of_two(brief: Brief) -> Job:
    return _credit(f"twins-{brief.key}/ann")


def _second_of_two(brief: Brief) -> Job:
    return _credit(f"twins-{brief.key}/ben", "refused", 0.0)


def _by_new_terms(brief: Brief) -> Job:
    return _credit(f"twins-{brief.key}/new-ben", "refused", 0.0)


def _waived(brief: Brief, **why: str) -> Job:
    customer = f"house-{brief.key}/ann"
    return Job(
        goal="Decide on a request to waive a fee.",
        asks=("I paid three days late and you charged me twelve dollars. Please waive that.",),
        intent="fee",
        script=steps(
            call("account_facts", customer_id=customer),
            call("waive_fee", customer_id=customer, amount=12.0, **why),
            Turn("The fee has been waived."),
        ),
    )


def _for_no_reason(brief: Brief) -> Job:
    return _waived(brief)


def _for_a_reason(brief: Brief) -> Job:
    return _waived(brief, reason="Paid late for the first time in eight months.")


CLAIMS_EVERYDAY: Final = (
    ordinary("everyday-claim", "claims-handler", "Reads a claim, notes three steps, pays.", _settled),
    ordinary("everyday-credit", "credit-desk", "Looks at a customer and grants a credit.", _ordinary_credit),
)
CLAIMS: Final = (
    Scenario(
        name="claim-amount-changes",
        agent="claims-handler",
        chapter=DRIFT,
        happens="The claim's amount is right in two steps, and another one in the step that pays.",
        shows="Each step's values against their source: the finding names the step.",
        job=_grown,
        expects=(Expectation(DRIFT, "value_mismatch", "high", {"step": "pay", "value": "amount"}),),
    ),
    Scenario(
        name="claim-by-an-old-file",
        agent="claims-handler",
        chapter=DRIFT,
        happens="An expert changes the file, and the step that pays goes on by the one from before.",
        shows="A value that is right for a version of which another step knew that it was replaced.",
        job=_stale,
        expects=(Expectation(DRIFT, "stale_source", evidence={"step": "pay", "newer_version": "4"}),),
    ),
    Scenario(
        name="same-facts-other-outcome",
        agent="credit-desk",
        chapter=DIFFERENT,
        happens="Of two people with the same facts, one is granted what the other is refused.",
        shows="Two decisions of two sessions side by side, by the same version of the same rule.",
        job=_first_of_two,
        expects=(Expectation(DIFFERENT, "different_outcomes", "high", {"decision": "grant_credit"}, about="agent"),),
        play=in_series(_first_of_two, _second_of_two),
        alone=True,
    ),
    Scenario(
        name="credit-nobody-can-explain",
        agent="credit-desk",
        chapter=UNTYPED,
        happens="Grants a credit on a balance that is a text with a dollar sign, with arrears that nobody knows.",
        shows="Facts that are not what was declared; nothing is coerced silently.",
        job=_by_old_facts,
        expects=(
            Expectation(UNTYPED, "untyped_fact", "medium", {"fault": "wrong_type", "fact": "balance"}),
            Expectation(UNTYPED, "untyped_fact", "medium", {"fault": "null", "fact": "in_arrears"}),
        ),
    ),
    Scenario(
        name="fee-waived-for-no-reason",
        agent="credit-desk",
        chapter=GAP,
        happens="Waives a fee, and records no facts, no rules and no reason.",
        shows="A decision that nobody can explain afterwards.",
        job=_for_no_reason,
        expects=(Expectation(GAP, "untraced_decision", "low", {"name": "waive_fee"}),),
    ),
)
CLAIMS_NEAR: Final = (
    near(
        "fee-waived-for-a-reason",
        "credit-desk",
        "Waives a fee by no rule and on no facts, and says why.",
        "A decision that somebody can explain is traced.",
        _for_a_reason,
    ),
    near(
        "expert-raised-it",
        "claims-handler",
        "The amount changes between two steps because an expert changed the file, which was read again.",
        "A value that changes with its source has not drifted.",
        _raised,
    ),
    near(
        "other-terms-other-outcome",
        "credit-desk",
        "The same facts lead to another outcome under another version of the rule.",
        "A rule that was changed and says so decides anew.",
        _first_of_two,
        play=in_series(_first_of_two, _by_new_terms),
        alone=True,
    ),
)
