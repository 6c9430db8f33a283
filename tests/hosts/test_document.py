"""The figures in `docs/hosts.md` are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.producers import Settings
from watchkeeper.producers.losses import LOSS_REASONS
from watchkeeper.producers.settings import KIB, MIB
from watchkeeper.producers.transport.disk import DAMAGED_SECONDS, DAMAGED_SHARE, LOOK_SECONDS
from watchkeeper.producers.transport.kafka import BATCH_BYTES
from watchkeeper.producers.writing.sender import STALL_SECONDS

TEXT = " ".join((Path(__file__).parents[2] / "docs" / "hosts.md").read_text().split())
DEFAULT = Settings()


@pytest.mark.parametrize(
    "said",
    [
        f"`spool_bytes` ({DEFAULT.spool_bytes // MIB} MiB)",
        f"looks every {LOOK_SECONDS:.0f} seconds",
        f"`linger_ms` ({DEFAULT.linger_ms}) for company, {DEFAULT.busy_linger_ms} (`busy_linger_ms`)",
        f"where over {DEFAULT.busy_events} wait",
        f"`buffer_bytes` ({DEFAULT.buffer_bytes // MIB} MiB) of records",
        f"`queue_events` ({DEFAULT.queue_events:,}) events or `queue_bytes` ({DEFAULT.queue_bytes // MIB} MiB)",
        f"`exit_seconds` ({DEFAULT.exit_seconds:.0f})",
        f"after {STALL_SECONDS:.0f} s the log says",
        f"{DAMAGED_SECONDS // 86_400} days, at most",
        f"a request is at most {BATCH_BYTES // KIB} KiB",
    ],
)
def test_a_figure_is_the_code_s(said: str) -> None:
    assert said in TEXT


def test_a_quarter_is_a_quarter() -> None:
    assert "a quarter of `spool_bytes`" in TEXT
    assert DAMAGED_SHARE == 4


def test_every_loss_that_a_host_s_surroundings_cause_is_named() -> None:
    of_its_own = {"shortened", "mask_failed", "session_over", "no_session", "internal_error"}
    assert [reason for reason in LOSS_REASONS if reason not in of_its_own and f"`{reason}`" not in TEXT] == []
