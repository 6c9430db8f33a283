from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import settings

from watchkeeper.stream_processors.detection.sequences import story
from watchkeeper.stream_processors.detection.sequences.hall import Hall

# The machine may be busy with other things: how long one example takes says nothing.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


@pytest.fixture(scope="session")
def stories() -> SimpleNamespace:
    """`Story` tells events, `Hall` judges them."""
    return SimpleNamespace(
        **{name: getattr(story, name) for name in ("START_US", "SALT", "Story", "tool", "obj")}, Hall=Hall
    )
