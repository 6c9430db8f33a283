"""A judge as a file: which model where, how often it is asked, what it may cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.model import Model, Name

_FAMILIES: Final = {
    "claude": "anthropic",
    "command": "cohere",
    "deepseek": "deepseek",
    "gemini": "google",
    "gemma": "google",
    "glm": "zhipu",
    "gpt": "openai",
    "grok": "xai",
    "kimi": "moonshot",
    "llama": "meta",
    "mistral": "mistral",
    "mixtral": "mistral",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "phi": "microsoft",
    "qwen": "alibaba",
}


class JudgeSettings(Model):
    """A judge.

    Attributes:
        name: what scores call it.
        base_url: everything before `/chat/completions`.
        model: as the endpoint calls it.
        key_variable: the environment variable that holds the key; empty where the endpoint takes none.
        family: who made the model, for the check of self-preference; by default told by the model's name.
        temperature: None where the model takes none.
        seed: handed to the endpoint where given; few endpoints promise anything by it.
        repeats: how often each session is judged.
        combine: of repeats, what most of them say, or their mean.
        max_output_tokens: of one answer, what the model thinks to itself included.
        max_prompt_characters: of a session; what is longer is shortened in its middle.
        keep_notes: whether the judge's reasons are kept with scores. It is told not to quote anything personal;
            whether it obeys nobody promises.
        timeout_seconds: for one answer, from the question to its last byte.
        attempts: how often one question is put where the endpoint does not answer or is busy.
        longest_wait_seconds: between two attempts; where the endpoint asks for more patience, it is given up.
        concurrency: questions under way at once.
        input_usd_per_million: price of a million tokens of questions.
        output_usd_per_million: of answers.
        cap_usd: what all questions of one run may cost together.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")] = "llm_judge"
    base_url: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = "https://api.openai.com/v1"
    model: Name
    key_variable: Annotated[str, StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = "OPENAI_API_KEY"
    family: str = ""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    seed: int | None = None
    repeats: Annotated[int, Field(ge=1, le=25)] = 1
    combine: Literal["majority", "mean"] = "majority"
    max_output_tokens: Annotated[int, Field(ge=100, le=100_000)] = 4000
    max_prompt_characters: Annotated[int, Field(ge=2000, le=5_000_000)] = 120_000
    keep_notes: bool = True
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 120.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    longest_wait_seconds: Annotated[float, Field(ge=0, le=600)] = 60.0
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    input_usd_per_million: Annotated[float, Field(ge=0)] | None = None
    output_usd_per_million: Annotated[float, Field(ge=0)] | None = None
    cap_usd: Annotated[float, Field(ge=0)] | None = None

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write it as https://host/v1, without ? and #")
        if parts.username or parts.password:
            raise ValueError("it holds a password: put the key into the environment variable of key_variable")
        if value.rstrip("/").endswith("/chat/completions"):
            raise ValueError("leave out /chat/completions: it is added")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _cap_can_be_kept(self) -> JudgeSettings:
        priced = self.input_usd_per_million is not None and self.output_usd_per_million is not None
        if self.cap_usd is not None and not priced:
            raise ValueError(
                "cap_usd needs input_usd_per_million and output_usd_per_million: without prices none holds"
            )
        return self

    @property
    def made_by(self) -> str:
        """Who made the model; `unknown` where its name does not say."""
        return self.family or family_of(self.model)

    def of_answers(self) -> dict[str, object]:
        """What one answer depends on, besides the question."""
        return self.model_dump(mode="json", include={"base_url", "model", "temperature", "seed", "max_output_tokens"})

    def of_grades(self) -> dict[str, object]:
        """What a grade depends on: another value makes another version of the grader."""
        own = self.model_dump(mode="json", include={"repeats", "combine", "max_prompt_characters"})
        return own | self.of_answers()


def family_of(model: str) -> str:
    """Who made a model, by its name (`openai/gpt-4o-mini`, `claude-sonnet-5`); `unknown` where it does not say."""
    last = model.lower().rpartition("/")[2]
    for stem, family in _FAMILIES.items():
        if last.startswith(stem) or f"-{stem}" in last:
            return family
    return "unknown"


def load_judge(path: Path) -> JudgeSettings:
    """A judge from a YAML file.

    Raises:
        ConfigurationError: the file is missing, is no YAML, or says something that it may not; the message names file
            and field.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({error}): name a judge's YAML file") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}: write settings as `name: value`, at least `model: …` (docs/evals/judges.md)")
    try:
        return JudgeSettings.model_validate(found, strict=False)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError(f"{path}: {told} (docs/evals/judges.md lists the settings)") from error
