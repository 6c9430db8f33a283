"""The programs that Apache Kafka needs beside its jars: Java, and Maven once."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from watchkeeper.schemas.errors import StackError

OLDEST_JAVA = 17
_ASK_SECONDS = 30.0
_INSTEAD = "or use the embedded broker"


class ApacheKafkaUnavailableError(StackError):
    """Apache Kafka cannot run here because a program is missing; the message says which, and what to do."""


@functools.cache
def java_program() -> str:
    """The Java that runs the broker: that of `$JAVA_HOME`, else the one on the PATH.

    Raises:
        ApacheKafkaUnavailableError: there is none, or it is older than 17.
    """
    home = os.environ.get("JAVA_HOME", "")
    found = shutil.which(str(Path(home) / "bin" / "java")) if home else shutil.which("java")
    if found is None:
        where = f"in JAVA_HOME ({home})" if home else "on the PATH"
        message = f"no java {OLDEST_JAVA} {where}: install a Java runtime (Debian: apt install openjdk-17-jre-headless)"
        raise ApacheKafkaUnavailableError(f"{message}, {_INSTEAD}")
    version = java_version(found)
    if version < OLDEST_JAVA:
        message = (
            f"{found} is Java {version} and Apache Kafka needs {OLDEST_JAVA} or later: install it or set JAVA_HOME"
        )
        raise ApacheKafkaUnavailableError(f"{message}, {_INSTEAD}")
    return found


def java_version(program: str) -> int:
    """The feature number of a Java: 17 of 17.0.15, 8 of 1.8.0.

    Raises:
        ApacheKafkaUnavailableError: the program does not say.
    """
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=_ASK_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise ApacheKafkaUnavailableError(f"{program} -version fails ({error}): mend it or set JAVA_HOME") from error
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    if found is None:
        raise ApacheKafkaUnavailableError(f"{program} -version says no version: set JAVA_HOME to Java {OLDEST_JAVA}")
    return int(found.group(1))


def maven_program() -> str:
    """Maven, which fetches the jars once.

    Raises:
        ApacheKafkaUnavailableError: it is not on the PATH.
    """
    found = shutil.which("mvn")
    if found is None:
        message = f"no mvn on the PATH: install Maven (Debian: apt install maven), {_INSTEAD}"
        raise ApacheKafkaUnavailableError(message)
    return found
