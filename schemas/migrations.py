"""The tables of ClickHouse: numbered `.sql` files, and the runner that applies them in order, each once.

ClickHouse has no transaction over its definitions. So every statement is safe to repeat (`IF NOT EXISTS`), and a file
counts as applied when its last statement has run: after a crash half-way the file runs again from its beginning.
A file that was applied anywhere never changes: what must change comes as a new file with the next number.

The runner knows no client library: it needs two functions of one (`Client`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from string import Template
from typing import Any, Protocol

from watchkeeper.schemas.errors import ConfigurationError, MigrationError
from watchkeeper.schemas.sql_text import UnclosedError, split_statements

_FILE_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
_CLUSTER_NAME = re.compile(r"^[A-Za-z0-9_.-]+$")

LEDGER = """CREATE TABLE IF NOT EXISTS schema_migrations $on_cluster
(
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(applied_at)
ORDER BY name"""
"""The table of what was applied."""


class Client(Protocol):
    """What the runner needs of a ClickHouse client that works in one database."""

    def command(self, sql: str) -> object:
        """Run a statement for its effect."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The one setting by which the same files serve a single node and a replicated cluster.

    Attributes:
        cluster: the cluster's name in ClickHouse's configuration, or None for a single node.

    Raises:
        ConfigurationError: the name holds what no cluster's name may hold.
    """

    cluster: str | None = None

    def __post_init__(self) -> None:
        if self.cluster is not None and not _CLUSTER_NAME.match(self.cluster):
            raise ConfigurationError(
                f"cluster {self.cluster!r} is no cluster's name: use letters, digits, `_`, `-` and `.`, "
                "as the table system.clusters lists it"
            )

    @property
    def placeholders(self) -> dict[str, str]:
        """What stands for `${replacing}` and `$on_cluster` in the files."""
        if self.cluster is None:
            return {"replacing": "ReplacingMergeTree", "on_cluster": ""}
        return {"replacing": "ReplicatedReplacingMergeTree", "on_cluster": f"ON CLUSTER '{self.cluster}'"}


SINGLE_NODE = EngineSettings()


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file.

    Attributes:
        name: the file's name, which begins with its number.
        text: the file as written, its lines ended by a line feed alone.
        checksum: SHA-256 of the text, in hexadecimal.
    """

    name: str
    text: str
    checksum: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "checksum", hashlib.sha256(self.text.encode()).hexdigest())

    def statements(self, engine: EngineSettings = SINGLE_NODE) -> list[str]:
        """The statements to run, rendered for a single node or a cluster.

        Raises:
            MigrationError: an unknown placeholder, or a quote that is not closed.
        """
        try:
            cut = split_statements(self.text)
            return [Template(statement).substitute(engine.placeholders).strip() for statement in cut]
        except (KeyError, ValueError) as error:
            raise MigrationError(f"{self.name}: {_template_fault(error)}") from error


