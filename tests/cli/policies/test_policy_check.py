"""`watchkeeper policy check`: each kind of mistake with its place and remedy, each kind of advice, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.policies.advice import AdviceCode, sentences_of
from watchkeeper.cli.policies.checking import check_text
from watchkeeper.cli.policies.usual_ranges import CAPPED_SHARE, NARROW_JOB, USUAL_CAPS
from watchkeeper.cli.root import watchkeeper
from watchkeeper.schemas.policy import AgentPolicy

GOAL = """
goal:
  statement: >-
    Settle refund requests of customers for orders of the last ninety days. Look up the order that the customer names.
    Refund what was paid, and never more than that. Hand over to a person where the order is older or the customer
    disagrees. Tell the customer what was done and when the money arrives.
  refuses_actions: [Promise a date of payment.]
"""
CAPS = "caps: {tool_calls: 10, tokens: 100000, wall_clock_seconds: 200, cost_usd: 0.5}\n"
SOUND = f"agent: support\nmode: enforce\n{CAPS}{GOAL}"


def check(*args: str, given: str = "") -> Result:
    return CliRunner().invoke(watchkeeper, ["policy", "check", *args], input=given.encode(), catch_exceptions=False)


def remarks(text: str, *args: str) -> list[dict[str, Any]]:
    ended = check("-", "--json", *args, given=text)
    found: list[dict[str, Any]] = json.loads(ended.stdout)["files"][0]["problems"]
    return found


REFUSED: dict[str, tuple[str, int, int, str, str]] = {
    "an unknown field": (
        "agent: a\ncaps: {tokens: 5, tool_call: 9}\n",
        2, 19, "caps.tool_call", "did you mean `tool_calls`?",
    ),
    "a field in the wrong place": ("agent: a\ntool_calls: 9\n", 2, 1, "tool_calls", "it belongs under `caps`"),
    "bad CEL": (
        "agent: a\nconstraints:\n  - name: n\n    require: amount > \n",
        4, 5, "constraints[0].require", "column 9: Syntax error: the expression ends too early",
    ),
    "a type other than declared": (
        "agent: a\nfacts: {total: {type: text}}\nconstraints:\n  - {name: n, require: total > 5.0}\n",
        4, 15, "constraints[0].require", "column 7: > does not take text and number",
    ),
    "a fact that is not declared": (
        "agent: a\nfacts: {total: {type: number}}\nconstraints:\n  - {name: n, require: totl > 5.0}\n",
        4, 15, "constraints[0].require", "totl is not declared; did you mean total?",
    ),
    "a condition of a tool": (
        "agent: a\ntools:\n  pay:\n    require:\n      - condition: arg.amount < 5\n",
        5, 9, "tools.pay.require[0].condition", "arg is not declared; did you mean args?",
    ),
    "an unknown tool in a constraint": (
        "agent: a\nallow_unlisted_tools: false\nconstraints:\n  - {name: n, tool: pey, require: args.x > 5}\n",
        4, 15, "constraints[0].tool", "pey is not among `tools`, so it is never called",
    ),
    "an unknown tool among sinks": (
        "agent: a\nallow_unlisted_tools: false\ntools: {send_mail: {}}\nleaks:\n  sinks: [send_mial]\n",
        5, 11, "leaks.sinks[0]", "did you mean send_mail?",
    ),
    "an unknown tool that is trusted": (
        "agent: a\nallow_unlisted_tools: false\ntools: {look: {}}\ninjection: {trusted_tools: [zzz]}\n",
        4, 29, "injection.trusted_tools[0]", "list it there, or remove it here",
    ),
    "a sink that is none": (
        "agent: a\nleaks:\n  sinks: [mail]\n  may_receive: {charge: [card]}\n",
        4, 17, "leaks.may_receive.charge", "list it in leaks.sinks, or remove it here",
    ),
    "a tool both allowed and refused": (
        "agent: a\nallow_unlisted_tools: false\ngoal: {refuses_tools: ['delete_*']}\ntools: {delete_user: {}}\n",
        3, 24, "goal.refuses_tools[0]", "`tools` allows delete_user, and the goal refuses it",
    ),
    "an impossible cap": ("agent: a\ncaps:\n  tool_calls: 0\n", 3, 3, "caps.tool_calls", "write a number above 0"),
    "a cap below what the job needs": (
        "agent: a\ncaps: {tool_calls: 3}\ngoal: {tool_budget: 4}\n",
        3, 1, "goal", "raise the cap or lower the budget",
    ),
    "an hour above its day": (
        "agent: a\nbudgets: {per_hour_usd: 20, per_day_usd: 10}\n",
        2, 11, "budgets.per_hour_usd", "20 can never be reached: per_day_usd is 10",
    ),
    "a user's day above the agent's": (
        "agent: a\nbudgets: {per_user_day_usd: 20, per_day_usd: 10}\n",
        2, 11, "budgets.per_user_day_usd", "lower the one or raise the other",
    ),
    "a tenant's hour above its day": (
        "agent: a\nbudgets: {per_tenant_hour_usd: 2, per_tenant_day_usd: 1}\n",
        2, 11, "budgets.per_tenant_hour_usd", "can never be reached",
    ),
    "limits the wrong way round": (
        "agent: a\ntools:\n  t:\n    bounds:\n      n: {minimum: 9, maximum: 1}\n",
        5, 7, "tools.t.bounds.n", "swap them",
    ),
    "an allowed value that is out of bounds": (
        "agent: a\ntools:\n  t:\n    bounds:\n      n: {maximum: 5, allowed: [1, 9]}\n",
        5, 36, "tools.t.bounds.n.allowed[1]", "9 is above maximum 5",
    ),
    "an allowed value that breaks the pattern": (
        "agent: a\ntools:\n  t:\n    bounds:\n      n: {pattern: 'o-[0-9]', allowed: [o-1, p-1]}\n",
        5, 46, "tools.t.bounds.n.allowed[1]", "does not match the pattern",
    ),
    "an approval that is never asked": (
        "agent: a\ntools:\n  t:\n    bounds: {n: {maximum: 100}}\n    approval: {argument: n, above: 100}\n",
        5, 29, "tools.t.approval.above", "no call is above 100",
    ),
    "masked and exempt": (
        "agent: a\nmasking:\n  fields: ['*.password']\n  exempt: ['*.password']\n",
        4, 12, "masking.exempt[0]", "keep one of them",
    ),
    "a word that is not known": ("agent: a\nmode: enforced\n", 2, 1, "mode", "did you mean `enforce`?"),
    "a word that YAML reads otherwise": ("agent: a\nmode: off\n", 2, 1, "mode", "YAML 1.1 reads off as the boolean"),
    "a tab": ("agent: a\ncaps:\n\ttokens: 5\n", 3, 1, "document", "indent with spaces"),
    "no UTF-8": ("agent: a\nversion: 1\udcff\n", 2, 11, "file", "save it as UTF-8"),
    "nothing": ("", 1, 1, "document", "begin with `agent: `"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_mistake_is_refused_with_its_place_and_the_remedy(what: str, tmp_path: Path) -> None:
    text, line, column, field, says = REFUSED[what]
    path = tmp_path / "p.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    ended = check(str(path))
    assert ended.exit_code == ExitCode.FAILED
    told = [row for row in ended.stdout.splitlines() if row.startswith(f"{path}:{line}:{column} ")]
    assert len(told) == 1, ended.stdout
    assert field in told[0]
    assert says in told[0]
    assert f"{path}: refused, 1 mistake" in ended.stdout


def test_a_sound_policy_is_sound() -> None:
    ended = check("-", "--strict", given=SOUND)
    assert ended.exit_code == ExitCode.OK, ended.output
    assert ended.stdout.splitlines() == [
        "stdin: can be used",
        "  worst day: $500.00 = $0.5000 a session (caps.cost_usd $0.5000) x 1,000 sessions",
        "schemas of tools were not looked at: --tools FILE names them",
    ]


ADVICE: dict[str, tuple[str, str, str, str]] = {
    "a short goal": (
        f"agent: a\n{CAPS}goal: {{statement: Help., refuses_tools: [x]}}\n", "goal_short", "goal.statement", "has 0 of",
    ),
    "no goal": (f"agent: a\n{CAPS}goal: {{refuses_tools: [x]}}\n", "goal_short", "goal.statement", "at least 5"),
    "no refusals": (
        SOUND.replace("refuses_actions", "tool_budget").replace("[Promise a date of payment.]", "4"),
        "goal_without_refusals", "goal", "refuses nothing",
    ),
    "a wide job": (SOUND + "  tool_budget: 9\n", "cap_unusual", "goal.tool_budget", "3 to 5 calls"),
    "a cap taken away": (SOUND.replace("tokens: 100000", "tokens: null"), "cap_missing", "caps.tokens", "write a cap"),
    "a cap not written": (
        SOUND.replace("tokens: 100000, ", ""), "cap_missing", "caps.tokens", "the default of 200000 holds",
    ),
    "few calls": (SOUND.replace("tool_calls: 10", "tool_calls: 2"), "cap_unusual", "caps.tool_calls", "5 to 25"),
    "many tokens": (SOUND.replace("100000", "900000"), "cap_unusual", "caps.tokens", "50,000 to 200,000"),
    "a long session": (SOUND.replace("200,", "3600,"), "cap_unusual", "caps.wall_clock_seconds", "120 to 300"),
    "many capped sessions": (
        SOUND + "thresholds: {capped_sessions_share: 0.2}\n", "cap_unusual", "thresholds.capped_sessions_share", "5%",
    ),
    "what cannot be undone": (
        SOUND + "allow_unlisted_tools: false\ntools: {refund_order: {effect: irreversible}}\n",
        "irreversible_without_approval", "tools.refund_order", "approval: {} for every call",
    ),
    "any tool": (
        SOUND + "tools: {refund_order: {effect: write}}\n",
        "tools_open", "allow_unlisted_tools", "write allow_unlisted_tools: false",
    ),
    "a tool for nothing": (
        SOUND + "allow_unlisted_tools: false\ntools: {reboot_server: {effect: write}}\n",
        "tool_unexplained", "tools.reboot_server", "remove it, or say in the goal",
    ),
    "a time-out above the session's": (
        SOUND + "allow_unlisted_tools: false\ntools: {get_order: {timeout_seconds: 900}}\n",
        "never_reached", "tools.get_order.timeout_seconds", "caps.wall_clock_seconds",
    ),
    "a rate that no session reaches": (
        SOUND + "allow_unlisted_tools: false\ntools: {get_order: {rate_limit: {calls: 99, seconds: 60}}}\n",
        "never_reached", "tools.get_order.rate_limit.calls", "caps.tool_calls",
    ),
    "a session above its day": (
        SOUND + "budgets: {per_day_usd: 0.1}\n", "never_reached", "caps.cost_usd", "whole day",
    ),
    "a name nearly right": (
        SOUND + "tools: {refund_order: {effect: write}}\nleaks: {sinks: [refund_ordr]}\n",
        "name_nearly_right", "leaks.sinks[0]", "did you mean refund_order?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ADVICE)
def test_what_is_unwise_is_told_and_fails_where_that_is_asked(what: str) -> None:
    text, code, field, says = ADVICE[what]
    told = [one for one in remarks(text) if one["code"] == code and one["field"] == field]
    assert len(told) == 1, remarks(text)
    assert says in told[0]["text"]
    assert told[0]["level"] == "warning"
    assert check("-", given=text).exit_code == ExitCode.OK
    assert check("-", "--strict", given=text).exit_code == ExitCode.FAILED


def tool(name: str, schema: Any) -> dict[str, Any]:
    return {"name": name, "parameters": schema}


CLOSED = {"type": "object", "properties": {"order_id": {"type": "string"}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        (CLOSED, None),
        ({**CLOSED, "additionalProperties": True}, ""),
        ({"type": "object", "properties": {}}, ""),
        (None, ""),
        ({}, ""),
        ({**CLOSED, "properties": {"a": {"type": "object"}}}, " at /a"),
        ({**CLOSED, "properties": {"a": {"type": "array", "items": {"type": "object"}}}}, " at /a/*"),
        ({"$ref": "#/$defs/x", "$defs": {"x": CLOSED}}, None),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "object"}}}, ""),
        ({"$ref": "#"}, None),
        ({"anyOf": [CLOSED, {"type": "object"}]}, ""),
    ],
)
def test_a_schema_that_takes_any_key_is_told(schema: Any, where: str | None, tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps([tool("get_order", schema)]))
    text = SOUND + "allow_unlisted_tools: false\ntools: {get_order: {}}\n"
    told = [one["text"] for one in remarks(text, "--tools", str(path)) if one["code"] == "tool_schema_open"]
    expected = f"the schema of get_order takes arguments that it does not name{where}: add additionalProperties: false"
    assert told == ([] if where is None else [expected])


def test_names_that_policy_and_tools_do_not_share(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps({"tools": [tool("refund_order", CLOSED), tool("reboot", CLOSED)]}))
    text = SOUND + (
        "tools:\n  refund_ordr: {}\n  refund_order:\n    effect: write\n    resource: ordr_id\n    bounds:\n"
        "      amount: {maximum: 5}\n"
    )
    told = {(one["code"], one["field"]): one["text"] for one in remarks(text, "--tools", str(path))}
    assert "did you mean refund_order?" in told["tool_unregistered", "tools.refund_ordr"]
    assert "did you mean order_id?" in told["tool_argument_unknown", "tools.refund_order.resource"]
    assert "it has order_id" in told["tool_argument_unknown", "tools.refund_order.bounds.amount"]
    assert "reboot can be called, and the goal speaks of nothing" in told["tool_unexplained", "tools"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no JSON"),
        ("5", "holds no list of tools"),
        ("[5]", "1 of 1 entries are no tool"),
        (None, "cannot be read"),
    ],
)
def test_a_list_of_tools_that_is_none(text: str | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    if text is not None:
        path.write_text(text)
    ended = check("-", "--tools", str(path), given=SOUND)
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert says in ended.stderr


def test_the_worst_day_is_caps_times_price_times_sessions() -> None:
    ended = check("-", "--model", "gpt-4o", "--provider", "openai", "--sessions", "200", "--json", given=SOUND)
    spend = json.loads(ended.stdout)["files"][0]["worst_spend"]
    # Output is the dearest kind of token: $10 a million.
    assert spend["by_tokens_usd"] == pytest.approx(1.0)
    assert spend["session_usd"] == spend["by_cost_usd"] == 0.5
    assert spend["day_usd"] == pytest.approx(100.0)
    assert spend["stops"] is True


def test_where_nothing_bounds_a_session_the_worst_day_says_so() -> None:
    text = SOUND.replace("cost_usd: 0.5", "cost_usd: null").replace("enforce", "warn")
    shown = check("-", given=text).stdout
    assert "worst day: not bounded; write caps.cost_usd, or price caps.tokens by --model" in shown
    assert "the mode is not enforce: caps are told, and stop no session" in shown
    assert "worst day: $1,000.00 = $1.00 a session" in check("-", "--model", "gpt-4o", given=text).stdout


def test_a_model_without_a_price_and_a_provider_without_a_model_are_refused() -> None:
    unknown = check("-", "--model", "no-such-model", given=SOUND)
    assert unknown.exit_code == ExitCode.CONFIGURATION
    assert "has no price" in unknown.stderr
    assert "give --model too" in check("-", "--provider", "openai", given=SOUND).stderr


def test_several_files_are_each_told_and_one_that_is_not_there_is_3(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(SOUND)
    bad.write_text("agent: 5\n")
    ended = check(str(good), str(bad))
    assert ended.exit_code == ExitCode.FAILED
    assert f"{good}: can be used" in ended.stdout
    assert f"{bad}: refused, 1 mistake" in ended.stdout
    missing = check(str(good), str(tmp_path / "none.yaml"))
    assert missing.exit_code == ExitCode.NOT_FOUND
    assert "does not exist" in missing.stderr


def test_the_document_names_the_policy_as_sessions_do() -> None:
    document = json.loads(check("-", "--json", given="agent: a\n").stdout)["files"][0]
    assert document["address"] == AgentPolicy(agent="a").address
    assert (document["agent"], document["refused"]) == ("a", False)


@pytest.mark.parametrize(
    ("statement", "count"),
    [
        ("", 0),
        ("Help.", 0),
        ("Help customers.", 1),
        ("Help customers. Be kind to them!", 2),
        ("- help customers\n- tell them why\n- end there", 3),
    ],
)
def test_sentences_are_counted(statement: str, count: int) -> None:
    assert sentences_of(statement) == count


def test_a_tool_that_the_goal_explains_is_not_told() -> None:
    explained = ("find_orders", "get_order", "refund_order", "send_message", "customer_history", "lookup", "run_7")
    tools = (*explained, "balance_owed")
    text = SOUND + "allow_unlisted_tools: false\ntools:\n" + "".join(f"  {name}: {{}}\n" for name in tools)
    told = [one.field for one in check_text(text.encode(), "x", sessions=1).remarks if one.code == "tool_unexplained"]
    assert told == ["tools.balance_owed"]


def test_nothing_is_concluded_from_a_goal_in_another_language() -> None:
    goal = (
        "Bearbeite Rückerstattungen für Bestellungen der letzten neunzig Tage. Suche die Bestellung heraus. Erstatte "
        "nie mehr als bezahlt wurde. Übergib an einen Menschen, wenn die Bestellung älter ist. Sage allen Bescheid."
    )
    text = f"agent: a\n{CAPS}goal:\n  statement: {goal}\ntools: {{reboot_server: {{}}}}\n"
    assert "tool_unexplained" not in {one["code"] for one in remarks(text)}


GUIDE = (Path(__file__).parents[3] / "docs" / "policies.md").read_text()


def test_the_guide_lists_the_codes_and_the_usual_ranges() -> None:
    told = set(
        re.findall(r"^\| `(\w+)` \| [a-z]", GUIDE.partition("## Check it")[2].partition("\n## ")[0], re.MULTILINE)
    )
    assert told == set(get_args(AdviceCode))
    table = GUIDE.partition("## Write one")[2].partition("\n## ")[0]
    for name, usual in (*USUAL_CAPS.items(), ("tool_budget", NARROW_JOB)):
        assert f"| `{name}` | {usual}" in table
    assert f"more than {CAPPED_SHARE:.0%}".replace("%", " %") in table
