"""A fleet as ClickHouse's own expressions: what session `n` is, and what its events are.

Everything follows from the session's number, by hashes: the same numbers make the same fleet. A session has 2 to 9
rounds of prompt, response, call and result, 25 events on average.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper.schemas.model import to_us

EVENTS_A_SESSION = 25
DAYS = 30
_DAY_US = 86_400_000_000

_WORDS = (
    "The customer asks about an order that has not arrived, and whether the amount can be paid back before the end of "
    "the month. The policy allows a refund within thirty days where the parcel was lost; an approval is needed above "
    "two hundred. The carrier says that the parcel left the depot on Tuesday and was not seen since. I look the order "
    "up, compare the address with the one that was given, and tell what can be done next, without promising a date. "
)


def _of(values: tuple[str, ...], index: str) -> str:
    return f"[{', '.join(repr(value) for value in values)}][1 + {index} % {len(values)}]"


def _draw(salt: int, *further: str) -> str:
    return f"cityHash64({', '.join(('n', *further, str(salt)))})"


TENANTS = tuple(f"tenant-{letter}" for letter in "abcdefgh")
ROLES = ("support", "billing", "refunds", "research", "sales", "operations", "coding", "triage")
INTENTS = ("refund", "question", "order", "complaint", "cancel", "other")
MODELS = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4", "gemini-2.5-flash")
TOOLS = (
    "search", "get_order", "refund", "send_mail", "get_customer", "list_invoices", "run_sql", "open_ticket",
    "read_file", "write_file", "track_parcel", "calendar",
)  # fmt: skip

_INPUT = f"(500 + {_draw(7, 'j')} % 3000)"
_OUTPUT = f"(50 + {_draw(8, 'j')} % 400)"
_PRICE = "[0.15, 2.5, 3.0, 0.3][1 + slot % 4]"
_COST = f"round(({_INPUT} * {_PRICE} + {_OUTPUT} * 4 * {_PRICE}) / 1e6, 9)"

SESSION: Mapping[str, str] = {
    "n": "number",
    "h": "cityHash64(n, 1)",
    "place": f"(n + 0.5) / {{sessions}} * {DAYS}",
    # More by day than by night.
    "opened_us": f"{{begin_us}} + toInt64({_DAY_US} * (place - 0.1 * sin(2 * pi() * (place - floor(place)))))",
    "of_tenant": "arrayFirstIndex(edge -> edge > h % 100, [35, 55, 70, 80, 88, 94, 98, 100]) - 1",
    "slot": "of_tenant * 3 + intDiv(h, 256) % 3",
    "tenant_id": _of(TENANTS, "of_tenant"),
    "agent_id": _of(ROLES, "slot"),
    "agent_version": "concat('1.', toString(toUInt8(intDiv(toInt64(place), 6))))",
    "intent": _of(INTENTS, "intDiv(h, 1024)"),
    "unpriced": "h % 97 = 0",
    "model": f"if(unpriced, 'model-of-tomorrow', {_of(MODELS, 'slot')})",
    "rounds": "2 + intDiv(h, 65536) % 8",
    "session_id": "lower(hex(sipHash128(n, 2)))",
    "origin": "multiIf(h % 50 = 0, 'import', h % 101 = 0, 'simulated', 'live')",
    "status": (
        f"multiIf({_draw(3)} % 1000 < 920, 'completed', {_draw(3)} % 1000 < 970, 'failed', "
        f"{_draw(3)} % 1000 < 990, 'stopped', 'silent')"
    ),
    "customer_id": "concat('c-', toString(cityHash64(n, 4) % 50000))",
    "user_id": "concat('u-', toString(cityHash64(n, 5) % 80000))",
    "source_partition": "toUInt16(cityHash64(session_id) % 12)",
    "session_input": f"arraySum(j -> {_INPUT}, range(rounds))",
    "session_output": f"arraySum(j -> {_OUTPUT}, range(rounds))",
    "session_cost": f"if(unpriced, 0., arraySum(j -> {_COST}, range(rounds)))",
    # Some sessions have one finding, few have two.
    "findings": f"multiIf({_draw(21)} % 100 < 6, 1, {_draw(21)} % 100 < 7, 2, 0)",
    "ended_us": "opened_us + (4 * rounds + 2) * 2500000 + 900000",
}

EVENT: Mapping[str, str] = {
    "last": "4 * rounds + 2",
    "j": "intDiv(k - 1, 4)",
    "draw": "cityHash64(n, k, 6)",
    "type": (
        "multiIf(k = 0, 'session_started', k = last, 'session_ended', k = last - 1, 'outcome', "
        "[multiIf(j = 0, 'prompt', 'reasoning'), 'response', "
        "multiIf(draw % 10 = 0 AND j = 1, 'retrieval', 'tool_call'), "
        "multiIf(cityHash64(n, k - 1, 6) % 10 = 0 AND j = 1, 'decision', 'tool_result')][1 + (k - 1) % 4])"
    ),
    "occurred_us": "opened_us + k * 2500000 + draw % 900000",
    "is_call": "type IN ('tool_call', 'tool_result')",
    "tool_name": f"if(is_call, {_of(TOOLS, '(slot + cityHash64(n, j, 9) % 4)')}, '')",
    "of_model": "if(type IN ('prompt', 'response'), model, '')",
    "tokens_in": f"if(type = 'response', {_INPUT}, 0)",
    "tokens_out": f"if(type = 'response', {_OUTPUT}, 0)",
    "cost": f"if(type = 'response' AND NOT unpriced, toNullable({_COST}), NULL)",
    "words": f"substring('{_WORDS}', 1 + draw % 120, 120 + intDiv(draw, 128) % 160)",
    "took_us": "toUInt64(200000 + exp2((intDiv(draw, 65536) % 1000) / 100) * 5000)",
    "result_status": "multiIf(draw % 100 < 4, 'error', draw % 100 < 5, 'timeout', 'ok')",
    "data": (
        "multiIf("
        'type = \'session_started\', concat(\'{"goal":{"text":"\', words, \'"},"intent":"\', intent, \'"}\'), '
        "type = 'session_ended', if(status = 'silent', '{}', concat('{\"status\":\"', status, '\"}')), "
        "type = 'response', concat('{\"duration_us\":', toString(took_us), ',\"abstained\":', "
        "if(draw % 50 = 0, 'true', 'false'), ',\"text\":{\"text\":\"', words, '\"}}'), "
        'type = \'tool_call\', concat(\'{"tool_call_id":"\', toString(draw), \'","arguments":{"about":"\', words, '
        "'\"}}'), "
        "type = 'tool_result', concat('{\"status\":\"', result_status, '\",\"duration_us\":', toString(took_us), "
        '\',"result":{"text":"\', words, \'"}}\'), '
        'type = \'outcome\', \'{"name":"resolved","value":1}\', '
        'concat(\'{"text":{"text":"\', words, \'"}}\'))'
    ),
}
"""Of event `k` of a session, after the session's own."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """How large the fleet is, and which month it is.

    Attributes:
        events: about how many events; sessions have `EVENTS_A_SESSION` on average.
        until: the end of the month, aware.
    """

    events: int
    until: datetime

    @property
    def sessions(self) -> int:
        """How many sessions there are."""
        return max(DAYS, self.events // EVENTS_A_SESSION)

    @property
    def since(self) -> datetime:
        """The beginning of the month."""
        return self.until - timedelta(days=DAYS)

    def sessions_sql(self, low: int, high: int) -> str:
        """A subquery of the sessions `low` until before `high`, with the columns of `SESSION`."""
        fields = ", ".join(
            f"{expression.replace('{sessions}', str(self.sessions)).replace('{begin_us}', str(to_us(self.since)))}"
            f" AS {name}"
            for name, expression in SESSION.items()
        )
        return f"(SELECT {fields} FROM numbers({low}, {high - low}))"

    def events_sql(self, low: int, high: int) -> str:
        """The same of their events, with the columns of `EVENT` beside."""
        fields = ", ".join(f"{expression} AS {name}" for name, expression in EVENT.items())
        return (
            f"(SELECT *, {fields} FROM (SELECT *, arrayJoin(range(4 * rounds + 3)) AS k"
            f" FROM {self.sessions_sql(low, high)}))"
        )

    def days(self) -> list[tuple[int, int]]:
        """The sessions of each day: from, and until before."""
        return [(day * self.sessions // DAYS, (day + 1) * self.sessions // DAYS) for day in range(DAYS)]
