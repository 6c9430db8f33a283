"""The contract for other languages: one JSON Schema (2020-12) for each contract and version, in `schemas/json/`.

    python -m watchkeeper.schemas.json_schema            writes them
    python -m watchkeeper.schemas.json_schema --check    says whether the files are what the models say

The models are the source; the committed files are the golden record of what was promised. Within a version a schema may
only grow (`compatibility` tells the rule), so an export over a file that it would break is refused. What cannot be said
by growing is a new version:

1. raise the contract's version: `SCHEMA_VERSION` in `envelope.py` for events, the bound of `schema_version` for
   findings, signals and control, and the entry in `CONTRACTS` below;
2. export: the new version gets a file of its own, the old one stays as it is;
3. keep reading the old version as long as retention keeps it, and upgrade workers before SDKs: a worker dead-letters
   what is newer than itself, and takes it after its own upgrade.

A schema takes a little more than the models do: JSON Schema cannot say that a time lies between 1970 and 2299, or that
`expires_at` is after `issued_at`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from watchkeeper.schemas.compatibility import breaking_changes
from watchkeeper.schemas.control import CONTROL_ADAPTER
from watchkeeper.schemas.envelope import SCHEMA_VERSION
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.events import EVENT_ADAPTER
from watchkeeper.schemas.findings import FINDING_ADAPTER
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.scores import SCORE_ADAPTER
from watchkeeper.schemas.signals import SIGNAL_ADAPTER

FOLDER = Path(__file__).parent / "json"


class _Untitled(GenerateJsonSchema):
    """Without a title for each field: it would say the field's name again."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - the base class's signature
        return False


@dataclass(frozen=True, slots=True)
class Contract:
    """One thing that others may write or read.

    Attributes:
        name: as in the file's name.
        version: as in the file's name.
        adapter: what reads it here.
    """

    name: str
    version: int
    adapter: TypeAdapter[Any]

    @property
    def file_name(self) -> str:
        """The golden file, inside `schemas/json/`."""
        return f"{self.name}.v{self.version}.json"

    def schema(self) -> dict[str, Any]:
        """The JSON Schema, as the models say it now."""
        head = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:watchkeeper:{self.name}:v{self.version}",
        }
        body = self.adapter.json_schema(schema_generator=_Untitled)
        return head | body | {"title": f"Watchkeeper {self.name}, version {self.version}"}

    def text(self) -> str:
        """The golden file's text: the same models give the same bytes."""
        return json.dumps(self.schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


CONTRACTS: tuple[Contract, ...] = (
    Contract("event", SCHEMA_VERSION, EVENT_ADAPTER),
    Contract("finding", 1, FINDING_ADAPTER),
    Contract("signal", 1, SIGNAL_ADAPTER),
    Contract("score", 1, SCORE_ADAPTER),
    Contract("control", 1, CONTROL_ADAPTER),
    Contract("policy", 1, TypeAdapter(AgentPolicy)),
)


def stale(folder: Path = FOLDER, contracts: Sequence[Contract] = CONTRACTS) -> list[str]:
    """Names of the files that are missing, or are not what the models say now."""
    return [
        contract.file_name
        for contract in contracts
        if not (folder / contract.file_name).is_file()
        or (folder / contract.file_name).read_text(encoding="utf-8") != contract.text()
    ]


def export(folder: Path = FOLDER, contracts: Sequence[Contract] = CONTRACTS) -> list[str]:
    """Write the files that are stale, and return their names.

    Raises:
        ConfigurationError: a file of the same version would be broken; nothing was written.
    """
    names = stale(folder, contracts)
    waiting = [contract for contract in contracts if contract.file_name in names]
    problems = [problem for contract in waiting for problem in _broken(contract, folder)]
    if problems:
        raise ConfigurationError(
            "\n".join(problems) + "\nMake the change one that only adds, or raise the contract's version; "
            "watchkeeper/schemas/json_schema.py tells how."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for contract in waiting:
        (folder / contract.file_name).write_text(contract.text(), encoding="utf-8", newline="\n")
    return names


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m watchkeeper.schemas.json_schema", description="Export the contract."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file is stale")
    if parser.parse_args(arguments).check:
        names = stale()
        for name in names:
            sys.stderr.write(f"{name} is not what the models say: run python -m watchkeeper.schemas.json_schema\n")
        return 1 if names else 0
    try:
        written = export()
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for name in written:
        sys.stdout.write(f"{name}\n")
    return 0


def _broken(contract: Contract, folder: Path) -> list[str]:
    path = folder / contract.file_name
    if not path.is_file():
        return []
    changes = breaking_changes(json.loads(path.read_text(encoding="utf-8")), contract.schema())
    return [f"{contract.file_name}: {change}" for change in changes]


if __name__ == "__main__":
    sys.exit(main())