def load(folder: Traversable | None = None) -> list[Migration]:
    """The numbered files in order: of this package, or of another folder.

    Raises:
        MigrationError: a file without a number, a number that is missing or stands twice.
    """
    source = resources.files("watchkeeper.schemas") / "ddl" if folder is None else folder
    found = sorted((entry for entry in source.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    for expected, entry in enumerate(found, start=1):
        match = _FILE_NAME.match(entry.name)
        if match is None:
            raise MigrationError(f"{entry.name}: name it like 0001_events.sql, four digits and small letters")
        number = int(match.group(1))
        if number != expected:
            fault = "stands twice" if number < expected else f"follows {expected - 1:04d}"
            raise MigrationError(f"{entry.name}: number {number:04d} {fault}; number it {expected:04d}")
    return [Migration(entry.name, entry.read_bytes().decode().replace("\r\n", "\n")) for entry in found]


def create_database(name: str, engine: EngineSettings = SINGLE_NODE) -> str:
    """The statement that makes a database where it is missing."""
    quoted = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"CREATE DATABASE IF NOT EXISTS `{quoted}` {engine.placeholders['on_cluster']}".rstrip()


def applied(client: Client) -> dict[str, str]:
    """Names and checksums of the files that this database has; empty for a new one. Changes nothing."""
    if client.rows("EXISTS TABLE schema_migrations")[0][0] == 0:
        return {}
    rows = client.rows("SELECT name, argMax(checksum, applied_at) FROM schema_migrations GROUP BY name")
    return {str(name): str(checksum) for name, checksum in rows}


def pending(have: dict[str, str], migrations: Sequence[Migration]) -> list[Migration]:
    """The files that a database with these applied ones still needs, in order.

    Raises:
        MigrationError: an applied file has changed since, or this version of Watchkeeper does not know it, or a
            file is missing below one that was applied.
    """
    known = {migration.name for migration in migrations}
    newer = sorted(set(have) - known)
    if newer:
        raise MigrationError(
            f"the database has {', '.join(newer)}, which this version of Watchkeeper does not know: "
            "it was migrated by a later version; upgrade Watchkeeper here"
        )
    for migration in migrations:
        if migration.name in have and have[migration.name] != migration.checksum:
            raise MigrationError(
                f"{migration.name} has changed since it was applied (then {have[migration.name][:12]}, "
                f"now {migration.checksum[:12]}): restore the file, and put the change into a new one "
                f"numbered {len(migrations) + 1:04d}"
            )
    missing = [migration for migration in migrations if migration.name not in have]
    if have and missing and missing[0].name < max(have):
        raise MigrationError(
            f"the database has {max(have)} but not {missing[0].name}, which comes before it: "
            "look at schema_migrations; restore the row that was deleted, or restore the database"
        )
    return missing


def plan(client: Client, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """The files that `apply` would run now. Changes nothing.

    Raises:
        MigrationError: database and files disagree; see `pending`.
    """
    return pending(applied(client), load() if migrations is None else migrations)


def apply(
    client: Client,
    *,
    engine: EngineSettings = SINGLE_NODE,
    dry_run: bool = False,
    migrations: Sequence[Migration] | None = None,
) -> list[str]:
    """Bring a database up to date. Safe to repeat, and to repeat after a crash at any statement.

    Args:
        client: works in the database; the database exists.
        engine: single node or cluster.
        dry_run: change nothing.
        migrations: in place of the files of this package.

    Returns:
        The names of the files that were applied, or would be.

    Raises:
        MigrationError: database and files disagree, or a file cannot be read; nothing was changed.
        Exception: what the client raised, with a note that names the file and the statement.
    """
    waiting = plan(client, migrations)
    # All files are rendered before the first statement runs: a fault in the last one must not stop half-way.
    work = [(migration, migration.statements(engine)) for migration in waiting]
    if dry_run or not work:
        return [migration.name for migration in waiting]
    client.command(Template(LEDGER).substitute(engine.placeholders))
    for migration, statements in work:
        for number, statement in enumerate([*statements, _record(migration)], start=1):
            try:
                client.command(statement)
            except Exception as error:
                error.add_note(f"{migration.name}, statement {number}")
                raise
    return [migration.name for migration in waiting]


def _record(migration: Migration) -> str:
    name = migration.name.replace("\\", "\\\\").replace("'", "\\'")
    values = f"'{name}', '{migration.checksum}'"
    # A SELECT and not VALUES: its text holds no data part that an endpoint would have to cut off.
    return f"INSERT INTO schema_migrations (name, checksum) SELECT {values}"


def _template_fault(error: Exception) -> str:
    if isinstance(error, UnclosedError):
        return f"{error}; close it"
    if isinstance(error, KeyError):
        known = ", ".join(f"${name}" for name in SINGLE_NODE.placeholders)
        return f"${error.args[0]} is no known placeholder; use {known}, or $$ for a dollar sign"
    return f"{error}; write $$ for a dollar sign"
