"""Recording what an agent decides, who approved, what it holds to be true, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from watchkeeper.producers.recording.boundary import contained, nothing
from watchkeeper.producers.recording.telling import Telling


class Decisions(Telling):
    """The methods that tell of decisions and of what they rest on."""

    @contained(fallback=str)
    def decision(
        self,
        name: str,
        outcome: Any = None,
        *,
        facts: Mapping[str, Any] | None = None,
        rules: Sequence[Any] = (),
        alternatives: Sequence[Any] = (),
        principal: str = "",
        authority: str = "",
        reason: str | None = None,
        decision_id: str | None = None,
    ) -> str:
        """A decision, with what it rests on, so that it can be explained and repeated.

        Args:
            name: what is decided, for example `refund`.
            outcome: what was decided.
            facts: what it rests on.
            rules: names, or mappings with `name` and `version`.
            alternatives: what else could have been decided.
            principal: on whose behalf.
            authority: by what right.
            reason: why, in words.
            decision_id: names it; made up where it is None.

        Returns:
            The decision's id.
        """
        decision = decision_id or self._new_id("decision")
        fields = {
            "decision_id": decision,
            "name": name,
            "facts": facts,
            "rules": rules,
            "alternatives": alternatives,
            "outcome": outcome,
            "principal": principal,
            "authority": authority,
            "reason": reason,
        }
        self._happened("decision", fields)
        return decision

    @contained(fallback=str)
    def approval(
        self,
        status: Literal["requested", "granted", "denied", "expired"],
        *,
        action: str = "",
        tool_call_id: str = "",
        approver: str = "",
        limits: Mapping[str, Any] | None = None,
        expires_at: datetime | None = None,
        reason: str | None = None,
        approval_id: str | None = None,
    ) -> str:
        """A person is asked for, gives or refuses approval.

        Args:
            status: `requested` when it is asked for; the answer afterwards, under the same id.
            action: what is to be approved.
            tool_call_id: the call that it is for.
            approver: who is asked, or who answered.
            limits: within what it holds, for example `{"amount": 100}`.
            expires_at: until when it holds.
            reason: why, in words.
            approval_id: the id that the request answered; made up where it is None.

        Returns:
            The approval's id.
        """
        approval = approval_id or self._new_id("approval")
        fields = {
            "approval_id": approval,
            "status": status,
            "action": action,
            "tool_call_id": tool_call_id,
            "approver": approver,
            "limits": limits,
            "expires_at": expires_at,
            "reason": reason,
        }
        tell = self._about_to if status == "requested" else self._happened
        tell("approval", fields)
        return approval

    @contained(fallback=str)
    def checkpoint(self, values: Mapping[str, Any], *, checkpoint_id: str | None = None) -> str:
        """Values that the agent holds at this step of the workflow, to be compared with their source.

        Args:
            values: by name: the value, or a mapping with `value`, `source`, `source_value` and `source_version`.
            checkpoint_id: names it; made up where it is None.

        Returns:
            The checkpoint's id.
        """
        checkpoint = checkpoint_id or self._new_id("checkpoint")
        self._happened("checkpoint", {"checkpoint_id": checkpoint, "values": values})
        return checkpoint

    @contained(fallback=nothing)
    def outcome(
        self,
        name: str,
        value: float | None = None,
        *,
        kind: Literal["business", "feedback"] = "business",
        label: str = "",
        comment: str | None = None,
        source: str = "",
    ) -> None:
        """A business result, or a user's feedback. It may arrive days later: see `Watchkeeper.attach`.

        Args:
            name: what is measured, for example `resolved` or `thumbs`.
            value: as a number.
            kind: whose judgement it is.
            label: as a word.
            comment: in the user's words.
            source: where it comes from.
        """
        fields = {"name": name, "kind": kind, "value": value, "label": label, "comment": comment, "source": source}
        self._happened("outcome", fields)
