"""Policies that cannot be used, sent as producers send theirs, to a real worker: it goes on, and says so."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from confluent_kafka import Producer

from watchkeeper.cli.stack.child import Child
from watchkeeper.cli.stack.testing import running_broker, running_worker
from watchkeeper.schemas.policy_limits import MAX_CONDITIONS, MAX_PATTERNS
from watchkeeper.schemas.topics import EVENTS, PARTITIONER, TOPICS
from watchkeeper.stream_processors.clickhouse import connect

CANARY = "kanarienvogel4711"
CALLS = 27
"""Two above the default cap."""

TOOL = {"tools": {CANARY: {"bounds": {"n": {"minimum": 9, "maximum": 1}}}}}
REFUSED: dict[str, tuple[dict[str, Any] | str, str]] = {
    "unknown field": ({CANARY: 1}, "at *: there is a field that this version does not know"),
    "bad CEL": ({"constraints": [{"name": "n", "require": f"'{CANARY}' +"}]}, "a condition does not compile"),
    "type mismatch": (
        {"facts": {"total": {"type": "text"}}, "constraints": [{"name": CANARY, "require": "total > 5.0"}]},
        "at constraints[0].require: a condition does not compile",
    ),
    "unknown tool": (
        {"allow_unlisted_tools": False, "constraints": [{"name": "n", "tool": CANARY, "require": "args.x > 1"}]},
        "at constraints[0].tool",
    ),
    "impossible cap": ({"caps": {"tool_calls": -3}}, "at caps.tool_calls: a number is out of range"),
    "contradictory fields": (TOOL, "at tools.*.bounds.*: what it says cannot hold"),
    "too many patterns": (
        {"tools": {f"t{i}": {"bounds": {"a": {"pattern": "\\w{200}"}}} for i in range(2000)}},
        f"write at most {MAX_PATTERNS}",
    ),
    "too many conditions": (
        {"tools": {"t": {"require": [{"condition": f"args.{CANARY}"}] * 2000}}},
        f"write at most {MAX_CONDITIONS}",
    ),
    "no JSON": ("{" + CANARY, "no JSON that can be read"),
    "a list": (f'["{CANARY}"]', "at its top: a value is of another type"),
}
USED: dict[str, dict[str, Any]] = {
    "an expression that Python's engine does not know": {
        "masking": {"patterns": [{"name": "greek", "regex": r"\p{Greek}{4,}"}]}
    },
    "a condition that loops over all there is": {
        "tools": {"search": {"require": [{"condition": "args.q.all(x, args.q.all(y, args.q.all(z, x != y)))"}]}}
    },
}


@dataclass
class Line:
    """Broker, worker and store."""

    producer: Producer
    dsn: str
    worker: Child
    passage: ModuleType

    def tell(self, teller: Any, policy: str) -> None:
        body = {"name": "support", "content": teller.shared(policy)}
        lines = [teller.start(policy=body)]
        for number in range(CALLS):
            lines += [teller.call(number, q=f"query {number}"), teller.result(number)]
        lines.append(teller.end())
        self.producer.produce(EVENTS.name, b"\n".join(lines), teller.key)
        assert self.producer.flush(30) == 0

    def rows(self, query: str, session: str) -> list[dict[str, Any]]:
        client = connect(self.dsn)
        found = list(client.query(query, parameters={"s": session}).named_results())
        client.close()
        return found

    def closed(self, session: str) -> dict[str, Any]:
        query = "SELECT * FROM sessions FINAL WHERE session_id = {s:String} AND status = 'completed'"
        self.passage.wait_until(lambda: bool(self.rows(query, session)), 60, self.worker)
        return self.rows(query, session)[0]

    def findings(self, session: str) -> list[dict[str, Any]]:
        self.closed(session)
        return self.rows("SELECT * FROM findings FINAL WHERE session_id = {s:String}", session)


@pytest.fixture(scope="module")
def line(clickhouse: str, passage: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("w")
    with (
        running_broker(TOPICS) as bootstrap,
        running_worker(bootstrap, clickhouse, folder, WATCHKEEPER_LOG_LEVEL="DEBUG") as worker,
    ):
        producer = Producer({"bootstrap.servers": bootstrap, "partitioner": PARTITIONER})
        yield Line(producer, clickhouse, worker, passage)
        assert worker.exit_code is None
        assert worker.stop(10) == 0
        # What a policy held is in no log either.
        said = worker.log.read_text()
        assert said
        assert CANARY not in said


@pytest.mark.parametrize("what", REFUSED)
def test_the_session_is_judged_by_the_default_policy_and_told_so(what: str, line: Line, telling: ModuleType) -> None:
    policy, says = REFUSED[what]
    teller = telling.Teller(uuid.uuid4().hex)
    line.tell(teller, policy if isinstance(policy, str) else json.dumps({"agent": "support"} | policy))
    found = line.findings(teller.session)
    [unjudged] = [one for one in found if one["kind"] == "unjudged"]
    assert says in json.loads(unjudged["evidence"])["reason"]
    assert all(CANARY not in str(one) for one in found)
    [cap] = [json.loads(one["evidence"]) for one in found if one["kind"] == "cap_use" and one["severity"] == "high"]
    assert (cap["cap"], cap["limit"]) == ("tool_calls", 25)
    commands = "SELECT 1 FROM control_commands WHERE target_id = {s:String}"
    assert line.rows(commands, teller.session) == []


@pytest.mark.parametrize("what", USED)
def test_what_is_odd_and_can_be_used_is_used(what: str, line: Line, telling: ModuleType) -> None:
    teller = telling.Teller(uuid.uuid4().hex)
    line.tell(teller, json.dumps({"agent": "support"} | USED[what]))
    found = line.findings(teller.session)
    assert "unjudged" not in {one["kind"] for one in found}
    assert line.closed(teller.session)["tool_calls"] == CALLS
