"""`watchkeeper alerts check`, `new` and `schema`: every kind of mistake in alerts.yaml has its line and its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
import yaml
from click.testing import CliRunner, Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.root import watchkeeper
from watchkeeper.dashboards.alerting.config_file import read_alerts
from watchkeeper.dashboards.alerting.errors import AlertsFileError

Check = Callable[..., Result]
A = "channels:\n  a: {kind: log}\n"
EXAMPLE = resources.files("watchkeeper.cli.alerts").joinpath("examples/alerts.yaml").read_text("utf-8")

MISTAKES = yaml.safe_load(Path(__file__).with_name("alerts_mistakes.yaml").read_text("utf-8"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "alerts.yaml"


@pytest.fixture
def check(file: Path) -> Check:
    """Writes a file and has it checked."""

    def of(text: str | bytes, *args: str, **environment: str) -> Result:
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return CliRunner().invoke(watchkeeper, ["alerts", "check", str(file), *args], env=environment)

    return of


def told(ended: Result, file: Path) -> list[str]:
    """The mistakes, without what stands before each of them."""
    assert ended.exit_code == ExitCode.CONFIGURATION, ended.output
    lines = ended.stderr.removeprefix("watchkeeper: ").splitlines()
    assert all(line.startswith(f"{file}:") for line in lines), lines
    return [line.removeprefix(f"{file}:") for line in lines]


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case["told"][:60])
def test_a_mistake_is_told_with_its_line_and_its_remedy(check: Check, file: Path, case: dict[str, str]) -> None:
    ended = check(case["file"])
    assert told(ended, file) == case["told"].splitlines()
    # What was taken for a secret is not repeated into logs of CI.
    assert "hunter2" not in ended.output
    assert "70714" not in ended.output


def test_what_is_no_text_or_too_long_is_refused(check: Check, file: Path) -> None:
    assert told(check(b"timing: {}\nroutes: \xff\n"), file) == ["2: file: is not UTF-8 here; save it as UTF-8"]
    assert told(check(b"#" * 300_000), file) == ["1: file: is larger than 262144 bytes; shorten it"]
    file.unlink()
    missing = CliRunner().invoke(watchkeeper, ["alerts", "check", str(file)])
    assert told(missing, file) == ["1: file: cannot be read (No such file or directory); check path and rights"]


WHOLE = """\
channels:
  hook:
    kind: webhook
    url: http://127.0.0.1:9/x
    signing_key:
      env: A
    headers:
      X-A: b
    timeout_seconds: 3
    attempts: 4
  chat:
    kind: slack
    url:
      env: A
  pager:
    kind: pagerduty
    routing_key:
      env: A
    url: https://events.example.com
  post:
    kind: email
    host: h
    port: 25
    security: none
    user: u
    password:
      env: A
    sender: a@b
    to:
      - c@d
  am:
    kind: alertmanager
    url: http://127.0.0.1:9
    token:
      env: A
    labels:
      team: x
routes:
  - match:
      severity: high
      modes:
        - reasoning_loop
      kinds:
        - loop
      agents:
        - a*
      tenants:
        - acme
      environments:
        - production
      origins:
        - live
    channels:
      - hook
    continue: true
    group_by:
      - tenant
    timing:
      gather_seconds: 1
      update_seconds: 300
      longest_update_seconds: 400
      close_seconds: 500
      cool_down_seconds: 600
    escalate:
      - after_seconds: 60
        channels:
          - chat
timing:
  gather_seconds: 1
maintenance:
  - name: a
    reason: b
    since: "2026-11-30T22:00:00Z"
    until: "2026-12-01T22:00:00Z"
    modes:
      - reasoning_loop
    agents:
      - a
    tenants:
      - t
storm:
  pages: 5
  seconds: 60
pipeline:
  enabled: true
  channels:
    - hook
  after_seconds: 5
  stale_seconds: 6
  max_lag: 7
heartbeat:
  url: http://127.0.0.1:9/beat
  every_seconds: 5
  timeout_seconds: 6
fallback:
  - hook
