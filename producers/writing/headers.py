"""The constant part of an event's header, encoded once and reused for every event under it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import orjson

from watchkeeper.producers.writing import names
from watchkeeper.producers.writing.encoding import freeze, whole_or_size
from watchkeeper.producers.writing.numbers import whole
from watchkeeper.schemas.losses import LOST_ATTRIBUTE, LOST_REASONS_ATTRIBUTE
from watchkeeper.schemas.wire import record_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchkeeper.producers.losses import LossReason
    from watchkeeper.schemas.envelope import Origin, RetentionClass

MAX_ATTRIBUTES: Final = 32
STOP_ATTRIBUTE: Final = "watchkeeper.stop_requested"
"""The command that asked this session to stop, where the policy's mode let it go on."""

MASKED_ATTRIBUTE: Final = "watchkeeper.masked"
"""What was masked in this event, by kind: `email:2,secret:1`. Never what it was."""

RESERVED_ATTRIBUTES: Final = 4

HELD_ATTRIBUTE: Final = 16 * 1024
"""Characters of an attribute that are held until it is masked. A longer one is told by its size alone."""

ATTRIBUTE_LENGTH: Final = 1000

Scalar = str | int | float | bool


@dataclass(frozen=True)
class Header:
    """What all events of a session share until somebody changes it (`with_`). Values must fit the contract.

    Attributes:
        turn: counts the user's turns from 0; None where the host does not say.
        attributes: a few short facts; see `fit_attributes`.
    """

    tenant_id: str
    session_id: str
    agent_id: str
    root_session_id: str = ""
    parent_session_id: str = ""
    agent_version: str = ""
    workflow: str = ""
    step: str = ""
    turn: int | None = None
    environment: str = "production"
    origin: Origin = "live"
    retention_class: RetentionClass = "standard"
    trace_id: str = ""
    span_id: str = ""
    user_id: str = ""
    customer_id: str = ""
    attributes: Mapping[str, Scalar] = field(default_factory=lambda: MappingProxyType({}))

    def __repr__(self) -> str:
        # Not its attributes and not who the user is: nothing is masked yet.
        return f"Header({self.agent_id!r}, session_id={self.session_id!r})"

    def with_(self, **changes: Any) -> Header:
        """The same header with some fields changed."""
        return replace(self, **changes)

    @cached_property
    def key(self) -> bytes:
        """The Kafka key of the session's records."""
        return record_key(self.tenant_id, self.session_id)

    @cached_property
    def _before(self) -> bytes:
        fields: dict[str, Any] = {} if self.tenant_id == "default" else {"tenant_id": self.tenant_id}
        fields["session_id"] = self.session_id
        if self.root_session_id:
            fields["root_session_id"] = self.root_session_id
        if self.parent_session_id:
            fields["parent_session_id"] = self.parent_session_id
        return b"," + orjson.dumps(fields)[1:-1]

    @cached_property
    def _after(self) -> bytes:
        fields: dict[str, Any] = {"agent_id": self.agent_id}
        for key in ("agent_version", "workflow", "step"):
            if value := getattr(self, key):
                fields[key] = value
        if self.turn is not None:
            fields["turn"] = self.turn
        for key, default in (("environment", "production"), ("origin", "live"), ("retention_class", "standard")):
            if (value := getattr(self, key)) != default:
                fields[key] = value
        for key in ("trace_id", "span_id", "user_id", "customer_id"):
            if value := getattr(self, key):
                fields[key] = value
        return b"," + orjson.dumps(fields)[1:-1]

    @cached_property
    def _attributes(self) -> bytes:
        return b',"attributes":' + orjson.dumps(dict(self.attributes)) if self.attributes else b""

    def encode(
        self,
        kind: str,
        event_id: str,
        *,
        writer: bytes,
        seq: int,
        occurred_us: int,
        lost: Mapping[LossReason, int],
        masked: Mapping[str, int] | None = None,
    ) -> bytes:
        """The canonical header of one event, closed with a brace.

        Args:
            kind: the event's type.
            event_id: its id.
            writer: the writer's id as a JSON string.
            seq: its number.
            occurred_us: when it happened, epoch microseconds; moved into the range that the contract takes.
            lost: events of the session lost so far, by reason; where there are any, their number and the reasons are
                told as attributes.
            masked: places masked in the event, by kind, told the same way.
        """
        attributes = self._attributes
        if lost or masked:
            own: dict[str, Scalar] = {}
            if lost:
                own[LOST_ATTRIBUTE] = sum(lost.values())
                own[LOST_REASONS_ATTRIBUTE] = _counted(lost)
            if masked:
                own[MASKED_ATTRIBUTE] = _counted(masked)
            attributes = b',"attributes":' + orjson.dumps({**self.attributes, **own})
        return b'{"type":"%b","event_id":"%b"%b,"writer_id":%b,"seq":%d,"occurred_at":"%b"%b%b}' % (
            kind.encode(),
            event_id.encode(),
            self._before,
            writer,
            seq,
            names.spell_us(names.time_us(occurred_us)).encode(),
            self._after,
            attributes,
        )


def _counted(counts: Mapping[LossReason, int] | Mapping[str, int]) -> str:
    return ",".join(f"{name}:{number}" for name, number in sorted(counts.items()))


def fit_turn(given: Any) -> int | None:
    """A turn as the contract takes it; None where it is no number."""
    turn = whole(freeze(given))
    return None if turn is None else min(turn, 2**31 - 1)


def fit_attributes(given: Mapping[Any, Any]) -> Mapping[str, Scalar]:
    """Attributes as the recorder holds them: at most 28, texts and finite numbers.

    Four places are kept for what the recorder itself has to say. Texts are not cut to what the contract takes yet
    (`cut_attributes` does that): half a secret is not known for one.
    """
    fitting: dict[str, Scalar] = {}
    for key, value in list(given.items())[: MAX_ATTRIBUTES - RESERVED_ATTRIBUTES]:
        fitting[whole_or_size(names.text_of(key), HELD_ATTRIBUTE)] = _scalar(value)
    return MappingProxyType(fitting)


def cut_attributes(given: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    """Attributes as the contract takes them: keys of 256 and texts of 1,000 characters. After masking."""
    if all(len(key) <= names.NAME_LENGTH and _fits(value) for key, value in given.items()):
        return given
    return {
        key[: names.NAME_LENGTH]: value[:ATTRIBUTE_LENGTH] if isinstance(value, str) else value
        for key, value in given.items()
    }


def _fits(value: Scalar) -> bool:
    return not isinstance(value, str) or len(value) <= ATTRIBUTE_LENGTH


def _scalar(value: Any) -> Scalar:
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return int(value)
    if isinstance(value, float) and value - value == 0:
        return float(value)
    if isinstance(value, float):
        return str(value)
    return whole_or_size(names.text_of(value), HELD_ATTRIBUTE)
