"""What the tests of the commands share: rows put in through the models of the contract, and command lines run."""

from __future__ import annotations

import base64
import signal
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from clickhouse_connect.driver import Client

from watchkeeper.cli.root import watchkeeper
from watchkeeper.schemas.contents import Content, address_of
from watchkeeper.schemas.control import Control
from watchkeeper.schemas.envelope import Envelope
from watchkeeper.schemas.events import EVENT_ADAPTER
from watchkeeper.schemas.evidence import UnknownTool
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.model import format_utc
from watchkeeper.schemas.rows import INSERT_SETTINGS, ContentRow, DeadLetterRow, EventColumns, SessionRow
from watchkeeper.schemas.wire import line_digest
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.engine.rows import command_row

SALT = "0123456789abcdef0123456789abcdef"
MINUTE = timedelta(minutes=1)


class Shelf:
    """Puts rows into the store, all of one tenant and one session unless they say otherwise.

    Attributes:
        begin: when the session began; events give their time in seconds after it.
    """

    def __init__(self, client: Client, begin: datetime | None = None) -> None:
        self.client = client
        self.tenant = f"tenant-{uuid.uuid4().hex[:12]}"
        self.session = f"session-{uuid.uuid4()}"
        self.agent = f"agent-{uuid.uuid4().hex[:12]}"
        self.begin = begin or datetime.now(UTC).replace(microsecond=0) - 10 * MINUTE
        self._next: dict[str, int] = {}
        self._offset = 0

    def put(self, table: str, *rows: bytes) -> None:
        self.client.raw_insert(table, insert_block=b"\n".join(rows), fmt="JSONEachRow", settings=INSERT_SETTINGS)

    def at(self, seconds: float) -> datetime:
        return self.begin + timedelta(seconds=seconds)

    def text(
        self, text: str, *, salt: str | None = SALT, inline: bool = True, media: str = "text/plain"
    ) -> dict[str, Any]:
        """A content, as it stands in an event's data."""
        found = {"address": address_of(text, salt), "size": len(text.encode()), "media_type": media}
        return {**found, "text": text} if inline else found

    def message(self, role: str, said: Any, *, inline: bool = True) -> dict[str, Any]:
        whole = orjson.dumps({"role": role, "content": said}).decode()
        return {"role": role, "content": self.text(whole, inline=inline, media="application/json")}

    def event(self, kind: str, seconds: float, data: dict[str, Any], **given: Any) -> str:
        """Stores an event and returns its id; `seq` goes on by itself, and what is no field of it is a column."""
        columns = {name: given.pop(name) for name in list(given) if name not in Envelope.model_fields}
        writer = given.setdefault("writer_id", "writer-1")
        seq = given.setdefault("seq", self._next.get(writer, 0))
        self._next[writer] = seq + 1
        if seq == 0:
            given.setdefault("writer_salt", SALT)
        line = orjson.dumps(
            {
                "type": kind,
                "event_id": uuid7(),
                "tenant_id": self.tenant,
                "session_id": self.session,
                "occurred_at": format_utc(self.at(seconds)),
                "agent_id": self.agent,
                **given,
                "data": data,
            }
        )
        event = EVENT_ADAPTER.validate_json(line)
        self._offset += 1
        row = EventColumns(
            source_partition=3,
            source_offset=self._offset,
            source_line=0,
            digest=line_digest(line),
            received_at=self.at(seconds),
            **columns,
        )
        document = orjson.loads(line)
        if kind == "content":
            # As the worker does: the text itself stands in `contents`.
            document["data"].pop("text")
        self.put("events", orjson.dumps({**row.model_dump(mode="json", exclude_none=True), **document}))
        return event.event_id

    def content(
        self, text: str, *, part: int = 0, parts: int = 1, salt: str | None = SALT, of: str | None = None
    ) -> None:
        """Stores a part of a text; `of` is the whole one."""
        whole = of or text
        row = ContentRow(
            tenant_id=self.tenant,
            address=address_of(whole, salt),
            part=part,
            parts=parts,
            size=len(whole.encode()),
            media_type="text/plain",
            text=text,
            retention_class="standard",
        )
        self.put("contents", row.model_dump_json().encode())

    def state(self, **given: Any) -> SessionRow:
        """Stores the session's row."""
        values: dict[str, Any] = {
            "source_partition": 3,
            "tenant_id": self.tenant,
            "session_id": self.session,
            "version": 1,
            "root_session_id": self.session,
            "parent_session_id": "",
            "agent_id": self.agent,
            "agent_version": "1.4.2",
            "environment": "production",
            "origin": "live",
            "user_id": "u-17",
            "customer_id": "c-9",
            "workflow": "",
            "intent": "refund",
            "model": "gpt-4o-mini",
            "started_at": self.begin,
            "last_event_at": self.at(42.3),
            "status": "completed",
            "events": 31,
            "tool_calls": 5,
            "tokens": 12_310,
            "input_tokens": 14_000,
            "output_tokens": 900,
            "cost_usd": 0.0123,
            "unpriced_requests": 0,
            "findings": 0,
            "worst_severity": "",
            "policy_address": "",
            "retention_class": "standard",
            "state": "{}",
        }
        values = {"opened_at": given.get("started_at", self.begin)} | values
        row = SessionRow(**(values | given))
        self.put("sessions", row.model_dump_json().encode())
        return row

    def finding(self, **given: Any) -> Finding:
        """Stores a finding of an unknown tool."""
        values: dict[str, Any] = {
            "finding_id": uuid7(),
            "tenant_id": self.tenant,
            "session_id": self.session,
            "agent_id": self.agent,
            "origin": "live",
            "failure_mode": "hallucinated_tool",
            "kind": "unknown_tool",
            "severity": "high",
            "rule_id": "hallucinated_tool",
            "rule_version": 1,
            "summary": "It called refnd, which is no tool.",
            "evidence": UnknownTool(tool_name="refnd", tool_call_id="c1", nearest=["refund"], registered=3),
            "first_event_at": self.at(1),
            "last_event_at": self.at(1),
            "detected_at": datetime.now(UTC),
            "runbook": "docs/runbooks/hallucinated_tool.md",
        }
        finding = Finding(**(values | given))
        self.put("findings", finding.model_dump_json().encode())
        return finding

    def command(self, **given: Any) -> Control:
        """Stores a control command."""
        values: dict[str, Any] = {
            "command_id": uuid7(),
            "tenant_id": self.tenant,
            "target": {"kind": "session", "id": self.session},
            "action": "terminate",
            "reason": "too dear",
            "issued_by": "worker",
            "issued_at": self.at(2),
            "expires_at": self.at(3602),
        }
        command = Control(**(values | given))
        self.put("control_commands", command_row(command))
        return command

    def letter(self, raw: bytes, *, key: bytes = b"acme/s1", **given: Any) -> str:
        """Stores a dead letter and returns its place. Its topic is of its own, so that tests keep apart."""
        values: dict[str, Any] = {
            "source_topic": f"letters.{self.tenant}",
            "source_partition": 0,
            "source_offset": 1,
            "source_line": 0,
            "reason": "not_json",
            "detail": "one JSON object on each line",
            "received_at": datetime.now(UTC),
            "key_base64": base64.b64encode(key).decode(),
            "raw_base64": base64.b64encode(raw).decode(),
        }
        row = DeadLetterRow(**(values | given))
        self.put("dead_letters", row.model_dump_json().encode())
        return f"{row.source_topic}/{row.source_partition}/{row.source_offset}/{row.source_line}"


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    connected = connect(clickhouse)
    yield connected
    connected.close()


@pytest.fixture
def shelf(client: Client) -> Shelf:
    return Shelf(client)


@pytest.fixture
def new_shelf(client: Client) -> Callable[..., Shelf]:
    """Makes shelves: `new_shelf(begin=…)`."""

    def make(**given: Any) -> Shelf:
        return Shelf(client, **given)

    return make


@pytest.fixture
def run(clickhouse: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command line against the store, and against the broker where `kafka` is given."""

    def invoke(*args: str, kafka: str = "127.0.0.1:1", **given: Any) -> Result:
        environment = {"WATCHKEEPER_CLICKHOUSE_DSN": clickhouse, "WATCHKEEPER_KAFKA_BOOTSTRAP": kafka}
        return CliRunner().invoke(watchkeeper, args, env=environment, catch_exceptions=False, **given)

    monkeypatch.delenv("WATCHKEEPER_DEBUG", raising=False)
    return invoke


def text_of(raw: dict[str, Any]) -> Content:
    """A content of `Shelf.text` as the contract reads it."""
    return Content.model_validate_json(orjson.dumps(raw))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell starts what runs in the background with the signal ignored, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
