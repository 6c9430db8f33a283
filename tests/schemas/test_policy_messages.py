"""Every mistake in a policy file has its line, its field, its reason and its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.schemas.errors import PolicyError
from watchkeeper.schemas.policy_file import load_policy

DOCS = Path(__file__).parents[2] / "docs" / "policies.md"


def problems_of(folder: Path, text: str | bytes) -> list[str]:
    """What `load_policy` says of this text, without the folder."""
    path = folder / "policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


CASES: list[tuple[str, str, list[str]]] = [
    ("empty file", "", ["1: document: is empty; begin with `agent: ` and the agent's id"]),
    ("only a comment", "# later\n", ["1: document: is empty; begin with `agent: ` and the agent's id"]),
    (
        "a list",
        "- agent: a\n",
        ["1: document: is a list, and a policy is a mapping; begin with `agent: ` and the agent's id"],
    ),
    (
        "a single value",
        "agent\n",
        ["1: document: is a single value, and a policy is a mapping; begin with `agent: ` and the agent's id"],
    ),
    (
        "two documents",
        "agent: a\n---\nagent: b\n",
        ["2: document: a second document begins here; a file holds one: remove the `---` or split the file"],
    ),
    (
        "a tab",
        "agent: a\ncaps:\n\ttokens: 5\n",
        ["3: document: a tab stands where YAML wants spaces; indent with spaces"],
    ),
    (
        "a colon too many",
        "agent: a\ngoal:\n  statement: refunds: only small ones\n",
        ["3: document: a second `:` on this line, or a wrong indentation; put a text that holds `: ` in quotes"],
    ),
    ("an open quote", "agent: a\nversion: 'one\n", ["2: document: a quote is opened and never closed; close it"]),
    (
        "an open bracket",
        "agent: a\nobjectives: [\n",
        ["3: document: a value is missing here, or a bracket is wrong; write the value"],
    ),
    ("a key without colon", "agent: a\nversion\n", ["3: document: a key without its colon; write `key: value`"]),
    (
        "a character of YAML's own",
        "agent: @a\n",
        ["1: document: a text begins with a character that YAML keeps for itself; put the text in quotes"],
    ),
    (
        "lines of one mapping indented differently",
        "agent: a\ncaps:\n    tokens: 5\n  tool_calls: 5\n",
        ["4: document: this line fits no line above; indent the lines of one mapping alike"],
    ),
    (
        "a control character",
        "agent: a\nversion: \x01\n",
        ["2: document: a control character that YAML does not allow stands here; remove it"],
    ),
    (
        "an alias",
        "agent: a\ncaps: &c {tokens: 5}\nbudgets: *c\n",
        ["3: document: aliases (`*name`) are not read; write the value out"],
    ),
    (
        "a merge key",
        "agent: a\n<<: {version: x}\n",
        ["2: document: merge keys (`<<`) are not read; write the fields out"],
    ),
    (
        "a tag that would build an object",
        "agent: !!python/object/apply:os.system [true]\n",
        [
            (
                "1: agent: the tag !!python/object/apply:os.system is not read; "
                "remove it and write a text, a number, a list or a mapping"
            )
        ],
    ),
    ("a field missing", "version: x\n", ["1: agent: missing; add `agent`"]),
    (
        "a field of an item missing",
        "agent: a\ncheckpoints:\n  - step: s\n",
        ["3: checkpoints[0].values: missing; add `values`"],
    ),
    (
        "constraints that do not compile against the facts",
        (
            "agent: a\n"
            "facts: {total: {type: number}}\n"
            "constraints:\n"
            "  - name: n\n"
            "    when: totl > 5.0\n"
            "    require: total > 5\n"
            "  - name: n\n"
            "    tool: t\n"
            "    require: total > 5.0\n"
            "  - name: m\n"
        ),
        ["10: constraints[2]: a constraint needs require, per_customer or both"],
    ),
    (
        "every constraint that does not compile",
        (
            "agent: a\n"
            "facts: {total: {type: number}}\n"
            "allow_unlisted_tools: false\n"
            "constraints:\n"
            "  - name: n\n"
            "    when: totl > 5.0\n"
            "    require: total > 5\n"
            "  - name: n\n"
            "    tool: t\n"
            "    require: total > 5.0\n"
        ),
        [
            "6: constraints[0].when: column 1: totl is not declared; did you mean total?",
            (
                "7: constraints[0].require: column 7: > does not take number and integer; "
                "write the number with a point, such as 500.0"
            ),
            "8: constraints[1].name: stands for constraints[0] already; give it another name",
            "9: constraints[1].tool: t is not among `tools`, so it is never called",
            (
                "10: constraints[1].require: column 1: total is not declared; "
                "there are: agent, args, customer, environment, user"
            ),
        ],
    ),
    (
        "a near name",
        "agent: a\ncaps:\n  tool_call: 5\n",
        ["3: caps.tool_call: unknown field; did you mean `tool_calls`?"],
    ),
    (
        "a field in the wrong place",
        "agent: a\ntool_calls: 5\n",
        ["2: tool_calls: unknown field here; it belongs under `caps`"],
    ),
    (
        "a name like none",
        "agent: a\nbudgets: {zzz: 5}\n",
        [
            (
                "2: budgets.zzz: unknown field; remove it, or use one of per_hour_usd, per_day_usd, per_user_day_usd, "
                "per_tenant_hour_usd, per_tenant_day_usd, bands, when_spent"
            )
        ],
    ),
    (
        "a key twice",
        "agent: a\ncaps:\n  tokens: 5\n  tool_calls: 4\n  tokens: 6\n",
        ["5: caps.tokens: stands twice, first on line 3; remove one of them"],
    ),
    (
        "a value behind a key twice is judged as well",
        "agent: a\ncaps:\n  tokens: -5\n  tokens: 6\n",
        [
            "3: caps.tokens: -5 is out of range; write a number above 0",
            "4: caps.tokens: stands twice, first on line 3; remove one of them",
        ],
    ),
    (
        "a boolean key",
        "agent: a\ntools:\n  on: {effect: read}\n",
        ['3: tools: YAML 1.1 reads the key on as a boolean; write it in quotes: "on"'],
    ),
    (
        "a number as key",
        "agent: a\ntools:\n  404: {effect: read}\n",
        ['3: tools: YAML 1.1 reads the key 404 as a number; write it in quotes: "404"'],
    ),
    (
        "a list as key",
        "agent: a\ntools:\n  ? [a]\n  : {}\n",
        ["3: tools: a key that is a list or a mapping; write a text as key"],
    ),
    (
        "no where text is wanted",
        "agent: no\n",
        ['1: agent: YAML 1.1 reads no as the boolean false; write "no" in quotes'],
    ),
    (
        "off where one of some words is wanted",
        "agent: a\nmode: Off\n",
        ["2: mode: YAML 1.1 reads Off as the boolean false; write one of observe, warn, enforce"],
    ),
    (
        "yes where anything may stand",
        "agent: a\ntools:\n  t:\n    bounds:\n      country: {allowed: [de, no]}\n",
        [
            (
                "5: tools.t.bounds.country.allowed[1]: YAML 1.1 reads no as the boolean false; "
                'write "no" in quotes, or true or false'
            )
        ],
    ),
    (
        "true where text is wanted",
        "agent: true\n",
        ['1: agent: YAML reads true as the boolean true; write "true" in quotes'],
    ),
    (
        "a version without quotes",
        "agent: a\nversion: 1.10\n",
        ['2: version: YAML reads 1.10 as the number 1.1; write "1.10" in quotes'],
    ),
    (
        "a date as version",
        "agent: a\nversion: 2026-01-31\n",
        ['2: version: YAML reads 2026-01-31 as a date; write it in quotes: "2026-01-31"'],
    ),
    (
        "base 60",
        "agent: a\ncaps: {wall_clock_seconds: 5:00}\n",
        ['2: caps.wall_clock_seconds: YAML reads 5:00 in base 60, as 300; write 300, or "5:00" for a text'],
    ),
    (
        "base 8",
        "agent: a\ncaps: {tool_calls: 010}\n",
        ['2: caps.tool_calls: YAML reads 010 in base 8, as 8; write 8, or "010" for a text'],
    ),
    (
        "an exponent that YAML reads as text",
        "agent: a\ncaps: {cost_usd: 1e3}\n",
        ["2: caps.cost_usd: YAML reads 1e3 as text; write a number without an exponent, such as 1000.0"],
    ),
    (
        "infinity",
        "agent: a\ncaps: {cost_usd: .inf}\n",
        ["2: caps.cost_usd: .inf is no usable number; leave the field out where there is no limit"],
    ),
    (
        "not a number, and what would follow from it is not told",
        "agent: a\ntools: {t: {bounds: {amount: {minimum: 5, maximum: .nan}}}}\n",
        ["2: tools.t.bounds.amount.maximum: .nan is no usable number; leave the field out where there is no limit"],
    ),
    (
        "too many digits",
        f"agent: a\ncaps: {{tokens: {'9' * 5000}}}\n",
        ["2: caps.tokens: a number of so many digits cannot be read; write a smaller one"],
    ),
    (
        "a number in quotes",
        'agent: a\ncaps: {tool_calls: "25"}\n',
        ['2: caps.tool_calls: "25" in quotes is text; remove the quotes'],
    ),
    (
        "text where a number is wanted",
        "agent: a\ncaps: {tool_calls: many}\n",
        ['2: caps.tool_calls: the text "many" stands where a whole number is wanted; write a whole number'],
    ),
    (
        "a fraction where a whole number is wanted",
        "agent: a\ncaps: {tool_calls: 2.5}\n",
        ["2: caps.tool_calls: the number 2.5 stands where a whole number is wanted; write a whole number"],
    ),
    (
        "text where a boolean is wanted",
        'agent: a\nallow_unlisted_tools: "false"\n',
        ['2: allow_unlisted_tools: "false" in quotes is text; remove the quotes'],
    ),
    (
        "a list where a mapping is wanted",
        "agent: a\ntools:\n  - refund\n",
        ["2: tools: a list stands where a mapping is wanted; write a mapping"],
    ),
    (
        "a mapping where a list is wanted",
        "agent: a\nconstraints: {name: n}\n",
        ["2: constraints: a mapping stands where a list is wanted; write a list"],
    ),
    (
        "nothing behind the colon",
        "agent: a\ncaps:\ngoal:\n  statement: x\n",
        ["2: caps: is empty, and a mapping is wanted; fill it in or remove the line"],
    ),
    ("an empty text", 'agent: ""\n', ["1: agent: is empty; write at least one character"]),
    ("a long text", f"agent: {'a' * 257}\n", ["1: agent: has 257 characters; write at most 256"]),
    (
        "an unknown word, nearly right",
        "agent: a\nmode: enforced\n",
        ['2: mode: the text "enforced" is not known; write one of observe, warn, enforce (did you mean `enforce`?)'],
    ),
    (
        "below the range",
        "agent: a\nthresholds: {loop_repeats: 1}\n",
        ["2: thresholds.loop_repeats: 1 is out of range; write a number of at least 2"],
    ),
    (
        "above the range",
        "agent: a\nretrieval: {threshold: 55}\n",
        ["2: retrieval.threshold: 55 is out of range; write a number of at most 1"],
    ),
    (
        "at an open end of the range",
        "agent: a\nthresholds: {cap_warning_share: 1}\n",
        ["2: thresholds.cap_warning_share: 1 is out of range; write a number below 1"],
    ),
    (
        "not above zero",
        "agent: a\nbudgets: {per_day_usd: 0}\n",
        ["2: budgets.per_day_usd: 0 is out of range; write a number above 0"],
    ),
    (
        "a key that is no name",
        'agent: a\ntools:\n  "": {effect: read}\n',
        ['3: tools."": is empty; write at least one character'],
    ),
    (
        "a bound without a limit",
        "agent: a\ntools:\n  t:\n    bounds:\n      a.b: {}\n",
        ['5: tools.t.bounds."a.b": a bound needs minimum, maximum, allowed or pattern'],
    ),
    (
        "limits the wrong way round",
        "agent: a\ntools: {t: {bounds: {amount: {minimum: 9, maximum: 1}}}}\n",
        ["2: tools.t.bounds.amount: minimum 9.0 is above maximum 1.0: swap them"],
    ),
    (
        "a broken pattern",
        "agent: a\ntools: {t: {bounds: {id: {pattern: '[a-z'}}}}\n",
        [
            (
                "2: tools.t.bounds.id.pattern: no expression that runs in linear time: write a regular expression of "
                "RE2, without look-around and backreferences"
            )
        ],
    ),
    (
        "half an approval threshold",
        "agent: a\ntools: {t: {approval: {argument: amount}}}\n",
        ["2: tools.t.approval: give argument and above together, or neither to ask for every call"],
    ),
    (
        "resources without their argument",
        "agent: a\ntools: {t: {allowed_resources: [x]}}\n",
        ["2: tools.t: allowed_resources needs resource, the argument that names what is touched"],
    ),
    (
        "a latency objective without a threshold",
        "agent: a\nobjectives:\n  - {rate: latency, target: 0.99}\n",
        ["3: objectives[0]: a latency objective needs threshold_ms, what is still good in milliseconds"],
    ),
    (
        "a budget above the cap, beside another mistake",
        "agent: a\ncaps: {tool_calls: 4}\ngoal: {tool_budget: 5}\nmode: x\n",
        [
            "3: goal: tool_budget 5 is above caps.tool_calls 4: raise the cap or lower the budget",
            '4: mode: the text "x" is not known; write one of observe, warn, enforce',
        ],
    ),
    (
        "many at once, in the order of the lines",
        "agnt: a\nmode: stop\ncaps:\n  tokens: 0\ntools:\n  t: {effect: reads}\n",
        [
            "1: agent: missing; add `agent`",
            "1: agnt: unknown field; did you mean `agent`?",
            '2: mode: the text "stop" is not known; write one of observe, warn, enforce',
            "4: caps.tokens: 0 is out of range; write a number above 0",
            (
                '6: tools.t.effect: the text "reads" is not known; write one of read, write, irreversible '
                "(did you mean `read`?)"
            ),
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_mistake_is_told_exactly(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert problems_of(tmp_path, text) == [f"policy.yaml:{problem}" for problem in expected]
