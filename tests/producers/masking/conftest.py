from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from watchkeeper.schemas.topics import EVENTS


@pytest.fixture(scope="session")
def slow_masker() -> Callable[..., Any]:
    """`SlowMasker`. Tests are no package: what they share is loaded by its path, once."""
    name = "watchkeeper_slow_masker"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("slow_masker.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return cast("Callable[..., Any]", sys.modules[name].SlowMasker)


@pytest.fixture
def records_of() -> Callable[..., bytes]:
    """Reads all records of a tenant from a broker, until some of its sessions (2, if not told) have ended."""

    def read(bootstrap: str, tenant: str, sessions: int = 2) -> bytes:
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": tenant, "enable.auto.commit": False})
        consumer.assign([TopicPartition(EVENTS.name, one, OFFSET_BEGINNING) for one in range(EVENTS.partitions)])
        found, deadline = b"", time.monotonic() + 60
        try:
            while found.count(b'"type":"session_ended"') < sessions and time.monotonic() < deadline:
                message = consumer.poll(0.2)
                if message is not None and not message.error() and (message.key() or b"").startswith(tenant.encode()):
                    found += (message.value() or b"") + b"\n"
        finally:
            consumer.close()
        return found

    return read
