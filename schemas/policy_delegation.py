"""What a policy asks of the authority that agents hand on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from watchkeeper.schemas.model import Model, Name


class DelegationRules(Model):
    """What must hold of delegations that begin in a session of this agent. That authority only narrows always holds.

    Attributes:
        max_depth: hops from the first session: 1 lets it delegate, and none of those to whom it does.
        require_grants: every delegation names a grant and its scope, and what is delegated to has one.
        root_grantors: who may grant what derives from no other grant, wildcards allowed; None for anybody.
        signed_grants: grants stand on `agent.grants` with a signature that holds; needs `require_grants`.
    """

    max_depth: Annotated[int, Field(ge=1, le=32)] | None = None
    require_grants: bool = False
    root_grantors: list[Name] | None = None
    signed_grants: bool = False

    @model_validator(mode="after")
    def _signed_means_required(self) -> DelegationRules:
        if self.signed_grants and not self.require_grants:
            raise ValueError("signed_grants says nothing of delegations without a grant: set require_grants: true")
        return self
