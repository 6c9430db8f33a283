"""Making a recorder: what is refused and how, what is a no-op, what never reaches the host."""

from __future__ import annotations

import doctest
import importlib
import logging
import pkgutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import watchkeeper.producers as public
from watchkeeper.producers import ConfigurationError, PolicyError, Settings, Watchkeeper
from watchkeeper.producers.losses import LOSS_REASONS, Losses
from watchkeeper.producers.recording.boundary import Boundary, Quiet
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.policy import DEFAULT_CAPS, AgentPolicy, Bound, ToolPolicy
from watchkeeper.schemas.policy_limits import MAX_PATTERNS

Make = Callable[..., Watchkeeper]

POLICY = """
agent: support
version: "3"
mode: enforce
caps:
  tool_calls: 7
"""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "watchkeeper up.*WATCHKEEPER_KAFKA_BOOTSTRAP.*local=True"),
        ({"local": True, "bootstrap": "b:1"}, "local and bootstrap exclude each other"),
        ({"local": True, "kafka": {"acks": "1"}}, "local uses none"),
        ({"bootstrap": "b:1", "kafka": {"no.such.setting": "1"}}, "no.such.setting"),
        ({"local": True, "tenant": "a/b"}, "without slashes"),
        ({"local": True, "tenant": ""}, "1 to 128"),
        ({"local": True, "agent": ""}, "1 to 256"),
        ({"local": True, "agent": "a\nb"}, "control characters"),
        ({"local": True, "policy": AgentPolicy(agent="other")}, "'other', not 'support'"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_remedy(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Watchkeeper(**({"agent": "support"} | options))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"queue_events": 0}, "queue_events is 0"),
        ({"queue_bytes": 10, "event_bytes": 20}, "above queue_bytes"),
        ({"record_bytes": 2_000_000}, "largest record"),
        ({"linger_ms": 500}, "busy_linger_ms"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Settings(**options)


def started(memory: MemoryTransport) -> Any:
    return memory.events()[0].data


def policy_told(memory: MemoryTransport) -> AgentPolicy:
    return AgentPolicy.model_validate_json(started(memory).policy.content.text)


@pytest.mark.parametrize("form", ["path", "text", "mapping", "mapping with agent", "policy"])
def test_a_policy_may_come_in_any_form(form: str, make_watch: Make, memory: MemoryTransport, tmp_path: Path) -> None:
    path = tmp_path / "support.yaml"
    path.write_text(POLICY)
    fields: dict[str, Any] = {"version": "3", "mode": "enforce", "caps": {"tool_calls": 7}}
    expected = AgentPolicy(
        agent="support", version="3", mode="enforce", caps=DEFAULT_CAPS.model_copy(update={"tool_calls": 7})
    )
    given: Any = {
        "path": path,
        "text": str(path),
        "mapping": fields,
        "mapping with agent": {"agent": "support", **fields},
        "policy": expected,
    }[form]
    watch = make_watch(policy=given)
    with watch.session():
        pass
    assert watch.close()
    assert policy_told(memory) == expected
    assert started(memory).policy.content.address == expected.address
    assert (started(memory).policy.name, started(memory).policy.version) == ("support", "3")


def test_without_a_policy_the_default_caps_hold_in_warn(watch: Watchkeeper, memory: MemoryTransport) -> None:
    with watch.session():
        pass
    assert watch.close()
    assert (policy_told(memory).mode, policy_told(memory).caps) == ("warn", DEFAULT_CAPS)


def test_a_wrong_policy_names_file_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("agent: support\nmode: sometimes\n")
    with pytest.raises(PolicyError, match=r"p\.yaml:2: mode"):
        Watchkeeper("support", path, local=True)


def test_a_policy_that_no_worker_reads_is_refused_when_the_agent_starts() -> None:
    looks = {f"look-{number}": ToolPolicy(bounds={"q": Bound(pattern="x")}) for number in range(MAX_PATTERNS + 1)}
    with pytest.raises(ConfigurationError, match=f"write at most {MAX_PATTERNS}"):
        Watchkeeper("support", AgentPolicy(agent="support", tools=looks), local=True)


def test_the_environment_says_where_and_what(
    monkeypatch: pytest.MonkeyPatch, make_watch: Make, memory: MemoryTransport
) -> None:
    monkeypatch.setenv("WATCHKEEPER_ENVIRONMENT", "staging")
    watch = make_watch()
    with watch.session():
        pass
    assert watch.close()
    assert memory.events()[0].environment == "staging"
    monkeypatch.setenv("WATCHKEEPER_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    elsewhere = Watchkeeper("support")
    assert elsewhere.close()


def test_disabled_is_a_no_op(monkeypatch: pytest.MonkeyPatch, memory: MemoryTransport) -> None:
    monkeypatch.setenv("WATCHKEEPER_DISABLED", "1")
    before = threading.active_count()
    watch = Watchkeeper("support", "/no/such/policy.yaml")

    @watch.tool
    def tool(a: int) -> int:
        return a

    with watch.session(goal="g") as s:
        assert s.prompt([{"role": "user"}])
        assert tool(3) == 3
        with s.delegate("other", policy="/nor/this.yaml") as child:
            child.response("a", answer=True)
        assert s.stop_requested is None
    assert watch.flush()
    assert watch.close()
    assert watch.losses() == {}
    assert watch.findings() == []
    assert watch.traffic().events == 0
    assert threading.active_count() == before


def test_a_mistake_of_ours_stays_inside(
    monkeypatch: pytest.MonkeyPatch, make_watch: Make, memory: MemoryTransport, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("WATCHKEEPER_RAISE")
    watch = make_watch()
    with watch.session() as s:
        monkeypatch.setattr("watchkeeper.producers.session.freeze", lambda _: 1 / 0)
        call = s.tool_call("t", {"password": "hunter2"})
        s.tool_result(call, "a")
        assert call
        monkeypatch.undo()
        monkeypatch.delenv("WATCHKEEPER_RAISE", raising=False)
        s.reasoning("fine")
    assert watch.close()
    assert watch.losses() == {"internal_error": 2}
    assert [event.type for event in memory.events()] == ["session_started", "reasoning", "session_ended"]
    assert len(caplog.records) == 1
    assert "ZeroDivisionError" in caplog.text
    assert "hunter2" not in caplog.text


def test_an_odd_option_does_not_end_the_host_s_run(
    monkeypatch: pytest.MonkeyPatch, make_watch: Make, memory: MemoryTransport
) -> None:
    monkeypatch.delenv("WATCHKEEPER_RAISE")
    watch = make_watch()
    odd: Any = 3
    with watch.session(session_id="s", attributes=odd) as s, s.delegate("other", attributes=odd):
        pass
    assert watch.close()
    assert watch.losses() == {"internal_error": 2}
    assert memory.events()[0].session_id == "s"


def test_complaints_are_rare_and_count_what_they_held_back() -> None:
    now = [0.0]
    quiet = Quiet(lambda: now[0])
    assert [quiet.passes("a"), quiet.passes("a"), quiet.passes("b")] == [0, None, 0]
    now[0] = 59.9
    assert quiet.passes("a") is None
    now[0] = 60.0
    assert quiet.passes("a") == 2


def test_the_boundary_lets_exits_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHKEEPER_RAISE")
    boundary = Boundary(Losses())
    with pytest.raises(KeyboardInterrupt), boundary:
        raise KeyboardInterrupt
    with boundary:
        raise ValueError
    assert boundary.losses.counts() == {"internal_error": 1}


def test_every_reason_for_a_loss_is_explained() -> None:
    source = Path(importlib.import_module("watchkeeper.schemas.losses").__file__ or "").read_text()
    lines = source.splitlines()
    for reason in LOSS_REASONS:
        (index,) = [number for number, line in enumerate(lines) if line.strip() == f'"{reason}",']
        assert lines[index - 1].strip().startswith("# ")


def modules() -> list[str]:
    prefix = "watchkeeper.producers."
    found = [module.name for module in pkgutil.iter_modules(public.__path__, prefix)]
    return [name for name in found if not name.startswith((prefix + "importers", prefix + "fleet"))]


@pytest.mark.parametrize("name", [*modules(), "watchkeeper.producers.transport.memory"])
def test_examples_in_docstrings_run(name: str) -> None:
    with_examples = doctest.testmod(importlib.import_module(name))
    assert with_examples.failed == 0


@pytest.mark.parametrize(
    "name", ["watchkeeper.producers", "watchkeeper.producers.testing", "watchkeeper.producers.transport"]
)
def test_what_is_exported_is_there_and_explained(name: str) -> None:
    module = importlib.import_module(name)
    assert sorted(module.__all__, key=lambda item: (item.upper() != item, item)) == list(module.__all__)
    for exported in module.__all__:
        assert getattr(module, exported) is not None
    public_names = {item for item in vars(module) if not item.startswith("_")}
    assert set(module.__all__) <= public_names


def test_logs_go_to_one_logger(watch: Watchkeeper) -> None:
    assert logging.getLogger("watchkeeper").handlers == []
    assert watch.losses() == {}
