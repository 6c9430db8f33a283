"""What signals are about: the keys under which stage 2 folds them."""

from __future__ import annotations

from typing import Literal, get_args

SubjectKind = Literal[
    "agent", "tenant", "user", "customer", "tool", "facts", "resource", "action", "workflow", "tree", "quality"
]
SUBJECT_KINDS: tuple[SubjectKind, ...] = get_args(SubjectKind)


def subject_of(kind: SubjectKind, tenant_id: str, origin: str, name: str) -> str:
    """The subject under which what concerns `name` is folded."""
    return f"{kind}:{tenant_id}/{origin}/{name}"


def agent_subject(tenant_id: str, origin: str, agent_id: str) -> str:
    """The subject under which an agent's sessions are counted."""
    return subject_of("agent", tenant_id, origin, agent_id)


def quality_subject(tenant_id: str, origin: str, agent_id: str) -> str:
    """The subject under which an agent is watched for drift: apart, since its state is large."""
    return subject_of("quality", tenant_id, origin, agent_id)


def name_of(subject: str) -> str:
    """What a subject is called within its kind, tenant and origin: the inverse of `subject_of`."""
    return subject.split("/", 2)[2]