stale_seconds: 60
runbooks: r/
console: http://127.0.0.1:8
"""
"""Every field that there is, each on a line of its own."""

WRONG: tuple[str, ...] = ("{zz: 1}", "[[7]]", "")


def _fields() -> Iterator[tuple[int, str, str]]:
    """Each line with a value and each that begins something: its number from 1, itself, and its field."""
    for number, line in enumerate(WHOLE.splitlines(), 1):
        yield number, line, line.strip().removeprefix("- ").partition(":")[0]


def test_every_field_that_is_spoilt_is_told_on_its_line_in_words_of_ours(check: Check) -> None:
    assert check(WHOLE, A="https://x").exit_code == 0
    lines = WHOLE.splitlines()
    refused = 0
    for number, line, field in _fields():
        indent = len(line) - len(line.lstrip())
        inner = next((at for at, later in enumerate(lines[number:]) if _indent(later) <= indent), len(lines))
        rest = lines[number + inner :]
        for wrong in WRONG:
            head = f"{line.partition(':')[0]}: {wrong}" if ":" in line else f"{line[: indent + 2]}{wrong}"
            problems = _problems("\n".join([*lines[: number - 1], head, *rest]))
            refused += bool(problems)
            mine = [one for one in problems if one.startswith(f"{number}: ")]
            # Without its channels, what names them is wrong as well; a secret that is nowhere is one field above.
            others = [one for one in problems if one not in mine and not re.search(r"no channel|give either", one)]
            assert not others, (field, wrong, problems)
            assert not re.search(r"Input should|validation|pydantic|docs/policies", str(problems)), problems
    assert refused > 2 * len(lines)


def _problems(text: str) -> list[str]:
    try:
        read_alerts(text.encode(), "f")
    except AlertsFileError as error:
        return [problem.removeprefix("f:") for problem in error.problems]
    return []


def _indent(line: str) -> int:
    # An entry of a list belongs to the field above it, at whichever depth it is written.
    return len(line) - len(line.lstrip())


def test_secrets_are_looked_up_unless_told_not_to(check: Check, file: Path) -> None:
    text = (
        "channels:\n  pager:\n    kind: pagerduty\n    routing_key: {env: NOT_THERE}\n"
        "  chat:\n    kind: slack\n    url: {file: no.key}\nheartbeat:\n  url: {env: BEAT}\n"
    )
    assert told(check(text, BEAT="hc.example.com/hunter2"), file) == [
        "4: channels.pager.routing_key: the environment variable NOT_THERE is not set; set it to the secret",
        f"7: channels.chat.url: {file.parent / 'no.key'} cannot be read; check path and rights",
        "9: heartbeat.url: the secret is no address; it begins with https:// or http://",
    ]
    assert check(text, "--no-secrets").exit_code == 0
    (file.parent / "no.key").write_text("https://hooks.example.com/x\n")
    assert check(text, NOT_THERE="k", BEAT="https://hc.example.com").exit_code == 0


def test_what_is_right_is_said_in_words(check: Check, file: Path) -> None:
    routes = (
        "routes:\n  - match: {severity: critical, agents: [support*]}\n    channels: [a]\n    continue: true\n"
        "    escalate: [{after_seconds: 60, channels: [a]}]\n  - match: {origins: [live, simulated]}\n"
    )
    assert check(A + routes).stdout.splitlines() == [
        f"{file}: 1 channel, 2 routes",
        "  1. critical or worse; agents support* -> a; after 60 s a; and goes on",
        "  2. every severity; simulated sessions too -> nobody: recorded and counted",
    ]
    assert "no route: nobody is told anything" in check("").stdout


REACHED = [
    ("{severity: critical}", "{severity: high}"),
    ("{agents: [a*]}", "{agents: [b*]}"),
    ("{agents: [ab*]}", "{agents: [a*]}"),
    ("{modes: [reasoning_loop]}", "{modes: [reasoning_loop, data_leak]}"),
    ("{modes: [reasoning_loop]}", "{}"),
    ("{origins: [live]}", "{origins: [live, simulated]}"),
    ("{tenants: [acme], severity: low}", "{severity: high}"),
]
UNREACHED = [
    ("{}", "{modes: [data_leak]}"),
    ("{severity: high}", "{severity: critical, agents: [x]}"),
    ("{agents: [a*]}", "{agents: [ab*, a]}"),
    ("{kinds: ['*']}", "{kinds: [loop]}"),
    ("{origins: [live, simulated]}", "{origins: [simulated]}"),
]


@pytest.mark.parametrize(("first", "second"), [*REACHED, *UNREACHED])
def test_a_route_behind_one_that_takes_all_of_it_is_a_mistake(check: Check, first: str, second: str) -> None:
    routes = f"routes:\n  - match: {first}\n    channels: [a]\n  - match: {second}\n    channels: [a]\n"
    ended = check(A + routes)
    assert ("is never reached" in ended.output) == ((first, second) in UNREACHED)
    assert check(A + routes.replace("[a]\n", "[a]\n    continue: true\n", 1)).exit_code == 0


def test_the_file_to_begin_with_is_right_and_so_is_all_that_it_offers(
    check: Check, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = CliRunner().invoke(watchkeeper, ["alerts", "new", str(file)])
    assert made.exit_code == 0, made.output
    assert CliRunner().invoke(watchkeeper, ["alerts", "check", str(file)]).exit_code == 0
    again = CliRunner().invoke(watchkeeper, ["alerts", "new", str(file)])
    assert again.exit_code == ExitCode.CONFIGURATION
    assert "--force" in again.stderr
    monkeypatch.delenv("WATCHKEEPER_DEBUG", raising=False)
    offered = re.sub(r"(?m)^(\s*)# (?=\s*(?:- |[a-z_-]+: ?))", r"\1", EXAMPLE.split("\n\n", 1)[1])
    assert offered.count("kind: ") == 7
    ended = check(offered, "--no-secrets")
    assert ended.exit_code == 0, ended.output
    assert "7 channels, 3 routes" in ended.output
    schema: Any = orjson.loads((file.parent / "alerts.schema.json").read_bytes())
    assert orjson.loads(CliRunner().invoke(watchkeeper, ["alerts", "schema"]).stdout) == schema
    validator = jsonschema_rs.validator_for(schema)
    for text in (EXAMPLE, offered, WHOLE):
        validator.validate(yaml.safe_load(text))
    assert not validator.is_valid(yaml.safe_load("channels: {a: {kind: teams}}"))


def test_without_a_file_it_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHKEEPER_ALERTS", raising=False)
    ended = CliRunner().invoke(watchkeeper, ["alerts", "check", "--home", str(tmp_path)])
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "watchkeeper alerts new alerts.yaml" in ended.stderr
