"""Judges as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.evals.judging.settings import family_of, load_judge
from watchkeeper.schemas.errors import ConfigurationError


def test_a_file_says_what_differs_from_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "judge.yaml"
    path.write_text("model: gpt-4o-mini\nrepeats: 3\ntemperature: 1\nbase_url: http://127.0.0.1:8000/v1/\n")
    found = load_judge(path)
    assert (found.model, found.repeats, found.temperature, found.name) == ("gpt-4o-mini", 3, 1.0, "llm_judge")
    assert found.base_url == "http://127.0.0.1:8000/v1"
    assert found.made_by == "openai"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "write settings as"),
        ("model: [", "is no YAML"),
        ("repeats: 3", "model: Field required"),
        ("model: m\nrepeat: 3", "repeat: Extra inputs"),
        ("model: m\nrepeats: 0", "repeats: .*greater than or equal to 1"),
        ("model: m\nbase_url: api.example.com/v1", "https://host/v1"),
        ("model: m\nbase_url: https://user:secret@host/v1", "key_variable"),
        ("model: m\nbase_url: https://host/v1/chat/completions", "leave out /chat/completions"),
        ("model: m\ncap_usd: 1", "cap_usd needs input_usd_per_million"),
        ("model: m\nname: a@b", "name: "),
    ],
)
def test_a_file_that_cannot_be_used_says_file_field_and_remedy(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "judge.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=match) as told:
        load_judge(path)
    assert str(path) in str(told.value)
    assert "secret" not in str(told.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name a judge's YAML file"):
        load_judge(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o-mini", "openai"),
        ("openai/o3", "openai"),
        ("claude-sonnet-5", "anthropic"),
        ("meta-llama/Llama-3.1-8B-Instruct", "meta"),
        ("Qwen/Qwen3-8B", "alibaba"),
        ("my-own", "unknown"),
    ],
)
def test_a_models_name_tells_its_family(model: str, family: str) -> None:
    assert family_of(model) == family
