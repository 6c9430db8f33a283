"""What the worker is told by its environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.stream_processors.settings import from_environment
from watchkeeper.stream_processors.worker import EXIT_CONFIGURATION

LEAST = {
    "WATCHKEEPER_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "WATCHKEEPER_CLICKHOUSE_DSN": "http://user:password@127.0.0.1:8123/watchkeeper",
}


def test_the_least_that_must_be_said() -> None:
    settings = from_environment(LEAST)
    assert settings.bootstrap == "127.0.0.1:9092"
    assert settings.home == Path(".watchkeeper")
    assert settings.group == "watchkeeper"
    assert settings.acting == {"live"}
    assert settings.prices is settings.ready_file is None


def test_everything_that_can_be_said() -> None:
    further = {
        "WATCHKEEPER_HOME": "/var/lib/watchkeeper",
        "WATCHKEEPER_GROUP": "blue",
        "WATCHKEEPER_SIMULATED_ACTS": "yes",
        "WATCHKEEPER_PRICES": "prices.yaml",
        "WATCHKEEPER_READY_FILE": "/run/ready",
    }
    settings = from_environment({**LEAST, **further})
    assert settings.home == Path("/var/lib/watchkeeper")
    assert settings.group == "blue"
    assert settings.acting == {"live", "simulated"}
    assert settings.prices == Path("prices.yaml")
    assert settings.ready_file == Path("/run/ready")


def test_what_is_empty_counts_as_not_said() -> None:
    empty = dict.fromkeys(("WATCHKEEPER_HOME", "WATCHKEEPER_GROUP", "WATCHKEEPER_PRICES", "WATCHKEEPER_READY_FILE"), "")
    assert from_environment({**LEAST, **empty}) == from_environment(LEAST)


@pytest.mark.parametrize("missing", [*LEAST, ""])
def test_what_is_missing_is_named_with_an_example(missing: str) -> None:
    said = {name: value for name, value in LEAST.items() if missing not in {name, ""}}
    with pytest.raises(ConfigurationError) as told:
        from_environment(said)
    assert str(told.value).startswith(missing or " and ".join(LEAST))
    assert "must be set, for example WATCHKEEPER_KAFKA_BOOTSTRAP=" in str(told.value)


def test_the_password_is_not_shown() -> None:
    assert "password" not in repr(from_environment(LEAST))


@pytest.mark.parametrize(
    ("value", "acts"), [("1", True), ("TRUE", True), (" yes ", True), ("0", False), ("no", False), ("False", False)]
)
def test_a_flag(value: str, acts: bool) -> None:
    assert from_environment({**LEAST, "WATCHKEEPER_SIMULATED_ACTS": value}).simulated_acts is acts


def test_a_flag_that_is_neither() -> None:
    with pytest.raises(ConfigurationError, match="WATCHKEEPER_SIMULATED_ACTS is 'perhaps': set it to 1 or 0"):
        from_environment({**LEAST, "WATCHKEEPER_SIMULATED_ACTS": "perhaps"})


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "WATCHKEEPER_KAFKA_BOOTSTRAP and WATCHKEEPER_CLICKHOUSE_DSN must be set"),
        ({**LEAST, "WATCHKEEPER_CLICKHOUSE_DSN": "localhost"}, "the ClickHouse address"),
        ({**LEAST, "WATCHKEEPER_PRICES": "/no/such/file.yaml"}, "/no/such/file.yaml"),
    ],
    ids=["nothing", "an address", "prices"],
)
def test_a_worker_that_cannot_start_says_why(environment: dict[str, str], said: str, tmp_path: Path) -> None:
    """Its exit code tells a supervisor that starting it again would not help."""
    command = [sys.executable, "-m", "watchkeeper.stream_processors.worker"]
    ended = subprocess.run(
        command, env={**environment, "PATH": ""}, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == EXIT_CONFIGURATION
    assert said in ended.stderr
    assert ended.stderr.startswith("watchkeeper worker: ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_key_for_grants_must_be_one() -> None:
    settings = from_environment({**LEAST, "WATCHKEEPER_GRANT_KEY": "0123456789abcdef"})
    assert settings.grant_key == b"0123456789abcdef"
    assert "0123456789abcdef" not in repr(settings)
    with pytest.raises(ConfigurationError, match="WATCHKEEPER_GRANT_KEY must have at least 16 characters"):
        from_environment({**LEAST, "WATCHKEEPER_GRANT_KEY": "short"})
