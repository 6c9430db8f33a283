"""The jars of Apache Kafka: fetched once by Maven, kept in a cache, held to a lock file of checksums.

`python -m watchkeeper.cli.stack.apache.jars` writes the lock file anew from `pom.xml`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from watchkeeper.cli.stack.apache.programs import maven_program
from watchkeeper.schemas.errors import StackError

POM = Path(__file__).with_name("pom.xml")
LOCK = Path(__file__).with_name("jars.lock.json")
FETCH_SECONDS = 300.0
_POLL_SECONDS = 0.2
_NAME = re.compile(r"(?P<name>.+?)-(?P<version>\d[\w.\-]*)\.jar")
_REMEDY = "if pom.xml was changed on purpose, write the lock anew by `make kafka-lock`"


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of the lock file.

    Attributes:
        name: the artifact's name.
        version: its version.
        sha256: the checksum of its bytes, in hexadecimal.
    """

    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """Its file name."""
        return f"{self.name}-{self.version}.jar"


def read_lock(path: Path = LOCK) -> tuple[Jar, ...]:
    """The jars of a lock file.

    Raises:
        StackError: it cannot be read.
    """
    try:
        return tuple(Jar(**entry) for entry in json.loads(path.read_text())["jars"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StackError(f"{path} is no lock file of jars ({error}): restore it, or {_REMEDY}") from error


def cache_directory() -> Path:
    """Where what is fetched is kept: `$XDG_CACHE_HOME/watchkeeper`, by default `~/.cache/watchkeeper`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "watchkeeper"


def jars_directory(lock: Path = LOCK, cache: Path | None = None) -> Path:
    """Where the jars of a lock file are, or will be: another set is another directory, so versions do not mix."""
    return (cache or cache_directory()) / f"kafka-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"


def kafka_jars(lock: Path = LOCK, cache: Path | None = None) -> Path:
    """The directory that holds exactly the jars of the lock file; fetched by Maven where it is not there yet.

    Raises:
        ApacheKafkaUnavailableError: they must be fetched and Maven is missing.
        StackError: Maven failed, or a jar is not the one that the lock file names.
    """
    wanted = read_lock(lock)
    directory = jars_directory(lock, cache)
    if not directory.is_dir():
        with _only_one(directory.with_name("kafka.lock")):
            if not directory.is_dir():
                _fetch_into(directory, wanted)
    check_jars(directory, wanted, f"remove {directory}, and it is fetched again")
    return directory


def check_jars(directory: Path, wanted: tuple[Jar, ...], remedy: str) -> None:
    """Compare a directory with the lock file.

    Raises:
        StackError: a jar is missing, too many, or another; the message names it and ends with the remedy.
    """
    found = {path.name for path in directory.glob("*.jar")}
    for jar in wanted:
        if jar.file not in found:
            raise StackError(f"{directory / jar.file} is missing, which the lock file names: {remedy}")
        sha256 = _sha256(directory / jar.file)
        if sha256 != jar.sha256:
            message = f"{directory / jar.file} has the checksum {sha256}, the lock file says {jar.sha256}: {remedy}"
            raise StackError(message)
    for name in sorted(found - {jar.file for jar in wanted}):
        raise StackError(f"{directory / name} is not in the lock file: {remedy}")


def write_lock(path: Path = LOCK) -> tuple[Jar, ...]:
    """Write the lock file anew, from what Maven resolves for `pom.xml` now.

    Raises:
        StackError: Maven is missing or failed.
    """
    with tempfile.TemporaryDirectory(prefix="watchkeeper-jars-") as own:
        jars = tuple(_described(file) for file in sorted(_fetched(Path(own)).glob("*.jar")))
    path.write_text(json.dumps({"jars": [asdict(jar) for jar in jars]}, indent=1) + "\n")
    return jars


def _fetch_into(directory: Path, wanted: tuple[Jar, ...]) -> None:
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=directory.parent) as own:
        fetched = _fetched(Path(own))
        check_jars(fetched, wanted, f"it is not used. Look at where your Maven fetches from; {_REMEDY}")
        fetched.rename(directory)


def _fetched(own: Path) -> Path:
    """What Maven resolves, in a directory under `own`."""
    pom = Path(shutil.copy(POM, own))
    jars = own / "jars"
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
    command = [maven_program(), "--batch-mode", "--quiet", "--file", str(pom), *goal]
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(f"Maven could not fetch Apache Kafka: {error}") from error
    if ended.returncode != 0:
        said = " | ".join((ended.stdout + ended.stderr).strip().splitlines()[-5:])
        raise StackError(f"Maven could not fetch Apache Kafka; look at its settings and the network. It said: {said}")
    return jars


def _described(file: Path) -> Jar:
    found = _NAME.fullmatch(file.name)
    if found is None:
        raise StackError(f"{file.name} tells no name and version")
    return Jar(found["name"], found["version"], _sha256(file))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Holds a lock that other processes wait for: test runs begin at once, and one download serves them all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + FETCH_SECONDS
    with path.open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise StackError(f"another process holds {path} for too long: end it, and try again") from error
                time.sleep(_POLL_SECONDS)
            else:
                break
        yield


if __name__ == "__main__":
    print(f"{len(write_lock())} jars in {LOCK}", file=sys.stderr)
