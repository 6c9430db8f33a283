"""Policies as the console reads them: who runs under which, and what the check says of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from console_scored_agent import ScoredAgent

from watchkeeper.cli.console.policies import StoredPolicies
from watchkeeper.cli.store import ReadStore
from watchkeeper.producers import fleet
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_file import load_policy
from watchkeeper.schemas.rows import ContentRow

REFUNDS = Path(fleet.__file__).parent / "policies" / "refund-desk.yaml"


@pytest.fixture
def refunds() -> AgentPolicy:
    return load_policy(REFUNDS)


def content(tenant: str, address: str, text: str) -> ContentRow:
    return ContentRow(
        tenant_id=tenant, address=address, part=0, parts=1, size=len(text.encode()), media_type="application/json",
        text=text, retention_class="standard",
    )  # fmt: skip


def test_the_policy_of_the_latest_session_is_in_force(store: ReadStore, new_shelf: Callable[..., Any]) -> None:
    early = datetime.now(UTC) - timedelta(hours=3)
    shelf = new_shelf(begin=early)
    for number, (address, hours) in enumerate((("old", 0), ("old", 1), ("new", 2))):
        begun = early + timedelta(hours=hours)
        shelf.state(
            session_id=f"s-{number}-{uuid.uuid4()}", policy_address=address, started_at=begun, last_event_at=begun,
            status="open" if address == "new" else "completed",
        )  # fmt: skip
    new, old = StoredPolicies(store).uses(shelf.tenant, early - timedelta(hours=1))
    assert (new.address, new.sessions, new.open_sessions, new.in_force) == ("new", 1, 1, True)
    assert (old.address, old.sessions, old.open_sessions, old.in_force) == ("old", 2, 0, False)
    assert old.first_at == early


def test_a_policy_is_shown_as_it_was_written_with_its_warnings(
    store: ReadStore, graded: ScoredAgent, put: Callable[..., None], refunds: AgentPolicy
) -> None:
    put("contents", content(graded.tenant, refunds.address, refunds.canonical().decode()))
    found = StoredPolicies(store).text(graded.tenant, "refund-desk", refunds.address)
    assert found.policy == refunds
    assert AgentPolicy.model_validate_json(orjson.dumps(yaml.safe_load(found.yaml))) == refunds
    assert {remark.level for remark in found.remarks} == {"warning"}
    assert "tools.refund_order" in {remark.field for remark in found.remarks}


def test_a_policy_that_cannot_be_used_says_why(store: ReadStore, graded: ScoredAgent, put: Callable[..., None]) -> None:
    text = '{"agent":"refund-desk","version":"1","caps":{"tokens":-1}}'
    put("contents", content(graded.tenant, "bad", text))
    found = StoredPolicies(store).text(graded.tenant, "refund-desk", "bad")
    assert found.policy is None
    assert found.yaml == text
    assert [(one.level, one.field) for one in found.remarks] == [("error", "caps.tokens")]


def test_a_text_that_was_never_stored_is_missing(store: ReadStore, graded: ScoredAgent) -> None:
    found = StoredPolicies(store).text(graded.tenant, "refund-desk", "nowhere")
    assert found.is_missing


def test_without_a_policy_the_default_holds(store: ReadStore, graded: ScoredAgent) -> None:
    found = StoredPolicies(store).text(graded.tenant, "refund-desk", "")
    assert found.policy is not None
    assert found.policy.mode == "warn"
