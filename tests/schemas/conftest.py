"""What the tests of the contract share."""

from __future__ import annotations

from hypothesis import settings

# The machine may be busy with other things: how long one example takes says nothing.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
