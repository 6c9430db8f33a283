from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from watchkeeper.cli.stack.testing import running_clickhouse

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="package")
def endpoint_dsn() -> Iterator[str]:
    with running_clickhouse() as dsn:
        yield dsn
