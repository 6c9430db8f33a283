"""`evals.yaml`: what may stand there, and every mistake with its line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.evals.grading.registry import build_graders
from watchkeeper.evals.scheduling.config import DEFAULT_RISKS, EvalsConfig
from watchkeeper.evals.scheduling.config_file import EvalsFileError, load_config, read_config

GUIDE = Path(__file__).parents[3] / "docs" / "evals" / "scheduling.md"

WHOLE = """\
live:
  origins: [live]
  rate: 0.1
  risks: {critical_finding: 1.0, escalated: 0.3}
  graders:
    - groundedness
    - {name: contains, none_of: [password]}
  budget: {sessions_a_day: 200, usd_a_day: 2}
targets:
  desk:
    candidate: shop.agent:answer
    agent: support
suites:
  nightly:
    suite: suites/refunds
    target: desk
    schedule: "0 3 * * *"
    zone: Europe/Berlin
"""


def test_without_a_file_live_sessions_are_graded_by_deterministic_graders() -> None:
    config = load_config(None).config
    assert config == EvalsConfig()
    assert (config.live.enabled, config.live.rate, config.suites) == (True, 0.05, {})
    assert config.live.risks == DEFAULT_RISKS
    assert [grader.name for grader in build_graders(config.live.graders)] == [
        "groundedness",
        "tool_use",
        "policy_findings",
    ]


def judge(folder: Path, prices: str = "") -> str:
    (folder / "judge.yaml").write_text(f"model: m\nkey_variable: ''\n{prices}")
    return f"live:\n  graders: ['llm_judge:judge={folder / 'judge.yaml'}']\n"


def test_a_budget_in_dollars_needs_a_judge_with_prices(tmp_path: Path) -> None:
    text = judge(tmp_path)
    with pytest.raises(EvalsFileError, match=r"^e:2: live\.graders\[0\]: the judge's prices are not known"):
        read_config(text.encode(), "e")
    assert read_config(f"{text}  budget: {{usd_a_day: null}}\n".encode(), "e").live.budget.usd_a_day is None
    assert read_config(f"{text}  enabled: false\n".encode(), "e").live.enabled is False
    free = judge(tmp_path, "input_usd_per_million: 0\noutput_usd_per_million: 0\n")
    assert read_config(free.encode(), "e").live.budget.usd_a_day == 5


def test_a_judge_that_nobody_would_ask_is_refused() -> None:
    text = WHOLE + "    judge: judge.yaml\n    graders: [groundedness]\n"
    with pytest.raises(EvalsFileError, match=r"suites\.nightly\.judge: it would never be asked"):
        read_config(text.encode(), "e")


def test_an_empty_file_says_nothing() -> None:
    assert read_config(b"# nothing yet\n", "evals.yaml") == EvalsConfig()


def test_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "evals.yaml"
    file.write_text(WHOLE)
    written = load_config(file)
    config = written.config
    assert written.folder == tmp_path
    assert config.live.rates.risks == {"critical_finding": 1.0, "escalated": 0.3}
    assert config.live.budget.usd_a_day == 2.0
    assert config.suites["nightly"].times is not None
    assert config.targets[config.suites["nightly"].target].agent == "support"


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("rate: 0.1", "rate: 0", "3: live.rate: 0 is out of range; write a number above 0"),
        ("rate: 0.1", "rate: 1.5", "3: live.rate: 1.5 is out of range; write a number of at most 1"),
        ("rate: 0.1", "rate: often", '3: live.rate: the text "often" stands where a number is wanted'),
        ("rate: 0.1", "rte: 0.1", "3: live.rte: unknown field; did you mean `rate`?"),
        ("origins: [live]", "origins: [prod]", '2: live.origins[0]: the text "prod" is not known; write one of'),
        ("origins: [live]", "origins: []", "2: live.origins: is empty; give at least one entry"),
        ("origins: [live]", "origins: [Live]", '2: live.origins[0]: the text "Live" is not known; write one of live, '),
        ("rate: 0.1", "rate: no", "3: live.rate: YAML 1.1 reads no as the boolean false; write a number"),
        ("rate: 0.1", "rate:", "3: live.rate: is empty, and a number is wanted; fill it in or remove the line"),
        ("escalated: 0.3", "angry: 0.3", '4: live.risks.angry: the text "angry" is not known; write one of'),
        ("- groundedness", "- groundednes", "6: live.graders[0]: no grader is named 'groundednes': did you mean"),
        ("none_of: [password]", "of: [password]", "7: live.graders[1]: grader contains: it has no option 'of'"),
        ("sessions_a_day: 200", "sessions_a_day: 0", "8: live.budget.sessions_a_day: 0 is out of range"),
        ("    candidate: shop.agent:answer\n", "", "10: targets.desk.candidate: missing; add `candidate`"),
        ("target: desk", "target: dsk", "16: suites.nightly.target: there is no target 'dsk'; name one under"),
        ('"0 3 * * *"', '"0 3 * *"', "17: suites.nightly.schedule: '0 3 * *' is no schedule: write five fields"),
        ("Europe/Berlin", "Berlin", "18: suites.nightly.zone: there is no time zone 'Berlin'"),
        ('    schedule: "0 3 * * *"', "    on_new_version: false", "14: suites.nightly: it would never run; give it"),
        ("  nightly:", "  night ly:", '14: suites."night ly": the text "night ly" is no name'),
        ("live:", "lives:", "1: lives: unknown field; did you mean `live`?"),
        ("rate: 0.1", "rate: 0.1\n  rate: 0.2", "4: live.rate: stands twice, first on line 3"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_a_remedy(wrong: str, right: str, said: str) -> None:
    text = WHOLE.replace(wrong, right, 1)
    assert text != WHOLE
    with pytest.raises(EvalsFileError) as refused:
        read_config(text.encode(), "evals.yaml")
    assert any(problem.startswith(f"evals.yaml:{said}") for problem in refused.value.problems), refused.value.problems


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    text = WHOLE.replace("rate: 0.1", "rate: 2").replace("sessions_a_day: 200", "sessions_a_day: many")
    with pytest.raises(EvalsFileError) as refused:
        read_config(text.encode(), "evals.yaml")
    assert [problem.split(":")[1] for problem in refused.value.problems] == ["3", "8"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"- live\n", "evals.yaml:1: document: is no mapping"),
        (b"live: {\n", "evals.yaml:2: document: "),
        (b"live:\n  salt: \xff\n", "evals.yaml:2: file: is not UTF-8"),
        (b"#" * 300_000, "evals.yaml:1: file: is larger"),
    ],
)
def test_what_is_no_such_file_is_told(raw: bytes, said: str) -> None:
    with pytest.raises(EvalsFileError) as refused:
        read_config(raw, "evals.yaml")
    assert str(refused.value).startswith(said)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvalsFileError, match="cannot be read"):
        load_config(tmp_path / "evals.yaml")


def test_the_guides_file_is_one() -> None:
    block = GUIDE.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    config = read_config(block.encode(), "docs")
    assert config.live.budget == EvalsConfig().live.budget
    assert config.live.rates.uniform == EvalsConfig().live.rate
    assert {**config.live.risks, "any_finding": 0.0} == {**DEFAULT_RISKS, "any_finding": 0.0}
    assert set(config.suites) == {"nightly"}
